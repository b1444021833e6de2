"""Where a runtime runs: on the host as it is, or in a mount namespace where it sees another one.

A room lasts as long as something runs in it, and the mounts that runtimes make in it go with it,
also when nobody tidies up. Nobody outside sees them; lastout needs none.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Protocol

HIDE_FIXED_PLACES = """
for place in /run /etc/docker /etc/cni /var/lib/containers /var/lib/cni; do
    [ ! -d $place ] || mount -t tmpfs -o mode=755 tmpfs $place || exit
done
"""
"""What runtimes write where no option leads them elsewhere: sockets, keys, caches.

So they are alone on the machine, whoever else runs one there.
"""

HIDE_UNIFIED = "umount /sys/fs/cgroup/unified || exit\n"
"""crun refuses a hybrid machine whose cgroup2 has a controller; pure v1 it takes."""

HOLD = "echo ready; read _"


class Place(Protocol):
    def command(self, *args: str | Path) -> list[str]:
        """That command, to be run there."""


class Host:
    def command(self, *args: str | Path) -> list[str]:
        return [str(arg) for arg in args]


HOST = Host()


class Room:
    def __init__(self, script: str) -> None:
        """Made by a shell script. Its holder ends with the tests, whatever ends them."""
        namespace = ["unshare", "--mount", "--propagation", "private"]
        self._holder = subprocess.Popen(
            [*namespace, "sh", "-c", script + HOLD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout
        assert self._holder.stdout.readline() == b"ready\n", "the room could not be made"

    def command(self, *args: str | Path) -> list[str]:
        namespace = f"--mount=/proc/{self._holder.pid}/ns/mnt"
        return ["nsenter", namespace, "--", *(str(arg) for arg in args)]

    def close(self) -> None:
        self._holder.communicate(b"\n")
