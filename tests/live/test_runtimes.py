"""Each runtime with its own server and state: its containers are finished, and it tells its users.

Which cgroups a runtime has here, tests/run decides: this machine's, then pure cgroup2.
"""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from harness import process, runtimes
from harness.agent import Agent, StartAgent
from harness.containers import Containers
from harness.died import Died, code
from harness.runtime import Runtime
from harness.runtimes import Engines
from harness.scripts import manager, task, waiting


@pytest.fixture(params=runtimes.KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    missing = runtimes.missing(request.param)
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    return request.param


@pytest.fixture
def runtime(engines: Engines, kind: str) -> Runtime:
    return engines.runtime(kind)


@pytest.fixture
def elsewhere(engines: Engines, kind: str) -> Runtime:
    return engines.elsewhere(kind)


@pytest.fixture
def containers(tmp_path: Path, rootfs: Path, runtime: Runtime) -> Iterator[Containers]:
    made = Containers(tmp_path / "containers", rootfs, runtime)
    yield made
    made.remove_all()


@pytest.mark.parametrize(
    "on_term, how, status",
    [("exit 12", "signal", 12), ("exit 143", "signal", 143), (None, "kill", 137)],
)
def test_last_exit_ends_the_container(
    agent: Agent,
    containers: Containers,
    runtime: Runtime,
    on_term: str | None,
    how: str,
    status: int,
) -> None:
    container = containers.shell(manager(task("exit 3"), on_term=on_term))
    agent.await_working(container)
    pid = container.await_up()
    assert container.status() == "running"
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == how
    assert runtime.word in (outcome["container"]["runtime"], None)
    assert outcome["last_task"]["pid"] == pid
    assert Died.told(outcome["last_task"]) == code(3)
    assert outcome["init"]["pid"] == container.pid
    assert container.await_exit_status() == status
    assert Died.told(outcome["init"]).shell_status() == status
    assert container.status() == "stopped"


@pytest.mark.parametrize("command, status", [("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", 137)])
def test_ends_as_its_task(
    start_agent: StartAgent, containers: Containers, runtime: Runtime, command: str, status: int
) -> None:
    """With `status: task` each runtime tells its users the task's status; PID 1 ignores SIGTERM."""
    agent = start_agent("--status", "task", grace="20s")
    container = containers.shell(manager(task(command), on_term=None))
    agent.await_working(container)
    container.go()

    outcome = agent.await_finished(container)
    assert (outcome["how"], outcome["status_fallback"]) == ("status", None)
    assert container.await_exit_status() == status


INITS = (
    *("wait4", "waitid", "poll", "ppoll", "select", "epoll", "futex", "futex-timed", "nanosleep"),
    *("read", "recv", "msgrcv", "sigsuspend", "sigwait", "open"),
    *("spin", "spin-without-vdso", "calls", "signals"),
    *("threads", "leader-gone", "seccomp-allows"),
)
"""What odd-init does while its task ends."""


@pytest.mark.parametrize("kind", ["runc", "containerd-default"], indirect=True)
def test_ends_as_its_task_whatever_init_does(
    start_agent: StartAgent, containers: Containers
) -> None:
    agent = start_agent("--status", "task", "--helper", "odd-helper", grace="20s")
    ending = {
        containers.program("odd-init", init, waiting(f"exit {100 + number}")): 100 + number
        for number, init in enumerate(INITS)
    }
    for container in ending:
        agent.await_working(container)
        container.go()
    for container in ending:
        outcome = agent.await_finished(container)
        assert (outcome["how"], outcome["status_fallback"]) == ("status", None)
    assert {one: one.await_exit_status() for one in ending} == ending


def test_namesake_and_bystander_stay(
    agent: Agent, containers: Containers, elsewhere: Runtime
) -> None:
    """A name is worth nothing: not in another namespace, not below another root."""
    container = containers.shell(manager(task("exit 3")))
    namesake = containers.shell(manager(task("exit 3")), runtime=elsewhere, namesake=container)
    bystander = containers.shell(manager(task("exit 3")), name="somebody-else")
    for one in (container, bystander):
        pid = one.await_up()
        one.go()
        process.await_exit(pid)

    assert agent.await_finished(container)["init"]["pid"] == container.pid
    containers.canary(agent)
    for one in (namesake, bystander):
        assert one.is_alive()
        assert one.status() == "running"
        assert not [o for o in agent.outcomes() if o["init"]["pid"] == one.pid]
    assert namesake.processes() == {namesake.await_up()}


def test_dry_run_touches_nothing(start_agent: StartAgent, containers: Containers) -> None:
    agent = start_agent("--dry-run")
    container = containers.shell(manager(task("exit 3")))
    agent.await_working(container)
    container.go()

    assert agent.await_finished(container)["how"] == "dry_run"
    containers.canary(agent)
    assert container.is_alive()
    assert container.status() == "running"


def test_exec_holds(agent: Agent, containers: Containers) -> None:
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
    assert container.await_exit_status() == 0
