"""An OCI bundle small enough to read: the host's own /usr as the image, and a control directory.

The root file system is one read-only directory of mount points, shared by all containers of a
run. What belongs to one container alone is its control directory, bound as /c: its init's
executable, and the fifos that its processes and the test talk through.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from . import programs

NAMESPACES = ("mount", "ipc", "uts")
OWN = ""
MOUNT_POINTS = ("proc", "dev", "tmp", "usr", "t", "c")
PATH = "PATH=/usr/bin:/usr/sbin"
LINKS_TO_USR = ("bin", "sbin", "lib", "lib32", "lib64")


def make_rootfs(rootfs: Path) -> None:
    for name in MOUNT_POINTS:
        (rootfs / name).mkdir(parents=True)
    for name in LINKS_TO_USR:
        (rootfs / name).symlink_to(Path("usr") / name)


def write_config(
    bundle: Path,
    rootfs: Path,
    cgroup: str,
    args: list[str],
    memory_limit_bytes: int | None = None,
    pid_namespace: str | None = OWN,
    binds: dict[str, Path] | None = None,
    annotations: dict[str, str] | None = None,
    capabilities: list[str] | None = None,
) -> None:
    """pid_namespace: OWN, the path of another container's, or None for the host's.

    binds: more files of the host, writable, by where the container has them.
    """
    namespaces = [{"type": name} for name in NAMESPACES]
    if pid_namespace is not None:
        # crun takes an empty path for a path.
        path = {"path": pid_namespace} if pid_namespace else {}
        namespaces.append({"type": "pid", **path})
    linux: dict[str, Any] = {"cgroupsPath": cgroup, "namespaces": namespaces}
    if memory_limit_bytes:
        linux["resources"] = {"memory": {"limit": memory_limit_bytes}}
    more = [_mount(Bind(what, at, "rw")) for at, what in (binds or {}).items()]
    config = {
        "ociVersion": "1.0.2",
        "process": process(args, capabilities),
        "root": {"path": str(rootfs), "readonly": True},
        "mounts": _mounts(bundle) + more,
        "linux": linux,
        "annotations": annotations or {},
    }
    (bundle / "config.json").write_text(json.dumps(config, indent=1))


def process(args: list[str], capabilities: list[str] | None = None) -> dict[str, Any]:
    """No rlimits: raising one needs CAP_SYS_RESOURCE, which not every host gives."""
    return {
        "args": args,
        "cwd": "/tmp",
        "env": [PATH],
        "user": {"uid": 0, "gid": 0},
        "capabilities": dict.fromkeys(
            ("bounding", "permitted", "effective"), capabilities or []
        ),
    }


def _mounts(bundle: Path) -> list[dict[str, Any]]:
    return [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
        *map(_mount, binds(bundle)),
    ]


class Bind(NamedTuple):
    """A directory of the host inside a container."""

    source: Path
    destination: str
    access: str


def binds(bundle: Path) -> list[Bind]:
    return [
        Bind(Path("/usr"), "/usr", "ro"),
        Bind(programs.PROGRAMS, "/t", "ro"),
        Bind(bundle / "c", "/c", "rw"),
    ]


def _mount(bind: Bind) -> dict[str, Any]:
    options = ["rbind", bind.access]
    return {
        "destination": bind.destination,
        "type": "bind",
        "source": str(bind.source),
        "options": options,
    }
