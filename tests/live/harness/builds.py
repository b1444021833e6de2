"""Other builds of lastout, as an upgrade brings them: this tree with something changed.

What has been built already is copied with its times, so that only what the change reaches is built.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Callable, Iterable, NamedTuple

from . import command
from .machine import ROOT

SOURCES = ("Makefile", "bpf", "include", "tools", "user", "vmlinux")
OBJECTS = ("build/bpf", "build/user", "build/lastout.bpf.o", "build/lastout.skel.h")


class Change(NamedTuple):
    """One place of a file that must be there, and what stands there instead."""

    path: str
    pattern: str
    instead: str

    def apply(self, tree: Path) -> None:
        file = tree / self.path
        text, count = re.subn(self.pattern, self.instead, file.read_text())
        assert count == 1, f"{self.path} has {count} places like {self.pattern}"
        file.write_text(text)


OTHER_PROGRAMS = (Change("bpf/maps.bpf.c", r'"Dual BSD/GPL"', '"GPL"'),)
"""The same layout; the bytes of the object differ."""

OTHER_LAYOUT = (
    Change("include/abi.h", r"ABI_LAYOUT = (\d+)", r"ABI_LAYOUT = 1\1"),
    Change("include/abi.h", r"(__u32 uncounted_in;.*\n)", r"\1	__u64 later_field;\n"),
    Change(
        "include/abi.h",
        r"sizeof\(struct abi_container\) == (\d+)",
        r"sizeof(struct abi_container) == \1 + 8",
    ),
)
"""What a next version may do: add to the end of a value."""


def build(directory: Path, changes: Iterable[Change]) -> Path:
    """Build the changed tree there, and return its binary."""
    for name in (*SOURCES, *OBJECTS):
        source, target = ROOT / name, directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy: Callable[..., object] = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, target)
    for change in changes:
        change.apply(directory)
    command.call("make", "-C", directory, "-j2", "CFLAGS=-O0", "build/lastout", patience_s=300)
    return directory / "build" / "lastout"
