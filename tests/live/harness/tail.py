"""A running `lastout tail`, and the exits it has shown so far."""

from __future__ import annotations

import re
from typing import Callable

from .service import Service
from .stream import Record


class Tail(Service):
    def __init__(self, *options: str, output: str = "json") -> None:
        super().__init__("tail", "-o", output, *options)

    def await_watching(self) -> None:
        """From here on no exit may be missing."""
        self.err.await_line("the line that says it is watching", b"watching")

    def await_exit(self, pid: int) -> Record:
        """The process's, that is; a thread of it may have ended before."""

        def matches(record: Record) -> bool:
            return record["pid"] == pid and record["event"] == "exit"

        return self.out.await_record(f"exit of {pid}", matches)

    def exits(self) -> list[Record]:
        return [record for record in self.out.records if record["event"] == "exit"]

    def exits_of(self, pid: int) -> list[Record]:
        return [record for record in self.exits() if record["pid"] == pid]

    def totals(self) -> tuple[int, int]:
        """Events and lost, from the line that it ends with."""
        last = self.err.lines[-1].decode()
        found = re.search(r"(\d+) events?, (\d+) lost", last)
        assert found, f"no totals in {last!r}"
        return int(found[1]), int(found[2])


StartTail = Callable[..., Tail]
"""What the fixture start_tail gives; see conftest.py."""
