# SPDX-License-Identifier: Apache-2.0
"""What grows with containers and processes, and what must not: memory, start, kernel time, latency."""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from pathlib import Path
from typing import Iterator

from . import services
from .kernel_time import ns_a_run
from .latency import live
from .services import Service

PID_MAX = Path("/proc/sys/kernel/pid_max")
MORE_PIDS = 131072


@contextlib.contextmanager
def room_for_processes(count: int) -> Iterator[None]:
    before = PID_MAX.read_text()
    if count + 4096 > int(before):
        PID_MAX.write_text(str(MORE_PIDS))
    try:
        yield
    finally:
        PID_MAX.write_text(before)


def memory(running: Service) -> dict[str, int]:
    """Bytes: resident, of which its own (anonymous), and the kernel's for the maps, by fdinfo."""
    status = Path(f"/proc/{running.pid}/status").read_text()
    figures = {
        name: int(status.split(f"{key}:")[1].split()[0]) * 1024
        for name, key in (("resident", "VmRSS"), ("own", "RssAnon"))
    }
    maps = {}
    for entry in Path(f"/proc/{running.pid}/fdinfo").iterdir():
        fields = dict(line.split(":\t", 1) for line in entry.read_text().splitlines() if ":\t" in line)
        if "map_type" in fields:
            maps[fields["map_id"]] = int(fields["memlock"])
    return {**figures, "maps": sum(maps.values()), "ring": ring_mapped(running.pid)}


def ring_mapped(pid: int) -> int:
    """Of the resident ones: the ring buffer, whose pages are mapped twice in a row, and counted twice."""
    is_ring, total = False, 0
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if "-" in line.split()[0]:
            is_ring = "bpf-map" in line
        elif is_ring and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def one(containers: int, tasks: int, exits: int, lives: int) -> dict[str, float]:
    with contextlib.ExitStack() as stack:
        stack.enter_context(room_for_processes(containers + tasks))
        crowd = (services.BENCH / "crowd", services.hierarchy(), str(containers), str(tasks))
        if containers:
            stack.enter_context(services.service(*crowd, ready="ready"))
        stack.enter_context(services.stats())
        begin = time.monotonic()
        with services.agent(sink=False) as running:
            start_s = time.monotonic() - begin
            time.sleep(1)
            held = memory(running)
            kernel_ns = ns_a_run(running, exits, inside=True)
            live(lives)
            told = [json.loads(line)["latency_us"] for line in running.out.read_text().splitlines()]
    return {
        "containers": containers,
        "tasks": tasks,
        "start_s": start_s,
        "kernel_ns": kernel_ns,
        "latency_us": statistics.median(t for t in told if t is not None),
        **held,
    }


def measure(sizes: list[tuple[int, int]], exits: int, lives: int) -> list[dict[str, float]]:
    return [one(containers, tasks, exits, lives) for containers, tasks in sizes]
