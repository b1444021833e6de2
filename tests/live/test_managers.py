"""What process managers do about SIGTERM, and how lastout ends each kind."""

from __future__ import annotations

from shlex import quote

from harness import process
from harness.agent import Agent, StartAgent
from harness.containers import Containers
from harness.died import Died, code, killed
from harness.scripts import manager, task


def test_ignores_sigterm(agent: Agent, containers: Containers) -> None:
    container = containers.manager("-i", "sh", "-c", "read _ < /c/go; exit 2")
    agent.await_working(container)
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "kill"
    assert Died.told(outcome["last_task"]) == code(2)
    assert Died.told(outcome["init"]) == container.await_end() == killed("SIGKILL")
    assert agent.states(container)[-3:] == ["stopping", "killing", "gone"]


def test_handler_that_exits_with_a_code(agent: Agent, containers: Containers) -> None:
    container = containers.manager("-t", "12", "sh", "-c", "read _ < /c/go; exit 2")
    agent.await_working(container)
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "signal"
    assert Died.told(outcome["init"]) == container.await_end() == code(12)
    assert agent.states(container)[-2:] == ["stopping", "gone"]


def test_handler_that_cleans_up_with_a_process(
    start_agent: StartAgent, containers: Containers
) -> None:
    """Init forks while it is being stopped. That is no new work, and no reason for SIGKILL."""
    agent = start_agent(grace="20s")
    clean_up = "/usr/bin/env true; /usr/bin/env false; exit 0"
    container = containers.shell(manager(task("exit 0"), on_term=clean_up))
    agent.await_working(container)
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "signal"
    assert Died.told(outcome["init"]) == container.await_end() == code(0)


def test_other_signal(start_agent: StartAgent, containers: Containers) -> None:
    """Some managers stop on another signal, and do something else on SIGTERM."""
    agent = start_agent("--signal", "USR1", grace="20s")
    container = containers.shell("trap 'exit 9' USR1\n" + manager(task("exit 0"), on_term="exit 1"))
    agent.await_working(container)
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "signal"
    assert Died.told(outcome["init"]) == container.await_end() == code(9)


def test_leaves_by_itself(start_agent: StartAgent, containers: Containers) -> None:
    """A good manager ends when its task has; lastout gives it the time, and says so."""
    agent = start_agent(settle="20s")
    container = containers.manager("-l", "sh", "-c", "read _ < /c/go; exit 4")
    agent.await_working(container)
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "self"
    assert outcome["latency_us"] is None
    assert Died.told(outcome["last_task"]) == code(4)
    assert Died.told(outcome["init"]) == container.await_end() == code(4)
    assert "stopping" not in agent.states(container)


def test_is_killed_by_somebody_else(agent: Agent, containers: Containers) -> None:
    """`docker stop` while the task is at work: the tasks die with init, and lastout did nothing."""
    container = containers.shell(manager(task("exit 0")))
    agent.await_working(container)
    container.await_up()
    process.kill(container.pid, "SIGKILL")

    outcome = agent.await_finished(container)
    assert outcome["how"] == "self"
    assert outcome["latency_us"] is None
    assert Died.told(outcome["init"]) == container.await_end() == killed("SIGKILL")


def test_is_known_by_the_name_it_was_called_by(agent: Agent, containers: Containers) -> None:
    """argv[0], for managers that run in an interpreter and so have its command name."""
    renamed = f"exec -a /opt/{containers.init} /t/manager -t 0 sh -c 'read _ < /c/go; exit 3'"
    container = containers.shell(f"exec bash -c {quote(renamed)}", name="wrapper")
    agent.await_working(container)
    container.go()

    outcome = agent.await_finished(container)
    assert outcome["how"] == "signal"
    assert outcome["init"]["comm"] == "manager"
    assert Died.told(outcome["last_task"]) == code(3)


def test_one_of_several_names(start_agent: StartAgent, containers: Containers) -> None:
    agent = start_agent("--init", f"{containers.init[:-1]}?", "--init", "lotest-nobody")
    container = containers.shell(manager(task("exit 3")))
    other = containers.shell(manager(task("exit 3")), name=f"{containers.init[:-1]}-")
    for made in (container, other):
        agent.await_working(made)
        made.go()
        assert agent.await_finished(made)["how"] == "signal"
