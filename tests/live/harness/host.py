"""Processes of the host, outside every container."""

from __future__ import annotations

import subprocess
from typing import Any


def exit_of_host(status: int = 0, **options: Any) -> int:
    """One process that is over when this returns; its pid."""
    child = subprocess.Popen(["sh", "-c", f"exit {status}"], **options)
    child.wait()
    return child.pid


def waiting_process(status: int = 0) -> subprocess.Popen[bytes]:
    """A process that exits with that status when its standard input is closed."""
    return subprocess.Popen(["sh", "-c", f"read _; exit {status}"], stdin=subprocess.PIPE)
