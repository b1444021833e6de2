"""What a program could leave behind when it is gone: attached BPF programs, pins, cgroups, sockets.

Others may be at work on the machine meanwhile. What a living process holds is not left behind, and
neither is what comes and goes.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from pathlib import Path
from typing import Iterator

from . import cgroup
from .deadline import DeadlineExceeded, wait_until

PINS = Path("/sys/fs/bpf")

PATIENCE_S = 5.0
"""The kernel frees BPF objects and cgroups a moment after their last user."""


@contextlib.contextmanager
def assert_nothing_left(run_dir: Path) -> Iterator[None]:
    before = _ownerless()
    yield
    left = _ownerless() - before

    def is_gone() -> bool:
        left.intersection_update(_ownerless())
        return not left

    with contextlib.suppress(DeadlineExceeded):
        wait_until("nothing to be left", is_gone, PATIENCE_S)
    assert not left
    assert not list(run_dir.glob("*.sock")), "a socket is left"


def _ownerless() -> set[str]:
    links = _listed_links() - _held_links()
    pins = (f"pin {path}" for path in PINS.rglob("*"))
    cgroups = (f"cgroup {path}" for path in cgroup.empty_directories())
    return {f"link {link}" for link in links} | {*pins, *cgroups}


def _listed_links() -> set[int]:
    """A link is what keeps a BPF program attached."""

    def ask() -> bytes | None:
        """bpftool gives up when a link goes while it lists them: asked again, it does not."""
        done = subprocess.run(["bpftool", "-j", "link", "show"], capture_output=True)
        return done.stdout if done.returncode == 0 else None

    return {link["id"] for link in json.loads(wait_until("bpftool", ask))}


def _held_links() -> set[int]:
    held = set()
    for fdinfo in Path("/proc").glob("[0-9]*/fdinfo/*"):
        with contextlib.suppress(OSError):
            held.update(map(int, re.findall(r"^link_id:\s*(\d+)", fdinfo.read_text(), re.M)))
    return held
