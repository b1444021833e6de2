"""A hundred containers whose tasks all end at once, among others that must not be touched."""

from __future__ import annotations

import subprocess
from typing import Iterator

import pytest

from harness.agent import Agent
from harness.containers import Containers
from harness.died import Died, code
from harness.scripts import manager, task

CROWD = 100


@pytest.fixture
def process_of_host() -> Iterator[subprocess.Popen[bytes]]:
    bystander = subprocess.Popen(["sleep", "infinity"])
    yield bystander
    bystander.kill()
    bystander.wait()


def test_hundred_at_once(
    agent: Agent, containers: Containers, process_of_host: subprocess.Popen[bytes]
) -> None:
    idle_bystander = containers.shell(manager(task("exit 0")), name="bystander")
    busy_bystander = containers.shell(manager(task("exit 0")))
    idle_bystander.go()
    crowd = containers.many(CROWD, manager(task("exit 3")))
    for container in [*crowd, busy_bystander]:
        agent.await_working(container)
    for container in crowd:
        container.go()

    outcomes = [agent.await_finished(container) for container in crowd]
    assert [container.await_end() for container in crowd] == [code(0)] * CROWD
    assert {outcome["how"] for outcome in outcomes} == {"signal"}
    assert {Died.told(outcome["last_task"]) for outcome in outcomes} == {code(3)}
    containers.canary(agent)
    assert len(agent.outcomes()) == CROWD + 1
    assert idle_bystander.is_alive()
    assert busy_bystander.is_alive()
    assert process_of_host.poll() is None
    agent.stop()
    assert len(agent.outcomes()) == CROWD + 1
