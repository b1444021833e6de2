"""How a process ended, in the words that lastout uses and in those of wait4."""

from __future__ import annotations

import os
import signal
from typing import Any, NamedTuple


class Died(NamedTuple):
    """An exit code, or the name of the signal that killed; never both."""

    exit_code: int | None
    signal: str | None

    @classmethod
    def told(cls, record: dict[str, Any]) -> Died:
        """What a record of lastout says."""
        return cls(record["exit_code"], record["signal"])

    @classmethod
    def waited(cls, status: int) -> Died:
        """What a wait status of the kernel says."""
        if os.WIFEXITED(status):
            return cls(os.WEXITSTATUS(status), None)
        return cls(None, signal_name(os.WTERMSIG(status)))

    def shell_status(self) -> int:
        """One number, as a shell and every container runtime tells it: 128 and the signal's."""
        if self.exit_code is not None:
            return self.exit_code
        assert self.signal is not None
        return 128 + signal.Signals[self.signal]


UNTOUCHED = Died(None, None)
"""The init of a dry run: it did not end at all."""


def code(number: int) -> Died:
    return Died(number, None)


def killed(name: str) -> Died:
    return Died(None, name)


def signal_name(number: int) -> str:
    """Real-time signals are named from the first that programs may use, as `kill -l` does."""
    if signal.SIGRTMIN < number < signal.SIGRTMAX:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"
    return signal.Signals(number).name
