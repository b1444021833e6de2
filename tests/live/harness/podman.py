"""podman, with a storage of the tests' own; it has no server."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from . import command, image, machine
from .bundle import binds
from .deadline import wait_until
from .room import Place
from .runtime import Order, Started
from .server import MARK

LIMITS = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")
"""Below what any machine has: Podman's defaults, and `host` too, would raise some."""


class Podman:
    word = "podman"

    def __init__(self, directory: Path, place: Place, archive: Path, program: str) -> None:
        self._program = program
        state = directory / "state"
        self.state_dirs = {"podman": [directory / "root", directory / "run"], program: [state]}
        self._podman = place.command(
            *("env", f"{MARK}={os.getpid()}", "podman"),
            *("--root", directory / "root", "--runroot", directory / "run"),
            *("--tmpdir", directory / "tmp", "--runtime", program),
            f"--runtime-flag=root={state}",
            *("--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=none"),
        )
        self._call("load", "--input", archive)

    def start(self, order: Order) -> Started:
        pid_file = order.bundle / "pid"
        options = [
            *("--detach", "--network=none", "--name", order.name, "--pidfile", pid_file),
            *("--conmon-pidfile", order.bundle / "conmon"),
            # By default it wants the controller pids.
            *("--pids-limit=0", *LIMITS, *self._device_options()),
            *(f"--volume={b.source}:{b.destination}:{b.access}" for b in binds(order.bundle)),
        ]
        self._call("run", *options, image.NAME, *order.args, log=order.log)
        container_id = order.log.read_text().split()[-1]
        return Started(container_id, int(pid_file.read_text()))

    def _device_options(self) -> list[str]:
        """On cgroup2 crun raises a limit before it limits devices: where it may not, all are
        allowed."""
        is_refused = machine.is_pure_v2() and not machine.may_raise_limits()
        return ["--privileged"] if self._program == "crun" and is_refused else []

    def exec(self, started: Started, order: Order, inside: list[str]) -> None:
        self._call("exec", "--detach", order.name, *inside, log=order.log)

    def status(self, started: Started) -> str:
        status = self._call("inspect", "--format", "{{.State.Status}}", started.id)
        return "stopped" if status == "exited" else status

    def exit_status(self, started: Started) -> int:
        return int(self._call("wait", started.id))

    def delete(self, order: Order) -> None:
        self._call("rm", "--force", "--ignore", "--time=0", order.name)
        with contextlib.suppress(FileNotFoundError, ChildProcessError):
            self._await_monitor(int((order.bundle / "conmon").read_text()))

    def _await_monitor(self, pid: int) -> None:
        """conmon outlives its container by a moment. It is an orphan: the tests are its parent."""
        wait_until("conmon to end", lambda: os.waitpid(pid, os.WNOHANG)[0])

    def _call(self, *args: str | Path, log: Path | None = None) -> str:
        return command.call(*self._podman, *args, log=log).strip()
