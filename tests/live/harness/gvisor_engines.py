"""gVisor's containers as Docker and containerd make them: runsc in the place of runc.

Debian has no containerd-shim-runsc-v1, so containerd runs runsc by its own shim for runc, as Docker does.
"""

from __future__ import annotations

from pathlib import Path

from . import command, image, programs
from .bundle import Bind
from .containerd import SNAPSHOTTER, Containerd, generated_id
from .docker import Docker
from .gvisor_orders import Orders
from .runtime import StateDirs
from .runtimes import Engines

FLAGS = ["--platform=ptrace", "--network=none"]
NAME = "runsc"
NAME_FROM_START = "runsc-from-start"
NAMESPACE = "lotest-gvisor"


class EngineGuest(Orders):
    """A container whose PID 1 is tests/programs/guest.c by the name init."""

    def __init__(self, directory: Path, init: str) -> None:
        super().__init__(directory / "c")
        self.control.mkdir(parents=True)
        self.put(init, "guest")
        self.args = [f"/c/{init}", "/c"]
        self.binds = [
            Bind(programs.PROGRAMS, "/t", "ro"),
            Bind(self.control, "/c", "rw"),
        ]


class DockerWithRunsc:
    """Debian's runsc, which needs to be told nothing but the name of a runtime."""

    def __init__(self, engines: Engines) -> None:
        self._docker = engines.docker(NAMESPACE, {"runtimes": self._runtimes(engines)})
        # Whatever the runtime is called: it is the root of the shim for runc.
        root = self._docker.directory / "exec" / "runtime-runc" / NAMESPACE
        self.state_dirs: StateDirs = {**self._docker.state_dirs, "runsc": [root]}

    def _runtimes(self, engines: Engines) -> dict[str, dict[str, object]]:
        """The second one as docs/gvisor.md has it, for events from the first instruction on."""
        self.pod_init = engines.new_directory() / "pod-init.json"
        flags = [*FLAGS, f"--pod-init-config={self.pod_init}"]
        return {
            NAME: {"path": "/usr/bin/runsc", "runtimeArgs": FLAGS},
            NAME_FROM_START: {"path": "/usr/bin/runsc", "runtimeArgs": flags},
        }

    def start(
        self, guest: EngineGuest, name: str, *options: str, runtime: str = NAME
    ) -> None:
        volumes = [f"--volume={b.source}:{b.destination}:{b.access}" for b in guest.binds]
        guest.id = self._docker.call(
            *("run", "--detach", "--network=none", f"--runtime={runtime}", "--name", name),
            *(*options, *volumes, image.NAME, *guest.args),
        )

    def exit_status(self, guest: EngineGuest) -> int:
        return int(self._docker.call("wait", guest.id))

    def is_running(self, guest: EngineGuest) -> bool:
        return self._docker.call("inspect", "--format", "{{.State.Running}}", guest.id) == "true"

    def remove(self, guest: EngineGuest) -> None:
        self._docker.call("rm", "--force", guest.id)


class ContainerdWithRunsc:
    """By the option BinaryName of io.containerd.runc.v2, here a script that adds the flags."""

    def __init__(self, server: Containerd) -> None:
        self._directory = server.directory / "runsc"
        self._directory.mkdir()
        self._program = self._directory / "runsc"
        self._program.write_text(f'#!/bin/sh\nexec /usr/bin/runsc {" ".join(FLAGS)} "$@"\n')
        self._program.chmod(0o755)
        self._ctr = server.ctr(NAMESPACE)
        server.load_image(NAMESPACE)
        self.state_dirs: StateDirs = {
            "containerd": [server.state, server.root],
            "runsc": [self._directory / "root" / NAMESPACE],
        }

    def start(self, guest: EngineGuest, name: str, *options: str) -> None:
        guest.id = generated_id(name)
        mounts = [
            f"--mount=type=bind,src={b.source},dst={b.destination},options=rbind:{b.access}"
            for b in guest.binds
        ]
        command.call(
            *(*self._ctr, "run", "--detach", "--null-io", *SNAPSHOTTER, "--cpu-shares", "0"),
            *("--runc-binary", self._program, "--runc-root", self._directory / "root"),
            *(*options, *mounts, image.NAME, guest.id, *guest.args),
        )

    def exit_status(self, guest: EngineGuest) -> int:
        """Of one that has failed `ctr task delete` tells it."""
        said = command.run(*self._ctr, "task", "delete", guest.id).stderr
        return int(said.split("exit with non-zero exit code ")[1].split('"')[0])

    def is_running(self, guest: EngineGuest) -> bool:
        tasks = command.call(*self._ctr, "task", "ls").splitlines()
        return any(line.startswith(guest.id) and "RUNNING" in line for line in tasks)

    def remove(self, guest: EngineGuest) -> None:
        command.run(*self._ctr, "task", "kill", "--signal", "KILL", guest.id)
        command.run(*self._ctr, "task", "delete", "--force", guest.id)
        command.call(*self._ctr, "container", "delete", guest.id)
