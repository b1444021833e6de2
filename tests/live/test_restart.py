"""The end of an agent, good or bad, and what the next one finds."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from harness import lastout
from harness.agent import StartAgent
from harness.containers import Containers
from harness.died import Died, code
from harness.leftovers import assert_nothing_left
from harness.scripts import manager, task


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_told_to_end(start_agent: StartAgent, tmp_path: Path, how: signal.Signals) -> None:
    with assert_nothing_left(tmp_path / "run") as note:
        agent = start_agent(run_dir=tmp_path / "run")
        note(agent.pid)
        agent.stop(how)


def test_second_agent_is_refused(start_agent: StartAgent, tmp_path: Path) -> None:
    """And the first one does not notice."""
    start_agent(run_dir=tmp_path)
    done = lastout.call("run", "--init", "nobody", "--socket", tmp_path / "lastout.sock")
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert str(tmp_path) in done.stderr


def test_agents_in_two_places(start_agent: StartAgent, containers: Containers) -> None:
    """Both may watch; a container is ended once, and each tells the same about its task."""
    agents = [start_agent(), start_agent("--dry-run")]
    container = containers.shell(manager(task("exit 3")))
    for agent in agents:
        agent.await_working(container)
    container.go()
    outcomes = [agent.await_finished(container) for agent in agents]
    assert outcomes[0]["how"] == "signal"
    assert outcomes[1]["how"] in ("dry_run", "self")
    assert outcomes[0]["last_task"] == outcomes[1]["last_task"]


def test_killed_agent_blocks_nobody(
    start_agent: StartAgent, containers: Containers, tmp_path: Path
) -> None:
    """After SIGKILL the same directory serves the next agent, and the work goes on."""
    container = containers.shell(manager(task("exit 3")))
    with assert_nothing_left(tmp_path / "none") as note:  # but its socket's name
        agent = start_agent(run_dir=tmp_path / "run")
        note(agent.pid)
        agent.await_working(container)
        agent.kill()
    assert container.is_alive()
    agent = start_agent(run_dir=tmp_path / "run")
    agent.await_working(container)
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "signal"
    assert Died.told(outcome["last_task"]) == code(3)


def test_agent_that_ends_leaves_containers_alone(
    start_agent: StartAgent, containers: Containers
) -> None:
    """One of them is about to be finished: without its agent it lives on."""
    agent = start_agent(settle="20s")
    container = containers.shell(manager(task("exit 3")))
    agent.await_working(container)
    container.go()
    agent.await_state(container, "settling")
    agent.stop()
    assert container.is_alive()
    assert not agent.outcomes()
