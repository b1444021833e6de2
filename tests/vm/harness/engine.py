"""Docker and Podman in the machine, as an administrator uses them.

There is no network, so images are made from nothing: they have symbolic links to /usr, and each container gets
the machine's /usr mounted read-only. So every program of the machine is in every container.
"""

from __future__ import annotations

import itertools
import json
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from .deadline import PATIENCE_S, wait_until
from .machine import Done, Machine

IMAGE = "lastout-tests/base:1"
# /etc/passwd is for --user, and for programs that look up root.
MAKE_IMAGE = """
set -eu
[ ! -e /tmp/image.tar ] || exit 0
root=$(mktemp -d)
mkdir -p $root/usr $root/etc $root/tmp $root/run $root/var/log $root/proc $root/sys $root/dev
chmod 1777 $root/tmp
for name in bin sbin lib lib64; do ln -s usr/$name $root/$name; done
cp /etc/passwd /etc/group $root/etc/
tar -C $root -cf /tmp/image.tar.part .
mv /tmp/image.tar.part /tmp/image.tar
"""
_numbers = itertools.count()


def unique(prefix: str) -> str:
    """Also across runs on a machine that was kept."""
    return f"{prefix}-{int(time.time())}-{next(_numbers)}"


@dataclass
class Container:
    engine: Engine
    id: str
    name: str
    pid: int

    def go(self) -> None:
        """Its task goes on to its end."""
        self.engine.vm.run(f"touch /proc/{self.pid}/root/tmp/go")

    def await_up(self) -> None:
        """Its task runs."""
        self.engine.vm.await_true(f"the task of {self.name}", f"[ -e /proc/{self.pid}/root/tmp/up ]")

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        """Its exit status, as `wait` of the engine reports it."""
        return int(self.engine.call(f"wait {self.id}", timeout_s=timeout_s))

    def inspect(self) -> dict[str, Any]:
        return json.loads(self.engine.call(f"inspect --type container {self.id}"))[0]

    def state(self) -> str:
        return self.inspect()["State"]["Status"]

    def is_running(self) -> bool:
        return bool(self.inspect()["State"]["Running"])

    def listed_status(self) -> str:
        """The column STATUS of `ps --all`."""
        return self.engine.call(f"ps --all --filter id={self.id} --format '{{{{.Status}}}}'")


class Engine:
    word = ""
    program = ""

    def __init__(self, vm: Machine, prefix: str = "") -> None:
        self.vm = vm
        self._prefix = prefix
        self._made: list[str] = []
        self._images: set[str] = set()
        vm.run(MAKE_IMAGE)
        self.prepare()
        self.image(IMAGE)

    def prepare(self) -> None:
        pass

    def image(self, name: str) -> str:
        """Made at first use; a machine that was kept has it already."""
        if name not in self._images:
            if self.try_call(f"image inspect {name}") != 0:
                self.call(f"import /tmp/image.tar {name}")
            self._images.add(name)
        return name

    def call(self, arguments: str, timeout_s: float = PATIENCE_S) -> str:
        return self.vm.run(f"{self._prefix}{self.program} {arguments}", timeout_s=timeout_s)

    def start(self, arguments: str) -> Future[Done]:
        return self.vm.start(f"{self._prefix}{self.program} {arguments}")

    def try_call(self, arguments: str) -> int | None:
        return self.vm.try_run(f"{self._prefix}{self.program} {arguments}").status

    def run(self, command: str, *options: str, name: str = "by-name", image: str = IMAGE, network: str = "none") -> Container:
        """A container in the background that runs a command with its arguments."""
        name = unique(name)
        self.image(image)
        self._made.append(name)
        usual = f"--detach --name {name} --volume /usr:/usr:ro {f'--network={network}' if network else ''}"
        self.call(f"run {usual} {' '.join(options)} {image} {command}")
        # With --rm it may be gone before anything else can be asked, but not while its task waits.
        made = json.loads(self.call(f"inspect --type container {name}"))[0]
        return Container(self, made["Id"], name, int(made["State"]["Pid"]))

    def managed(
        self, *options: str, end: int = 3, name: str = "by-name", init: str = "manager", **more: str
    ) -> Container:
        """With a process manager as PID 1 that outlives its task, which runs when this returns."""
        container = self.run(manager(end, init), *options, name=name, **more)
        container.await_up()
        return container

    def remove_all(self) -> None:
        if self._made:
            self.vm.try_run(f"{self._prefix}{self.program} rm --force {' '.join(self._made)}")
            self._made.clear()


def manager(end: int = 3, init: str = "manager", on_term: str = "-t 0") -> str:
    """A process manager that stays, and its task, which waits for Container.go."""
    return f"{init} {on_term} task {end}"


class Docker(Engine):
    word = program = "docker"

    def prepare(self) -> None:
        self.vm.run("systemctl start docker")


class Podman(Engine):
    word = program = "podman"
