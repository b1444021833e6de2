"""gVisor containers are followed and finished like any other, by the sandbox's own means."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
from pathlib import Path
from typing import Iterator

import pytest

from harness import gvisor, lastout
from harness.agent import Agent, StartAgent
from harness.containers import Containers
from harness.deadline import wait_until
from harness.died import Died, code, killed
from harness.gvisor import BACKPORTS, BOOKWORM, RELEASES, Guest, Release, Runsc
from harness.stream import Record

BOTH = pytest.mark.parametrize("release", [BOOKWORM, BACKPORTS], ids=lambda r: r.name, indirect=True)
ALL = pytest.mark.parametrize(
    "release", RELEASES, ids=lambda r: f"{r.name}-{r.platform}", indirect=True
)

ENDINGS = {
    "exit 0": code(0),
    "exit 3": code(3),
    "signal 9": killed("SIGKILL"),
    "signal 11": killed("SIGSEGV"),
    "threads 7": code(7),
}

CROWD = 20

NAMESPACES = Path("/run/containerd/runsc")


@pytest.fixture
def release(request: pytest.FixtureRequest) -> Release:
    reason = request.param.missing()
    if reason:
        pytest.skip(reason)
    return request.param


@pytest.fixture
def runsc(release: Release, tmp_path: Path) -> Iterator[Runsc]:
    """Its state is where containerd's shim keeps it, in a namespace of the test's own.

    So the agent is told at once; of a place that it does not know it learns within ten seconds.
    """
    root = NAMESPACES / f"lotest-{secrets.token_hex(4)}"
    missing = [path for path in (NAMESPACES, *NAMESPACES.parents) if not path.exists()]
    root.mkdir(parents=True)
    try:
        with gvisor.runsc(release, tmp_path / "gvisor", root) as made:
            yield made
    finally:
        shutil.rmtree(root)
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()


def _start(runsc: Runsc, containers: Containers, **options: object) -> Guest:
    """With an init of the name that the agent is told, so that it can end nobody else's."""
    return runsc.start(init=containers.init, **options)


def _ps(agent: Agent, guest: Guest) -> Record:
    done = lastout.call("ps", "-o", "json", "--socket", agent.socket)
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    [record] = [record for record in records if record["id"] == guest.id]
    return record


def _await_watched(agent: Agent, guest: Guest, sandbox: Guest | None = None) -> None:
    """By events: attached to, a moment after it was found."""
    agent.await_container(guest)
    owner = (sandbox or guest).id

    def matches(record: Record) -> bool:
        is_mode = record.get("event") == "sandbox" and record["sandbox"] == owner
        return is_mode and record["watched_by"] == "events"

    agent.err.await_record(f"events of {owner}", matches)


def _await_gone(guest: Guest) -> None:
    wait_until(f"{guest.id} to end", lambda: not guest.is_running() or None)


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
    containers.canary(agent)
    assert guest.is_running()
    held.kill()
    held.wait()
    guest.runsc("kill", "--pid", _executed_pid(guest), guest.id, "KILL")
    agent.await_finished(guest)


def _executed_pid(guest: Guest) -> str:
    pids = json.loads(guest.runsc("ps", "--format", "json", guest.id))
    return str(max(pids))


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


@BOTH
def test_pod(runsc: Runsc, agent: Agent, containers: Containers) -> None:
    """Three containers in one sandbox: one is finished, two go on."""
    pause = runsc.start(annotations={"io.kubernetes.cri.container-type": "sandbox"})
    busy = _start(runsc, containers, pod=pause)
    done = _start(runsc, containers, pod=pause)
    for guest in (busy, done):
        _await_watched(agent, guest, pause)
    busy.do("stay")
    done.do("exit 0")
    agent.await_finished(done)
    containers.canary(agent)
    assert busy.is_running()
    assert pause.is_running()
    assert not agent.outcomes_of(busy)


@pytest.mark.parametrize("release", [BACKPORTS], ids=lambda r: r.name, indirect=True)
def test_crowd(runsc: Runsc, agent: Agent, containers: Containers) -> None:
    guests = [_start(runsc, containers) for _ in range(CROWD)]
    for guest in guests:
        _await_watched(agent, guest)
    orders = [(guest, guest.order("exit 3")) for guest in guests]
    for guest, order in orders:
        guest.await_answer(order)
    outcomes = [agent.await_finished(guest) for guest in guests]
    assert {Died.told(outcome["last_task"]) for outcome in outcomes} == {code(3)}
