# SPDX-License-Identifier: Apache-2.0
"""Events lost: in a storm of forks on every CPU, and while the reader is stopped for two seconds."""

from __future__ import annotations

import os
import re
import signal
import time

from . import services
from .services import Service

PAUSE_SECONDS = 2
PAUSE_RATE = 18_000
WATCHERS = {
    "tail": lambda: services.tail("--comm", "forks", sink=False),
    "exitsnoop": lambda: services.peer("exitsnoop", sink=False),
    "bpftrace": lambda: services.peer("bpftrace", sink=False),
    "forkstat": lambda: services.peer("forkstat", sink=False),
}


def settle(running: Service) -> None:
    """Until nothing more is printed for a second; other processes may end, too, so at most eight."""
    size, quiet = -1, 0
    for _ in range(16):
        time.sleep(0.5)
        now = running.out.stat().st_size
        quiet = quiet + 1 if now == size else 0
        size = now
        if quiet == 2:
            return


def told(running: Service) -> int:
    """Lines about the storm; the process itself has three exits more at most, which are not lost ones."""
    running.process.send_signal(signal.SIGINT)
    running.process.wait()
    # What has ended before forkstat has looked has no name there: all its exits are taken for the storm's.
    word = b" exit " if "forkstat" in running.process.args else b"forks"
    with running.out.open("rb") as lines:
        return sum(word in line for line in lines)


def lost_by_own_count(running: Service) -> int | None:
    said = re.search(r"events, (\d+) lost", running.err.read_text())
    return int(said[1]) if said else None


def storm(seconds: int) -> int:
    return services.forks(seconds=seconds, cpus=os.cpu_count() or 1)["exits"]


def storm_unread(running: Service) -> int:
    """As many exits as two seconds at the rate have, whether the machine makes them in two seconds or more."""
    os.kill(running.pid, signal.SIGSTOP)
    cpus = os.cpu_count() or 1
    made = services.forks(count=PAUSE_RATE * PAUSE_SECONDS // cpus, cpus=cpus)["exits"]
    os.kill(running.pid, signal.SIGCONT)
    return made


def one(start, run) -> dict[str, int | None]:
    with start() as running:
        made = run(running)
        settle(running)
        seen = told(running)
        return {"made": made, "lost": max(0, made - seen), "counted": lost_by_own_count(running)}


def measure(seconds: int) -> dict[str, dict[str, dict[str, int | None]]]:
    return {
        "storm": {name: one(start, lambda _: storm(seconds)) for name, start in WATCHERS.items()},
        "reader stopped": {name: one(start, storm_unread) for name, start in WATCHERS.items()},
    }
