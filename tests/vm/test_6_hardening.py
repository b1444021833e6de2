"""What each setting of the unit takes away, and whether lastout needed it.

One agent for each setting, with no other setting: it must know of containers what an agent without any knows, and
end one with the status of its task.
"""

from __future__ import annotations

import json
import re
from shlex import quote
from typing import Callable, Iterator

import pytest

from harness.engine import Container, Engine
from harness.machine import ROOT, Machine
from harness.service import Service

SOURCE = ROOT / "deploy" / "systemd" / "lastout.service"
# What says how the service is started, stopped and named; it is tested where the service is.
NOT_HARDENING = ("Type", "ExecStart", "ExecReload", "WatchdogSec", "Restart", "KillMode")
SOCKET = "/run/lastout-alone.sock"
POLICY = "version: 1\npolicies:\n  - {name: all, match: {init: manager, container: 'alone-*'}, status: task, " \
    "settle: 0s, restart_settle: 0s}\n"


def settings() -> list[str]:
    service = SOURCE.read_text().partition("[Service]")[2].partition("[Install]")[0]
    lines = re.findall(r"^([A-Z]\w+)=(.*)$", service, re.MULTILINE)
    return [f"{name}={value}" for name, value in lines if not name.startswith(NOT_HARDENING)]


@pytest.fixture(scope="module")
def kept(engines: Callable[[str], Engine], session_service: Service) -> Iterator[list[Container]]:
    """Containers that all of these agents look at."""
    session_service.try_systemctl("stop")
    both = [engines("docker"), engines("podman")]
    yield [each.managed("--label some=label", name="kept") for each in both]
    for each in both:
        each.remove_all()
    session_service.ensure()


class Alone:
    """An agent as a transient service, with the properties that are given."""

    def __init__(self, vm: Machine, *properties: str) -> None:
        self._vm = vm
        vm.write("/etc/lastout/alone.yaml", POLICY)
        options = " ".join(f"--property {quote(item)}" for item in ("Type=notify", *properties))
        command = f"lastout run --config /etc/lastout/alone.yaml --socket {SOCKET} --pin none"
        vm.run(f"systemd-run --quiet --unit lastout-alone {options} {command}")

    def identities(self, containers: list[Container]) -> list[dict[str, object]]:
        said = self._vm.run(f"lastout ps --socket {SOCKET} --output json")
        rows = [json.loads(line) for line in said.splitlines()]
        wanted = {container.id for container in containers}
        keys = ("id", "name", "image", "runtime", "state", "tasks", "cgroup")
        return sorted(({key: row[key] for key in keys} for row in rows if row["id"] in wanted), key=lambda row: row["id"])

    def log(self) -> str:
        return self._vm.run("journalctl --no-pager --output cat --unit lastout-alone --boot")

    def stop(self) -> None:
        self._vm.try_run("systemctl stop lastout-alone; systemctl reset-failed lastout-alone; rm -f /etc/lastout/alone.yaml")


@pytest.fixture
def alone(vm: Machine) -> Iterator[type[Alone]]:
    made: list[Alone] = []

    def start(*properties: str) -> Alone:
        made.append(Alone(vm, *properties))
        return made[-1]

    yield start  # type: ignore[misc]
    for agent in made:
        agent.stop()


@pytest.fixture(scope="module")
def baseline(vm: Machine, kept: list[Container]) -> list[dict[str, object]]:
    agent = Alone(vm)
    known = agent.identities(kept)
    agent.stop()
    assert [row["name"] for row in known if row["name"]] and len(known) == len(kept), known
    return known


@pytest.mark.parametrize("setting", ["", *settings()])
def test_setting(
    alone: type[Alone], docker: Engine, kept: list[Container], baseline: list[dict[str, object]], setting: str
) -> None:
    agent = alone(*([setting] if setting else []))
    assert agent.identities(kept) == baseline, agent.log()
    container = docker.managed(name="alone")
    container.go()
    assert container.wait() == 3, agent.log()


def test_all_settings(alone: type[Alone], docker: Engine, kept: list[Container], baseline: list[dict[str, object]]) -> None:
    agent = alone(*settings())
    assert agent.identities(kept) == baseline, agent.log()


def test_score(installed: Machine) -> None:
    """docs/operations.md has the number."""
    said = installed.run("systemd-analyze security --no-pager lastout.service")
    [line] = [line for line in said.splitlines() if "Overall exposure level" in line]
    print(line)
    documented = re.search(r"exposure level of (\d\.\d)", (ROOT / "docs" / "operations.md").read_text())
    assert documented and f"lastout.service: {documented[1]} " in line, line
