"""What a program could leave behind when it is gone: BPF links and maps, and sockets.

Other agents may run and pin at the same time, so only objects that the program itself had count: a link
or a map that is still there is pinned somewhere, or another process got it from the program.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from pathlib import Path
from typing import Callable, Iterator

from .deadline import DeadlineExceeded, wait_until

KINDS = ("link", "map")

PATIENCE_S = 30.0
"""The kernel frees BPF objects a moment after their last user."""

Object = tuple[str, int]


@contextlib.contextmanager
def assert_nothing_left(run_dir: Path) -> Iterator[Callable[[int], None]]:
    """Gives a function that notes what the process of that pid has, which must be gone at the end."""
    own: set[Object] = set()

    def note(pid: int) -> None:
        found = _held_by(pid)
        assert {kind for kind, _ in found} == set(KINDS), f"{pid} has no BPF objects yet"
        own.update(found)

    yield note
    with contextlib.suppress(DeadlineExceeded):
        wait_until("its BPF objects to be freed", lambda: not own & _listed(), PATIENCE_S)
    left = own & _listed()
    assert not left
    assert not list(run_dir.glob("*.sock")), "a socket is left"


def _held_by(pid: int) -> set[Object]:
    held = set()
    for fdinfo in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found = re.findall(r"^(link|map)_id:\s*(\d+)", fdinfo.read_text(), re.MULTILINE)
            held.update((kind, int(number)) for kind, number in found)
    return held


def _listed() -> set[Object]:
    return {(kind, entry["id"]) for kind in KINDS for entry in _list(kind)}


def _list(kind: str) -> list[dict[str, int]]:
    def ask() -> bytes | None:
        """bpftool fails when an object is freed while it lists them."""
        done = subprocess.run(["bpftool", "-j", kind, "show"], capture_output=True)
        return done.stdout if done.returncode == 0 else None

    entries: list[dict[str, int]] = json.loads(wait_until(f"bpftool {kind} show", ask))
    return entries
