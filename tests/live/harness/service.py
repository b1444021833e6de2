"""A lastout that goes on until it is told to end: what the agent and the tail have in common."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from pathlib import Path
from typing import Sequence

from .deadline import PATIENCE_S
from .machine import LASTOUT
from .stream import Stream

PAGE_SIZE = 4096
"""The smallest pipe."""


class Service:
    def __init__(
        self,
        *args: str,
        binary: Path = LASTOUT,
        environment: dict[str, str] | None = None,
        command: Sequence[str | Path] = (),
        is_stalled: bool = False,
    ) -> None:
        """command: what starts it, where that is not the binary itself.

        is_stalled: no process reads its output before release().
        """
        self._process = subprocess.Popen(
            [*(command or [binary]), *args],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._process.stdout and self._process.stderr
        if is_stalled:
            for pipe in (self._process.stdout, self._process.stderr):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PAGE_SIZE)
        self.out = Stream(self._process.stdout, is_stalled)
        self.err = Stream(self._process.stderr, is_stalled)

    def release(self) -> None:
        """Read what it has written, and will write."""
        self.out.release()
        self.err.release()

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it as a user does, with Ctrl-C; that is a success, and its output stays whole."""
        self._process.send_signal(how)
        self.await_end()

    def await_end(self) -> None:
        assert self.await_status() == 0, self._last_words()
        assert not self.out.malformed, "a line of stdout is no valid JSON"
        assert not self.err.malformed, "a line of stderr is no valid JSON"

    def await_status(self) -> int:
        """Wait until it ends; its exit status, or minus the signal that killed it."""
        status = self._process.wait(PATIENCE_S)
        self.release()
        self.out.await_close()
        self.err.await_close()
        return status

    def kill(self) -> None:
        """End it as the machine's bad day does."""
        self._process.kill()
        self.await_status()

    def clean_up(self) -> None:
        """For the end of a test: whatever state it is in, it must be gone, and end well."""
        if self._process.poll() is not None:
            return
        try:
            self.stop(signal.SIGTERM)
        finally:
            self._process.kill()

    def _last_words(self) -> str:
        return b"\n".join(self.err.lines[-10:]).decode(errors="replace")
