"""Under each hardening setting of the unit the agent knows what it knows without any."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from harness import hardened, lastout, machine, runtimes
from harness.configured import ConfiguredAgent
from harness.containers import Containers
from harness.deadline import wait_until
from harness.runtimes import Engines
from harness.scripts import IDLE
from test_identity import CRI

UNIT = machine.ROOT / "deploy" / "systemd" / "lastout.service"

NO_RESTRICTION = {
    "Type", "ExecStart", "ExecReload", "WatchdogSec", "Restart", "KillMode", "RuntimeDirectory",
    "RuntimeDirectoryMode", "LimitMEMLOCK", "OOMScoreAdjust", "Nice", "SystemCallErrorNumber",
}
"""Settings of the unit that take nothing from it."""

PARTS = ("id", "runtime", "name", "image", "pod", "namespace")


def settings() -> list[tuple[str, str]]:
    section = UNIT.read_text().partition("[Service]")[2].partition("\n[")[0]
    return re.findall(r"^(\w+)=(.*)$", section, re.MULTILINE)


RESTRICTIONS = [(name, value) for name, value in settings() if name not in NO_RESTRICTION]


def test_each_setting_has_a_case() -> None:
    """A new setting of the unit has to be in harness/hardened.py, or above."""
    assert {name for name, _ in RESTRICTIONS} <= hardened.KNOWN


class Bed:
    """Containers of two runtimes, and agents that are asked about them one after the other."""

    def __init__(self, directory: Path, containers: Containers, engines: Engines) -> None:
        self._directory = directory
        self._containers = containers
        containerd = engines.runtime("containerd-k8s.io")
        self._state_dirs = containerd.state_dirs
        # The checkout itself may be below /tmp.
        self._kept = [directory, machine.LASTOUT.parent, *(path for paths in self._state_dirs.values() for path in paths)]
        self._made = [
            containers.shell(IDLE, annotations={"org.example/keep": "yes"}),
            containers.shell(IDLE, runtime=containerd, annotations=CRI),
        ]

    def start(self, under: list[tuple[str, str]]) -> ConfiguredAgent:
        run_dir = self._directory / f"run-{len(list(self._directory.glob('run-*')))}"
        run_dir.mkdir()
        kept = [str(path) for path in self._kept if path.exists()]
        command = [sys.executable, hardened.__file__, json.dumps(under), json.dumps(kept), machine.LASTOUT]
        return ConfiguredAgent(run_dir, self._containers.init, self._state_dirs, command=command)

    def known(self, under: list[tuple[str, str]]) -> list[dict[str, Any]]:
        """What an agent under these settings knows, once it has read all that there is."""
        agent = self.start(under)
        with contextlib.ExitStack() as at_end:
            at_end.callback(agent.clean_up)
            agent.await_ready()
            return [self._ask(agent, container.id) for container in self._made]

    def _ask(self, agent: ConfiguredAgent, container: str) -> dict[str, Any]:
        def explained() -> dict[str, Any] | None:
            command = ("explain", "-o", "json", "--socket", agent.socket, container)
            page = json.loads(lastout.call(*command).stdout)
            return None if page["identity"]["state"] in ("pending", "incomplete") else page

        page = wait_until(f"all about {container}", explained)
        about: dict[str, Any] = {part: page[part] for part in PARTS}
        about["state"], about["missing"] = page["identity"]["state"], page["identity"]["missing"]
        return about


@pytest.fixture
def bed(tmp_path: Path, containers: Containers, engines: Engines) -> Bed:
    missing = runtimes.missing("containerd-k8s.io")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    return Bed(tmp_path, containers, engines)


def test_knows_the_same_under_each_setting(bed: Bed) -> None:
    bare = bed.known([])
    assert [about["state"] for about in bare] == ["complete", "complete"]
    assert bare[1]["namespace"] == CRI["io.kubernetes.cri.sandbox-namespace"]
    for setting in RESTRICTIONS:
        assert bed.known([setting]) == bare, setting
    assert bed.known(RESTRICTIONS) == bare


def test_refuses_to_start_without_openat2(bed: Bed) -> None:
    """As under a unit with RestrictSUIDSGID, whose filter systemd has made so since version 246."""
    agent = bed.start([("RestrictSUIDSGID", "yes")])
    assert agent.await_status() == 1
    assert b"RestrictSUIDSGID" in b"\n".join(agent.err.lines)
