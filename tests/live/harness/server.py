"""A runtime's server, for all tests of a run: started when the first needs it, ended by its pid."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import Callable

from .command import CommandError
from .deadline import PATIENCE_S, wait_until
from .room import Place

MARK = "LASTOUT_TEST_SERVER"
"""In the environment of a server and of all that it starts: so what is left of it can be found."""

TESTS_END = ["setpriv", "--pdeathsig", "TERM"]
"""However the tests end, and be it by SIGKILL, the server is told."""


class Server:
    def __init__(self, log: Path, place: Place, *command: str | Path) -> None:
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*TESTS_END, *place.command(*command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, MARK: str(os.getpid())},
            )

    def await_answer(self, ask: Callable[[], object]) -> None:
        def answers() -> bool:
            status = self._process.poll()
            assert status is None, f"it ended with {status}: {self._log.read_text()[-2000:]}"
            try:
                ask()
            except CommandError:
                return False
            return True

        wait_until(f"an answer of the server that writes {self._log}", answers)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        finally:
            self._process.kill()


def survivors() -> set[int]:
    """Everybody who was started by a server of this run, or is one."""
    mark = f"{MARK}={os.getpid()}".encode()
    found = set()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in environ.read_bytes().split(b"\0"):
                found.add(int(environ.parent.name))
    return found
