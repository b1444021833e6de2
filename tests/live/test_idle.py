"""An agent that has nothing to do sleeps until all is read again, which is once a minute."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import cgroup, machine, process
from harness.agent import Agent, StartAgent
from harness.deadline import wait_until

LONG_S = 12
"""Longer than any of its timers but the minute's."""

MANY = 150
"""More than it can keep in mind at a time."""


@pytest.fixture
def quiet(start_agent: StartAgent) -> Agent:
    """As a service runs it: for its debug messages it looks many times a second."""
    return start_agent(verbose=False)


def _await_idle(agent: Agent) -> None:
    wait_until("it to sleep for long", lambda: process.next_timer_s(agent.pid) >= LONG_S)


def test_no_timer(quiet: Agent) -> None:
    _await_idle(quiet)


@pytest.mark.parametrize("hooks", ["btf", "classic"])
def test_empty_cgroup(start_agent: StartAgent, hooks: str) -> None:
    """A runtime that was killed leaves one: nobody is at work there, whose exit might be missed."""
    with cgroup.counted(f"empty-{os.getpid()}"):
        agent = start_agent(verbose=False, **machine.with_hooks(hooks))
        assert agent.await_ready()["hooks"] == hooks
        assert agent.about()["containers"] >= 1
        _await_idle(agent)


def _execute(program: Path, count: int) -> None:
    """All at one time, and over when this returns."""
    running = [subprocess.Popen([program], stdin=subprocess.PIPE) for _ in range(count)]
    for one in running:
        one.communicate()


def test_no_sandbox_after_all(quiet: Agent, tmp_path: Path) -> None:
    """Processes that have the name of a gVisor sandbox are looked at, and forgotten."""
    program = tmp_path / "exe"
    shutil.copy("/bin/cat", program)
    _await_idle(quiet)
    _execute(program, 1)
    wait_until("it to be looked at", lambda: process.next_timer_s(quiet.pid) < LONG_S)
    _await_idle(quiet)
    process.kill(quiet.pid, "SIGSTOP")  # it is told of all of them at one time
    _execute(program, MANY)
    process.kill(quiet.pid, "SIGCONT")
    wait_until("them to be looked at", lambda: process.next_timer_s(quiet.pid) < LONG_S)
    _await_idle(quiet)
    assert not [r for r in quiet.err.records if r.get("event") in ("sandbox", "lost")]
