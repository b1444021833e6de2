"""Every runtime that a test can have: what each needs, and how it is started, once a run."""

from __future__ import annotations

import contextlib
import functools
import itertools
import shutil
from pathlib import Path
from typing import Any, Callable, NamedTuple

from . import cgroup, image, machine, room
from .containerd import Containerd, Namespace
from .deadline import wait_until
from .docker import Docker
from .oci import Oci
from .podman import Podman
from .runtime import Runtime
from .server import survivors

PARENTS = (
    *("default", "k8s.io", "moby", "docker", "lotest-gvisor"),
    *("libpod_parent/conmon", "libpod_parent"),
)
"""The cgroups that runtimes make for all their containers, and leave when the last is gone."""


class Engines:
    """Starts what is asked for, and ends it with the run."""

    def __init__(self, directory: Path, rootfs: Path) -> None:
        self._directory = directory
        self._archive = directory / "image.tar"
        self._at_end = contextlib.ExitStack()
        self._started: dict[tuple[str, bool], Runtime] = {}
        self._parents_before = cgroup.named(PARENTS)
        self._numbers = itertools.count()
        image.write(self._archive, rootfs)

    def runtime(self, name: str) -> Runtime:
        return self._get(name, is_elsewhere=False)

    def elsewhere(self, name: str) -> Runtime:
        """The same runtime with another state directory, or in another namespace."""
        return self._get(name, is_elsewhere=True)

    def close(self) -> None:
        """Nothing may be left. Mounts go with the rooms, and Container sees to its cgroups."""
        self._at_end.close()
        wait_until("every process of the servers to end", lambda: not survivors())
        cgroup.remove_empty(cgroup.named(PARENTS) - self._parents_before)

    def _get(self, name: str, is_elsewhere: bool) -> Runtime:
        key = (name, is_elsewhere)
        if key not in self._started:
            self._started[key] = KINDS[name].make(self, is_elsewhere)
        return self._started[key]

    # What they stand on

    @functools.cached_property
    def plain_room(self) -> room.Room:
        return self._open(room.HIDE_FIXED_PLACES)

    @functools.cached_property
    def room_for_podman_with_crun(self) -> room.Place:
        return self._open(room.HIDE_FIXED_PLACES + self._what_crun_wants())

    @functools.cached_property
    def room_for_crun(self) -> room.Place:
        return self._open(self._what_crun_wants())

    @staticmethod
    def _what_crun_wants() -> str:
        return room.HIDE_UNIFIED if machine.has_unified_controllers() else ""

    def new_directory(self) -> Path:
        directory = self._directory / str(next(self._numbers))
        directory.mkdir()
        return directory

    def _open(self, script: str) -> room.Room:
        opened = room.Room(script)
        self._at_end.callback(opened.close)
        return opened

    @functools.cached_property
    def containerd(self) -> Containerd:
        server = Containerd(self.new_directory(), self.plain_room, self._archive)
        self._at_end.callback(server.stop)
        return server

    # The runtimes

    def oci(self, program: str, place: room.Place, is_elsewhere: bool) -> Runtime:
        return Oci(program, self.new_directory() if is_elsewhere else None, place)

    def podman(self, program: str, place: room.Place) -> Runtime:
        return Podman(self.new_directory(), place, self._archive, program)

    def docker(self, namespace: str, config: dict[str, Any] | None = None) -> Docker:
        directory, place = self.new_directory(), self.plain_room
        made = Docker(directory, place, self.containerd, namespace, self._archive, config)
        self._at_end.callback(made.stop)
        return made


class Kind(NamedTuple):
    commands: tuple[str, ...]
    make: Callable[[Engines, bool], Runtime]


CTR = ("containerd", "ctr", "runc")


def _oci(program: str, place: Callable[[Engines], room.Place]) -> Kind:
    return Kind((program,), lambda engines, other: engines.oci(program, place(engines), other))


def _podman(program: str, place: Callable[[Engines], room.Place]) -> Kind:
    return Kind(("podman", program), lambda engines, _: engines.podman(program, place(engines)))


def _namespace(name: str, elsewhere: str, word: str | None) -> Kind:
    def make(engines: Engines, other: bool) -> Runtime:
        return Namespace(engines.containerd, elsewhere if other else name, word)

    return Kind(CTR, make)


def _docker(engines: Engines, other: bool) -> Runtime:
    return engines.docker("lotest-elsewhere" if other else "moby")


KINDS = {
    "runc": _oci("runc", lambda _: room.HOST),
    "crun": _oci("crun", lambda engines: engines.room_for_crun),
    "podman-runc": _podman("runc", lambda engines: engines.plain_room),
    "podman-crun": _podman("crun", lambda engines: engines.room_for_podman_with_crun),
    "containerd-default": _namespace("default", "k8s.io", "containerd"),
    "containerd-k8s.io": _namespace("k8s.io", "default", "containerd"),
    "containerd-moby": _namespace("moby", "default", None),
    "docker": Kind(("docker", "dockerd", *CTR), _docker),
}


def missing(name: str) -> list[str]:
    return [command for command in KINDS[name].commands if not shutil.which(command)]
