"""Tab, in real shells, with what `make install` installs."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Callable, Iterator

import pytest

import terminal
from place import LASTOUT, call, need

CONTAINERS = """#!/bin/sh
[ "$1" = ps ] || exec {lastout} "$@"
cat <<'END'
ID           NAME             RUNTIME INIT
0a1b2c3d4e5f web-1            runc    goproc
1a1b2c3d4e5f $(touch${{IFS}}{trap}) runc goproc
2a1b2c3d4e5f bad;touch${{IFS}}{trap} runc goproc
3a1b2c3d4e5f -                runc    goproc
END
"""

Complete = Callable[[str], str]


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    return tmp_path / "trap"


@pytest.fixture(params=["bash", "zsh"])
def complete(request: pytest.FixtureRequest, tmp_path: Path, trap: Path) -> Iterator[Complete]:
    """Types a line into that shell. The lastout there knows some containers with bad names."""
    shell = request.param
    need(shell)
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "lastout"
    program.write_text(CONTAINERS.format(lastout=LASTOUT, trap=trap))
    program.chmod(0o755)
    script = tmp_path / "_lastout"
    script.write_text(call(LASTOUT, "completion", shell))
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(tmp_path), "PS1": "$ "}
    if shell == "bash":
        opened = terminal.bash(environment, script)
    else:
        opened = terminal.zsh(environment, tmp_path)
    yield opened.complete
    opened.close()


@pytest.mark.parametrize(
    "typed, completed",
    [
        ("lastout expl", "lastout explain "),
        ("lastout run --dry", "lastout run --dry-run "),
        ("lastout tail --name", "lastout tail --namespace "),
        ("lastout wait we", "lastout wait web-1 "),
        ("lastout finish 0a", "lastout finish 0a1b2c3d4e5f "),
        ("lastout run --settle 1", "lastout run --settle 1"),
        ("lastout wait $(to", "lastout wait $(to"),
        ("lastout wait bad", "lastout wait bad"),
    ],
)
def test_tab(complete: Complete, trap: Path, typed: str, completed: str) -> None:
    assert complete(typed) == completed
    assert not trap.exists()


@pytest.mark.parametrize("start", ["lastout check --config", "lastout replay"])
def test_files(complete: Complete, tmp_path: Path, start: str) -> None:
    (tmp_path / "policies.yaml").touch()
    assert complete(f"{start} {tmp_path}/pol").rstrip() == f"{start} {tmp_path}/policies.yaml"


def test_every_option_of_every_command() -> None:
    """What --help shows is what Tab offers, as both are made from the same table."""
    script = call(LASTOUT, "completion", "bash")
    offered = re.findall(r"^\t([a-z-]+)\)\n\t\toptions='([^']*)'", script, re.MULTILINE)
    listed = re.findall(r"^  ([a-z-]+) ", call(LASTOUT, "--help"), re.MULTILINE)
    assert [command for command, _ in offered] == listed
    for command, options in offered:
        told = re.findall(r"^  +(?:-(.), )?--([a-z-]+)", call(LASTOUT, command, "--help"), re.MULTILINE)
        letters = {f"-{letter}" for letter, _ in told if letter}
        assert set(options.split()) == letters | {f"--{name}" for _, name in told}
