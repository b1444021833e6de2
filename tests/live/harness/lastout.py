"""The lastout command, run to its end."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from . import command
from .machine import LASTOUT

Done = subprocess.CompletedProcess[str]


def call(*args: str | Path, binary: Path = LASTOUT, **options: Any) -> Done:
    """Run it and return its exit status and what it printed."""
    return command.run(binary, *args, **options)


def call_on_host_without(breakage: str, *args: str | Path) -> Done:
    """Run it after a shell command has broken the host, in a mount namespace that ends with it."""
    namespace = ["unshare", "--mount", "--propagation", "private"]
    script = f'{breakage} && exec "$0" "$@"'
    return command.run(*namespace, "sh", "-c", script, LASTOUT, *args)
