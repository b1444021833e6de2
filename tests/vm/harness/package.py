"""The Debian package under test, and packages that it is upgraded from."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .machine import ROOT, Machine

OLD = ROOT / "tests" / "vm" / "0.1.0"


@dataclass
class Packages:
    current: Path
    lower: Path
    first: Path

    def files(self) -> dict[str, Path]:
        return {"current.deb": self.current, "lower.deb": self.lower, "first.deb": self.first}


def install(vm: Machine, name: str = "current") -> None:
    vm.run(f"DEBIAN_FRONTEND=noninteractive dpkg --install --force-confold /opt/tests/{name}.deb 2>&1")


def build(directory: Path) -> Packages:
    """Debian's tools make the package; the others are made of it by changing what matters."""
    subprocess.run([ROOT / "tools" / "build-deb"], check=True, stdout=subprocess.DEVNULL)
    [built] = (ROOT / "build" / "deb").glob("lastout_*.deb")
    current = Path(shutil.copy(built, directory / "current.deb"))
    version = dpkg_deb("--field", current, "Version")
    tree = directory / "tree"
    dpkg_deb("--raw-extract", current, tree)
    lower = repack(tree, f"{version}~lower", directory / "lower.deb")
    for name in ("postinst", "prerm", "postrm"):
        (tree / "DEBIAN" / name).unlink(missing_ok=True)
    for path in (OLD / "DEBIAN").iterdir():
        shutil.copy(path, tree / "DEBIAN" / path.name)
    shutil.copy(OLD / "lastout.service", tree / "lib" / "systemd" / "system" / "lastout.service")
    shutil.copy(OLD / "config.yaml", tree / "etc" / "lastout" / "config.yaml")
    first = repack(tree, "0.1.0~first", directory / "first.deb")
    return Packages(current, lower, first)


def repack(tree: Path, version: str, to: Path) -> Path:
    control = tree / "DEBIAN" / "control"
    lines = control.read_text().splitlines()
    lines = [f"Version: {version}" if line.startswith("Version: ") else line for line in lines]
    control.write_text("".join(f"{line}\n" for line in lines))
    dpkg_deb("--root-owner-group", "-Zgzip", "--build", tree, to)
    return to


def dpkg_deb(*arguments: str | Path) -> str:
    done = subprocess.run(["dpkg-deb", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
