"""gVisor containers are followed and finished like any other, by the sandbox's own means."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from harness import gvisor, gvisor_proxy, lastout
from harness.agent import Agent, StartAgent
from harness.containers import Containers
from harness.deadline import wait_until
from harness.died import Died, code, killed
from harness.gvisor import ALL, BOTH, NEWER, PID_1, Guest, Release, Runsc
from harness.gvisor_session import Other
from harness.stream import Record
from harness.tail import StartTail

ENDINGS = {
    "exit 0": code(0),
    "exit 3": code(3),
    "signal 9": killed("SIGKILL"),
    "signal 11": killed("SIGSEGV"),
    "threads 7": code(7),
}

CROWD = 8

STORM = 400
"""Children, one after the other."""


def _start(runsc: Runsc, containers: Containers, **options: object) -> Guest:
    """With an init of the name that the agent is told, so that it can end nobody else's."""
    return runsc.start(init=containers.init, **options)


def _ps(agent: Agent, guest: Guest) -> Record:
    done = lastout.call("ps", "-o", "json", "--socket", agent.socket)
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    [record] = [record for record in records if record["id"] == guest.id]
    return record


def _await_watched(
    agent: Agent, guest: Guest, sandbox: Guest | None = None, how: str = "events"
) -> None:
    """Usually by events: attached to, a moment after it was found."""
    agent.await_container(guest)
    agent.await_sandbox(sandbox or guest, how)


def _canary(runsc: Runsc, agent: Agent, containers: Containers) -> None:
    """As Containers.canary: when this returns, the agent has had its chance at all others."""
    guest = _start(runsc, containers)
    _await_watched(agent, guest)
    guest.do("exit 0")
    agent.await_finished(guest)


def _await_gone(guest: Guest) -> None:
    wait_until(f"{guest.id} to end", lambda: not guest.is_running() or None)


@BOTH
def test_init_that_becomes_another_program(
    runsc: Runsc, start_agent: StartAgent, containers: Containers
) -> None:
    """What ended before was its entrypoint's; what ends after that is its work."""
    agent = start_agent(settle="1s")
    guest = _start(runsc, containers)
    _await_watched(agent, guest)
    guest.do("exit 3")
    guest.do("exec")
    _canary(runsc, agent, containers)
    assert guest.is_running() and not agent.outcomes_of(guest)
    assert _ps(agent, guest)["state"] == "starting"
    guest.do("exit 5")
    assert agent.await_finished(guest)["last_task"]["exit_code"] == 5


@ALL
@pytest.mark.parametrize("order, how", ENDINGS.items(), ids=ENDINGS.keys())
def test_finished(
    runsc: Runsc, agent: Agent, containers: Containers, order: str, how: Died
) -> None:
    guest = _start(runsc, containers)
    _await_watched(agent, guest)
    guest.do(order)
    outcome = agent.await_finished(guest)
    assert outcome["how"] == "signal"
    assert outcome["container"]["runtime"] == "runsc"
    assert Died.told(outcome["last_task"]) == how
    # There, PID 1 has no protection from signals that it does not handle.
    assert Died.told(outcome["init"]) == killed("SIGTERM")
    _await_gone(guest)


@BOTH
def test_killed_after_its_grace(runsc: Runsc, agent: Agent, containers: Containers) -> None:
    guest = _start(runsc, containers)
    _await_watched(agent, guest)
    guest.do("deaf")
    guest.do("exit 3")
    outcome = agent.await_finished(guest)
    assert outcome["how"] == "kill"
    assert Died.told(outcome["last_task"]) == code(3)
    assert Died.told(outcome["init"]) == killed("SIGKILL")
    _await_gone(guest)


@NEWER
def test_out_of_reach(runsc: Runsc, agent: Agent, containers: Containers) -> None:
    """Nobody is signalled before the sandbox has told who lives; then it is made up for."""
    guest = _start(runsc, containers)
    _await_watched(agent, guest)
    with gvisor_proxy.out_of_reach(guest):
        guest.do("exit 3")
        agent.await_put_off(guest)
        _canary(runsc, agent, containers)
        assert not agent.outcomes_of(guest)
    assert agent.await_finished(guest)["how"] == "signal"


@NEWER
@pytest.mark.parametrize("refused, deaf, how", [(1, False, "signal"), (2, True, "kill")])
def test_refused_signals(
    runsc: Runsc, agent: Agent, containers: Containers, refused: int, deaf: bool, how: str
) -> None:
    """Tried again: SIGTERM, with its whole grace, and SIGKILL as well."""
    guest = _start(runsc, containers)
    _await_watched(agent, guest)
    if deaf:
        guest.do("deaf")
    with gvisor_proxy.proxy(guest) as proxy:
        if not deaf:
            proxy.refuse_signals(refused)
        guest.do("exit 3")
        if deaf:
            agent.await_signalled(guest)
            proxy.refuse_signals(refused)
        outcome = agent.await_finished(guest)
        assert proxy.refused == refused
    assert outcome["how"] == how


@BOTH
def test_how_it_is_watched(runsc: Runsc, agent: Agent, containers: Containers) -> None:
    guest = _start(runsc, containers)
    _await_watched(agent, guest)
    guest.do("stay")
    wait_until("its task to be counted", lambda: _ps(agent, guest)["tasks"] == 1 or None)
    record = _ps(agent, guest)
    assert record["runtime"] == "runsc"
    assert record["watched_by"] == "events"
    assert record["init"]["comm"] == containers.init[:15]
    guest.do("end 0")
    agent.await_finished(guest)


@BOTH
def test_status_cannot_be_had(runsc: Runsc, start_agent: StartAgent, containers: Containers) -> None:
    agent = start_agent("--status", "task")
    guest = _start(runsc, containers)
    _await_watched(agent, guest)
    guest.do("exit 3")
    outcome = agent.await_finished(guest)
    assert (outcome["how"], outcome["status_fallback"]) == ("signal", "gvisor")


@BOTH
def test_init_that_is_the_work(runsc: Runsc, agent: Agent, containers: Containers) -> None:
    """Type 1: it ends by itself, and is touched by nobody."""
    guest = _start(runsc, containers)
    _await_watched(agent, guest)
    guest.do("stay")
    guest.order("leave 5")
    outcome = agent.await_finished(guest)
    assert outcome["how"] == "self"
    assert Died.told(outcome["init"]) == code(5)


@BOTH
def test_executed_process_holds(runsc: Runsc, agent: Agent, containers: Containers) -> None:
    """Its start is silent: the sandbox's own list tells of it before anybody is signalled."""
    guest = _start(runsc, containers)
    _await_watched(agent, guest)
    held = guest.execute("/t/guest", "/c/held")
    wait_until("the executed process", lambda: len(guest.runsc("ps", guest.id).split()) > 12)
    guest.do("exit 0")
    _canary(runsc, agent, containers)
    assert guest.is_running()
    held.kill()
    held.wait()
    guest.runsc("kill", "--pid", _executed_pid(guest), guest.id, "KILL")
    agent.await_finished(guest)


def _pids(guest: Guest) -> list[int]:
    """None of a container that has ended."""
    said = guest.runsc("ps", "--format", "json", guest.id, check=False)
    return json.loads(said) if said.startswith("[") else []


def _executed_pid(guest: Guest) -> str:
    return str(max(_pids(guest)))


@BOTH
def test_executed_while_the_last_task_exits(
    runsc: Runsc, agent: Agent, containers: Containers
) -> None:
    """Whichever comes first: whoever got in holds, and no container ends under somebody."""
    holding = 0
    for head_start_ms in (60, 40, 20, 0):
        guest = _start(runsc, containers)
        _await_watched(agent, guest)
        guest.do("stay")
        held = guest.execute("/t/guest", "/c/held")
        time.sleep(head_start_ms / 1000)
        order = guest.order("end 3")
        guest.await_answer(order)
        is_in = wait_until(
            "it to be in, or too late",
            lambda: "in" if len(_pids(guest)) > 1 else held.poll() is not None and "late",
        )
        if is_in == "in":
            holding += 1
            _canary(runsc, agent, containers)
            assert guest.is_running()
            assert not agent.outcomes_of(guest)
            held.kill()
            guest.runsc("kill", "--pid", _executed_pid(guest), guest.id, "KILL")
        held.wait()
        assert Died.told(agent.await_finished(guest)["last_task"]) == code(3)
    assert holding


@BOTH
def test_dry_run(runsc: Runsc, start_agent: StartAgent, containers: Containers) -> None:
    agent = start_agent("--dry-run")
    guest = _start(runsc, containers)
    _await_watched(agent, guest)
    guest.do("exit 0")
    assert agent.await_finished(guest)["how"] == "dry_run"
    assert guest.is_running()


@BOTH
def test_killed_agent_and_the_next(
    runsc: Runsc, start_agent: StartAgent, containers: Containers, tmp_path: Path
) -> None:
    """The next one attaches again; what ended meanwhile is told by the list."""
    guest = _start(runsc, containers)
    agent = start_agent(run_dir=tmp_path / "run")
    _await_watched(agent, guest)
    guest.do("stay")
    wait_until("its task to be counted", lambda: _ps(agent, guest)["tasks"] == 1 or None)
    agent.kill()
    agent = start_agent(run_dir=tmp_path / "run")
    _await_watched(agent, guest)
    guest.do("end 4")
    outcome = agent.await_finished(guest)
    assert Died.told(outcome["last_task"]) == code(4)


@BOTH
def test_by_hand(runsc: Runsc, start_agent: StartAgent, containers: Containers) -> None:
    """Refused while a task lives; done when it does not, also where no policy asks for it."""
    agent = start_agent()
    guest = runsc.start()
    _await_watched(agent, guest)
    guest.do("stay")
    done = lastout.call("finish", guest.id, "--socket", agent.socket)
    assert done.returncode == 1
    assert "lives in it" in done.stderr
    guest.do("end 0")
    done = lastout.call("finish", guest.id, "--socket", agent.socket)
    assert done.returncode == 0, done.stderr
    _await_gone(guest)


def _named(name: str) -> dict[str, str]:
    """What containerd tells of a container in a pod."""
    said = {
        "container-name": name,
        "sandbox-name": "job-1",
        "sandbox-namespace": "batch",
        "image-name": "img:1",
    }
    return {f"io.kubernetes.cri.{key}": value for key, value in said.items()}


@BOTH
def test_pod(runsc: Runsc, agent: Agent, containers: Containers) -> None:
    """Three containers in one sandbox: one is finished, two go on."""
    pause = runsc.start(annotations={"io.kubernetes.cri.container-type": "sandbox"})
    busy = _start(runsc, containers, pod=pause, annotations=_named("busy"))
    done = _start(runsc, containers, pod=pause, annotations=_named("done"))
    for guest in (busy, done):
        _await_watched(agent, guest, pause)
    busy.do("stay")
    done.do("exit 0")
    told = agent.await_finished(done)["container"]
    names = [told[key] for key in ("name", "pod", "namespace", "image")]
    assert names == ["done", "job-1", "batch", "img:1"]
    _canary(runsc, agent, containers)
    assert busy.is_running()
    assert pause.is_running()
    assert not agent.outcomes_of(busy)
    record = _ps(agent, busy)
    assert (record["name"], record["pod"], record["namespace"]) == ("busy", "job-1", "batch")


@BOTH
def test_killed_sandbox(runsc: Runsc, agent: Agent, containers: Containers) -> None:
    """It is told like any other end that is not lastout's, and the next one is watched."""
    guest = _start(runsc, containers)
    _await_watched(agent, guest)
    guest.do("stay")
    os.kill(guest.sandbox_pid, signal.SIGKILL)
    assert agent.await_finished(guest)["how"] == "self"
    other = _start(runsc, containers)
    _await_watched(agent, other)
    other.do("exit 1")
    assert agent.await_finished(other)["how"] == "signal"


@BOTH
def test_a_stopped_agent_neither_freezes_nor_slows(
    runsc: Runsc, agent: Agent, containers: Containers
) -> None:
    """Ten seconds at least; then it makes up for them."""
    guest = _start(runsc, containers)
    _await_watched(agent, guest)
    guest.do("stay")
    usual_ms = guest.do(f"storm {STORM}")
    os.kill(agent.pid, signal.SIGSTOP)
    try:
        stopped_ms: list[int] = []
        while sum(stopped_ms) < 10_000:
            stopped_ms.append(guest.do(f"storm {STORM}"))
        guest.do("end 3")
    finally:
        os.kill(agent.pid, signal.SIGCONT)
    assert min(stopped_ms) < 2 * usual_ms, f"{usual_ms} ms, and while stopped: {stopped_ms}"
    assert agent.await_finished(guest)["how"] == "signal"


@BOTH
def test_polled(
    runsc: Runsc, agent: Agent, containers: Containers, tmp_path: Path
) -> None:
    """Somebody else's session is left alone; what is known then is enough to finish."""
    guest = _start(runsc, containers)
    Other(tmp_path).take(runsc, guest, "--force")
    _await_watched(agent, guest, how="polled")
    guest.do("stay")
    wait_until("its task to be counted", lambda: _ps(agent, guest)["tasks"] == 1 or None)
    assert "trace delete" in _ps(agent, guest)["watched_why"]
    assert "Default" in runsc.call("trace", "list", guest.id)
    guest.do("end 3")
    assert agent.await_finished(guest)["how"] == "signal"


@BOTH
def test_its_own_configuration(
    runsc: Runsc, agent: Agent, containers: Containers, tmp_path: Path
) -> None:
    """From the first instruction on: `lastout gvisor-config`."""
    config = tmp_path / "pod-init.json"
    socket = agent.socket.parent / "gvisor.sock"
    config.write_text(lastout.call("gvisor-config", "--socket", socket).stdout)
    guest = _start(runsc, containers, flags=("--ignore-cgroups", f"--pod-init-config={config}"))
    _await_watched(agent, guest)
    guest.do("exit 3")
    assert Died.told(agent.await_finished(guest)["last_task"]) == code(3)


@BOTH
def test_tail_says_what_it_does_not_show(runsc: Runsc, start_tail: StartTail) -> None:
    check_tail(runsc, start_tail)


@PID_1
def test_tail_says_so_of_a_sandbox_that_is_pid_1(runsc: Runsc, start_tail: StartTail) -> None:
    check_tail(runsc, start_tail)


def check_tail(runsc: Runsc, start_tail: StartTail) -> None:
    guest = runsc.start()
    tail = start_tail("--no-host")
    tail.err.await_line("a line about sandboxes", b"gVisor sandbox")
    guest.do("exit 3")
    tail.stop()
    assert not [e for e in tail.exits() if e["container"]["id"] == guest.id]


@BOTH
def test_unusual_place(
    release: Release, agent: Agent, containers: Containers, tmp_path: Path
) -> None:
    """Its first sandbox is found among the processes; of the next the directory tells."""
    with gvisor.runsc(release, tmp_path / "gvisor") as runsc:
        for _ in range(2):
            guest = _start(runsc, containers)
            _await_watched(agent, guest)
            guest.do("exit 3")
            assert Died.told(agent.await_finished(guest)["last_task"]) == code(3)


def _pid_in_its_namespace(pid: int) -> list[str]:
    [pids] = [
        line.split()[1:]
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("NSpid:")
    ]
    return pids


@PID_1
@pytest.mark.parametrize("is_first", [True, False], ids=["agent-first", "guest-first"])
def test_sandbox_that_is_pid_1(
    runsc: Runsc, start_agent: StartAgent, containers: Containers, is_first: bool
) -> None:
    agent = start_agent() if is_first else None
    guest = _start(runsc, containers)
    assert _pid_in_its_namespace(guest.sandbox_pid) == [str(guest.sandbox_pid), "1"]
    agent = agent or start_agent()
    _await_watched(agent, guest)
    guest.do("exit 3")
    outcome = agent.await_finished(guest)
    assert outcome["how"] == "signal"
    assert Died.told(outcome["last_task"]) == code(3)
    _await_gone(guest)


@PID_1
def test_sandbox_that_is_pid_1_in_an_unusual_place(
    runsc: Runsc, release: Release, agent: Agent, containers: Containers, tmp_path: Path
) -> None:
    """Any container's PID 1 could call itself so, and name a directory of its own: not believed."""
    with gvisor.runsc(release, tmp_path / "elsewhere") as elsewhere:
        guest = _start(elsewhere, containers)
        _canary(runsc, agent, containers)
        guest.do("exit 3")
        _canary(runsc, agent, containers)
        assert guest.is_running()
        assert not agent.outcomes_of(guest)


@BOTH
def test_crowd(runsc: Runsc, agent: Agent, containers: Containers) -> None:
    guests = [_start(runsc, containers) for _ in range(CROWD)]
    for guest in guests:
        _await_watched(agent, guest)
    for guest in guests:
        guest.order("exit 3")  # where all are busy, it may be ended before it can answer
    outcomes = [agent.await_finished(guest) for guest in guests]
    assert {Died.told(outcome["last_task"]) for outcome in outcomes} == {code(3)}
