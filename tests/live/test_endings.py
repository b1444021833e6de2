"""However the last task ends, its container ends, and lastout says how the task ended."""

from __future__ import annotations

import pytest

from harness.agent import Agent
from harness.containers import Containers
from harness.died import Died, code, killed
from harness.limited import start_with_memory_limit
from harness.scripts import manager, task

CORE = "cd /tmp; ulimit -c unlimited; exec /t/exits as core 0"
PYTHON = "exec python3 -c 'raise LookupError(\"nobody catches this\")'"

ENDINGS = {
    "exit 0": ("exit 0", "sh", code(0)),
    "exit 3": ("exit 3", "sh", code(3)),
    "exit 255": ("exit 255", "sh", code(255)),
    "python exception": (PYTHON, "python3", code(1)),
    "SIGKILL": ("kill -KILL $$", "sh", killed("SIGKILL")),
    "SIGTERM": ("kill -TERM $$", "sh", killed("SIGTERM")),
    "SIGSEGV with core": (CORE, "exits", killed("SIGSEGV")),
}


@pytest.mark.parametrize("command, comm, how", ENDINGS.values(), ids=ENDINGS.keys())
def test_last_task(
    agent: Agent, containers: Containers, command: str, comm: str, how: Died
) -> None:
    container = containers.shell(manager(task(command)))
    agent.await_working(container)
    task_pid = container.await_up()
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "signal"
    assert outcome["policy"] == "options"
    assert outcome["container"]["runtime"] == "runc"
    assert outcome["settle_s"] == 0.2
    assert outcome["latency_us"] >= 0
    assert outcome["last_task"]["pid"] == task_pid
    assert outcome["last_task"]["comm"] == comm
    assert Died.told(outcome["last_task"]) == how
    assert outcome["init"]["pid"] == container.pid
    assert outcome["init"]["comm"] == containers.init
    assert Died.told(outcome["init"]) == container.await_end() == code(0)
    assert container.status() == "stopped"
    assert agent.outcomes() == [outcome]


def test_out_of_memory(agent: Agent, containers: Containers) -> None:
    """The kernel ends the task for its memory; its manager stays, and only lastout ends that."""
    container = start_with_memory_limit(containers)
    agent.await_working(container)
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "signal"
    assert outcome["last_task"]["comm"] == "hog"
    assert Died.told(outcome["last_task"]) == killed("SIGKILL")
    assert Died.told(outcome["init"]) == container.await_end() == code(0)


def test_init_that_has_no_handler_for_sigterm(agent: Agent, containers: Containers) -> None:
    """The kernel drops the signal, as for any PID 1: the commonest leftover manager of all."""
    container = containers.shell(manager(task("exit 0"), on_term=None))
    agent.await_working(container)
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "kill"
    assert Died.told(outcome["init"]) == container.await_end() == killed("SIGKILL")
