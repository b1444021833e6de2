# SPDX-License-Identifier: Apache-2.0
"""Kernel time an exit: what the exit program takes, by kernel.bpf_stats_enabled, rounds in turns."""

from __future__ import annotations

from typing import Callable, ContextManager

from . import services
from .services import Service

WHERE: dict[str, tuple[Callable[[], ContextManager[Service]], bool]] = {
    "floor: one look-up": (lambda: services.floor("lookup"), False),
    "agent, process outside containers": (services.agent, False),
    "floor: the same record": (lambda: services.floor("record"), False),
    "agent, task of a container": (services.agent, True),
    "tail, process outside containers": (services.tail, False),
    "tail, task of a container": (services.tail, True),
    "exitsnoop": (lambda: services.peer("exitsnoop"), False),
    "bpftrace": (lambda: services.peer("bpftrace"), False),
}
EXIT_PROGRAMS = ("exit_btf", "exit_classic", "floor_", "sched_process_e", "sched_process_exit")


def exit_programs(pid: int) -> list[int]:
    return [i for i in services.programs(pid) if services.program_name(i).startswith(EXIT_PROGRAMS)]


def ns_a_run(running: Service, exits: int, inside: bool) -> float:
    ours = exit_programs(running.pid)
    before = services.programs(running.pid)
    services.forks(count=exits, inside=inside)
    after = services.programs(running.pid)
    spent = sum(after[i][0] - before[i][0] for i in ours)
    runs = sum(after[i][1] - before[i][1] for i in ours)
    return spent / runs


def measure(rounds: int, exits: int) -> dict[str, list[float]]:
    figures: dict[str, list[float]] = {name: [] for name in WHERE}
    with services.stats():
        for _ in range(rounds):
            for name, (start, inside) in WHERE.items():
                with start() as running:
                    figures[name].append(ns_a_run(running, exits, inside))
    return figures
