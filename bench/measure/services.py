# SPDX-License-Identifier: Apache-2.0
"""Lastout, its peers and the floors as processes that run for a while."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Iterator

ROOT = Path(__file__).resolve().parents[2]
LASTOUT = ROOT / "build" / "lastout"
BENCH = ROOT / "build" / "bench"
STATS = Path("/proc/sys/kernel/bpf_stats_enabled")
SECONDS_TO_START = 120  # thousands of containers are made first

# Peers' programs are classic tracepoints; a private mount of tracefs leaves the machine as it is.
WITH_TRACEFS = "[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing; exec "
ONE_LINER = 'tracepoint:sched:sched_process_exit { printf("%s %d\\n", comm, pid); }'
PEERS = {
    "exitsnoop": ["unshare", "-m", "sh", "-c", WITH_TRACEFS + "/usr/sbin/exitsnoop"],
    "bpftrace": ["unshare", "-m", "sh", "-c", WITH_TRACEFS + f"bpftrace -e '{ONE_LINER}'"],
    "forkstat": ["forkstat", "-e", "exit"],
}


class Service:
    def __init__(self, process: subprocess.Popen[bytes], directory: Path) -> None:
        self.pid = process.pid
        self.process = process
        self.out = directory / "out"
        self.err = directory / "err"


def await_that(what: str, is_so, service: Service) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while not is_so():
        if service.process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"{what} did not start: {service.err.read_text()[:500]!r}")
        time.sleep(0.005)


@contextlib.contextmanager
def service(*command: str | Path, ready: str | None = None, sink: bool = True) -> Iterator[Service]:
    """Runs the command until the block ends, from the word `ready` on its standard error on.

    Without a word: from when its programs are in the kernel. `sink`: what it prints is dropped.
    """
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        directory = Path(name)
        out: IO[bytes] | int = subprocess.DEVNULL if sink else (directory / "out").open("wb")
        with (directory / "err").open("wb") as err:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=err)
        running = Service(process, directory)
        try:
            if ready:
                await_that(str(command[0]), lambda: ready in running.err.read_text(), running)
            else:
                time.sleep(0.5)
                await_that(str(command[0]), lambda: "forkstat" in command or programs(running.pid), running)
                time.sleep(1)  # they do not say when they are attached
            yield running
        finally:
            assert process.stdin
            process.stdin.close()
            process.send_signal(signal.SIGINT)
            process.wait()


@contextlib.contextmanager
def agent(*options: str, before: tuple[str, ...] = (), sink: bool = True) -> Iterator[Service]:
    with tempfile.TemporaryDirectory() as directory:
        where = ("--socket", f"{directory}/run/lastout.sock", "--pin", "none")
        command = (*before, LASTOUT, "run", "--init", "lives-init", "--settle", "0s")
        command += ("--restart-settle", "0s", "--log", "json")
        with service(*command, *where, *options, ready='"ready"', sink=sink) as running:
            yield running


def tail(*options: str, sink: bool = True):
    return service(LASTOUT, "tail", *options, ready="watching", sink=sink)


def floor(name: str, sink: bool = True):
    return service(BENCH / "floor", name, ready="ready", sink=sink)


def peer(name: str, sink: bool = True):
    return service(*PEERS[name], sink=sink)


def programs(pid: int) -> dict[int, tuple[int, int]]:
    """By id: nanoseconds and runs so far of the BPF programs that the process has loaded.

    Those that the process holds, so that nobody else's on this machine are taken for its own.
    """
    found = {}
    for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):
            fields = dict(line.split(":\t", 1) for line in entry.read_text().splitlines() if ":\t" in line)
            if "run_cnt" in fields:
                found[int(fields["prog_id"])] = int(fields["run_time_ns"]), int(fields["run_cnt"])
    return found


def program_name(number: int) -> str:
    said = subprocess.run(["bpftool", "-j", "prog", "show", "id", str(number)], capture_output=True, check=True)
    return str(json.loads(said.stdout).get("name", ""))


@contextlib.contextmanager
def stats() -> Iterator[None]:
    before = STATS.read_text()
    STATS.write_text("1")
    try:
        yield
    finally:
        STATS.write_text(before)


def hierarchy() -> str:
    """Where the cgroups are that lastout looks at."""
    said = subprocess.run([LASTOUT, "check"], capture_output=True, text=True, check=True).stdout
    [line] = [line for line in said.splitlines() if line.split()[1] == "cgroups"]
    return line.split(" at ")[1]


def new_cgroup() -> str:
    return f"{hierarchy()}/runc-bench-{os.getpid()}-{time.monotonic_ns()}.scope"


def forks(count: int = 0, seconds: int = 0, rate: int = 0, cpus: int = 1, inside: bool = False) -> dict[str, int]:
    """Fork and exit, on so many CPUs at once, outside containers or inside one; sums of what they tell."""
    command: list[str | Path] = [BENCH / "forks", str(count), str(seconds), str(rate)]
    running = []
    for cpu in range(cpus):
        within: list[str | Path] = [BENCH / "lives", "in", new_cgroup()] if inside else []
        one = [*within, *command, *([str(cpu)] if cpus > 1 else [])]
        running.append(subprocess.Popen(one, stdout=subprocess.PIPE))
    told = [json.loads(process.communicate()[0]) for process in running]
    return {key: sum(one[key] for one in told) for key in told[0]}


@contextlib.contextmanager
def loops(*before: str) -> Iterator[None]:
    running = [
        subprocess.Popen([*before, "taskset", "-c", str(cpu), "sh", "-c", "while :; do :; done"])
        for cpu in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def hogs() -> contextlib.AbstractContextManager[None]:
    """A loop on every CPU, of the same nice value as everybody else."""
    return loops()


def awake() -> contextlib.AbstractContextManager[None]:
    """A loop on every CPU that would sleep else, and for nobody else's time."""
    return loops("chrt", "--idle", "0")
