"""Whom lastout must never touch, shown by an event that comes after its chance to do so."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from harness import cgroup, process
from harness.agent import Agent, StartAgent
from harness.containers import Containers
from harness.died import Died, code
from harness.scripts import manager, task, waiting


def test_task_that_is_init_itself(agent: Agent, containers: Containers) -> None:
    """Type 1: the work is PID 1. There never is a last task, and its own end is its own."""
    container = containers.shell(waiting("exit 5"))
    agent.await_container(container)
    container.await_up()
    containers.canary(agent)
    assert container.is_alive()
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "self"
    assert outcome["last_task"] is None
    assert outcome["latency_us"] is None
    assert Died.told(outcome["init"]) == container.await_end() == code(5)


def test_task_that_is_init_and_has_a_visitor(agent: Agent, containers: Containers) -> None:
    """An exec into a type 1 container is no task either: its end is nobody's last exit."""
    container = containers.shell(waiting("exit 5"))
    agent.await_container(container)
    container.await_up()
    visitor = container.inject()
    container.go("injected")
    process.await_exit(visitor)
    containers.canary(agent)
    assert container.is_alive()
    assert not agent.outcomes_of(container)


def test_container_without_a_policy(agent: Agent, containers: Containers) -> None:
    container = containers.shell(manager(task("exit 0")), name="somebody-else")
    pid = container.await_up()
    container.go()
    process.await_exit(pid)
    containers.canary(agent)
    assert container.is_alive()
    assert container.status() == "running"
    assert not agent.outcomes_of(container)


def test_dry_run(start_agent: StartAgent, containers: Containers) -> None:
    """The same path, and it stops before the signal: a handler for it would end this init."""
    agent = start_agent("--dry-run")
    container = containers.shell(manager(task("exit 3")))
    agent.await_working(container)
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "dry_run"
    assert Died.told(outcome["last_task"]) == code(3)
    assert outcome["init"]["pid"] == container.pid
    assert Died.told(outcome["init"]) == Died(None, None)
    containers.canary(agent)
    assert container.is_alive()
    assert container.status() == "running"
    assert agent.outcomes_of(container) == [outcome]


def test_task_that_was_gone_before_the_agent_came(
    start_agent: StartAgent, containers: Containers
) -> None:
    """No history, no last exit: perhaps this manager is only about to start its first task."""
    container = containers.shell(manager(task("exit 0")))
    pid = container.await_up()
    container.go()
    process.await_exit(pid)
    agent = start_agent()
    containers.canary(agent)
    assert container.is_alive()
    assert not agent.outcomes_of(container)


@pytest.fixture
def namesake(tmp_path: Path, containers: Containers) -> Iterator[subprocess.Popen[bytes]]:
    """A parent on the host, with the name that the policy asks for; a line makes its child exit."""
    program = tmp_path / containers.init
    program.symlink_to("/bin/dash")
    script = "read _; sh -c 'exit 0'; echo gone; read _"
    command = [program, "-c", script]
    bystander = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    yield bystander
    bystander.kill()
    bystander.communicate()


def let_child_exit(namesake: subprocess.Popen[bytes]) -> None:
    assert namesake.stdin and namesake.stdout
    namesake.stdin.write(b"\n")
    namesake.stdin.flush()
    assert namesake.stdout.readline() == b"gone\n"


def test_process_of_the_host(
    namesake: subprocess.Popen[bytes], agent: Agent, containers: Containers
) -> None:
    let_child_exit(namesake)
    containers.canary(agent)
    assert namesake.poll() is None


@pytest.fixture
def service(namesake: subprocess.Popen[bytes]) -> Iterator[None]:
    """The namesake in cgroups of its own, as a service of the host is."""
    nest = cgroup.Nest(namesake.pid, f"lotest-{os.getpid()}.service")
    yield
    namesake.kill()
    namesake.wait()
    nest.remove()


@pytest.mark.usefixtures("service")
def test_process_in_a_cgroup_that_is_no_container(
    namesake: subprocess.Popen[bytes], agent: Agent, containers: Containers
) -> None:
    """Its cgroup looks like a container's from afar: a parent whose child has exited."""
    let_child_exit(namesake)
    containers.canary(agent)
    assert namesake.poll() is None
