# SPDX-License-Identifier: Apache-2.0
"""From a last exit to the signal: the agent and the floors by turns.

Alone; beside a hog on every CPU; and beside loops that run when nobody else wants to, so that no CPU
sleeps: to wake one takes longer than all else in a virtual machine, and never twice the same.
"""

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


def of_floor(count: int, name: str) -> tuple[list[float], list[float]]:
    with services.floor(name, sink=False) as running:
        seen = live(count)
        process = running.process
        process.send_signal(2)
        process.wait()  # it prints when it ends
        told = [float(line) for line in running.out.read_text().splitlines()]
    return told, seen


def measure(lives: int, lives_beside_hogs: int, batch: int) -> dict[str, Figures]:
    figures: dict[str, Figures] = {}
    whoever = {
        "agent": of_agent,
        "floor": lambda count: of_floor(count, "signal"),
        "floor that looks first": lambda count: of_floor(count, "look"),
    }
    machines = {
        "alone": (lives, contextlib.nullcontext),
        "awake": (lives, services.awake),
        "hogs": (lives_beside_hogs, services.hogs),
    }
    for name, (count, beside) in machines.items():
        figures[name] = {}
        with beside():
            for _ in range(0, count, batch):
                for who, run in whoever.items():
                    told, seen = run(batch)
                    figures[name].setdefault(who, []).extend(told)
                    figures[name].setdefault(f"{who}, seen by init", []).extend(seen)
    return figures
