"""The lastout command, run to its end."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from .machine import LASTOUT

PATIENCE_S = 60.0

Done = subprocess.CompletedProcess[str]


def call(*args: str | Path, binary: Path = LASTOUT, **options: Any) -> Done:
    """Run it and return its exit status and what it printed."""
    return _run([binary, *args], **options)


def call_on_host_without(breakage: str, *args: str | Path) -> Done:
    """Run it after a shell command has broken the host, in a mount namespace that ends with it."""
    namespace = ["unshare", "--mount", "--propagation", "private"]
    script = f'{breakage} && exec "$0" "$@"'
    return _run([*namespace, "sh", "-c", script, LASTOUT, *args])


def _run(command: list[str | Path], **options: Any) -> Done:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        **options,
    )
