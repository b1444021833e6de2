"""What a test asks of a container runtime, whichever it is."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping, NamedTuple, Protocol

StateDirs = Mapping[str, list[Path]]
"""As `state_dirs` in lastout's configuration: whose state, and the directories that hold it."""


class Order(NamedTuple):
    """A container to be made: its bundle (see bundle.py), what people call it, its command."""

    bundle: Path
    name: str
    args: list[str]
    annotations: Mapping[str, str] = {}
    pod: str | None = None
    """The cgroup of a pod to put it into, and what a kubelet would bind: see test_termination.py."""
    binds: Mapping[str, Path] = {}

    @property
    def log(self) -> Path:
        return self.bundle / "console.log"


class Started(NamedTuple):
    id: str
    pid: int


class Runtime(Protocol):
    word: str | None
    """What lastout calls it; None where the path of the cgroup does not tell."""

    state_dirs: StateDirs
    """Where it keeps its state, as far as that is no usual place."""

    def start(self, order: Order) -> Started:
        """Make it and start it; return the id that its cgroup has, and the host pid of init."""

    def exec(self, started: Started, order: Order, inside: list[str]) -> None:
        """Start a process inside from outside, and leave it running."""

    def status(self, started: Started) -> str:
        """running, paused or stopped."""

    def exit_status(self, started: Started) -> int:
        """What it tells its users of a container whose init has ended."""

    def delete(self, order: Order) -> None:
        """Whatever state it is in; also half made."""
