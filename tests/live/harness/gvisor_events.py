"""tests/drivers/gvisor-events: what the agent would be told of the sandboxes of one state directory."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from .deadline import PATIENCE_S
from .gvisor import Guest
from .machine import ROOT
from .stream import Record, Stream

DRIVER = ROOT / "build" / "tests" / "drivers" / "gvisor-events"


def build() -> None:
    target = DRIVER.relative_to(ROOT)
    subprocess.run(["make", "--no-print-directory", "-C", ROOT, target], check=True)


class Events:
    def __init__(self, root: Path, *options: str | Path) -> None:
        root.mkdir(exist_ok=True, mode=0o711)
        self.process = subprocess.Popen(
            list(map(str, [DRIVER, root, *options])),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout
        self.stream = Stream(self.process.stdout)
        self.stream.await_record("the driver", lambda record: record["event"] == "watching")

    # What it was told

    def of(self, guest: Guest, *events: str) -> list[Record]:
        """Records of that container, of these kinds, so far."""
        return [
            record
            for record in list(self.stream.records)
            if record.get("container") == guest.id and (not events or record["event"] in events)
        ]

    def exits(self, guest: Guest) -> list[tuple[str, int | None]]:
        """Role and status of each exit so far."""
        return [(record["role"], record["status"]) for record in self.of(guest, "exit")]

    def await_event(self, guest: Guest, event: str, **fields: Any) -> Record:
        """The first, past or to come, that has these fields."""

        def matches(record: Record) -> bool:
            return (
                record["event"] == event
                and record.get("container") == guest.id
                and all(record.get(key) == value for key, value in fields.items())
            )

        return self.stream.await_record(f"{event} {fields} of {guest.id}", matches)

    def await_init(self, guest: Guest) -> Record:
        """Found with its init, or told of it later: the sandbox was quicker, or we were."""

        def matches(record: Record) -> bool:
            return record.get("container") == guest.id and record.get("init", 0) > 0

        return self.stream.await_record(f"init of {guest.id}", matches)

    def await_mode(self, guest: Guest, mode: str) -> Record:
        def matches(record: Record) -> bool:
            return (
                record["event"] == "mode"
                and record["sandbox"] == guest.id
                and record["mode"] == mode
            )

        return self.stream.await_record(f"mode {mode} of {guest.id}", matches)

    # What it is asked

    def _ask(self, order: str, event: str) -> Record:
        start = len(self.stream.records)
        assert self.process.stdin
        self.process.stdin.write(f"{order}\n".encode())
        self.process.stdin.flush()
        return self.stream.await_record(
            f"an answer to {order}", lambda record: record["event"] == event, start
        )

    def verify(self, guest: Guest) -> Record:
        """Who lives in the container, by the sandbox's own list; all events before it have come."""
        return self._ask(f"verify {guest.id}", "verified")

    def holders(self, guest: Guest) -> list[tuple[str, str]]:
        answer = self.verify(guest)
        assert answer["err"] == 0
        return [(holder["role"], holder["comm"]) for holder in answer["holders"]]

    def signal(self, guest: Guest, number: int) -> Record:
        return self._ask(f"signal {guest.id} {number}", "signalled")

    def stats(self) -> Record:
        """Of the only sandbox."""
        return self._ask("stats", "stats")

    # Its end

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(PATIENCE_S) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def clean_up(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
