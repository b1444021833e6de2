# SPDX-License-Identifier: Apache-2.0
"""From a last exit to the signal: the agent and the floor by turns, alone and beside a hog on every CPU."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from pathlib import Path

from . import services

Figures = dict[str, list[float]]


def live(count: int) -> list[float]:
    """So many lives; microseconds from the task's last act to the signal as init sees it."""
    with tempfile.TemporaryDirectory() as directory:
        seen = Path(directory) / "seen"
        command = [services.BENCH / "lives", services.hierarchy(), str(count), seen]
        subprocess.run(command, check=True, timeout=60 + count)
        return [round(int(line) / 1000) for line in seen.read_text().splitlines()]


def of_agent(count: int, before: tuple[str, ...] = ()) -> tuple[list[float], list[float]]:
    with services.agent(before=before, sink=False) as running:
        seen = live(count)
        told = [json.loads(line)["latency_us"] for line in running.out.read_text().splitlines()]
    return [t for t in told if t is not None], seen


def of_floor(count: int) -> tuple[list[float], list[float]]:
    with services.floor("signal", sink=False) as running:
        seen = live(count)
        process = running.process
        process.send_signal(2)
        process.wait()  # it prints when it ends
        told = [float(line) for line in running.out.read_text().splitlines()]
    return told, seen


def measure(lives: int, lives_beside_hogs: int, batch: int) -> dict[str, Figures]:
    figures: dict[str, Figures] = {}
    for name, count, beside in (("alone", lives, contextlib.nullcontext), ("hogs", lives_beside_hogs, services.hogs)):
        figures[name] = {"agent": [], "floor": [], "agent, seen by init": [], "floor, seen by init": []}
        with beside():
            for _ in range(0, count, batch):
                for who, run in (("agent", of_agent), ("floor", of_floor)):
                    told, seen = run(batch)
                    figures[name][who] += told
                    figures[name][f"{who}, seen by init"] += seen
    return figures
