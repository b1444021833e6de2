"""The odd programs of tests/programs, built as the Makefile builds them."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

from .machine import ROOT

PROGRAMS = ROOT / "build" / "tests" / "programs"
"""Bound into every container as /t."""

DRIVERS = ROOT / "build" / "tests" / "drivers"
"""Run on the host: they call one part of lastout alone."""


def build() -> None:
    """Only what is older than its source, and by one worker at a time: two makes write the same files."""
    sources = (ROOT / "tests" / "programs").glob("*.c")
    targets = [path(source.stem).relative_to(ROOT) for source in sources]
    drivers = (ROOT / "tests" / "drivers").glob("*.c")
    targets += [driver(source.stem).relative_to(ROOT) for source in drivers]
    with open(ROOT / "Makefile") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "--no-print-directory", "-C", ROOT, *targets], check=True)


def path(name: str) -> Path:
    return PROGRAMS / name


def driver(name: str) -> Path:
    return DRIVERS / name
