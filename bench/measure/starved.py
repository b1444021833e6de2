# SPDX-License-Identifier: Apache-2.0
"""The agent where every CPU is taken: as it starts by itself, and by other priorities."""

from __future__ import annotations

from . import services
from .latency import of_agent

WAYS: dict[str, tuple[str, ...]] = {
    "as it starts": (),
    "in a session of its own": ("setsid", "--wait"),
    "nice -10": ("nice", "-n", "-10"),
    "nice -10, in a session of its own": ("setsid", "--wait", "nice", "-n", "-10"),
    "real time (SCHED_RR 1)": ("chrt", "--rr", "1"),
}


def measure(rounds: int, lives: int) -> dict[str, list[float]]:
    figures: dict[str, list[float]] = {name: [] for name in WAYS}
    with services.hogs():
        for _ in range(rounds):
            for name, before in WAYS.items():
                figures[name] += of_agent(lives, before)[0]
    return figures
