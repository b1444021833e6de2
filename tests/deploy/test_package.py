"""The Debian package: what lintian says of it, and its life in a root of its own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from place import PATIENCE_S, ROOT, call, need, need_root

UNIT = "usr/lib/systemd/system/lastout.service"  # /lib is a link
LINK = "etc/systemd/system/multi-user.target.wants/lastout.service"

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


# Takes the place of systemd in a root: records each call, and holds in /tmp/active which version of the program
# runs. deb-systemd-invoke and deb-systemd-helper are Debian's own.
SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >>/tmp/calls
for word; do
	case $word in -*) ;; *) verb=$word && break ;; esac
done
case $verb in
is-active) [ -e /tmp/active ] ;;
is-enabled) [ -h /etc/systemd/system/multi-user.target.wants/lastout.service ] && echo enabled ;;
start | restart) lastout version >/tmp/active ;;
try-restart) [ ! -e /tmp/active ] || lastout version >/tmp/active ;;
stop) rm -f /tmp/active ;;
daemon-reload) ;;
*) exit 1 ;;
esac
"""

# Takes the place of the program in a package.
PROGRAM = """#!/bin/sh
[ "$*" = version ] && echo {version} && exit
echo "lastout $*" >>/tmp/calls
"""

# What dh_installsystemd --no-start made of lastout 0.1.0, the first package.
FIRST_SCRIPTS = {
    "preinst": """#!/bin/sh
set -e
if [ -z "${DPKG_ROOT:-}" ] && [ "$1" = upgrade ] && [ -d /run/systemd/system ] ; then
	deb-systemd-invoke stop 'lastout.service' >/dev/null || true
fi
""",
    "postinst": """#!/bin/sh
set -e
deb-systemd-helper update-state 'lastout.service' >/dev/null || true
""",
    "prerm": """#!/bin/sh
set -e
if [ "$1" = remove ]; then
	lastout run --unpin >/dev/null 2>&1 || true
fi
""",
}

RELOAD = "systemctl --system daemon-reload"
TRY_RESTART = "systemctl try-restart lastout.service"
STOP = "systemctl stop lastout.service"
UNPIN = "lastout run --unpin"


@pytest.fixture(scope="session")
def package() -> Path:
    need("dh_builddeb", "lintian", "scdoc", "dpkg")
    words = call(ROOT / "tools" / "build-deb").split()
    return ROOT / words[-1]


class Packages:
    """Packages like the one that was built, with a program that records its calls."""

    def __init__(self, built: Path, directory: Path) -> None:
        self._built = built
        self._directory = directory

    def make(self, version: str, scripts: dict[str, str] | None = None, unit: str = UNIT) -> Path:
        tree = self._directory / version
        call("dpkg-deb", "--raw-extract", self._built, tree)
        write_script(tree / "usr/sbin/lastout", PROGRAM.format(version=version))
        for name, text in (scripts or {}).items():
            write_script(tree / "DEBIAN" / name, text)
        [found] = tree.rglob("lastout.service")
        if found != tree / unit:
            (tree / unit).parent.mkdir(parents=True, exist_ok=True)
            found.rename(tree / unit)
        return self._build(tree, version)

    def make_rival(self) -> Path:
        """Installing it removes lastout, and fails."""
        tree = self._directory / "rival"
        lines = ["Package: rival", "Version: 1", "Architecture: all", "Description: takes its place"]
        lines += ["Maintainer: none <none@example.org>"]
        lines += [f"{field}: lastout" for field in ("Conflicts", "Replaces", "Provides")]
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN/control").write_text("".join(f"{line}\n" for line in lines))
        write_script(tree / "DEBIAN/preinst", "#!/bin/sh\nexit 1\n")
        return self._build(tree, "1")

    def _build(self, tree: Path, version: str) -> Path:
        control = tree / "DEBIAN/control"
        control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", control.read_text()))
        call("dpkg-deb", "--build", "--root-owner-group", "-Znone", tree)
        return tree.with_name(f"{tree.name}.deb")


def write_script(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(0o755)


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

    def run_systemd(self) -> None:
        write_script(self.path / "usr/bin/systemctl", SYSTEMCTL)
        (self.path / "usr/sbin/policy-rc.d").unlink(missing_ok=True)  # this machine may have one
        (self.path / "run/systemd/system").mkdir(parents=True, exist_ok=True)

    def enable(self) -> None:
        """As systemctl does, of which there is none here."""
        link = self.path / LINK
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(f"/{UNIT}")

    def start(self) -> None:
        self.call("systemctl", "start", "lastout.service")
        self.calls()

    @property
    def active(self) -> str | None:
        """The version that runs."""
        active = self.path / "tmp/active"
        return active.read_text().strip() if active.exists() else None

    def calls(self) -> list[str]:
        """Since the last time, without questions."""
        path = self.path / "tmp/calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line for line in lines if " is-" not in line]

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


@pytest.fixture
def packages(package: Path, tmp_path: Path) -> Packages:
    return Packages(package, tmp_path)


@pytest.fixture
def booted(root: Root) -> Root:
    root.run_systemd()
    return root


def test_lintian(package: Path) -> None:
    call("lintian", "--allow-root", "--fail-on", "error,warning", package)


def test_configuration(root: Root, package: Path) -> None:
    """The program itself, on a root without systemd."""
    root.install(package)
    assert root.call("lastout", "version").startswith("lastout ")
    assert "only watched" in root.call("lastout", "check", "--config", "/etc/lastout/config.yaml")
    program = next(line for line in (root.path / UNIT).read_text().splitlines() if "ExecStart=" in line)
    assert program == "ExecStart=/usr/sbin/lastout run"

    # The administrator's configuration outlives another installation and the removal.
    config = root.path / "etc/lastout/config.yaml"
    config.write_text("version: 1  # mine\n")
    root.install(package)
    assert "mine" in config.read_text()
    root.call("dpkg", "--remove", "lastout")
    assert "mine" in config.read_text()
    assert not (root.path / "usr/sbin/lastout").exists()
    root.call("dpkg", "--purge", "lastout")
    assert root.changed() == set()
    assert not config.parent.exists()


def test_fresh_installation_starts_nothing(booted: Root, packages: Packages) -> None:
    booted.install(packages.make("1.0"))
    assert booted.calls() == [RELOAD]
    assert not os.path.lexists(booted.path / LINK)


@pytest.mark.parametrize("is_enabled", [True, False])
def test_upgrade_restarts_what_runs(booted: Root, packages: Packages, is_enabled: bool) -> None:
    """The next agent goes on with the pins."""
    booted.install(packages.make("1.0"))
    if is_enabled:
        booted.enable()
    booted.start()
    booted.install(packages.make("1.1"))
    assert booted.calls() == [RELOAD, TRY_RESTART]
    assert booted.active == "1.1"
    assert os.path.lexists(booted.path / LINK) == is_enabled


def test_upgrade_leaves_stopped_what_is_stopped(booted: Root, packages: Packages) -> None:
    """An administrator who stopped it had a reason, even if it is enabled."""
    booted.install(packages.make("1.0"))
    booted.enable()
    booted.calls()
    booted.install(packages.make("1.1"))
    assert booted.calls() == [RELOAD, TRY_RESTART]
    assert booted.active is None


def test_upgrade_from_the_first_package(booted: Root, packages: Packages) -> None:
    """What stopped the service was the preinst of the package that was installed next, not its own prerm."""
    first = packages.make("0.1.0", FIRST_SCRIPTS, unit="lib/systemd/system/lastout.service")
    booted.install(first)
    booted.start()
    booted.install(packages.make("1.1", unit="usr/lib/systemd/system/lastout.service"))
    assert booted.calls() == [RELOAD, TRY_RESTART]
    assert booted.active == "1.1"
    assert (booted.path / UNIT).exists()


def test_failed_upgrade(booted: Root, packages: Packages) -> None:
    booted.install(packages.make("1.0"))
    booted.start()
    with pytest.raises(AssertionError, match="pre-installation"):
        booted.install(packages.make("1.1", {"preinst": "#!/bin/sh\nexit 1\n"}))
    assert UNPIN not in booted.calls()
    assert booted.active == "1.0"
    assert booted.call("lastout", "version") == "1.0\n"
    booted.install(packages.make("1.2"))
    assert booted.active == "1.2"


def test_removal_stops_it_then_unpins(booted: Root, packages: Packages) -> None:
    booted.install(packages.make("1.0"))
    booted.start()
    booted.call("dpkg", "--remove", "lastout")
    assert booted.calls() == [STOP, UNPIN, RELOAD]
    assert booted.active is None

    # And once more, after the package was there without its files.
    booted.install(packages.make("1.1"))
    assert booted.active is None
    booted.start()
    booted.call("dpkg", "--purge", "lastout")
    assert booted.calls() == [STOP, UNPIN, RELOAD]


def test_removal_unpins_without_a_configuration(booted: Root, packages: Packages) -> None:
    booted.install(packages.make("1.0"))
    broken = 'echo "lastout $*" >>/tmp/calls\ncase $* in *--pin*) ;; *) exit 1 ;; esac\n'
    write_script(booted.path / "usr/sbin/lastout", f"#!/bin/sh\n{broken}")
    booted.calls()
    booted.call("dpkg", "--remove", "lastout")
    assert booted.calls() == [STOP, UNPIN, f"{UNPIN} --pin /sys/fs/bpf/lastout", RELOAD]


def test_failed_removal(booted: Root, packages: Packages) -> None:
    booted.install(packages.make("1.0"))
    booted.enable()
    booted.start()
    with pytest.raises(AssertionError, match="rival"):
        booted.install(packages.make_rival())
    assert booted.calls()[:2] == [STOP, UNPIN]
    assert booted.active == "1.0"


def test_purge_leaves_nothing(booted: Root, packages: Packages) -> None:
    booted.install(packages.make("1.0"))
    booted.enable()
    booted.start()
    booted.call("dpkg", "--purge", "lastout")
    assert booted.changed() == set()
    assert not os.path.lexists(booted.path / LINK)
    assert not (booted.path / "etc/lastout").exists()
