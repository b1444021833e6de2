"""The runc command, with its default state directory: that is where lastout looks too."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any


class RuncError(AssertionError):
    """runc failed; its own words are the message."""


def call(*args: str | Path, log: Path | None = None) -> str:
    """Run runc to its end, and return what it printed.

    A detached container keeps the standard streams that runc was given, so those must never be
    pipes of ours: with log they are that file.
    """
    command = ["runc", *map(str, args)]
    if log:
        with log.open("ab") as output:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        said = log.read_text(errors="replace")
    else:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        said = done.stdout + done.stderr
    if done.returncode != 0:
        raise RuncError(f"{' '.join(command)}: {said.strip()}")
    return said


def state(container_id: str) -> dict[str, Any]:
    return json.loads(call("state", container_id))
