"""What the processes of a container say of their own lives, and whether lastout did right by them.

Nothing here comes from lastout: tests/programs/soak-life.c writes the record, the kernel tells the
soak test, which is init's parent, how init ended; and lastout's words are held against both.
"""

from __future__ import annotations

import os
import signal
import struct
from typing import Any, Callable, Iterator, NamedTuple

HEAD = struct.Struct("=IIQQ40x")
SLOT = struct.Struct("=QQQIiII16sQ")
SLOTS = 4000
TASK, INJECTED, TIDY, HELPER = 1, 2, 3, 4

WINDOW_S = 0.2
"""A task that init forks after lastout's last look may live when the signal comes. That window is
known, and counted; it is as long as lastout may be kept from a processor."""


class Head(NamedTuple):
    used: int
    is_complete: bool
    """Init will start nobody any more."""
    termed: float
    """Init was sent SIGTERM."""
    left: float
    """Init ended of its own will, whoever lived."""


class Life(NamedTuple):
    """Times are CLOCK_MONOTONIC in seconds; 0: it did not happen."""

    born: float
    marked: float
    reaped: float
    pid: int
    status: int
    kind: int
    comm: bytes

    @property
    def is_over(self) -> bool:
        return bool(self.marked or self.reaped)

    @property
    def end(self) -> float:
        """A moment at which it lived, or was killed by its own kind."""
        return self.marked or self.reaped


SIZE = HEAD.size + SLOTS * SLOT.size


class Record:
    """The file /c/record of one container, which its init makes."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read

    def content(self) -> bytes:
        return self._read("record").ljust(SIZE, b"\0")

    def head(self) -> Head:
        used, is_complete, termed, left = HEAD.unpack(self.content()[: HEAD.size])
        return Head(min(used, SLOTS), bool(is_complete), termed / 1e9, left / 1e9)

    def lives(self) -> list[Life]:
        """Of tasks and of injected processes."""
        return [life for life in self.all() if life.kind in (TASK, INJECTED)]

    def all(self) -> Iterator[Life]:
        data = self.content()
        for number in range(self.head().used):
            at = HEAD.size + number * SLOT.size
            born, marked, reaped, pid, status, kind, _, comm, _ = SLOT.unpack_from(data, at)
            yield Life(
                born / 1e9, marked / 1e9, reaped / 1e9, pid, status, kind, comm.rstrip(b"\0")
            )

    def work_ended(self) -> float | None:
        """When the last of all lives ended; None while one goes on, or another may come."""
        lives = self.lives()
        if not self.head().is_complete or not all(life.is_over for life in lives):
            return None
        return max((life.end for life in lives), default=0.0)


def living(record: Record, init_died: float) -> tuple[list[Life], list[Life]]:
    """Who lived when init was ended: those who must not have, and those born within the window."""
    head = record.head()
    if head.left:
        return [], []
    ended = head.termed or init_died
    alive = [life for life in record.lives() if not life.is_over]
    alive = [life for life in alive if life.born < ended]
    wronged = [life for life in alive if life.born < ended - WINDOW_S]
    return wronged, [life for life in alive if life not in wronged]


def last_tasks(record: Record) -> list[Life] | None:
    """Those of whom any may have been the last: none was reaped before another one's mark.

    None: nobody can tell, because some died with init.
    """
    tasks = [life for life in record.lives() if life.kind == TASK]
    if not all(life.is_over for life in tasks):
        return None
    last_mark = max((life.end for life in tasks), default=0.0)
    return [life for life in tasks if not life.reaped or life.reaped >= last_mark]


def is_tidying(record: Record, outcome: dict[str, Any]) -> bool:
    """Does it speak of a process by which init tidies up, once it was asked to end?

    Such a one is init's child like any task, and with a pause it outlives init's grace; then init is
    spared, and ends by itself.
    """
    told = outcome["last_task"]
    if outcome["how"] != "self" or not record.head().termed or told is None:
        return False
    return told["exit_code"] == 0 and any(life.kind == TIDY for life in record.all())


def orphans(record: Record) -> list[Life]:
    """Injected processes, of which some may have become init's children: an agent with new tables
    cannot tell those from tasks."""
    return [life for life in record.lives() if life.kind == INJECTED]


def says(outcome: dict[str, Any], life: Life) -> bool:
    """Is this the last task that the outcome speaks of?"""
    told = outcome["last_task"]
    if told is None:
        return False
    if not life.reaped:  # its parent died first, and nobody of ours knows how it ended
        return True
    if os.WIFSIGNALED(life.status):
        return told["signal"] == signal.Signals(os.WTERMSIG(life.status)).name
    return told["exit_code"] == os.WEXITSTATUS(life.status)


def shell_status(status: int) -> int:
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
