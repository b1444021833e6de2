"""Other people's commands, run to their end; that they fail is a failure of the test."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0
"""A server that does not answer must not hold the tests for ever."""


class CommandError(AssertionError):
    """It failed; its own words are the message."""


def call(
    *args: str | Path, log: Path | None = None, patience_s: float = PATIENCE_S
) -> str:
    """Run it, and return what it printed on stdout, or the whole log when there is one.

    What a command leaves running keeps the standard streams that the command was given, so those
    must never be pipes of ours then: with log they are that file.
    """
    command = [str(arg) for arg in args]
    if log:
        with log.open("ab") as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=patience_s,
            )
        out = said = log.read_text(errors="replace")
    else:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience_s
        )
        out, said = done.stdout, done.stdout + done.stderr
    if done.returncode != 0:
        raise CommandError(f"{' '.join(command)}: {said.strip()}")
    return out


def run(*args: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """The same where its status is what the test wants to know, or nothing."""
    command = [str(arg) for arg in args]
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        **options,
    )
