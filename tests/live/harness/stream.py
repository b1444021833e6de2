"""Lines that a running lastout prints, collected while it runs, and waited for."""

from __future__ import annotations

import json
import threading
import time
from typing import IO, Any, Callable

from .deadline import PATIENCE_S, DeadlineExceeded

Record = dict[str, Any]


class Stream:
    """Reads a pipe to its end in a thread of its own, so that the writer never blocks.

    One that is stalled reads nothing before release().
    """

    def __init__(self, pipe: IO[bytes], is_stalled: bool = False) -> None:
        self._may_read = threading.Event()
        if not is_stalled:
            self._may_read.set()
        self.lines: list[bytes] = []
        self.records: list[Record] = []
        self.malformed: list[bytes] = []
        self._changed = threading.Condition()
        self._is_open = True
        self._thread = threading.Thread(target=self._read, args=[pipe], daemon=True)
        self._thread.start()

    def release(self) -> None:
        self._may_read.set()

    def await_record(
        self, what: str, matches: Callable[[Record], bool], start: int = 0
    ) -> Record:
        """The first JSON line, past or to come, that matches; from number start on."""
        at = start

        def find() -> Record | None:
            nonlocal at
            while at < len(self.records):
                at += 1
                if matches(self.records[at - 1]):
                    return self.records[at - 1]
            return None

        return self._await(what, find)

    def await_line(self, what: str, part: bytes) -> bytes:
        """The first line, past or to come, that contains part."""
        return self._await(what, lambda: next((l for l in self.lines if part in l), None))

    def await_close(self) -> None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "somebody keeps lastout's output open"

    def _await(self, what: str, find: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE_S
        with self._changed:
            while (found := find()) is None:
                left = end - time.monotonic()
                if left <= 0 or not self._is_open:
                    raise DeadlineExceeded(self._story(what))
                self._changed.wait(left)
        return found

    def _story(self, what: str) -> str:
        why = "in time" if self._is_open else "before the end of the output"
        tail = b"\n".join(self.lines[-20:]).decode(errors="replace")
        return f"{what} did not come {why}; the last lines were:\n{tail}"

    def _read(self, pipe: IO[bytes]) -> None:
        self._may_read.wait()
        for line in pipe:
            with self._changed:
                self._take(line.rstrip(b"\n"))
                self._changed.notify_all()
        with self._changed:
            self._is_open = False
            self._changed.notify_all()

    def _take(self, line: bytes) -> None:
        self.lines.append(line)
        if line.startswith(b"{"):
            try:
                self.records.append(json.loads(line.decode()))
            except ValueError:
                self.malformed.append(line)
