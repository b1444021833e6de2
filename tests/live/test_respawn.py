"""A manager that starts its task again within settle is at work, however often it does."""

from __future__ import annotations

from harness.agent import StartAgent
from harness.containers import Containers
from harness.died import Died, code
from harness.scripts import manager

RESTARTS = 100
UP = "echo up > /c/up; exit 7"

SETTLE = {"settle": "3s"}
"""Far more than any restart here takes, even on a busy machine."""


def test_restarts_cancel_and_the_last_exit_counts(
    start_agent: StartAgent, containers: Containers
) -> None:
    """With a delay before each restart, as supervisord and pm2 have it: init is alone then."""
    agent = start_agent(**SETTLE)
    respawn = ("-t", "0", "-r", str(RESTARTS), "-d", "20")
    container = containers.manager(*respawn, "sh", "-c", f"read _ < /c/go; {UP}")
    agent.await_working(container)
    for _ in range(RESTARTS + 1):
        assert not agent.outcomes()
        container.go()
        container.await_line()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "signal"
    assert Died.told(outcome["last_task"]) == code(7)
    assert container.await_end() == code(0)
    assert agent.outcomes() == [outcome]
    assert agent.states(container).count("stopping") == 1


def test_restarts_without_a_pause(start_agent: StartAgent, containers: Containers) -> None:
    """A shell loop starts the next task at once: last exit and first task race in the kernel."""
    agent = start_agent(**SETTLE)
    loop = f"i=0; while [ $i -lt {RESTARTS} ]; do sh -c '{UP}'; i=$((i+1)); done"
    container = containers.shell(manager("read _ < /c/go\n", f"{loop}\n"))
    agent.await_container(container)
    container.go()
    for _ in range(RESTARTS):
        container.await_line()

    outcome = agent.await_finished(container)
    assert Died.told(outcome["last_task"]) == code(7)
    assert agent.outcomes() == [outcome]
    assert agent.states(container).count("stopping") == 1
