"""A FUSE file system whose files are flushed when the test gives the word: tests/programs/held-flush.c."""

from __future__ import annotations

import contextlib
import select
import subprocess
from pathlib import Path
from typing import Iterator

from . import programs
from .deadline import PATIENCE_S, DeadlineExceeded


class HeldFlush:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._server = subprocess.Popen(
            [programs.path("held-flush"), directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._await_line("mounted")

    def await_flush(self) -> None:
        """Wait until a process closes the file; it waits for release() from here on."""
        self._await_line("flush")

    def release(self) -> None:
        assert self._server.stdin
        self._server.stdin.write("go\n")
        self._server.stdin.flush()

    def close(self) -> None:
        assert self._server.stdin and self._server.stdout
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait()

    def _await_line(self, wanted: str) -> None:
        assert self._server.stdout
        if not select.select([self._server.stdout], [], [], PATIENCE_S)[0]:
            raise DeadlineExceeded(f"waited {PATIENCE_S:.0f} s for held-flush to say {wanted}")
        line = self._server.stdout.readline().strip()
        assert line == wanted, f"held-flush said {line!r}, not {wanted!r}"


@contextlib.contextmanager
def held_flush(directory: Path) -> Iterator[HeldFlush]:
    directory.mkdir()
    made = HeldFlush(directory)
    try:
        yield made
    finally:
        made.close()
