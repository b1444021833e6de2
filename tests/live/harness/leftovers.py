"""What a program could leave behind: BPF objects, pins, cgroups, files of its run directory."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path
from typing import Iterator

from . import cgroup
from .deadline import wait_until

PINS = Path("/sys/fs/bpf")


def _bpf_objects(kind: str) -> set[int]:
    said = subprocess.run(["bpftool", "-j", kind, "show"], capture_output=True, check=True).stdout
    return {thing["id"] for thing in json.loads(said)}


def _everything() -> set[str]:
    """By name. runc makes BPF programs too, but none while a test that asks here is at work."""
    objects = {f"{kind} {id_}" for kind in ("prog", "map", "link") for id_ in _bpf_objects(kind)}
    pins = {f"pin {path}" for path in PINS.rglob("*")}
    return objects | pins | {f"cgroup {path}" for path in cgroup.all_directories()}


@contextlib.contextmanager
def assert_nothing_left(run_dir: Path) -> Iterator[None]:
    """The kernel frees BPF objects a moment after their owner, so this waits for it."""
    before = _everything()
    yield
    with contextlib.suppress(AssertionError):
        wait_until("nothing to be left", lambda: not _everything() - before, patience_s=5)
    assert not _everything() - before
    assert not list(run_dir.glob("*.sock")), "a socket is left"
