"""What an agent leaves in a BPF file system, so that the count goes on without it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import command

LOSSES = ("ring_full", "processes_full", "containers_full", "stale", "uncounted")
"""In the order of enum loss."""


class Mount:
    """A BPF file system of the tests' own: what is left in it goes with it."""

    def __init__(self, at: Path) -> None:
        self.path = at
        command.call("mount", "-t", "bpf", "bpf", at)

    def remove(self) -> None:
        command.call("umount", "--lazy", self.path)


class Pins:
    """The directory that an agent is given as --pin."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def sets(self) -> list[Path]:
        if not self.directory.exists():
            return []
        return sorted(self.directory.iterdir(), key=lambda path: int(path.name))

    def the_set(self) -> Path:
        [path] = self.sets()
        return path

    def links(self) -> set[str]:
        return {path.name for path in self.the_set().glob("link_*")}

    def dump(self, name: str) -> list[dict[str, Any]]:
        said = command.call("bpftool", "-j", "map", "dump", "pinned", self.the_set() / name)
        return json.loads(said)

    def losses(self) -> dict[str, int]:
        """What the kernel side has counted since the maps were made."""
        found = {}
        for entry in self.dump("losses"):
            values = entry["formatted"]["values"] if "formatted" in entry else entry["values"]
            key = entry["formatted"]["key"] if "formatted" in entry else entry["key"]
            found[LOSSES[key]] = sum(value["value"] for value in values)
        return found

    def forget_process(self, pid: int) -> None:
        """As if its fork had never been seen: neither it nor its count is there."""
        key = _bytes(pid.to_bytes(4, sys.byteorder))
        found = self._lookup("processes", key)
        container = found["value"][:8]
        value = self._lookup("containers", container)["value"]
        tasks = int.from_bytes(_raw(value[:4]), sys.byteorder)
        value[:4] = _bytes((tasks - 1).to_bytes(4, sys.byteorder))
        self._map("delete", "processes", "key", *key)
        self._map("update", "containers", "key", *container, "value", *value)

    def add_dead_process(self, like: int, pid: int) -> None:
        """As if a process beside that one had ended without a hook having seen it."""
        value = self._lookup("processes", _bytes(like.to_bytes(4, sys.byteorder)))["value"]
        container = value[:8]
        counts = self._lookup("containers", container)["value"]
        tasks = int.from_bytes(_raw(counts[:4]), sys.byteorder)
        counts[:4] = _bytes((tasks + 1).to_bytes(4, sys.byteorder))
        key = _bytes(pid.to_bytes(4, sys.byteorder))
        self._map("update", "containers", "key", *container, "value", *counts)
        self._map("update", "processes", "key", *key, "value", *value)

    def _lookup(self, name: str, key: list[str]) -> dict[str, Any]:
        return json.loads(self._map("lookup", name, "key", *key))

    def _map(self, verb: str, name: str, *words: str) -> str:
        return command.call("bpftool", "-j", "map", verb, "pinned", self.the_set() / name, *words)

    def is_counted(self, cgroups: set[int]) -> bool:
        entries = self.dump("containers")
        return bool(cgroups & {int.from_bytes(_raw(e["key"]), sys.byteorder) for e in entries})

    def containers(self) -> int:
        """How many cgroups are counted."""
        return len(self.dump("containers"))

    def remove(self) -> None:
        """Whoever is left in it; what it counts ends with it."""
        subprocess.run(["rm", "-rf", self.directory], check=True)


def _raw(words: list[str]) -> bytes:
    return bytes(int(word, 16) for word in words)


def _bytes(value: bytes) -> list[str]:
    """As bpftool takes and gives them."""
    return [f"0x{byte:02x}" for byte in value]
