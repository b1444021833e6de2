"""No init is signalled while a process holds: one that would die with it, or that is not dead yet."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest

from harness import lastout, process, programs
from harness.agent import Agent, StartAgent
from harness.container import Container
from harness.containers import Containers
from harness.deadline import wait_until
from harness.died import Died, code
from harness.fuse import held_flush
from harness.outside import batch_job, joined
from harness.scripts import manager, task
from harness.stream import Record

OUTSIDE = "in another cgroup, in its PID namespace"
DYING = "exiting, not dead yet"

WATCHES_ITS_CHILD = """
trap 'while read key value; do echo $key $value; done < /proc/$child/status > /c/seen; exit 0' TERM
{task}child=$!
exec 3<>/c/idle; while :; do read _ <&3; done
"""
"""Writes at the signal in which state its child is then, without a fork, which would take a while."""


def await_held(agent: Agent, container: Container, pid: int, kind: str) -> Record:
    def matches(record: Record) -> bool:
        is_held = record.get("event") == "held" and record["container"] == container.id
        return is_held and record["pid"] == pid and record["kind"] == kind

    return agent.err.await_record(f"{container.id} to be held by {pid}", matches)


def assert_untouched(agent: Agent, containers: Containers, container: Container) -> None:
    containers.canary(agent)
    assert container.is_alive()
    assert not agent.outcomes_of(container)
    assert "stopping" not in agent.states_so_far(container)


def assert_was_dead(container: Container) -> None:
    """At the signal; the shell may reap its child before it looks."""
    seen = container.read("seen")
    assert not seen or b"State: Z" in seen


@pytest.mark.parametrize("status", ["signal", "task"])
@pytest.mark.parametrize("command", [("cat",), ("sh", "-c", "cat; true")], ids=["one", "two"])
def test_process_that_joined_the_namespace(
    start_agent: StartAgent, containers: Containers, status: str, command: tuple[str, ...]
) -> None:
    """Its cgroup is the host's: only its PID namespace says that it would die with init."""
    agent = start_agent("--status", status)
    container = containers.shell(manager(task("exit 3")))
    agent.await_working(container)
    container.await_up()
    with joined(container, *command) as other:
        container.go()
        await_held(agent, container, other.pid, OUTSIDE)
        assert_untouched(agent, containers, container)
        assert process.state(other.pid) not in "ZX"
        other.end()

    outcome = agent.await_finished(container)
    assert outcome["last_task"]["exit_code"] == 3
    assert agent.outcomes_of(container) == [outcome]


def test_joined_process_whose_leader_has_ended(agent: Agent, containers: Containers) -> None:
    """Its state is Z while its threads work."""
    container = containers.shell(manager(task("exit 0")), fifos=("end",))
    agent.await_working(container)
    container.await_up()
    leader_first = [programs.path("leader-first"), "4", "5", container.path("end")]
    with joined(container, *map(str, leader_first)) as other:
        wait_until("the leader to exit", lambda: process.state(other.pid) == "Z")
        container.go()
        await_held(agent, container, other.pid, OUTSIDE)
        assert_untouched(agent, containers, container)
        container.go("end")
        assert agent.await_finished(container)


def test_member_that_was_moved_away(agent: Agent, containers: Containers) -> None:
    tasks = [task("exit 0", go="moved"), "read _ < /c/second\n", task("exit 4")]
    container = containers.shell(manager(*tasks), fifos=("moved", "second"))
    agent.await_working(container)
    moved = container.await_up()
    container.go("second")
    container.await_up()
    with batch_job(f"lotest-job-{secrets.token_hex(4)}") as job:
        job.take(moved)
        container.go()
        await_held(agent, container, moved, OUTSIDE)
        assert_untouched(agent, containers, container)
        container.go("moved")
        assert agent.await_finished(container)


def test_nested_namespace_that_was_moved_away(agent: Agent, containers: Containers) -> None:
    """It would die with the PID 1 of the namespace around it."""
    nested = "exec unshare --pid --fork sh -c 'echo > /c/nested; read _ < /c/inner; exit 0'"
    container = containers.shell(
        manager(task(nested)),
        fifos=("nested", "inner"),
        capabilities=["CAP_SYS_ADMIN"],
    )
    agent.await_working(container)
    unshare = container.await_up()
    container.go()
    container.await_line("nested")
    [inner] = container.processes() - {unshare}
    with batch_job(f"lotest-job-{secrets.token_hex(4)}") as job:
        job.take(inner)
        process.kill(unshare, "SIGKILL")
        await_held(agent, container, inner, OUTSIDE)
        assert_untouched(agent, containers, container)
        container.go("inner")
        assert agent.await_finished(container)


@pytest.mark.parametrize("threads", [1, 2], ids=["single", "leader-first"])
def test_file_that_is_flushed_in_the_exit(
    agent: Agent, containers: Containers, tmp_path: Path, threads: int
) -> None:
    """All that was seen of the task is its exit; with a dead leader its cgroup lists it no more."""
    with held_flush(tmp_path / "fuse") as fuse:
        work = f"exec /t/exit-open /f/file /c/end {threads} 6"
        script = WATCHES_ITS_CHILD.format(task=task(work))
        container = containers.shell(script, fifos=("end",), binds={"/f": fuse.directory})
        agent.await_working(container)
        pid = container.await_up()
        container.go()
        container.go("end")
        fuse.await_flush()
        await_held(agent, container, pid, DYING)
        assert_untouched(agent, containers, container)
        assert explained(agent, container)["would"]["text"] == f"wait until process {pid} ({DYING}) is dead"
        refused = lastout.call("finish", container.id, "--socket", agent.socket)
        assert refused.returncode == 1
        assert f"held by process {pid} ({DYING})" in refused.stderr
        assert not agent.outcomes_of(container)
        fuse.release()

        outcome = agent.await_finished(container)
    assert Died.told(outcome["last_task"]) == code(6)
    assert_was_dead(container)


def explained(agent: Agent, container: Container) -> Record:
    done = lastout.call("explain", container.id, "-o", "json", "--socket", agent.socket)
    found: Record = json.loads(done.stdout)
    return found


def test_memory_that_is_freed_in_the_exit(start_agent: StartAgent, containers: Containers) -> None:
    """From 6.16 on its exit is seen before its memory is freed, which takes a while."""
    agent = start_agent(settle="0s")
    work = "exec /t/exit-open /tmp/file /c/end 1 0 512"
    container = containers.shell(WATCHES_ITS_CHILD.format(task=task(work)), fifos=("end",))
    agent.await_working(container)
    container.await_up()
    container.go()
    container.go("end")
    assert agent.await_finished(container)
    assert_was_dead(container)


def test_zombie_of_another_process_does_not_hold(agent: Agent, containers: Containers) -> None:
    """A process that joined is dead, and its parent outside does not reap it: PID 1 waits for that."""
    container = containers.shell(manager(task("exit 0")))
    agent.await_working(container)
    container.await_up()
    with joined(container) as other:
        other.end_as_zombie()
        container.go()
        assert agent.await_finished(container)
        assert container.is_alive()
        other.reap()
        container.await_end()
