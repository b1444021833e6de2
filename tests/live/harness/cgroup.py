"""The cgroups of a process, in whichever hierarchies it has them."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
from pathlib import Path
from typing import Iterable, Iterator

from . import machine
from .deadline import PATIENCE_S, wait_until


def _mount_point(hierarchy: str, controllers: str) -> Path:
    if machine.is_pure_v2():
        return machine.CGROUP
    if hierarchy == "0":
        return machine.CGROUP / "unified"
    return machine.CGROUP / controllers.removeprefix("name=")


def directories(pid: int) -> list[Path]:
    """The process's cgroup in each mounted hierarchy."""
    found = []
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        hierarchy, controllers, path = line.split(":", 2)
        if machine.is_pure_v2() and hierarchy != "0":
            continue
        directory = _mount_point(hierarchy, controllers) / path.lstrip("/")
        if directory.is_dir():
            found.append(directory)
    return found


def processes(directory: Path) -> set[int]:
    """Who is in that cgroup or in one nested in it; host pids."""
    return {
        int(pid)
        for listing in directory.rglob("cgroup.procs")
        for pid in listing.read_text().split()
    }


PF_EXITING = 0x4


def is_exiting(pid: int) -> bool:
    """Its leader, that is; other threads may go on."""
    fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    return bool(int(fields[6]) & PF_EXITING)


class Nest:
    """A process one cgroup deeper, in every hierarchy, as systemd does in its containers."""

    def __init__(self, pid: int, name: str) -> None:
        nests = directories(pid)
        if is_exiting(pid):
            raise ProcessLookupError(f"{pid} is exiting: v1 shows the root as its cgroup")
        self._children = [directory / name for directory in nests]
        for child in self._children:
            child.mkdir()
            _inherit_cpuset(child)
            (child / "cgroup.procs").write_text(str(pid))

    def remove(self) -> None:
        """Once nobody is in it any more. Inside a container it goes with the container."""
        for child in self._children:
            wait_until(f"{child} to be empty", lambda: not processes(child))
            child.rmdir()


def _inherit_cpuset(child: Path) -> None:
    """A v1 cpuset takes no process before it has processors and memory nodes."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (child / name).exists():
            (child / name).write_text((child.parent / name).read_text())


def named(paths: Iterable[str]) -> set[Path]:
    """Those cgroups, in whichever hierarchies they are."""
    return {root / path for path in paths for root in _roots() if (root / path).is_dir()}


def remove_empty(paths: Iterable[Path]) -> None:
    """The innermost first; who has somebody in it, or a child, stays."""
    for path in sorted(paths, reverse=True):
        with contextlib.suppress(OSError):
            path.rmdir()


def _roots() -> list[Path]:
    if machine.is_pure_v2():
        return [machine.CGROUP]
    return [path for path in machine.CGROUP.iterdir() if path.is_dir() and not path.is_symlink()]


def make_and_remove(name: str, count: int) -> None:
    """So many cgroups, one after the other, in every hierarchy: two records each in lastout's."""
    for _ in range(count):
        for root in _roots():
            (root / name).mkdir()
            (root / name).rmdir()


@contextlib.contextmanager
def made(name: str) -> Iterator[set[int]]:
    """A cgroup in every hierarchy, for the time of the block; gives their ids."""
    paths = [root / name for root in _roots()]
    try:
        for path in paths:
            path.mkdir()
        yield {path.stat().st_ino for path in paths}
    finally:
        remove_empty(paths)


def make(name: str) -> list[Path]:
    """A cgroup in every hierarchy, ready for processes; remove_empty() is the caller's to call."""
    paths = [root / name for root in _roots()]
    for path in paths:
        path.mkdir()
        _inherit_cpuset(path)
    return paths


def counted_path(name: str) -> Path:
    """Where a runtime's container has its cgroup in the hierarchy by which lastout counts."""
    root = machine.CGROUP if machine.is_pure_v2() else machine.CGROUP / "pids"
    return root / f"docker-{hashlib.sha256(name.encode()).hexdigest()}.scope"


@contextlib.contextmanager
def counted(name: str) -> Iterator[Path]:
    """One that is there."""
    path = counted_path(name)
    path.mkdir()
    try:
        yield path
    finally:
        wait_until(f"{path} to be empty", lambda: not processes(path))
        remove_empty([path])


@contextlib.contextmanager
def runtimes_own(names: list[str]) -> Iterator[None]:
    """Empty cgroups that look as if a runtime had made them, each for a container of its own."""
    ids = [hashlib.sha256(name.encode()).hexdigest() for name in names]
    paths = [root / f"docker-{each}.scope" for each in ids for root in _roots()]
    try:
        for path in paths:
            path.mkdir()
        yield
    finally:
        remove_empty(paths)


def demos(pid: int) -> list[Path]:
    """Those of the `lastout demo` with this pid."""
    return [path for root in _roots() if (path := root / f"lastout-demo-{pid}").is_dir()]


class MemoryLimit:
    """A v1 memory cgroup of the test's own, for where runc cannot make one.

    Each step mounts the hierarchy in a mount namespace that ends with the step. Were it mounted
    where lastout runs, this would be no pure v2 machine any more, and lastout would be right to
    look for containers there.
    """

    def __init__(self, name: str, limit_bytes: int) -> None:
        self._name = name
        self._step(f"mkdir {name} && echo {limit_bytes} > {name}/memory.limit_in_bytes")

    def take(self, pid: int) -> None:
        self._step(f"echo {pid} > {self._name}/cgroup.procs")

    def remove(self) -> None:
        """A cgroup whose last process is just dying is busy for a moment."""
        until_gone = f"until rmdir {self._name}; do sleep 0.05; done"
        self._step(f"timeout {PATIENCE_S} sh -c '{until_gone}' 2> /dev/null")

    @staticmethod
    def _step(command: str) -> None:
        mount = "mount -t cgroup -o memory none /sys/fs/cgroup && cd /sys/fs/cgroup"
        namespace = ["unshare", "--mount", "--propagation", "private"]
        subprocess.run([*namespace, "sh", "-c", f"{mount} && {command}"], check=True)
