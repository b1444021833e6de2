"""What keeps a container from being finished for the time being, and what releases it."""

from __future__ import annotations

from harness import cgroup, process
from harness.agent import Agent, StartAgent
from harness.containers import Containers
from harness.died import Died, code
from harness.scripts import manager, task


def test_paused_container_waits_until_it_is_resumed(
    start_agent: StartAgent, containers: Containers
) -> None:
    """It is paused while it settles: then its time comes, and must pass without a signal."""
    agent = start_agent(settle="2s")
    container = containers.shell(manager(task("exit 3")))
    agent.await_working(container)
    container.go()
    agent.await_state(container, "settling")
    container.pause()
    containers.canary(agent)
    assert container.status() == "paused"
    assert container.is_alive()
    assert not agent.outcomes_of(container)
    assert "stopping" not in agent.states_so_far(container)
    container.resume()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "signal"
    assert Died.told(outcome["last_task"]) == code(3)
    assert container.await_end() == code(0)


def test_injected_process_holds(agent: Agent, containers: Containers) -> None:
    """Somebody is inside by `docker exec` while the last task exits: not under their feet."""
    container = containers.shell(manager(task("exit 3")))
    agent.await_working(container)
    pid = container.await_up()
    visitor = container.inject("exit 44")
    container.go()
    process.await_exit(pid)
    containers.canary(agent)
    assert container.is_alive()
    assert container.processes() == {visitor}
    assert not agent.outcomes_of(container)
    container.go("injected")

    outcome = agent.await_finished(container)
    assert outcome["how"] == "signal"
    assert outcome["last_task"]["pid"] == pid
    assert Died.told(outcome["last_task"]) == code(3)
    assert container.await_end() == code(0)


def test_injected_process_was_there_before_the_agent(
    start_agent: StartAgent, containers: Containers
) -> None:
    """At adoption a role comes from the origin too: the visitor's parent is outside."""
    container = containers.shell(manager(task("exit 3")))
    pid = container.await_up()
    visitor = container.inject("exit 44")
    agent = start_agent()
    agent.await_working(container)
    container.go()
    process.await_exit(pid)
    containers.canary(agent)
    assert container.is_alive()
    container.go("injected")
    process.await_exit(visitor)

    outcome = agent.await_finished(container)
    assert outcome["last_task"]["pid"] == pid
    assert Died.told(outcome["last_task"]) == code(3)


def test_injected_process_leaves_while_a_task_works(agent: Agent, containers: Containers) -> None:
    container = containers.shell(manager(task("exit 3")))
    agent.await_working(container)
    pid = container.await_up()
    visitor = container.inject()
    container.go("injected")
    process.await_exit(visitor)
    containers.canary(agent)
    assert container.processes() == {pid}
    assert not agent.outcomes_of(container)
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["last_task"]["pid"] == pid


def test_task_in_a_nested_cgroup_holds(agent: Agent, containers: Containers) -> None:
    """systemd and Docker in a container make cgroups of their own, inside it."""
    tasks = task("exit 3", go="outer") + task("exit 4", go="inner")
    container = containers.shell(manager(tasks), fifos=("outer", "inner"))
    agent.await_working(container)
    everybody = {container.await_up(), container.await_up()}
    [inner] = [pid for pid in everybody if "inner" in process.command_line(pid)]
    [outer] = everybody - {inner}
    cgroup.Nest(inner, "nested")
    container.go("outer")
    process.await_exit(outer)
    containers.canary(agent)
    assert container.is_alive()
    assert container.processes() == {inner}
    assert not agent.outcomes_of(container)
    container.go("inner")

    outcome = agent.await_finished(container)
    assert outcome["last_task"]["pid"] == inner
    assert Died.told(outcome["last_task"]) == code(4)
