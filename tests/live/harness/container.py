"""One runc container of a test: its init, its tasks, and the fifos that lead them step by step."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from pathlib import Path
from typing import Callable

from . import cgroup, process, runc, scripts
from .deadline import PATIENCE_S, DeadlineExceeded, wait_until
from .died import Died
from .fifo import Fifo


class Container:
    """Made by Containers, which also removes it."""

    def __init__(self, bundle: Path, container_id: str, fifos: tuple[str, ...]) -> None:
        self.id = container_id
        self.pid = 0
        self._bundle = bundle
        self._log = bundle / "console.log"
        self._at_end = contextlib.ExitStack()
        self._fifos = {name: Fifo(bundle / "c" / name) for name in fifos}
        for fifo in self._fifos.values():
            self.at_end(fifo.close)

    def start(self) -> None:
        # By file: asked a moment later, runc knows no pid of a container that has been finished.
        pid_file = self._bundle / "pid"
        options = ("--detach", "--pid-file", pid_file, "--bundle", self._bundle)
        runc.call("run", *options, self.id, log=self._log)
        self.pid = int(pid_file.read_text())
        self.at_end(_reap, self.pid)
        self._pidfd = os.pidfd_open(self.pid)
        self.at_end(os.close, self._pidfd)
        self._cgroup = cgroup.directories(self.pid)[0]

    def status(self) -> str:
        """running, paused or stopped, in runc's own words."""
        return runc.state(self.id)["status"]

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
        return self._log.read_text(errors="replace")

    def write(self, name: str, content: bytes) -> None:
        """Put a file into its control directory, /c."""
        (self._bundle / "c" / name).write_bytes(content)

    def processes(self) -> set[int]:
        """Everybody in the container but its init; host pids."""
        return cgroup.processes(self._cgroup) - {self.pid}

    def _host_pid(self, pid_inside: int) -> int | None:
        everybody = cgroup.processes(self._cgroup)
        return next((pid for pid in everybody if process.pid_inside(pid) == pid_inside), None)

    # What runc can do to it

    def inject(self, command: str = "exit 0") -> int:
        """Start a process from outside, as `docker exec` does; the fifo `injected` releases it."""
        pid_file = self._bundle / "injected"
        shell = ["sh", "-c", scripts.waiting(command, "injected")]
        runc.call("exec", "--detach", "--pid-file", pid_file, self.id, *shell, log=self._log)
        pid = int(pid_file.read_text())
        # At once: init's end waits until nobody is left in its PID namespace, not even a zombie.
        threading.Thread(target=_reap, args=[pid], daemon=True).start()
        assert self.await_up() == pid
        return pid

    def pause(self) -> None:
        runc.call("pause", self.id)

    def resume(self) -> None:
        runc.call("resume", self.id)

    # Its end

    def is_alive(self) -> bool:
        return not select.select([self._pidfd], [], [], 0)[0]

    def await_end(self) -> Died:
        """Wait for init to end, and return what wait4 says about it.

        runc has left init to the tests: conftest.py makes them the parent of orphans.
        """
        if not select.select([self._pidfd], [], [], PATIENCE_S)[0]:
            raise DeadlineExceeded(f"waited {PATIENCE_S:.0f} s for init of {self.id} to end")
        _, status = os.waitpid(self.pid, 0)
        return Died.waited(status)

    def at_end(self, action: Callable[..., object], *args: object) -> None:
        """Do that once the container is removed."""
        self._at_end.callback(action, *args)

    def remove(self) -> None:
        """Whatever state it is in; also half made."""
        with self._at_end:
            runc.call("delete", "--force", self.id)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
