"""Processes that would die with a container's init, and are not in its cgroup."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from pathlib import Path
from typing import Iterator

from . import cgroup, process
from .container import Container
from .deadline import wait_until


class Joined:
    """A process of the host that has joined the container's PID namespace, by nsenter(1)."""

    def __init__(self, container: Container, *command: str) -> None:
        self._nsenter = subprocess.Popen(
            ["nsenter", "--target", str(container.pid), "--pid", *command], stdin=subprocess.PIPE
        )
        self.pid: int = wait_until("nsenter's child", self._child)
        wait_until("its program", lambda: process.comm(self.pid) != "nsenter")

    def _child(self) -> int | None:
        pid = self._nsenter.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else None

    def end(self) -> None:
        """Let it end: its standard input does."""
        assert self._nsenter.stdin
        self._nsenter.stdin.close()
        self._nsenter.wait()

    def end_as_zombie(self) -> None:
        """Let it end while its parent, outside the namespace, reaps nothing."""
        assert self._nsenter.stdin
        self._nsenter.send_signal(signal.SIGSTOP)
        # It is in wait4, which reaps a child before it looks at signals.
        wait_until("nsenter to stop", lambda: process.state(self._nsenter.pid) == "T")
        self._nsenter.stdin.close()
        wait_until("a zombie", lambda: process.state(self.pid) == "Z")

    def reap(self) -> None:
        self._nsenter.send_signal(signal.SIGCONT)
        self._nsenter.wait()

    def close(self) -> None:
        assert self._nsenter.stdin
        self._nsenter.stdin.close()
        self._nsenter.kill()
        self._nsenter.wait()


@contextlib.contextmanager
def joined(container: Container, *command: str) -> Iterator[Joined]:
    made = Joined(container, *(command or ("cat",)))
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def batch_job(name: str) -> Iterator[BatchJob]:
    """A cgroup in every hierarchy, as a batch system makes one for what it moves there."""
    made = BatchJob(name)
    try:
        yield made
    finally:
        made.remove()


class BatchJob:
    def __init__(self, name: str) -> None:
        self._paths = cgroup.make(name)

    def take(self, pid: int) -> None:
        for path in self._paths:
            (path / "cgroup.procs").write_text(str(pid))

    def remove(self) -> None:
        for path in self._paths:
            wait_until(f"{path} to be empty", lambda path=path: not cgroup.processes(path))
        cgroup.remove_empty(self._paths)
