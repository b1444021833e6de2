"""A named pipe between a test and a process inside a container: each step waits for a line.

Both ends are kept open here, so that neither side blocks in open() and no line gets lost,
whoever comes first.
"""

from __future__ import annotations

import os
import select
from pathlib import Path

from .deadline import PATIENCE_S, DeadlineExceeded


class Fifo:
    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._unread = b""

    def send(self, lines: int = 1) -> None:
        """Let that many readers go on."""
        os.write(self._fd, b"\n" * lines)

    def receive(self, patience_s: float = PATIENCE_S) -> str:
        """The next line that somebody wrote."""
        while b"\n" not in self._unread:
            if not select.select([self._fd], [], [], patience_s)[0]:
                raise DeadlineExceeded(f"waited {patience_s:.0f} s for a line in {self.path}")
            self._unread += os.read(self._fd, 65536)
        line, self._unread = self._unread.split(b"\n", 1)
        return line.decode()

    def close(self) -> None:
        os.close(self._fd)
