# SPDX-License-Identifier: Apache-2.0
"""How much longer fork and exit take on every CPU while something watches: each run beside one without."""

from __future__ import annotations

import os

from . import services

WATCHERS = {
    "agent": services.agent,
    "tail": services.tail,
    "exitsnoop": lambda: services.peer("exitsnoop"),
    "bpftrace": lambda: services.peer("bpftrace"),
    "forkstat": lambda: services.peer("forkstat"),
    "nothing": None,
}


def run(exits: int) -> dict[str, int]:
    return services.forks(count=exits, cpus=os.cpu_count() or 1)


def measure(rounds: int, exits: int) -> dict[str, list[dict[str, float]]]:
    """Ratios of wall time and of CPU time, one pair a round. `nothing` against nothing is the noise."""
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in WATCHERS}
    for number in range(rounds):
        for name, start in WATCHERS.items():
            # First without and then with, and the other way round the next time.
            without = run(exits) if number % 2 == 0 else None
            if start:
                with start():
                    beside = run(exits)
            else:
                beside = run(exits)
            without = without or run(exits)
            figures[name].append(
                {kind: beside[f"{kind}_ns"] / without[f"{kind}_ns"] for kind in ("wall", "cpu")}
            )
    return figures
