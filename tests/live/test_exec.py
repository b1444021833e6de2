"""PID 1 executes another program: what ended before was set-up, and the container begins anew."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from shlex import quote

import pytest

from harness import lastout, machine, process
from harness.agent import Agent, StartAgent
from harness.configured import TIMES
from harness.container import Container
from harness.containers import Containers
from harness.deadline import wait_until
from harness.died import code
from harness.pins import Pins
from harness.scripts import IDLE, manager, task

SETUP = "mkdir /c/data\n"
"""An entrypoint's command: a process of its own, that has ended when the exec comes."""

BLOCK = IDLE.replace("idle", "never")

RECORDS_A_SECOND = 8
"""ABI_INIT_RECORDS of include/abi.h."""


def entrypoint(containers: Containers, then: str, before: str = SETUP) -> str:
    """A script that sets something up and executes another program of the same name."""
    return f"{before}exec /c/{containers.init} -c {quote(then)}"


def events(agent: Agent, container: Container, event: str) -> list[dict[str, object]]:
    records = list(agent.err.records)
    return [r for r in records if r.get("event") == event and r.get("container") == container.id]


def await_exec(agent: Agent, container: Container, count: int = 1) -> None:
    wait_until("init's exec to be logged", lambda: len(events(agent, container, "exec")) >= count)


def state_of(agent: Agent, container: Container) -> str:
    """As `ps` has it; what it says is also what `report` goes by."""
    done = lastout.call("ps", "-o", "json", "--socket", agent.socket)
    listed = [json.loads(line) for line in done.stdout.splitlines()]
    (state,) = [one["state"] for one in listed if one["id"] == container.id]
    return str(state)


def reported(agent: Agent) -> set[str]:
    done = lastout.call("report", "-o", "json", "--socket", agent.socket)
    return {one["id"] for one in json.loads(done.stdout)["containers"]}


def test_server_behind_an_entrypoint(agent: Agent, containers: Containers) -> None:
    """It is no leftover, nothing waits for its end in vain, and nothing ends it."""
    container = containers.shell(entrypoint(containers, f"echo up > /c/up; {IDLE}"))
    container.await_line()
    await_exec(agent, container)
    waiter = subprocess.Popen(
        [machine.LASTOUT, "wait", container.id, "--socket", agent.socket], stdout=subprocess.PIPE
    )
    containers.canary(agent)
    assert container.is_alive() and not agent.outcomes_of(container)
    assert state_of(agent, container) == "starting"
    assert container.id not in reported(agent)
    assert waiter.poll() is None
    os.kill(container.pid, signal.SIGKILL)
    assert waiter.communicate()[0] == b"137\n"


def test_other_program_by_the_name_of_the_first(agent: Agent, containers: Containers) -> None:
    """`bash -c 'a; sleep 1000'` executes its last command unasked: `init: [bash]` still means it."""
    container = containers.shell(f"{SETUP}exec sleep 1000")
    await_exec(agent, container)
    containers.canary(agent)
    assert container.is_alive() and not agent.outcomes_of(container)
    explained = json.loads(
        lastout.call("explain", container.id, "-o", "json", "--socket", agent.socket).stdout
    )
    assert explained["init"]["comm"] == "sleep"
    assert explained["policy"] is not None, explained


def test_manager_behind_an_entrypoint(agent: Agent, containers: Containers) -> None:
    """It is ended after the end of a task of its own, however late that starts, and by its status."""
    script = f"echo ready > /c/up; read _ < /c/go; {manager(task('exit 3'))}"
    container = containers.shell(entrypoint(containers, script))
    container.await_line()
    await_exec(agent, container)
    containers.canary(agent)
    assert container.is_alive()
    container.go()
    container.await_up()
    container.go()
    outcome = agent.await_finished(container)
    assert outcome["last_task"]["exit_code"] == 3
    assert container.await_end() == code(0)


def test_task_that_lives_on(agent: Agent, containers: Containers) -> None:
    """What runs when init executes another program is work still."""
    script = entrypoint(containers, manager(), before=task("exit 5") + SETUP)
    container = containers.shell(script)
    container.await_up()
    await_exec(agent, container)
    assert state_of(agent, container) == "working"
    containers.canary(agent)
    assert container.is_alive()
    container.go()
    assert agent.await_finished(container)["last_task"]["exit_code"] == 5


def test_same_program_again(agent: Agent, containers: Containers) -> None:
    """As `systemctl daemon-reexec` does: what has ended has ended."""
    run = f"mkdir /c/once && exec /c/{containers.init} /c/run\n{manager()}"
    container = containers.shell_file("run", run)
    outcome = agent.await_finished(container)
    assert outcome["last_task"]["exit_code"] == 1
    assert not events(agent, container, "exec")


def test_command_lines_that_differ_at_their_end(agent: Agent, containers: Containers) -> None:
    """The hook copies the beginning alone. What it cannot compare is another program."""
    shell = f"/c/{containers.init}"
    same = f": {'x' * 300}\n"
    server = f"{same}echo up > /c/up; {IDLE}\n#"
    setup = f"{same}mkdir /c/data\nexec {shell} -c \"$(cat /c/server)\"\n#"
    length = max(len(server), len(setup))
    write = f"cat > /c/server <<'END'\n{server.ljust(length, '#')}\nEND\n"
    container = containers.shell(f"{write}exec {shell} -c {quote(setup.ljust(length, '#'))}")
    container.await_line()
    containers.canary(agent)
    assert container.is_alive() and not agent.outcomes_of(container)


@pytest.mark.parametrize("wait_for", ["settling", "exec"])
def test_exec_without_an_agent(
    start_agent: StartAgent, containers: Containers, pins: Pins, wait_for: str
) -> None:
    """The maps go on without it, and the next agent knows in which life the end was."""
    agent = start_agent(pin=pins.directory, settle="1h")
    script = f"{SETUP}read _ < /c/go\n" + entrypoint(
        containers, f"echo up > /c/up; {manager(task('exit 4', 'idle'))}", before=""
    )
    container = containers.shell(script)
    agent.await_state(container, "settling")
    if wait_for == "exec":
        container.go()
        await_exec(agent, container)
    agent.kill()
    if wait_for == "settling":
        container.go()
    container.await_line()
    container.await_up()

    agent = start_agent(pin=pins.directory)
    agent.await_container(container)
    assert state_of(agent, container) == "working"
    container.go("idle")
    assert agent.await_finished(container)["last_task"]["exit_code"] == 4


def test_agent_after_the_exec(start_agent: StartAgent, containers: Containers) -> None:
    container = containers.shell(entrypoint(containers, f"echo up > /c/up; {IDLE}"))
    container.await_line()
    agent = start_agent()
    agent.await_container(container)
    containers.canary(agent)
    assert container.is_alive() and state_of(agent, container) == "starting"


def bounded(agent: Agent, container: Container, event: str, seconds: float) -> bool:
    """Are there no more lines than the kernel side may report in that time?"""
    return len(events(agent, container, event)) <= RECORDS_A_SECOND * (seconds + 2)


def test_init_that_executes_itself_without_end(agent: Agent, containers: Containers) -> None:
    """Each time with other arguments, and so another program. Few are told, the last one counts."""
    run = (
        f'[ "$1" -lt 3000 ] && exec /c/{containers.init} /c/run $(($1 + 1))\n'
        f"echo up > /c/up\n{manager(task('exit 6'))}"
    )
    started = time.monotonic()
    container = containers.shell_file("run", run, "0")
    container.await_line()
    seconds = time.monotonic() - started
    container.await_up()
    assert bounded(agent, container, "exec", seconds), len(events(agent, container, "exec"))
    containers.canary(agent)
    assert container.is_alive()
    container.go()
    assert agent.await_finished(container)["last_task"]["exit_code"] == 6


def test_init_that_renames_itself_without_end(agent: Agent, containers: Containers) -> None:
    """It keeps the agent from nothing, and the name that it has at the end is the one that counts."""
    name = f"/proc/$$/comm; i=$((i + 1))"
    run = (
        f"i=0; while [ $i -lt 20000 ]; do echo {containers.init} > {name}; done\n"
        f"echo other > /proc/$$/comm; echo {containers.init} > /proc/$$/comm\n"
        f"echo up > /c/up\n{manager(task('exit 2'))}"
    )
    started = time.monotonic()
    container = containers.shell_file("run", run)
    container.await_line()
    seconds = time.monotonic() - started
    container.await_up()
    assert bounded(agent, container, "init", seconds), len(events(agent, container, "init"))
    container.go()
    assert agent.await_finished(container)["last_task"]["exit_code"] == 2


def test_last_of_many_names(start_configured: StartAgent, containers: Containers) -> None:
    """More renames than are reported: the policy of the last name applies, which ignores it."""
    policies = [
        {"name": "keep", "match": {"init": ["kept"]}, "action": "ignore"},
        {"name": "live", "match": {"init": [containers.init]}, **dict.fromkeys(TIMES, "1s")},
    ]
    agent = start_configured(policies=policies)
    rename = "printf {} > /proc/$$/comm\n"
    renames = rename.format(containers.init) * 2 * RECORDS_A_SECOND
    wait = "echo renamed > /c/up; read _ < /c/go\n"
    work = manager(task("exit 0"))
    container = containers.shell(f"{renames}{wait}{rename.format('kept')}{work}")
    container.await_line()
    wait_until(
        "its first names to be read",
        lambda: len(events(agent, container, "init")) >= RECORDS_A_SECOND // 2,
    )
    container.go()
    container.await_up()
    agent.await_working(container)
    container.go()
    agent.await_state(container, "settling")
    containers.canary(agent)
    containers.canary(agent)
    assert container.is_alive() and not agent.outcomes_of(container)


def test_exec_when_asked_to_end(
    start_agent: StartAgent, containers: Containers, pins: Pins
) -> None:
    """s6-svscan answers SIGTERM by an exec. The unseen end before it stays unknown."""
    agent = start_agent(pin=pins.directory, grace="1h", environment={"LASTOUT_REREAD": "100ms"})
    last = "echo asked > /c/up; read _ < /c/idle"
    container = containers.shell(
        manager(task("exit 0"), on_term=f"exec /c/{containers.init} -c '{last}'", then=BLOCK),
        fifos=("never",),
    )
    pid = container.await_up()
    agent.await_working(container)
    dead = subprocess.Popen(["true"])
    dead.wait()
    process.kill(agent.pid, "SIGSTOP")
    wait_until("the agent to stop", lambda: process.state(agent.pid) == "T")
    pins.add_dead_process(pid, dead.pid)
    container.go()
    process.await_exit(pid)
    process.kill(agent.pid, "SIGCONT")
    container.await_line()
    await_exec(agent, container)
    container.go("idle")
    outcome = agent.await_finished(container)
    assert (outcome["status_unknown"], outcome["last_task"]) == (True, None)
