"""One container of a test: its init, its tasks, and the fifos that lead them step by step."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from pathlib import Path
from typing import Callable

from . import cgroup, process, scripts
from .deadline import PATIENCE_S, DeadlineExceeded, wait_until
from .died import Died
from .fifo import Fifo
from .oci import Oci
from .runtime import Order, Runtime


class Container:
    """Made by Containers, which also removes it."""

    def __init__(self, runtime: Runtime, order: Order, fifos: tuple[str, ...]) -> None:
        self.name = order.name
        self.id = order.name
        self.pid = 0
        self._cgroups: list[Path] = []
        self._runtime = runtime
        self._order = order
        self._at_end = contextlib.ExitStack()
        self._control = order.bundle / "c"
        self._fifos = {name: Fifo(self._control / name) for name in fifos}
        for fifo in self._fifos.values():
            self.at_end(fifo.close)

    def start(self) -> None:
        self._started = self._runtime.start(self._order)
        self.id, self.pid = self._started
        self.at_end(_reap, self.pid)
        self._pidfd = os.pidfd_open(self.pid)
        self.at_end(os.close, self._pidfd)
        self.at_end(self._kill)
        everywhere = cgroup.directories(self.pid)
        self._cgroups = [path for path in everywhere if self.id in str(path)] or everywhere[:1]

    def status(self) -> str:
        """running, paused or stopped, in the runtime's own words."""
        return self._runtime.status(self._started)

    # Its tasks

    def go(self, fifo: str = "go") -> None:
        """Give one task the word that it waits for."""
        self._fifos[fifo].send()

    def await_up(self, fifo: str = "up") -> int:
        """Wait for the next process that says that it is there, and return its host pid."""
        pid_inside = int(self._fifos[fifo].receive())
        return wait_until(f"process {pid_inside} of {self.id}", lambda: self._host_pid(pid_inside))

    def await_line(self, fifo: str = "up") -> str:
        return self._fifos[fifo].receive()

    def said(self) -> str:
        """What its processes have written to their standard streams."""
        return self._order.log.read_text(errors="replace")

    def path(self, name: str) -> Path:
        """Where the host has a file of its control directory, /c."""
        return self._control / name

    def write(self, name: str, content: bytes) -> None:
        """Put a file into its control directory, /c."""
        (self._control / name).write_bytes(content)

    def read(self, name: str) -> bytes:
        """What is in a file of its control directory; nothing if there is none."""
        path = self._control / name
        return path.read_bytes() if path.exists() else b""

    def processes(self) -> set[int]:
        """Everybody in the container but its init; host pids."""
        return cgroup.processes(self._cgroups[0]) - {self.pid}

    def _host_pid(self, pid_inside: int) -> int | None:
        everybody = cgroup.processes(self._cgroups[0])
        return next((pid for pid in everybody if process.pid_inside(pid) == pid_inside), None)

    # What its runtime can do to it

    def inject(self, command: str = "exit 0") -> int:
        """Start a process from outside, as `docker exec` does; the fifo `injected` releases it."""
        self.enter("sh", "-c", scripts.waiting(command, "injected"))
        return self.await_up()

    def enter(self, *inside: str) -> None:
        """Start a process from outside, and leave it running."""
        self._runtime.exec(self._started, self._order, list(inside))

    def execute(self, *inside: str) -> str:
        """Run a command inside to its end, and return what it printed."""
        return self._oci().execute(self._started, inside)

    def pause(self) -> None:
        self._oci().pause(self._started)

    def resume(self) -> None:
        self._oci().resume(self._started)

    def _oci(self) -> Oci:
        assert isinstance(self._runtime, Oci)
        return self._runtime

    # Its end

    def is_alive(self) -> bool:
        return not select.select([self._pidfd], [], [], 0)[0]

    def await_end(self) -> Died:
        """Wait for init to end, and return what wait4 says about it.

        runc has left init to the tests: conftest.py makes them the parent of orphans.
        """
        self._await_init()
        _, status = os.waitpid(self.pid, 0)
        return Died.waited(status)

    def await_exit_status(self) -> int:
        """Wait for init to end, and return what the runtime tells its users about it."""
        self._await_init()
        return self._runtime.exit_status(self._started)

    def _await_init(self) -> None:
        if not select.select([self._pidfd], [], [], PATIENCE_S)[0]:
            raise DeadlineExceeded(f"waited {PATIENCE_S:.0f} s for init of {self.id} to end")

    def await_death(self) -> None:
        """Wait for ever for init to end, and leave its wait status to somebody else."""
        select.select([self._pidfd], [], [])

    def at_end(self, action: Callable[..., object], *args: object) -> None:
        """Do that once the container is removed."""
        self._at_end.callback(action, *args)

    def remove(self) -> None:
        """Whatever state it is in; also half made."""
        with self._at_end:
            self._runtime.delete(self._order)
            wait_until(f"the cgroups of {self.id} to go", self._is_without_cgroups)

    def _kill(self) -> None:
        """runc takes one whose leader has ended before its threads for dead, and leaves it."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _is_without_cgroups(self) -> bool:
        """Podman in a hurry leaves empty ones now and then; one with somebody in it must not be."""
        cgroup.remove_empty(self._cgroups)
        return not any(path.exists() for path in self._cgroups)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
