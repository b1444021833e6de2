"""Debian's own process managers as PID 1, held against docs/process-managers.md."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from harness import lastout, process, supervisors
from harness.agent import Agent, StartAgent
from harness.container import Container
from harness.containers import Containers
from harness.deadline import wait_until
from harness.died import Died, code, killed
from harness.scripts import waiting
from harness.stream import Record
from harness.supervisors import SERVICE, SUPERVISORD_CONF, SUPERVISORS, File

KILLED = 137

TABLE = supervisors.table()

LEAVING = ("tini", "docker-init", "dumb-init", "catatonit")
"""They have one child, and end when it does."""

FINISH = ((f"{SERVICE}/finish", "#!/bin/sh\nexit 125\n"),)
"""What s6 takes for the word never to start the task again."""

SUPERVISORCTL = ("supervisorctl", "-c", "/c/supervisord.conf")


def supervisord_with(*lines: str) -> tuple[File, ...]:
    return (("supervisord.conf", "\n".join((SUPERVISORD_CONF, *lines))),)


class Down(NamedTuple):
    """How a manager comes to leave its task alone, and so is left over."""

    manager: str
    task_status: int = 3
    files: tuple[File, ...] = ()
    inside: tuple[str, ...] = ()
    """What somebody runs in the container while the task lives."""

    def start(self, containers: Containers, below: str | None = None) -> Container:
        return supervisors.start(containers, self.manager, self.task_status, self.files, below)


NEVER = ("autorestart = false", "startsecs = 0")
"""supervisord would start it again all the same, if it lived less than startsecs."""

FOR_GOOD = {
    "supervisord: never": Down("supervisord", files=supervisord_with(*NEVER)),
    "supervisord: expected": Down("supervisord", 0, supervisord_with("startsecs = 0")),
    "supervisord: stopped": Down("supervisord", inside=(*SUPERVISORCTL, "stop", "task")),
    "s6: once": Down("s6", inside=("s6-svc", "-O", f"/c/{SERVICE}")),
    "s6: finish": Down("s6", files=FINISH),
    "s6: down": Down("s6", inside=("s6-svc", "-d", f"/c/{SERVICE}")),
    "runit: once": Down("runit", inside=("sv", "once", f"/c/{SERVICE}")),
    "runit: down": Down("runit", inside=("sv", "down", f"/c/{SERVICE}")),
    "shell loop: over": Down("shell loop", inside=("touch", "/c/down")),
}

ONE_OF_EACH = ("supervisord: never", "s6: once", "runit: once", "shell loop: over")


def go_down(agent: Agent, container: Container, down: Down) -> Record:
    """Let its last task end, and wait for what comes of it."""
    container.await_up()
    agent.await_working(container)
    if down.inside:
        container.execute(*down.inside)
    container.go()
    return agent.await_finished(container)


def helpers(container: Container, task: int) -> set[str]:
    """The command names of all that is there beside init and its task."""
    return {process.comm(pid) for pid in container.processes() - {task}}


def test_table_has_all_that_are_tested() -> None:
    assert set(TABLE) >= {*LEAVING, *SUPERVISORS}


@pytest.mark.parametrize("name", [*LEAVING, "supervisord", "s6", "runit"])
def test_document_and_built_in_table_agree(name: str) -> None:
    """Each has a row under that name, with the helpers that the document names."""
    rows = lastout.call("check", "--managers").stdout.splitlines()
    [row] = [row for row in rows if row.split()[0] == name]
    helpers = set(row.partition("helpers: ")[2].split(", "))
    assert TABLE[name].helpers <= helpers
    assert row.split()[1] == ("wrapper" if name in LEAVING else "supervisor")
    if name not in LEAVING:
        assert f" settle {TABLE[name].settle}," in row


@pytest.mark.parametrize("name", LEAVING)
def test_leaves_with_its_task(start_agent: StartAgent, containers: Containers, name: str) -> None:
    agent = start_agent(settle="20s")
    init = Path("/usr/bin") / name
    container = containers.host_program(init, ["--", "sh", "-c", waiting("exit 3")])
    agent.await_working(container)
    container.await_up()
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "self"
    assert Died.told(outcome["last_task"]) == container.await_end() == code(3)


@pytest.mark.parametrize("name", LEAVING)
def test_passes_sigterm_on(containers: Containers, name: str) -> None:
    init = Path("/usr/bin") / name
    container = containers.host_program(init, ["--", "sh", "-c", waiting("exit 3")])
    container.await_up()
    process.kill(container.pid, "SIGTERM")
    assert container.await_end() == code(TABLE[name].term_status)


@pytest.mark.parametrize("name", SUPERVISORS)
def test_restart_is_no_end(start_agent: StartAgent, containers: Containers, name: str) -> None:
    """Each starts its task again within the settle that the table gives."""
    agent = start_agent(settle=TABLE[name].settle)
    container = supervisors.start(containers, name, exit_status=3)
    first = container.await_up()
    agent.await_working(container)
    wait_until("its helpers", lambda: helpers(container, first) == TABLE[name].helpers)
    container.go()

    assert container.await_up() != first
    wait_until("work again", lambda: agent.states_so_far(container)[-1] == "working")
    assert not agent.outcomes()


def test_back_off_until_it_gives_up(start_agent: StartAgent, containers: Containers) -> None:
    """A task that dies young is started again, later each time; then supervisord lets it be."""
    agent = start_agent(settle="3s", grace="10s")
    retries = supervisord_with("startretries = 1", "startsecs = 60")
    container = supervisors.start(containers, "supervisord", exit_status=3, files=retries)
    container.await_up()
    agent.await_working(container)
    container.go()
    container.await_up()
    assert not agent.outcomes()
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "signal"
    assert Died.told(outcome["last_task"]) == code(3)
    assert agent.states(container).count("stopping") == 1


@pytest.mark.parametrize("down", FOR_GOOD.values(), ids=FOR_GOOD.keys())
def test_down_for_good(start_agent: StartAgent, containers: Containers, down: Down) -> None:
    expected = TABLE[down.manager].term_status
    agent = start_agent(grace="500ms" if expected == KILLED else "20s")
    container = down.start(containers)

    outcome = go_down(agent, container, down)
    died = container.await_end()
    assert Died.told(outcome["init"]) == died
    assert died.shell_status() == expected
    assert outcome["how"] == ("kill" if expected == KILLED else "signal")
    if down.files is not FINISH:  # that script is a task of its own, and the last
        assert Died.told(outcome["last_task"]) in (code(down.task_status), killed("SIGTERM"))
    assert agent.states(container).count("stopping") == 1


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_ends_as_its_task(start_agent: StartAgent, containers: Containers, name: str) -> None:
    """With `status: task`, whatever the manager makes of SIGTERM."""
    agent = start_agent("--status", "task", grace="20s")
    down = FOR_GOOD[name]
    container = down.start(containers)

    outcome = go_down(agent, container, down)
    assert (outcome["how"], outcome["status_fallback"]) == ("status", None)
    assert container.await_end() == code(down.task_status)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_all_end_with_a_killed_manager(
    start_agent: StartAgent, containers: Containers, name: str
) -> None:
    """SIGCONT asks nothing of anybody; so grace passes, as with a manager that hangs."""
    agent = start_agent("--signal", "CONT", grace="100ms")
    down = FOR_GOOD[name]
    container = down.start(containers)

    outcome = go_down(agent, container, down)
    assert outcome["how"] == "kill"
    assert Died.told(outcome["init"]) == container.await_end() == killed("SIGKILL")
    assert not container.processes()


@pytest.mark.parametrize(
    "init, name",
    [("tini", "supervisord: never"), ("dumb-init", "s6: once"), ("catatonit", "runit: once")],
)
def test_manager_below_a_small_init(
    start_agent: StartAgent, containers: Containers, init: str, name: str
) -> None:
    """The manager is a helper there, and PID 1 ends as the manager does."""
    agent = start_agent(grace="20s")
    down = FOR_GOOD[name]
    container = down.start(containers, below=init)

    outcome = go_down(agent, container, down)
    assert outcome["how"] == "signal"
    assert container.await_end() == code(TABLE[down.manager].term_status)
