"""What was lost on the way to the agent: counted by its name, and made good within a second."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import cgroup, lastout, machine, process
from harness.agent import Agent, StartAgent
from harness.container import Container
from harness.containers import Containers
from harness.deadline import wait_until
from harness.died import Died, code
from harness.pins import Pins
from harness.scripts import IDLE, manager, task

OFTEN = {"LASTOUT_REREAD": "100ms"}
"""Everything is read again so often, which otherwise is each minute."""

SETTLE_S = 0.2

SOON_S = SETTLE_S + 1.0
"""No last exit is missed for longer than a second; then it settles."""


def stop(pid: int) -> None:
    process.kill(pid, "SIGSTOP")
    wait_until("the agent to stop", lambda: process.state(pid) == "T")


def forget(agent: Agent, pins: Pins, pid: int) -> None:
    """The process, then its count: the agent must not read everything in between."""
    stop(agent.pid)
    pins.forget_process(pid)
    process.kill(agent.pid, "SIGCONT")


def end_task(container: Container, pid: int) -> None:
    container.go()
    process.await_exit(pid)


# A full ring buffer


def test_ring_buffer_is_full(start_agent: StartAgent, containers: Containers, pins: Pins) -> None:
    """The agent cannot read for a while: neither of a last exit nor of a new container."""
    agent = start_agent(pin=pins.directory)
    known = containers.shell(manager(task("exit 7")))
    pid = known.await_up()
    agent.await_working(known)
    stop(agent.pid)
    cgroup.make_and_remove(f"{known.id}-filler", 1000)
    wait_until("the ring buffer to overflow", lambda: pins.losses()["ring_full"])
    end_task(known, pid)
    new = containers.shell(manager(task("exit 8")))
    new_pid = new.await_up()
    end_task(new, new_pid)
    process.kill(agent.pid, "SIGCONT")
    began = time.monotonic()

    for container, task_pid, how in ((known, pid, code(7)), (new, new_pid, code(8))):
        outcome = agent.await_finished(container)
        assert outcome["last_task"]["pid"] == task_pid
        assert Died.told(outcome["last_task"]) == how
    assert time.monotonic() - began < SOON_S + 0.5, "half a second for a busy machine"
    assert agent.await_lost("ring_full")["ring_full"] == pins.losses()["ring_full"]
    assert agent.losses()["ring_full"] == pins.losses()["ring_full"]
    assert agent.about()["rereads"]["loss"] >= 1


def test_what_was_no_container_is_not_counted_for_ever(
    start_agent: StartAgent, containers: Containers, pins: Pins
) -> None:
    """Each new cgroup is counted on suspicion, until the agent has read of it. Here it never does."""
    agent = start_agent(pin=pins.directory)
    stop(agent.pid)
    cgroup.make_and_remove(f"lotest-{agent.pid}-filler", 1000)
    wait_until("the ring buffer to overflow", lambda: pins.losses()["ring_full"])
    with cgroup.made(f"lotest-{agent.pid}-plain") as ids:
        assert pins.is_counted(ids)
        process.kill(agent.pid, "SIGCONT")
        agent.await_lost("ring_full")
        wait_until("it to be forgotten", lambda: not pins.is_counted(ids))
    containers.canary(agent)


# Full tables


def test_processes_are_too_many(
    start_configured: StartAgent, containers: Containers, pins: Pins
) -> None:
    """One container takes all the room there is; another one's whole work finds none."""
    agent = start_configured(pin=pins.directory, max_processes=1024)
    crowd = containers.shell(manager("/t/storm hold 1200 /c/go &\n"))
    crowd.await_line()
    agent.await_lost("processes_full")
    small = containers.shell(manager(task("exit 7")))
    pid = small.await_up()
    containers_alive = small.is_alive()
    end_task(small, pid)
    assert containers_alive

    outcome = agent.await_finished(small)
    assert outcome["last_task"] is None, "nobody has seen how it ended"
    assert small.await_end() == code(0)
    assert agent.losses()["processes_full"] > 0
    assert crowd.is_alive()
    assert not agent.outcomes_of(crowd)
    crowd.go()
    assert agent.await_finished(crowd)["how"] == "signal"


@pytest.mark.parametrize("reread", ["60s", "5ms"])
def test_uncounted_task_outlives_a_counted_one(
    start_configured: StartAgent,
    containers: Containers,
    pins: Pins,
    monkeypatch: pytest.MonkeyPatch,
    reread: str,
) -> None:
    """The status told is never that of the counted one: it was not the last, also while all are counted."""
    monkeypatch.setenv("LASTOUT_REREAD", reread)
    agent = start_configured(pin=pins.directory, max_processes=1024)
    small = containers.shell(
        manager(task("exit 7", go="first"), "read _ < /c/next\n", task("exit 8")),
        fifos=("first", "next"),
    )
    first = small.await_up()
    agent.await_working(small)
    crowd = containers.shell(manager("/t/storm hold 1200 /c/go &\n"))
    crowd.await_line()
    agent.await_lost("processes_full")
    small.go("next")
    second = small.await_up()
    small.go("first")
    process.await_exit(first)
    containers_alive = small.is_alive()
    end_task(small, second)
    assert containers_alive

    # The first one's end may have made room for the second.
    told = agent.await_finished(small)["last_task"]
    assert told is None or Died.told(told) == code(8)
    crowd.go()
    agent.await_finished(crowd)


def test_containers_are_too_many(
    start_configured: StartAgent, containers: Containers, pins: Pins
) -> None:
    """Those for which there is no room are told of, and watched as soon as there is."""
    room = 16
    agent = start_configured(pin=pins.directory, max_containers=room)
    filler = [f"lotest-{agent.pid}-{number}" for number in range(3 * room)]
    with cgroup.runtimes_own(filler):
        wait_until("the table to be full", lambda: pins.containers() == room)
        container = containers.shell(manager(task("exit 7")))
        pid = container.await_up()
        agent.await_lost("containers_full")
        agent.err.await_record("a word", lambda record: record.get("event") == "unwatched")
        assert agent.losses()["containers_full"] > 0
    agent.await_working(container)
    end_task(container, pid)
    assert Died.told(agent.await_finished(container)["last_task"]) == code(7)


# Nothing was lost, and yet


def test_drift_is_found(start_agent: StartAgent, containers: Containers, pins: Pins) -> None:
    """A count that is wrong, though nobody knows why: a bug, and told as one."""
    agent = start_agent(pin=pins.directory, environment=OFTEN)
    container = containers.shell(manager(task("exit 7")))
    pid = container.await_up()
    agent.await_working(container)
    assert not agent.losses()
    forget(agent, pins, pid)
    agent.await_lost("uncounted")
    assert agent.losses() == {"uncounted": 1}
    containers.canary(agent)
    assert container.is_alive()
    end_task(container, pid)

    outcome = agent.await_finished(container)
    assert outcome["last_task"]["pid"] == pid
    assert agent.about()["rereads"]["clock"] >= 1


def test_reading_again_finds_nothing_and_changes_nothing(
    start_agent: StartAgent, containers: Containers, pins: Pins
) -> None:
    """While thousands of processes come and go: who is just ending is not taken for lost."""
    agent = start_agent(pin=pins.directory, environment={"LASTOUT_REREAD": "10ms"})
    storm = "read _ < /c/go; exec /t/storm chain 20000"
    container = containers.manager("-t", "0", "sh", "-c", storm)
    agent.await_working(container)
    before = agent.about()["rereads"]["clock"]
    container.go()

    outcome = agent.await_finished(container)
    assert Died.told(outcome["last_task"]) == code(42)
    assert agent.about()["rereads"]["clock"] - before > 10
    assert agent.losses() == {}
    assert agent.states(container).count("settling") == 1


# What was not known at first


def test_container_in_a_cgroup_of_another_name(
    start_agent: StartAgent, containers: Containers, pins: Pins
) -> None:
    """What it is, only its runtime's state tells, which is written after its cgroup is made: until
    everything is read again it is taken for none."""
    agent = start_agent(pin=pins.directory, environment=OFTEN)
    container = containers.shell(manager(task("exit 7")), place="/of-{own}/work")
    pid = container.await_up()
    agent.await_working(container)
    end_task(container, pid)

    outcome = agent.await_finished(container)
    assert Died.told(outcome["last_task"]) == code(7)


def test_whole_work_in_a_nested_cgroup_while_the_agent_stands(
    start_agent: StartAgent, containers: Containers, pins: Pins
) -> None:
    """crun starts init in a cgroup nested in that of the container."""
    agent = start_agent(pin=pins.directory)
    stop(agent.pid)
    scope = f"libpod-{secrets.token_hex(32)}.scope"
    container = containers.shell(manager(task("exit 7")), place=f"/{scope}/container")
    pid = container.await_up()
    end_task(container, pid)
    process.kill(agent.pid, "SIGCONT")

    outcome = agent.out.await_record(
        "its outcome", lambda record: record["init"]["pid"] == container.pid
    )
    assert outcome["container"]["id"] in scope
    assert outcome["last_task"]["pid"] == pid
    assert Died.told(outcome["last_task"]) == code(7)


def test_task_is_nested_while_the_agent_stands(
    start_agent: StartAgent, containers: Containers, pins: Pins
) -> None:
    """A container that began while nobody could confirm it is one all the same."""
    agent = start_agent(pin=pins.directory)
    stop(agent.pid)
    container = containers.shell(manager(task("exit 7")))
    pid = container.await_up()
    cgroup.Nest(pid, "nested")
    end_task(container, pid)
    process.kill(agent.pid, "SIGCONT")

    outcome = agent.await_finished(container)
    assert outcome["last_task"]["pid"] == pid
    assert Died.told(outcome["last_task"]) == code(7)


# What people are told


def test_ps_tells(start_agent: StartAgent, containers: Containers, pins: Pins) -> None:
    agent = start_agent(pin=pins.directory, environment=OFTEN)
    container = containers.shell(manager(task("exit 7")))
    pid = container.await_up()
    agent.await_working(container)
    done = lastout.call("ps", "--socket", agent.socket)
    assert done.returncode == 0 and "lost" not in done.stdout
    forget(agent, pins, pid)
    agent.await_lost("uncounted")
    done = lastout.call("ps", "--socket", agent.socket)
    last = done.stdout.splitlines()[-1]
    assert last.startswith("lost, and made good") and last.endswith(": 1 uncounted")


def test_agent_tells_about_itself(start_agent: StartAgent, pins: Pins, tmp_path: Path) -> None:
    agent = start_agent(pin=pins.directory)
    about = agent.about()
    assert about["version"] in lastout.call("version").stdout
    assert about["pins"] == str(pins.the_set())
    assert about["hooks"] in ("btf", "classic")
    assert set(about["losses"].values()) == {0}
    assert set(about["rereads"]) == {"loss", "doubt", "clock"}
    assert isinstance(about["containers"], int)
    agent.stop(signal.SIGINT)


# An end that no hook has seen


def test_unseen_end_is_no_success(
    start_agent: StartAgent, containers: Containers, pins: Pins
) -> None:
    """The last of two tasks: 255, in the container's status, the outcome and for who waits."""
    agent = start_agent("--status", "task", pin=pins.directory, environment=OFTEN)
    container = containers.shell(manager(task("exit 0"), on_term="exit 0"))
    pid = container.await_up()
    agent.await_working(container)
    waiter = subprocess.Popen(
        [machine.LASTOUT, "wait", container.id, "--socket", agent.socket],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    dead = subprocess.Popen(["true"])
    dead.wait()
    stop(agent.pid)
    pins.add_dead_process(pid, dead.pid)
    end_task(container, pid)
    process.kill(agent.pid, "SIGCONT")

    outcome = agent.await_finished(container)
    assert container.await_end() == code(255)
    assert (outcome["how"], outcome["status_unknown"]) == ("status", True)
    assert (outcome["last_task"], outcome["status_fallback"]) == (None, None)
    said, complaint = waiter.communicate()
    assert (waiter.returncode, said) == (255, b"255\n")
    assert b"not seen" in complaint


FORK_AS = """
import ctypes, os, struct, sys
pid = (ctypes.c_int * 1)(int(sys.argv[1]))
args = struct.pack("11Q", 0, 0, 0, 0, 17, 0, 0, 0, ctypes.addressof(pid), 1, 0)
sys.stdin.read(1)
made = ctypes.CDLL(None).syscall(435, args, len(args))
if made == 0:
    os._exit(0)
sys.exit(made != int(sys.argv[1]) or os.waitpid(made, 0)[1])
"""
"""Reads a byte, then forks a child whose pid is the argument, by clone3(2)."""


def test_unseen_end_before_its_number_is_used_again(
    start_agent: StartAgent, containers: Containers, pins: Pins
) -> None:
    """By a process of another container. The status is not that of the task before."""
    agent = start_agent("--status", "task", pin=pins.directory, settle="2s")
    first, second = task("exit 0"), task("exit 0", "idle")
    container = containers.shell(
        manager(first, "read _ < /c/next\n", second, then=IDLE.replace("idle", "never")),
        fifos=("next", "never"),
    )
    other = containers.shell(manager(then="read _ < /c/go"))
    container.await_up()
    container.go()
    agent.await_state(container, "settling")
    container.go("next")
    pid = container.await_up()
    dead = subprocess.Popen(["true"])
    dead.wait()
    pins.add_dead_process(pid, dead.pid)
    command = [sys.executable, "-c", FORK_AS, str(dead.pid)]
    forker = subprocess.Popen(command, stdin=subprocess.PIPE)
    for directory in cgroup.directories(other.pid):
        (directory / "cgroup.procs").write_text(str(forker.pid))
    container.go("idle")
    process.await_exit(pid)
    forker.communicate(b"x")
    assert forker.returncode == 0

    assert agent.await_finished(container)["status_unknown"] is True
    assert container.await_end() == code(255)
