"""A guest whose PID 1 is tests/programs/guest.c, which a test leads by files.

Fifos of the host do not reach into a sandbox, but files of a bound directory do.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
from pathlib import Path

from . import programs
from .deadline import wait_until


class Orders:
    def __init__(self, control: Path) -> None:
        """Bound into the container, where its PID 1 looks for them."""
        self.id = control.parent.name
        self.control = control
        self._numbers = itertools.count(1)

    def processes(self) -> None:
        """The host's: none of those inside is one. For an agent that is asked what it knows."""

    def order(self, order: str) -> int:
        """Give an order, and return at once; its number."""
        number = next(self._numbers)
        written = self.control / f"{number}.new"
        written.write_text(order + "\n")
        written.rename(self.control / str(number))
        return number

    def answer(self, number: int) -> int | None:
        with contextlib.suppress(FileNotFoundError):
            return int((self.control / f"{number}.done").read_text())
        return None

    def await_answer(self, number: int) -> int:
        wait_until(f"order {number} of {self.id}", lambda: self.answer(number) is not None)
        answer = self.answer(number)
        assert answer is not None
        return answer

    def do(self, order: str) -> int:
        """Give an order, and wait until it is carried out."""
        return self.await_answer(self.order(order))

    def put(self, name: str, source: str) -> None:
        """A copy of one of our programs, in /c."""
        shutil.copy(programs.path(source), self.control / name)
