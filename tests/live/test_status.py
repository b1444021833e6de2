"""With `status: task` the container ends as its last task did, as wait4 and runc tell it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from pathlib import Path
from typing import Iterator

import pytest

from harness import lastout, process
from harness.agent import StartAgent
from harness.containers import Containers
from harness.deadline import wait_until
from harness.died import Died, code, killed
from harness.scripts import IDLE, manager, task

ENDINGS = {
    "exit 0": ("exit 0", code(0), 0),
    "exit 3": ("exit 3", code(3), 3),
    "exit 255": ("exit 255", code(255), 255),
    "SIGKILL": ("kill -KILL $$", killed("SIGKILL"), 137),
    "SIGSEGV": ("kill -SEGV $$", killed("SIGSEGV"), 139),
}

# Without a handler, the kernel drops SIGTERM to a PID 1: only its exit status can end it so soon.
DEAF = {"on_term": None}


@pytest.mark.parametrize("command, how, status", ENDINGS.values(), ids=ENDINGS.keys())
def test_container_ends_as_its_task(
    start_agent: StartAgent, containers: Containers, command: str, how: Died, status: int
) -> None:
    agent = start_agent("--status", "task", grace="30s")
    container = containers.shell(manager(task(command), **DEAF))
    agent.await_working(container)
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "status"
    assert outcome["status_fallback"] is None
    assert Died.told(outcome["last_task"]) == how
    assert container.await_end() == Died.told(outcome["init"]) == code(status)


def test_last_of_several_tasks(start_agent: StartAgent, containers: Containers) -> None:
    agent = start_agent("--status", "task")
    container = _two_tasks(containers)
    agent.await_working(container)
    container.go("go")
    _await_tasks(container, 1)
    container.go("second")
    agent.await_finished(container)
    assert container.await_end() == code(0)


def test_worst_of_several_tasks(start_agent: StartAgent, containers: Containers) -> None:
    """The first that did not exit with 0, though a later one did."""
    agent = start_agent("--status", "worst")
    container = _two_tasks(containers)
    agent.await_working(container)
    container.go("go")
    _await_tasks(container, 1)
    container.go("second")
    outcome = agent.await_finished(container)
    assert Died.told(outcome["last_task"]) == code(0)
    assert container.await_end() == code(9)


def _two_tasks(containers: Containers):
    tasks = (task("exit 9"), task("exit 0", "second"))
    container = containers.shell(manager(*tasks), fifos=("second",))
    container.await_up()
    container.await_up()
    return container


def _await_tasks(container, count: int) -> None:
    wait_until(f"{count} task to be left", lambda: len(container.processes()) == count or None)


# By hand


def test_ordered_with_a_status(start_agent: StartAgent, containers: Containers) -> None:
    """Also where no policy asks for a status, or for anything."""
    agent = start_agent()
    container = containers.shell(IDLE, name="unnamed")
    agent.await_container(container)
    where = ["--socket", agent.socket]
    done = lastout.call("finish", container.id, "--status", "77", *where)
    assert done.returncode == 0, done.stderr
    assert "exit status" in done.stdout
    assert container.await_end() == code(77)


def test_order_spares_a_task(start_agent: StartAgent, containers: Containers) -> None:
    agent = start_agent()
    container = containers.shell(manager(task("exit 0")))
    agent.await_working(container)
    done = lastout.call("finish", container.id, "--status", "0", "--socket", agent.socket)
    assert done.returncode == 1
    assert "lives in it" in done.stderr
    assert container.is_alive()


# Where it cannot be had

PTRACE_CONT = 7
PTRACE_SEIZE = 0x4206


@contextlib.contextmanager
def _traced(pid: int) -> Iterator[None]:
    """By somebody else: gdb, strace."""
    tracer = os.fork()
    if not tracer:
        _trace(pid)
    try:
        status = Path(f"/proc/{pid}/status")
        wait_until("the other tracer", lambda: f"TracerPid:\t{tracer}" in status.read_text())
        yield
    finally:
        os.kill(tracer, signal.SIGKILL)
        os.waitpid(tracer, 0)


def _trace(pid: int) -> None:
    """Never returns; hands on every signal."""
    ptrace = ctypes.CDLL(None).ptrace
    ptrace(PTRACE_SEIZE, pid, 0, 0)
    while True:
        _, status = os.waitpid(pid, 0x40000000)  # __WALL
        if not os.WIFSTOPPED(status):
            os._exit(0)
        ptrace(PTRACE_CONT, pid, 0, os.WSTOPSIG(status))


def test_another_tracer(start_agent: StartAgent, containers: Containers) -> None:
    """The signal does what the exit status cannot, and the reason is told."""
    agent = start_agent("--status", "task")
    container = containers.shell(manager(task("exit 3"), on_term="exit 5"))
    agent.await_working(container)
    with _traced(container.pid):
        container.go()
        outcome = agent.await_finished(container)
    assert outcome["how"] == "signal"
    assert outcome["status_fallback"] == "traced"
    assert container.await_end() == code(5)


def test_stopped_init(start_agent: StartAgent, containers: Containers) -> None:
    """SIGTERM cannot reach a stopped process either: SIGKILL after the grace can."""
    agent = start_agent("--status", "task")
    container = containers.shell(manager(task("exit 3")))
    agent.await_working(container)
    process.kill(container.pid, "SIGSTOP")
    wait_until("init to be stopped", lambda: process.state(container.pid) == "T")
    container.go()
    outcome = agent.await_finished(container)
    assert outcome["how"] == "kill"
    assert outcome["status_fallback"] == "stopped"
    assert container.await_end() == killed("SIGKILL")


def test_task_that_comes_while_init_is_held(
    start_agent: StartAgent, containers: Containers
) -> None:
    """A respawn within settle is seen by the last look: nobody is ended."""
    agent = start_agent("--status", "task", settle="50ms")
    again = "while :; do (echo $$ > /c/up; read _ < /c/go; exit 7) & wait; done"
    container = containers.shell(manager(then=again))
    agent.await_working(container)
    for _ in range(20):
        container.await_line()
        container.go()
    containers.canary(agent)
    assert container.is_alive()
    assert not agent.outcomes_of(container)


# The agent's end in the middle


def test_killed_in_the_middle(start_agent: StartAgent, containers: Containers) -> None:
    """Init is ended with that very status, or lives on unharmed for the next agent."""
    for delay_ms in range(0, 40, 4):
        agent = start_agent("--status", "task", settle=f"{delay_ms}ms")
        container = containers.shell(manager(task("exit 6")))
        agent.await_working(container)
        container.go()
        agent.kill()
        agent = start_agent("--status", "task", settle="0s")
        if container.is_alive():
            wait_until("init to be let go", lambda: process.state(container.pid) not in "tT")
            assert process.tracer(container.pid) == 0
            lastout.call("finish", container.id, "--status", "6", "--socket", agent.socket)
        assert container.await_end() == code(6)


def test_spared_order_is_no_policy(start_agent: StartAgent, containers: Containers) -> None:
    """A task that lives again at the end of grace ends the order, and nothing follows by itself."""
    agent = start_agent(grace="500ms")
    again = 'trap \'sh -c "echo \\$\\$ > /c/up; read _ < /c/go" &\' TERM\n'
    container = containers.shell(again + manager(on_term=None), name="unnamed")
    agent.await_container(container)
    done = lastout.call("finish", container.id, "--socket", agent.socket)
    assert done.returncode == 1
    assert "a task lives again" in done.stderr
    container.await_up()
    container.go()
    containers.canary(agent)
    assert container.is_alive()
    assert not agent.outcomes_of(container)
