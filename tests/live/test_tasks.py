"""What is a task: every process that init or another task forked, whatever it does since."""

from __future__ import annotations

import itertools

import pytest

from harness import process
from harness.agent import Agent
from harness.containers import Containers
from harness.deadline import wait_until
from harness.died import Died, code
from harness.scripts import manager, task

NAMES = ("first", "second", "third")
STORM = "20000"


@pytest.mark.parametrize("order", itertools.permutations(NAMES), ids="-".join)
def test_three_tasks_end_in_any_order(
    agent: Agent, containers: Containers, order: tuple[str, ...]
) -> None:
    tasks = [task(f"exit {NAMES.index(name)}", go=name) for name in NAMES]
    container = containers.shell(manager(*tasks), fifos=NAMES)
    agent.await_working(container)
    everybody = {container.await_up() for _ in NAMES}
    for name in order[:2]:
        container.go(name)
        wait_until("one task less", lambda: len(container.processes()) < len(everybody))
        everybody = container.processes()
    [last] = everybody
    container.go(order[2])

    outcome = agent.await_finished(container)
    assert outcome["last_task"]["pid"] == last
    assert Died.told(outcome["last_task"]) == code(NAMES.index(order[2]))
    assert agent.outcomes() == [outcome]


def test_thread_leader_exits_first(agent: Agent, containers: Containers) -> None:
    """The thread whose id is the process id has exited, and the process has not."""
    container = containers.shell(manager(task("exec /t/leader-first 8 5 /c/end")), fifos=("end",))
    agent.await_working(container)
    pid = container.await_up()
    container.go()
    wait_until("the leader to exit", lambda: process.state(pid) == "Z")
    containers.canary(agent)
    assert container.is_alive()
    assert not agent.outcomes_of(container)
    container.go("end")

    outcome = agent.await_finished(container)
    assert outcome["last_task"]["pid"] == pid
    assert outcome["last_task"]["comm"] == "leader-first"
    assert Died.told(outcome["last_task"]) == code(5)


def test_many_processes_whose_leaders_exit_first(agent: Agent, containers: Containers) -> None:
    """Two last threads may each look like the last one; the process still ends once."""
    threads = "i=0; while [ $i -lt 200 ]; do /t/leader-first 8 0; i=$((i+1)); done; exit 9"
    container = containers.shell(manager(task(threads)))
    agent.await_working(container)
    container.go()

    outcome = agent.await_finished(container)
    assert Died.told(outcome["last_task"]) == code(9)
    assert agent.outcomes() == [outcome]


@pytest.mark.parametrize("shape, last", [("wide", code(0)), ("chain", code(42))])
def test_fork_storm(agent: Agent, containers: Containers, shape: str, last: Died) -> None:
    """20,000 processes; the count must never dip to zero, and must come back to it."""
    storm = f"read _ < /c/go; exec /t/storm {shape} {STORM}"
    container = containers.manager("-t", "0", "sh", "-c", storm)
    agent.await_working(container)
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["last_task"]["comm"] == "storm"
    assert Died.told(outcome["last_task"]) == last
    assert agent.outcomes() == [outcome]
    assert agent.states(container).count("settling") == 1


@pytest.mark.parametrize("how", ["daemon", "vfork", "rename"])
def test_task_that_no_longer_looks_like_one(
    agent: Agent, containers: Containers, how: str
) -> None:
    """Daemonised, vforked away from its parent, or with init's own name: it is still the work."""
    escape = f"exec /t/escape {how} /c/end 6 {containers.init}"
    container = containers.shell(manager(task(escape)), fifos=("end",))
    agent.await_working(container)
    started = container.await_up()
    container.go()
    if how != "rename":
        process.await_exit(started)
    containers.canary(agent)
    assert container.is_alive()
    assert not agent.outcomes_of(container)
    [escaped] = container.processes()
    container.go("end")

    outcome = agent.await_finished(container)
    assert outcome["last_task"]["pid"] == escaped
    assert outcome["last_task"]["comm"] == (containers.init if how == "rename" else "escape")
    assert Died.told(outcome["last_task"]) == code(6)


def test_zombie_is_gone(agent: Agent, containers: Containers) -> None:
    """A manager that never reaps leaves zombies; there is no work in them."""
    tasks = task("exit 4", go="first") + task("exit 5", go="second")
    never_reaps = f"trap 'exit 0' TERM; {tasks} exec 3<>/c/idle; read _ <&3"
    container = containers.shell(never_reaps, fifos=("first", "second"))
    agent.await_working(container)
    everybody = {container.await_up(), container.await_up()}
    container.go("first")
    wait_until("a zombie", lambda: "Z" in map(process.state, everybody))
    container.go("second")

    outcome = agent.await_finished(container)
    assert Died.told(outcome["last_task"]) == code(5)
