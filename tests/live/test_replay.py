"""A recording of what happened, played through a policy, gives what the agent did."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Any

import pytest

from harness import lastout
from harness.agent import SETTLE, Agent, StartAgent
from harness.container import Container
from harness.containers import Containers
from harness.died import Died, code
from harness.scripts import manager, task
from harness.service import Service
from harness.tail import StartTail

Line = dict[str, Any]

SETTLE_MS = 200
assert SETTLE == f"{SETTLE_MS}ms"

LATE_MS = 2000
"""So much later than its timer an agent may act on a busy machine."""


def record(path: Path, *services: Service) -> Path:
    """What these have printed, in order of time as `sort` gives it."""
    lines = [line for service in services for line in service.out.lines + service.err.lines]
    path.write_bytes(b"".join(line + b"\n" for line in sorted(lines)))
    return path


def replay(path: Path, init: str, *options: str, settle: str = SETTLE) -> list[Line]:
    command = ("replay", "-o", "json", "--init", init, "--settle", settle, "--restart-settle", settle, *options)
    done = lastout.call(*command, path)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def lines_of(container: Container, lines: list[Line]) -> list[Line]:
    return [line for line in lines if line["container"]["id"] == container.id]


def asked(container: Container, lines: list[Line]) -> list[Line]:
    return [line for line in lines_of(container, lines) if line.get("how") == "dry_run"]


def states(container: Container, lines: list[Line]) -> list[str]:
    return [line["state"] for line in lines_of(container, lines) if line["event"] == "state"]


def seconds(line: Line) -> float:
    return datetime.fromisoformat(f"{line['time'][:26]}+00:00").timestamp()


def check_same(line: Line, outcome: Line) -> None:
    """What the replay says is what the agent did."""
    assert line["certain"] and line["policy"] == outcome["policy"]
    assert line["last_task"] == outcome["last_task"]
    assert line["settle_s"] == outcome["settle_s"] == SETTLE_MS / 1000
    assert line["init"]["comm"] == outcome["init"]["comm"]


@pytest.mark.parametrize("by", ["tail", "log"])
def test_finish(
    start_agent: StartAgent,
    start_tail: StartTail,
    containers: Containers,
    tmp_path: Path,
    by: str,
) -> None:
    tail = start_tail("--no-host")
    agent = start_agent()
    container = containers.shell(manager(task("exit 3")))
    agent.await_working(container)
    container.go()
    outcome = agent.await_finished(container)
    agent.await_state(container, "gone")
    tail.await_exit(container.pid)
    path = record(tmp_path / "recording", tail if by == "tail" else agent)

    lines = replay(path, containers.init)
    (line,) = asked(container, lines)
    check_same(line, outcome)
    assert Died.told(line["last_task"]) == code(3)
    assert states(container, lines) == ["working", "settling", "stopping", "gone"]
    stopped = agent.await_state(container, "stopping")
    assert -0.001 < seconds(stopped) - seconds(line) < LATE_MS / 1000
    # An init of another name would have been left alone, and a longer settle not have been over.
    assert not asked(container, replay(path, "another"))
    late = asked(container, replay(path, containers.init, settle="1h"))
    assert [line["doubt"] for line in late] == (
        ["the agent that recorded it ended its init before"] if by == "log" else []
    )


@pytest.mark.parametrize("by", ["tail", "log"])
def test_exec_of_init(
    start_agent: StartAgent,
    start_tail: StartTail,
    containers: Containers,
    tmp_path: Path,
    by: str,
) -> None:
    """The end of an entrypoint's command is no reason in a replay, either."""
    tail = start_tail("--no-host")
    agent = start_agent()
    then = f"echo ready > /c/up; read _ < /c/go; {manager(task('exit 3'))}"
    container = containers.shell(f"mkdir /c/data\nexec /c/{containers.init} -c {quote(then)}")
    container.await_line()
    containers.canary(agent)
    container.go()
    container.await_up()
    container.go()
    outcome = agent.await_finished(container)
    agent.await_state(container, "gone")
    tail.await_exit(container.pid)
    path = record(tmp_path / "recording", tail if by == "tail" else agent)

    lines = replay(path, containers.init)
    (line,) = asked(container, lines)
    check_same(line, outcome)
    assert Died.told(line["last_task"]) == code(3)


@pytest.mark.parametrize("by", ["tail", "log"])
def test_manager_that_starts_its_task_again(
    start_agent: StartAgent,
    start_tail: StartTail,
    containers: Containers,
    tmp_path: Path,
    by: str,
) -> None:
    """Ten tasks, one after the other: nine last exits that were none, and one that was."""
    tail = start_tail("--no-host")
    agent = start_agent(settle="3s")
    respawn = ("-t", "0", "-r", "9", "-d", "20")
    container = containers.manager(*respawn, "sh", "-c", "read _ < /c/go; echo up > /c/up; exit 7")
    agent.await_working(container)
    for _ in range(10):
        container.go()
        container.await_line()
    outcome = agent.await_finished(container)
    agent.await_state(container, "gone")
    tail.await_exit(container.pid)
    path = record(tmp_path / "recording", tail if by == "tail" else agent)

    lines = replay(path, containers.init, settle="3s")
    (line,) = asked(container, lines)
    assert line["last_task"] == outcome["last_task"]
    hasty = asked(container, replay(path, containers.init, settle="1ms"))
    if by == "tail":
        assert states(container, lines) == ["working", "settling"] * 10 + ["stopping", "gone"]
        # With hardly any settle each of the ten would have been taken for the last.
        assert len(hasty) == 10
    else:
        # A busy agent passes over a last exit after which a task lives already.
        assert states(container, lines) == agent.states(container)
        assert 1 <= len(hasty) <= 10


def test_injected_process_holds(
    start_agent: StartAgent, start_tail: StartTail, containers: Containers, tmp_path: Path
) -> None:
    """Settle begins with the end of the last who holds, in the replay of both recordings."""
    tail = start_tail("--no-host")
    agent = start_agent()
    container = containers.shell(manager(task("exit 3")))
    agent.await_working(container)
    pid = container.await_up()
    visitor = container.inject("exit 44")
    container.go()
    tail.await_exit(pid)
    containers.canary(agent)
    container.go("injected")
    agent.await_finished(container)
    agent.await_state(container, "gone")
    tail.await_exit(container.pid)
    tail_path = record(tmp_path / "tail", tail)
    log_path = record(tmp_path / "log", agent)

    (released,) = tail.exits_of(visitor)
    for path in (tail_path, log_path):
        (line,) = asked(container, replay(path, containers.init))
        assert line["last_task"]["pid"] == pid
        assert seconds(line) - seconds(released) >= SETTLE_MS / 1000 - 0.001
    config = tmp_path / "ignore.yaml"
    config.write_text(
        "version: 1\npolicies:\n"
        f"  - {{name: probes, match: {{init: {containers.init}}}, settle: {SETTLE},"
        f" restart_settle: {SETTLE}, injected: ignore}}\n"
    )
    done = lastout.call("replay", "-o", "json", "-f", config, tail_path)
    (line,) = asked(container, [json.loads(text) for text in done.stdout.splitlines()])
    assert line["policy"] == "probes"
    assert seconds(line) < seconds(released)


def test_paused_container(
    start_agent: StartAgent, containers: Containers, tmp_path: Path
) -> None:
    """The agent has looked, and put it off: so does the replay of its log."""
    agent = start_agent(settle="2s")
    container = containers.shell(manager(task("exit 3")))
    agent.await_working(container)
    container.go()
    agent.await_state(container, "settling")
    container.pause()
    agent.await_put_off(container)
    container.resume()
    agent.await_finished(container)
    stopping = agent.await_state(container, "stopping")
    agent.await_state(container, "gone")
    path = record(tmp_path / "recording", agent)

    (line,) = asked(container, replay(path, containers.init, settle="2s"))
    assert line["certain"]
    assert abs(seconds(line) - seconds(stopping)) < 0.5


def test_recording_that_is_cut(
    agent: Agent, start_tail: StartTail, containers: Containers, tmp_path: Path
) -> None:
    """In the middle of its last line: the rest tells what it tells, and that it ends is said."""
    tail = start_tail("--no-host")
    container = containers.shell(manager(task("exit 3")))
    agent.await_working(container)
    pid = container.await_up()
    container.go()
    tail.await_exit(pid)
    path = tmp_path / "recording"
    last = tail.out.await_line("its last exit", f'"pid":{pid},'.encode())
    path.write_bytes(last + b"\n" + last[: len(last) // 2])

    done = lastout.call(
        *("replay", "--init", containers.init, path),
        *("--settle", SETTLE, "--restart-settle", SETTLE),
    )
    assert done.returncode == 0
    assert "not certain: the recording ends before" in done.stdout
    assert "the last line is cut off" in done.stderr
    agent.await_finished(container)
