"""Single processes, seen from the host."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from .deadline import wait_until


def state(pid: int) -> str:
    """The letter that ps shows; X when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "X"
    return stat.rpartition(")")[2].split()[0]


def pid_inside(pid: int) -> int | None:
    """Its pid in its own PID namespace, or None when it is gone."""
    field = _status_field(pid, "NSpid")
    return int(field[-1]) if field else None


def tracer(pid: int) -> int:
    """Who traces it; 0 if nobody does, or it is gone."""
    field = _status_field(pid, "TracerPid")
    return int(field[0]) if field else 0


def threads(pid: int) -> int:
    field = _status_field(pid, "Threads")
    return int(field[0]) if field else 0


def _status_field(pid: int, name: str) -> list[str] | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    [line] = [line for line in status.splitlines() if line.startswith(f"{name}:")]
    return line.split()[1:]


def await_exit(pid: int) -> None:
    """Wait until it is dead; nobody needs to have reaped it."""
    wait_until(f"process {pid} to exit", lambda: state(pid) in "ZX")


def kill(pid: int, name: str) -> None:
    os.kill(pid, signal.Signals[name])


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")


def comm(pid: int) -> str:
    """Its command name, as the kernel cuts it; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def next_timer_s(pid: int) -> int:
    """Whole seconds until its timers wake it, which are a timerfd's, as the loop of the agent has them."""
    values = [0]
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        lines = [line for line in _lines(info) if line.startswith("it_value: (")]
        values += [int(line.split("(")[1].split(",")[0]) for line in lines]
    return max(values)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except FileNotFoundError:  # closed meanwhile
        return []
