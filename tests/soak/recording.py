"""What happened to one container, as lastout recorded it, for `lastout replay`.

The agent's log and outcomes have gaps, because it is killed; a tail beside it has none.
"""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

from harness.deadline import wait_until
from harness.machine import LASTOUT


class Tail:
    """`lastout tail` all the time, into a file."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "tail.jsonl"
        self._said = directory / "tail.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.file.open("wb") as out, self._said.open("wb") as err:
            self._process = subprocess.Popen(
                [LASTOUT, "tail", "-o", "json", "--no-host"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        wait_until("the tail to watch", lambda: b"watching" in self._said.read_bytes())

    def end(self) -> None:
        """If there is one still."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)


def write(path: Path, container_id: str, *files: Path) -> None:
    """Their lines about this container, in order of time: each line begins with it."""
    lines = {line for file in files for line in file.read_bytes().split(b"\n")}
    mine = sorted(line for line in lines if _speaks_of(line, container_id))
    path.write_bytes(b"".join(line + b"\n" for line in mine))


def _speaks_of(line: bytes, container_id: str) -> bool:
    """Not one that was cut, where the agent was killed or its disk was full."""
    try:
        who = json.loads(line).get("container")
    except (ValueError, AttributeError):
        return False
    return who == container_id or (isinstance(who, dict) and who.get("id") == container_id)


def problem(path: Path, config: Path, container_id: str) -> str | None:
    """Why it is no recording that a replay would tell this container's story from."""
    done = subprocess.run(
        [LASTOUT, "replay", "--config", config, path],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )
    if done.returncode != 0 or "not understood" in done.stderr:
        return done.stderr
    return None if container_id in done.stdout else f"no word of it: {done.stdout}{done.stderr}"
