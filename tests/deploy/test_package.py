"""The Debian package: what lintian says of it, and its life in a root of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from place import PATIENCE_S, ROOT, call, need, need_root

UNIT = "lib/systemd/system/lastout.service"

# Whatever is written goes into a tmpfs, which goes with the namespace. Other file systems of the machine
# (/run, /sys) are not in this root: there is no systemd that could be asked to start anything.
MAKE_ROOT = """
mount -t tmpfs tmpfs "$1" && mkdir "$1/upper" "$1/work" "$1/root" &&
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay "$1/root" || exit
mount -t tmpfs tmpfs "$1/root/tmp" && mount -t proc proc "$1/root/proc" || exit
mknod -m 666 "$1/root/dev/null" c 1 3 2>&- || [ -c "$1/root/dev/null" ] || exit
echo ready
read -r _
"""


@pytest.fixture(scope="session")
def package() -> Path:
    need("dh_builddeb", "lintian", "scdoc", "dpkg")
    words = call(ROOT / "tools" / "build-deb").split()
    return ROOT / words[-1]


class Root:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        namespace = ["unshare", "--mount", "--propagation", "private"]
        self._holder = subprocess.Popen(
            [*namespace, "sh", "-c", MAKE_ROOT, "sh", directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout
        assert self._holder.stdout.readline() == b"ready\n", "the root could not be made"
        self.path = Path(f"/proc/{self._holder.pid}/root{directory}/root")

    def call(self, *args: str) -> str:
        enter = ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", "--", "chroot"]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
        return call(*enter, f"{self.directory}/root", *args, env=environment)

    def install(self, package: Path) -> str:
        (self.path / "tmp" / package.name).write_bytes(package.read_bytes())
        return self.call("dpkg", "--install", f"/tmp/{package.name}")

    def changed(self) -> set[str]:
        """Names of lastout's in what was written."""
        upper = self.path.parent / "upper"
        found = (path.relative_to(upper) for path in upper.rglob("*lastout*"))
        return {str(path) for path in found if "tmp" not in path.parts}

    def close(self) -> None:
        self._holder.communicate(b"\n", PATIENCE_S)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Root]:
    need_root()
    if subprocess.run(["dpkg", "-s", "lastout"], capture_output=True, check=False).returncode == 0:
        pytest.skip("lastout is installed on this machine: its root is no fresh one")
    made = Root(tmp_path)
    with contextlib.closing(made):
        yield made


def test_lintian(package: Path) -> None:
    call("lintian", "--allow-root", "--fail-on", "error,warning", package)


def test_whole_life(root: Root, package: Path) -> None:
    root.install(package)
    assert root.call("lastout", "version").startswith("lastout ")
    assert "only watched" in root.call("lastout", "check", "--config", "/etc/lastout/config.yaml")
    # Nothing by surprise.
    assert (root.path / UNIT).exists()
    wanted = "etc/systemd/system/multi-user.target.wants/lastout.service"
    assert not os.path.lexists(root.path / wanted)
    program = next(line for line in (root.path / UNIT).read_text().splitlines() if "ExecStart=" in line)
    assert program == "ExecStart=/usr/sbin/lastout run"

    # The administrator's own words outlive another installation, and the removal.
    config = root.path / "etc/lastout/config.yaml"
    config.write_text("version: 1  # mine\n")
    root.install(package)
    assert "mine" in config.read_text()

    # What was pinned must not stay in the kernel.
    tell = root.path / "usr/sbin/lastout"
    tell.unlink()
    tell.write_text('#!/bin/sh\necho "$@" >>/tmp/told\n')
    tell.chmod(0o755)
    root.call("dpkg", "--remove", "lastout")
    assert (root.path / "tmp/told").read_text() == "run --unpin\n"
    assert "mine" in config.read_text()
    assert not tell.exists()

    root.call("dpkg", "--purge", "lastout")
    assert root.changed() == set()
    assert not config.parent.exists()


def test_upgrade_keeps_the_pins(root: Root, package: Path) -> None:
    """The next agent goes on with them."""
    root.install(package)
    tell = root.path / "usr/sbin/lastout"
    tell.unlink()
    tell.write_text('#!/bin/sh\necho "$@" >>/tmp/told\n')
    tell.chmod(0o755)
    root.install(package)
    assert not (root.path / "tmp/told").exists()
