"""A helper belongs to the process manager and is no work, however long it lives.

lastout knows the helpers of the usual managers by their command names; these tests play s6.
"""

from __future__ import annotations

from shlex import quote

import pytest

from harness import process
from harness.agent import Agent, StartAgent
from harness.containers import Containers
from harness.died import Died, code
from harness.scripts import manager, task
from harness.tail import StartTail

HELPER = "s6-supervise"


def supervised(*tasks: str, helper: str = HELPER) -> str:
    """PID 1 starts the helper, and the helper starts the tasks and lives on."""
    helper = f"/c/{helper} -c {quote(manager(*tasks))} &\n"
    return manager(helper)


@pytest.mark.parametrize(
    "helper, agent_comes",
    [(HELPER, "first"), (HELPER, "later"), ("s6-linux-init-shutdownd", "first")],
)
def test_helper_does_not_hold(
    start_agent: StartAgent, containers: Containers, helper: str, agent_comes: str
) -> None:
    if agent_comes == "first":
        agent = start_agent()
    container = containers.shell(supervised(task("exit 3"), helper=helper), shells=(helper,))
    pid = container.await_up()
    if agent_comes == "later":
        agent = start_agent()
    agent.await_working(container)
    container.go()
    process.await_exit(pid)

    outcome = agent.await_finished(container)
    assert outcome["how"] == "signal"
    assert outcome["last_task"]["pid"] == pid
    assert Died.told(outcome["last_task"]) == code(3)


def test_helper_alone_is_no_history(agent: Agent, containers: Containers) -> None:
    """A helper that has come and gone was no task, so there was no last exit."""
    comes_and_goes = f"/c/{HELPER} -c 'read _ < /c/go' &\n"
    container = containers.shell(manager(comes_and_goes), shells=(HELPER,))
    agent.await_container(container)
    container.go()
    containers.canary(agent)
    assert container.is_alive()
    assert not agent.outcomes_of(container)


def test_tail_names_the_role(start_tail: StartTail, containers: Containers) -> None:
    container = containers.shell(supervised(task("exit 3")), shells=(HELPER,))
    tail = start_tail("-c", container.id)
    pid = container.await_up()
    [helper] = container.processes() - {pid}
    process.kill(helper, "SIGKILL")
    record = tail.await_exit(helper)
    assert record["comm"] == HELPER
    assert record["role"] == "helper"
    assert record["tasks_left"] == 1
