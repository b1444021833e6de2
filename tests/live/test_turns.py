"""The agent's loop turns, whatever a container or the reader of its output does."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Iterator

import pytest

from harness.agent import Agent, StartAgent
from harness.configured import ConfiguredAgent
from harness.containers import Containers
from harness.deadline import wait_until
from harness.died import code
from harness.scripts import manager, task

OUTCOMES = 20
"""More than the smallest pipe takes, and fewer than the agent keeps."""


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


@pytest.fixture
def unread(tmp_path: Path, containers: Containers) -> Iterator[ConfiguredAgent]:
    """An agent whose output no process reads, before release()."""
    agent = ConfiguredAgent(tmp_path / "run", containers.init, {}, is_stalled=True)
    wait_until("the API to answer", lambda: _answers(agent))
    yield agent
    agent.clean_up()


def _answers(agent: Agent) -> bool | None:
    with contextlib.suppress(OSError):
        return bool(agent.about())
    return None


def _drop_log_lines(agent: ConfiguredAgent) -> int:
    """Have it log until lines are dropped, and return how many: each bad reload is a long line."""
    agent.config.write_text("x" * 300 + ": 1\n")

    def dropped() -> int | None:
        os.kill(agent.pid, signal.SIGHUP)
        count: int = agent.about()["dropped"]["log_lines"]
        return count or None

    return wait_until("log lines to be dropped", dropped)


def test_output_that_no_process_reads(unread: ConfiguredAgent, containers: Containers) -> None:
    """Containers are finished, the API answers; outcomes are kept, lost log lines are counted."""
    crowd = containers.many(OUTCOMES, manager(task("exit 3")))
    for container in crowd:
        container.await_up()
        container.go()
    assert [container.await_end() for container in crowd] == [code(0)] * OUTCOMES
    dropped = _drop_log_lines(unread)
    assert unread.about()["dropped"]["outcomes"] == 0

    unread.release()
    for container in crowd:
        unread.await_finished(container)
    told = unread.err.await_record("dropped", lambda record: record.get("event") == "dropped")
    assert told["stream"] == "standard error"
    assert told["lines"] >= dropped


def test_ends_though_no_process_reads(unread: ConfiguredAgent) -> None:
    _drop_log_lines(unread)
    os.kill(unread.pid, signal.SIGTERM)
    assert unread.await_status() == 0
