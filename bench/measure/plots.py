# SPDX-License-Identifier: Apache-2.0
"""The figures as plots, drawn by gnuplot."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Sequence

from .tables import middle_half

STYLE = """set terminal svg size 800,420 dynamic font 'sans-serif,13' background '#ffffff'
set border 3 lc rgb '#666666'
set tics nomirror
set grid ytics lc rgb '#dddddd'
set key top left
"""
COLOURS = ["#1b7f5c", "#c4572b", "#3f63b5", "#8a4fa0"]


def data(rows: Sequence[Sequence[object]]) -> str:
    return "\n".join("\t".join(str(cell) for cell in row) for row in rows) + "\n"


def run(script: str, blocks: dict[str, str], target: Path) -> None:
    """Blocks are named tables of values, which the script plots as $name."""
    text = STYLE + f"set output '{target}'\nset datafile separator '\\t'\n"
    text += "".join(f"${name} << EOD\n{block}EOD\n" for name, block in blocks.items())
    with tempfile.NamedTemporaryFile("w", suffix=".gp") as file:
        file.write(text + script)
        file.flush()
        subprocess.run(["gnuplot", file.name], check=True)


def bars(rows: Sequence[tuple[str, float, float, float]], what: str, target: Path, log: bool = False) -> None:
    """Lying bars with the middle half as a line; rows are name, median, low, high."""
    lines = data([(len(rows) - i, name, *values) for i, (name, *values) in enumerate(rows)])
    low = min(0, *(row[2] for row in rows))
    script = f"set xlabel '{what}'\nset yrange [0.4:{len(rows)}.6]\nset grid xtics noytics lc rgb '#dddddd'\nunset key\n"
    script += "set logscale x\n" if log else f"set xrange [{low}:*]\n"
    base = "100" if log else "0"
    script += (
        f"plot $rows using ({base}):1:({base}):3:($1-0.3):($1+0.3):ytic(2) with boxxyerror "
        f"fs solid 0.8 noborder lc rgb '{COLOURS[0]}', "
        "$rows using 3:1:4:5 with xerrorbars pt 0 lw 2 lc rgb '#222222'\n"
    )
    run(script, {"rows": lines}, target)


def kernel_time(figures: dict[str, list[float]], target: Path) -> None:
    rows = [(name, statistics.median(v), *middle_half(v)) for name, v in figures.items()]
    bars(rows, "kernel time of the exit program, ns a run", target, log=True)


def slowdown(figures: dict[str, list[dict[str, float]]], target: Path) -> None:
    rows = []
    for name, pairs in figures.items():
        percents = [(pair["cpu"] - 1) * 100 for pair in pairs]
        rows.append((name, statistics.median(percents), *middle_half(percents)))
    bars(rows, "CPU time of fork and exit, % more than without", target)


def latency(figures: dict[str, dict[str, list[float]]], target: Path) -> None:
    """How many were signalled within which time."""
    blocks, curves = {}, []
    pairs = [(where, who) for where in figures for who in ("agent", "floor")]
    for i, (where, who) in enumerate(pairs):
        values = sorted(figures[where][who])
        blocks[f"c{i}"] = data([(v, 100 * (n + 1) / len(values)) for n, v in enumerate(values)])
        dash = 1 if who == "agent" else 2
        name = f"{who}, {'beside hogs' if where == 'hogs' else where}"
        curves.append(f"$c{i} using 1:2 with lines lw 2 dt {dash} lc rgb '{COLOURS[i // 2]}' title '{name}'")
    script = "set logscale x\nset xlabel 'last exit to signal, µs'\nset ylabel '% of containers'\n"
    script += "set key bottom right\nplot " + ", ".join(curves) + "\n"
    run(script, blocks, target)


def losses(figures: dict[str, dict[str, dict[str, Any]]], target: Path) -> None:
    rows = []
    for where, watchers in figures.items():
        for name, one in watchers.items():
            percent = 100 * one["lost"] / one["made"]
            rows.append((f"{name}, {where}", percent, percent, percent))
    bars(rows, "exits lost, %", target)


def growth(figures: list[dict[str, float]], target: Path) -> None:
    ladder = [one for one in figures if one["tasks"] == one["containers"]]
    keys = [("kernel_ns", "kernel time an exit, ns"), ("latency_us", "last exit to signal, µs"), ("start_s", "start, ms")]
    blocks, curves = {}, []
    for i, (key, title) in enumerate(keys):
        scale = 1000 if key == "start_s" else 1
        blocks[f"c{i}"] = data([(one["containers"], one[key] * scale) for one in ladder])
        curves.append(f"$c{i} using 1:2 with linespoints lw 2 pt 7 lc rgb '{COLOURS[i]}' title '{title}'")
    script = "set logscale xy\nset xrange [0.8:10000]\nset yrange [50:20000]\nset xlabel 'containers, each with init and one task'\n"
    run(script + "plot " + ", ".join(curves) + "\n", blocks, target)


def memory(figures: list[dict[str, float]], target: Path) -> None:
    ladder = [one for one in figures if one["tasks"] == one["containers"]]
    mib = 1024 * 1024
    blocks, curves = {}, []
    for i, (key, title) in enumerate([("resident", "resident"), ("own", "of it its own"), ("ring", "of it the ring, twice"), ("maps", "maps, in the kernel")]):
        blocks[f"c{i}"] = data([(one["containers"], one[key] / mib) for one in ladder])
        curves.append(f"$c{i} using 1:2 with linespoints lw 2 pt 7 lc rgb '{COLOURS[i]}' title '{title}'")
    script = "set logscale x\nset xrange [0.8:10000]\nset yrange [0:*]\nset xlabel 'containers'\nset ylabel 'MiB'\n"
    run(script + "plot " + ", ".join(curves) + "\n", blocks, target)


def draw(figures: dict[str, Any], results: Path) -> None:
    for name, part in (
        ("kernel_time", kernel_time),
        ("slowdown", slowdown),
        ("latency", latency),
        ("losses", losses),
        ("growth", growth),
    ):
        if name in figures:
            part(figures[name], results / f"{name}.svg")
    if "growth" in figures:
        memory(figures["growth"], results / "memory.svg")
