# SPDX-License-Identifier: Apache-2.0
"""The figures as tables, in Markdown: medians, their spread, and the ratios that the goals are about."""

from __future__ import annotations

import statistics
from typing import Any, Sequence

Figures = dict[str, Any]


def middle_half(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < 4:
        return min(values), max(values)
    low, _, high = statistics.quantiles(values, n=4)
    return low, high


def percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n"


def verdict(is_met: bool) -> str:
    return "met" if is_met else "**missed**"


def ratios(values: Sequence[float], by: Sequence[float]) -> list[float]:
    """Round by round, since what disturbs a round disturbs both."""
    return [one / other for one, other in zip(values, by)]


def spread(values: Sequence[float], digits: int = 0) -> str:
    low, high = middle_half(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def kernel_time(figures: dict[str, list[float]]) -> str:
    lookup, record = figures["floor: one look-up"], figures["floor: the same record"]
    rows = []
    for name, values in figures.items():
        rows.append(
            [
                name,
                spread(values),
                spread(ratios(values, lookup), 2),
                spread(ratios(values, record), 2),
                spread(ratios(figures["exitsnoop"], values), 1),
            ]
        )
    head = ["exit program", "ns a run", "× one look-up", "× the same record", "exitsnoop is × this"]
    goals = [
        ("agent, process outside containers", lookup, 1.3, "≤ 1.3 × one look-up"),
        ("agent, task of a container", record, 1.5, "≤ 1.5 × the same record"),
        ("tail, process outside containers", record, 1.5, "≤ 1.5 × the same record"),
        ("tail, task of a container", record, 1.5, "≤ 1.5 × the same record"),
    ]
    judged = []
    for name, by, limit, goal in goals:
        value = statistics.median(ratios(figures[name], by))
        judged.append([f"{name}: {goal}", f"{value:.2f}", verdict(value <= limit)])
    for name in ("agent, task of a container", "tail, task of a container"):
        value = statistics.median(ratios(figures["exitsnoop"], figures[name]))
        judged.append([f"{name}: ≥ 30 × below exitsnoop", f"{value:.1f}", verdict(value >= 30)])
    return table(head, rows) + "\n" + table(["goal", "measured", ""], judged)


def slowdown(figures: dict[str, list[dict[str, float]]]) -> str:
    rows = []
    goals = {"agent": 2.0, "tail": 3.0}
    for name, pairs in figures.items():
        percents = {kind: [(pair[kind] - 1) * 100 for pair in pairs] for kind in ("wall", "cpu")}
        middle = statistics.median(percents["cpu"])
        goal = goals.get(name)
        judged = f"≤ {goal:.0f} %: {verdict(middle <= goal)}" if goal else ""
        rows.append([name, spread(percents["cpu"], 1), spread(percents["wall"], 1), judged])
    return table(["beside", "CPU time, % more", "wall time, % more", "goal, by CPU time"], rows)


def latency(figures: dict[str, dict[str, list[float]]]) -> str:
    rows, judged = [], []
    for where, groups in figures.items():
        for name, values in groups.items():
            rows.append([where, name, str(len(values)), *(f"{percentile(values, p):.0f}" for p in (50, 90, 99))])
        for percent in (50, 99):
            ratio = percentile(groups["agent"], percent) / percentile(groups["floor"], percent)
            judged.append([f"{where}: p{percent} ≤ 1.2 × floor", f"{ratio:.2f}", verdict(ratio <= 1.2)])
            looks = percentile(groups["agent"], percent) / percentile(groups["floor that looks first"], percent)
            judged.append([f"{where}: p{percent} beside the floor that looks first", f"{looks:.2f}", ""])
    head = ["machine", "who signals", "lives", "p50 µs", "p90 µs", "p99 µs"]
    return table(head, rows) + "\n" + table(["goal", "measured", ""], judged)


def losses(figures: dict[str, dict[str, dict[str, int | None]]]) -> str:
    rows = []
    for where, watchers in figures.items():
        for name, one in watchers.items():
            percent = 100 * (one["lost"] or 0) / (one["made"] or 1)
            counted = "does not say" if one["counted"] is None else str(one["counted"])
            judged = verdict(one["lost"] == 0) if name == "tail" else ""
            rows.append([where, name, str(one["made"]), str(one["lost"]), f"{percent:.1f}", counted, judged])
    head = ["workload", "watcher", "exits", "lost", "%", "lost, as it says itself", "goal: 0"]
    return table(head, rows)


def cpu(figures: dict[str, dict[str, float]]) -> str:
    rows = []
    for name, one in figures.items():
        values = [one["exits_a_second"], one["cpu_percent"], one["wakeups_a_second"]]
        if name == "idle":
            judged = f"0 wake-ups: {verdict(one['wakeups_a_second'] == 0)}"
        else:
            limit = 5 if name == "storm" else 0.5
            judged = f"< {limit} %: {verdict(one['cpu_percent'] < limit)}"
        rows.append([name, *(f"{value:.{digits}f}" for value, digits in zip(values, (0, 3, 1))), judged])
    return table(["while", "exits a second", "CPU, % of one", "wake-ups a second", "goal"], rows)


def growth(figures: list[dict[str, float]]) -> str:
    rows = []
    mib = 1024 * 1024
    for one in figures:
        processes = one["containers"] + one["tasks"]
        allowed = 4 * mib + 200 * processes
        is_flat = one["start_s"] <= 1 or one["containers"] < 8000
        rows.append(
            [
                f"{one['containers']:.0f}",
                f"{processes:.0f}",
                f"{one['kernel_ns']:.0f}",
                f"{one['latency_us']:.0f}",
                f"{one['start_s'] * 1000:.0f}" + ("" if is_flat else " (goal, 1000: **missed**)"),
                f"{one['resident'] / mib:.1f}",
                f"{one['own'] / mib:.1f}",
                f"{one['ring'] / mib:.1f}",
                f"{one['maps'] / mib:.1f}",
                f"{allowed / mib:.1f}: {verdict(one['resident'] - one['ring'] / 2 <= allowed)}",
            ]
        )
    head = [
        "containers",
        "processes in them",
        "kernel ns an exit",
        "last exit to signal, p50 µs",
        "start, ms",
        "resident, MiB",
        "of it its own",
        "of it the ring, counted twice",
        "maps in the kernel, MiB",
        "goal, MiB, without what is counted twice",
    ]
    return table(head, rows)


def starved(figures: dict[str, list[float]]) -> str:
    rows = [[name, *(f"{percentile(values, p):.0f}" for p in (50, 90, 99))] for name, values in figures.items()]
    return table(["agent started", "p50 µs", "p90 µs", "p99 µs"], rows)


def stages(figures: dict[str, list[int]]) -> str:
    rows = [[name, str(len(values)), spread(values)] for name, values in figures.items() if values]
    return table(["stage", "seen", "µs"], rows)


def gvisor(figures: dict[str, dict[str, list[float]]]) -> str:
    rows, slower = [], []
    for name, one in figures.items():
        for what in ("asked", "acknowledged"):
            rows.append([name, what, str(len(one[what])), *(f"{percentile(one[what], p):.0f}" for p in (50, 90, 99))])
        percents = {what: [(ratio - 1) * 100 for ratio in one[what]] for what in ("session", "nothing")}
        slower.append([name, spread(percents["session"], 1), spread(percents["nothing"], 1)])
    head = ["runsc", "init's sandbox was", "lives", "p50 µs", "p90 µs", "p99 µs"]
    return table(head, rows) + "\n" + table(["runsc", "with the session, % more time", "noise"], slower)


PARTS = {
    "kernel_time": ("Kernel time an exit", kernel_time),
    "slowdown": ("Slow-down of a workload that is all fork and exit", slowdown),
    "latency": ("From the last exit to the signal", latency),
    "stages": ("Where that time goes", stages),
    "losses": ("Events lost", losses),
    "cpu": ("CPU time of the agent", cpu),
    "growth": ("Growth, and memory", growth),
    "gvisor": ("gVisor: from a guest's last exit to its init's signal, and a guest that only forks", gvisor),
    "starved": ("The agent beside a busy loop on every CPU", starved),
}


def where(machine: dict[str, Any]) -> str:
    peers = ", ".join(f"{name} {version}" for name, version in machine["peers"].items())
    return (
        f"{machine['date']}, kernel {machine['kernel']}, {machine['cpus']} × {machine['cpu']}, "
        f"{machine['lastout']}; {peers}. Load of other things before it: {machine['load_before']:.1f}.\n"
    )


def write(figures: Figures) -> str:
    parts = ["# What was measured\n\nWritten by `bench/run`. Median, and the middle half in parentheses.\n"]
    for name, (title, part) in PARTS.items():
        if name in figures:
            parts.append(f"## {title}\n\n{where(figures['machine'][name])}\n{part(figures[name])}")
    return "\n".join(parts)
