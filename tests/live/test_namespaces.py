"""In a namespace of its own lastout would see another host: it refuses, with the remedy."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from harness import cgroup, machine
from harness.agent import StartAgent
from harness.containers import Containers
from harness.deadline import PATIENCE_S

NEW_CGROUPS = 'umount --recursive /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"'

ROOMS = {
    "pid": ("unshare", "--pid", "--fork", "--mount-proc"),
    "pid, with the host's proc": ("unshare", "--pid", "--fork"),
    "time": ("unshare", "--time", "--boottime", "100000"),
    "time, behind": ("unshare", "--time", "--boottime", "-5"),
    "cgroup": ("unshare", "--cgroup", "--mount", "sh", "-c", NEW_CGROUPS, "sh"),
}
REMEDIES = {"pid": "hostPID: true", "time": "nsenter", "cgroup": "--cgroupns host"}
ROWS = {"pid": "pid namespace", "time": "clocks", "cgroup": "cgroups"}

COMMANDS = {
    "run": ("run", "--init", "nobody-at-all", "--pin", "none", "--socket"),
    "tail": ("tail", "--duration", "1s"),
    "demo": ("demo",),
}


def kind(room: str) -> str:
    return room.partition(",")[0]


@contextlib.contextmanager
def below(room: str) -> Iterator[tuple[str, ...]]:
    """What begins the command, for a cgroup namespace from a cgroup that is not the root."""
    if kind(room) != "cgroup":
        yield ROOMS[room]
        return
    unified = machine.CGROUP if machine.is_pure_v2() else machine.CGROUP / "unified"
    own = unified / f"lotest-own-namespace-{os.getpid()}"
    own.mkdir()
    try:
        yield ("sh", "-c", f'echo $$ > {own}/cgroup.procs && exec "$@"', "sh", *ROOMS[room])
    finally:
        cgroup.remove_empty([own])


def call(room: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    with below(room) as prefix:
        command = [*prefix, machine.LASTOUT, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("room", ROOMS)
def test_refused(room: str, command: str, tmp_path: Path) -> None:
    """Before it says that it is ready, and before it has loaded anything."""
    more = [tmp_path / "socket"] if command == "run" else []
    done = call(room, *COMMANDS[command], *more)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "watching" not in done.stderr and done.stdout == ""
    assert REMEDIES[kind(room)] in done.stderr
    assert not (tmp_path / "socket").exists()


@pytest.mark.parametrize("room", ROOMS)
def test_check_reports_it(room: str) -> None:
    done = call(room, "check")
    assert done.returncode == 1, done.stdout + done.stderr
    [line] = [line for line in done.stdout.splitlines() if f" {ROWS[kind(room)]} " in line]
    assert line.startswith("MISSING") and REMEDIES[kind(room)] in line


FINE = {
    "a time namespace without an offset": ("unshare", "--time"),
    "a cgroup namespace, with the host's mount": ("unshare", "--cgroup"),
    "a mount namespace": ("unshare", "--mount"),
    "an IPC and a UTS namespace": ("unshare", "--ipc", "--uts"),
}


@pytest.mark.parametrize("room", FINE)
def test_works(room: str, start_agent: StartAgent, containers: Containers) -> None:
    """As in a pod, which has some of its own: all is seen that has to be."""
    agent = start_agent(command=(*FINE[room], machine.LASTOUT))
    containers.canary(agent)
    done = subprocess.run([*FINE[room], machine.LASTOUT, "check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
