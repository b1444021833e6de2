# SPDX-License-Identifier: Apache-2.0
"""CPU time and wake-ups of the agent: idle, with exits in a container, in a storm there."""

from __future__ import annotations

import os
import time
from pathlib import Path

from . import services

RATE = 1_200


def spent(pid: int) -> tuple[int, int]:
    """Nanoseconds on a CPU, and voluntary context switches: each is a sleep that something ended."""
    ns = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    status = Path(f"/proc/{pid}/status").read_text()
    return ns, int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])


def during(pid: int, run) -> dict[str, float]:
    begin, before = time.monotonic(), spent(pid)
    exits = run()
    seconds, after = time.monotonic() - begin, spent(pid)
    return {
        "cpu_percent": (after[0] - before[0]) / seconds / 1e7,
        "wakeups_a_second": (after[1] - before[1]) / seconds,
        "exits_a_second": exits / seconds,
    }


def idle(seconds: int) -> int:
    time.sleep(seconds)
    return 0


def storm(seconds: int, rate: int = 0) -> int:
    cpus = 1 if rate else os.cpu_count() or 1
    return services.forks(seconds=seconds, rate=rate, cpus=cpus, inside=True)["exits"]


def measure(seconds: int) -> dict[str, dict[str, float]]:
    with services.agent() as running:
        time.sleep(2)  # what it does once after its start
        return {
            "idle": during(running.pid, lambda: idle(seconds)),
            f"{RATE} exits a second": during(running.pid, lambda: storm(seconds, RATE)),
            "storm": during(running.pid, lambda: storm(seconds)),
        }
