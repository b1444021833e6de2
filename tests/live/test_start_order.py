"""The agent may come before the container, after it, or in the middle of its start."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from harness.agent import Agent, StartAgent
from harness.container import Container
from harness.containers import AT_ONCE, Containers
from harness.died import Died, code
from harness.scripts import manager, task

AT_WORK = manager(task("exit 3"))

SHORT = 20

STARTS = 200


def test_container_was_there_first(start_agent: StartAgent, containers: Containers) -> None:
    """Adopted with a task at work: its exit counts like any other."""
    container = containers.shell(AT_WORK)
    pid = container.await_up()
    agent = start_agent()
    assert agent.await_ready()["containers"] >= 1
    agent.await_working(container)
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["last_task"]["pid"] == pid
    assert outcome["last_task"]["comm"] == "sh"
    assert Died.told(outcome["last_task"]) == code(3)
    assert outcome["init"]["comm"] == containers.init


def test_task_that_is_over_at_once(agent: Agent, containers: Containers) -> None:
    """The shortest work: it may be done before anybody has asked whose container this is."""
    made = containers.many(SHORT, manager("sh -c 'exit 3' &\n"))
    for container in made:
        outcome = agent.await_finished(container)
        assert outcome["how"] == "signal"
        assert Died.told(outcome["last_task"]) == code(3)


def start_until_ready(containers: Containers, agent: Agent) -> list[Container]:
    """One container after the other, over the whole of the agent's start; the last a bit later."""
    made = []
    while not agent.is_ready():
        made.append(containers.shell(AT_WORK))
    return made


def test_containers_that_start_while_the_agent_does(
    start_agent: StartAgent, containers: Containers
) -> None:
    """Attach first, then count, and no container falls between; each is finished, once."""
    count = 0
    while count < STARTS:
        # Not 0: a shell that is asked between its `wait` and its `read` hears of it only after it.
        agent = start_agent(wait=False, settle="50ms")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            coming = [pool.submit(start_until_ready, containers, agent) for _ in range(AT_ONCE)]
        made = [container for some in coming for container in some.result()]
        for container in made:
            agent.await_working(container)
            container.go()
        for container in made:
            outcome = agent.await_finished(container)
            assert Died.told(outcome["last_task"]) == code(3)
            assert container.await_end() == code(0)
        assert len(agent.outcomes()) == len(made)
        agent.stop()
        containers.remove_all()
        count += len(made)
