"""A running `lastout run`, and what it has said so far."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, Callable

from .container import Container
from .deadline import PATIENCE_S, DeadlineExceeded
from .service import Service
from .stream import Record

SETTLE = "200ms"
GRACE = "500ms"


class Agent(Service):
    def __init__(
        self,
        init: str,
        run_dir: Path,
        *options: str,
        settle: str = SETTLE,
        restart_settle: str | None = None,
        grace: str = GRACE,
        log: str = "json",
        pin: Path | str = "none",
        verbose: bool = True,
        **process: Any,
    ) -> None:
        """restart_settle is settle unless given. What is left in process goes to Service: another binary, more environment."""
        self.socket = run_dir / "lastout.sock"
        super().__init__(
            *("run", "--init", init, "--settle", settle, "--grace", grace),
            *("--restart-settle", restart_settle or settle),
            *("--log", log, "--socket", str(self.socket), "--pin", str(pin)),
            *(["--verbose"] if verbose else []),
            *options,
            **process,
        )

    def is_ready(self) -> bool:
        return any(record.get("event") == "ready" for record in self.err.records)

    def about(self) -> Record:
        """What it says of itself, at GET /v1/agent."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE_S)
            client.connect(str(self.socket))
            client.sendall(b"GET /v1/agent HTTP/1.0\r\n\r\n")
            said = b""
            while part := client.recv(65536):
                said += part
        found: Record = json.loads(said.split(b"\r\n\r\n", 1)[1])
        return found

    def refused_calls(self) -> list[str]:
        """System calls that its own filter refused, by their names."""
        return [r["call"] for r in self.err.records if r.get("event") == "refused_call"]

    def losses(self) -> dict[str, int]:
        """By name, those that are not zero."""
        return {name: count for name, count in self.about()["losses"].items() if count}

    def await_lost(self, name: str) -> Record:
        """Wait until the log says that something of that kind was lost."""

        def matches(record: Record) -> bool:
            return record.get("event") == "lost" and record.get(name, 0) > 0

        return self.err.await_record(f"a loss of the kind {name}", matches)

    def await_ready(self) -> Record:
        return self.err.await_record("ready", lambda record: record.get("event") == "ready")

    def await_container(self, container: Container) -> Record:
        """Wait until the agent knows the container, though it may not have a task yet."""

        def matches(record: Record) -> bool:
            return record.get("event") == "container" and record.get("container") == container.id

        return self.err.await_record(f"discovery of {container.id}", matches)

    def await_sandbox(self, container: Container, how: str = "events") -> Record:
        """Wait until the gVisor sandbox of that id is watched, by events as a rule."""

        def matches(record: Record) -> bool:
            is_mode = record.get("event") == "sandbox" and record["sandbox"] == container.id
            return is_mode and record["watched_by"] == how

        return self.err.await_record(f"{container.id} to be watched by {how}", matches)

    def await_state(self, container: Container, state: str) -> Record:
        """Wait until the agent has seen the container enter a state, at any time so far."""

        def matches(record: Record) -> bool:
            is_state = record.get("event") == "state" and record.get("to") == state
            return is_state and record.get("container") == container.id

        return self.err.await_record(f"state {state} of {container.id}", matches)

    def states_so_far(self, container: Container) -> list[str]:
        """Every state that the container has entered, in order."""
        changes = (record for record in self.err.records if record.get("event") == "state")
        return [change["to"] for change in changes if change["container"] == container.id]

    def states(self, container: Container) -> list[str]:
        """The same of a container that has ended, complete: the outcome may be read first."""
        self.await_state(container, "gone")
        return self.states_so_far(container)

    def await_working(self, container: Container) -> Record:
        return self.await_state(container, "working")

    def await_refusal(self, container: Container) -> Record:
        def matches(record: Record) -> bool:
            return record.get("event") == "refused" and record["container"] == container.id

        return self.err.await_record(f"refusal of {container.id}", matches)

    def await_put_off(self, container: Container) -> Record:
        """Its timer is over, but it is paused."""

        def matches(record: Record) -> bool:
            return record.get("event") == "put_off" and record["container"] == container.id

        return self.err.await_record(f"a look at {container.id} in vain", matches)

    def await_signalled(self, container: Container) -> Record:
        """By its gVisor sandbox."""

        def matches(record: Record) -> bool:
            return record.get("event") == "signalled" and record["container"] == container.id

        return self.err.await_record(f"a signal to {container.id}", matches)

    def await_finished(self, container: Container) -> Record:
        def matches(record: Record) -> bool:
            return record["event"] == "finished" and record["container"]["id"] == container.id

        try:
            return self.out.await_record(f"outcome of {container.id}", matches)
        except DeadlineExceeded as late:
            raise DeadlineExceeded(f"{late}\n{self._told_of(container)}") from None

    def _told_of(self, container: Container) -> str:
        """All that its log tells of the container, and of all: a failure is to be understood."""
        lines = [
            json.dumps(record)
            for record in self.err.records
            if record.get("container") in (container.id, None) and record.get("event") != "exit"
        ]
        processes = container.processes()
        return "\n".join(["its log:", *lines[-60:], f"alive: {processes}"])

    def outcomes(self) -> list[Record]:
        """All so far, of all containers."""
        return [record for record in self.out.records if record["event"] == "finished"]

    def outcomes_of(self, container: Container) -> list[Record]:
        return [o for o in self.outcomes() if o["container"]["id"] == container.id]

    def clean_up(self) -> None:
        """Whatever else a test is about, no container may ever be finished twice.

        And every call that the agent makes has to be on its list.
        """
        super().clean_up()
        refused = self.refused_calls()
        assert not refused, f"system calls of the agent were refused: {refused}"
        finished = [
            (o["container"]["id"], o["init"]["pid"]) for o in self.outcomes() if o["how"] != "dry_run"
        ]
        assert len(finished) == len(set(finished)), "a container was finished twice"


StartAgent = Callable[..., Agent]
"""What the fixture start_agent gives; see conftest.py."""
