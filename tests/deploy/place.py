"""Where things are, and how other people's commands are run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LASTOUT = Path(os.environ.get("LASTOUT", ROOT / "build" / "lastout"))
PATIENCE_S = 120.0
"""A command that hangs must not hold the tests for ever."""


def need(*commands: str) -> None:
    """Skip where one of them is not installed."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [command for command in commands if not shutil.which(command, path=path)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def need_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")


def call(*args: str | Path, **options: Any) -> str:
    """Run it; what it printed on stdout. That it fails is a failure of the test."""
    done = subprocess.run(
        [str(arg) for arg in args],
        **{"stdin": subprocess.DEVNULL, "timeout": PATIENCE_S, **options},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    said = f"{' '.join(map(str, args))}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    assert done.returncode == 0, said
    return done.stdout
