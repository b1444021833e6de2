"""The agent's loop turns, whatever a container or the reader of its output does."""

from __future__ import annotations

from harness.agent import StartAgent
from harness.containers import Containers
from harness.died import code
from harness.scripts import manager, task


def test_bystander_of_a_renaming_init(start_agent: StartAgent, containers: Containers) -> None:
    """Records come faster than they are read; another container and the API have their turn."""
    agent = start_agent(verbose=False)
    bystander = containers.shell(manager(task("exit 3")))
    bystander.await_up()
    loud = [containers.program("renamer") for _ in range(4)]
    bystander.go()

    outcome = agent.await_finished(bystander)
    assert outcome["how"] == "signal"
    assert bystander.await_end() == code(0)
    assert "losses" in agent.about()
    assert all(container.is_alive() for container in loud)
