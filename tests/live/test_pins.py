"""The count that goes on without an agent: no gap loses a last exit, and nothing is left behind."""

from __future__ import annotations

import random
import signal
import threading
import time
from pathlib import Path
from typing import Callable

import pytest

from harness import builds, cgroup, lastout, machine, process
from harness.agent import Agent, StartAgent
from harness.container import Container
from harness.containers import Containers
from harness.deadline import wait_until
from harness.died import Died, code
from harness.leftovers import assert_nothing_left
from harness.pins import Pins
from harness.scripts import manager, task

DEATHS = 50
"""How often an agent is killed at some moment of its start."""


def last_task(outcome: dict[str, object]) -> tuple[object, object, Died]:
    task_end = outcome["last_task"]
    assert isinstance(task_end, dict)
    return task_end["pid"], task_end["comm"], Died.told(task_end)


def end_task(container: Container, pid: int) -> None:
    container.go()
    process.await_exit(pid)


# Nobody is there when it happens


def test_last_exit_while_no_agent_lives(
    start_agent: StartAgent, containers: Containers, pins: Pins
) -> None:
    agent = start_agent(pin=pins.directory)
    container = containers.shell(manager(task("exit 7")))
    pid = container.await_up()
    agent.await_working(container)
    agent.kill()
    end_task(container, pid)

    outcome = start_agent(pin=pins.directory).await_finished(container)
    assert outcome["how"] == "signal"
    assert last_task(outcome) == (pid, "sh", code(7))
    assert container.await_end() == code(0)


def test_whole_work_while_no_agent_lives(
    start_agent: StartAgent, containers: Containers, pins: Pins
) -> None:
    """The agent that finds the container has never seen a task in it."""
    start_agent(pin=pins.directory).kill()
    container = containers.shell(manager(task("exit 7")))
    pid = container.await_up()
    end_task(container, pid)
    gone = containers.shell(manager(task("exit 8")))
    process.kill(gone.pid, "SIGKILL")
    gone.await_end()

    agent = start_agent(pin=pins.directory)
    assert last_task(agent.await_finished(container)) == (pid, "sh", code(7))
    containers.canary(agent)
    assert len(agent.outcomes_of(gone)) <= 1


def test_last_exit_told_to_a_full_ring_buffer(
    start_agent: StartAgent, containers: Containers, pins: Pins
) -> None:
    """Nobody will ever read its record, nor that of its container's making."""
    agent = start_agent(pin=pins.directory)
    known = containers.shell(manager(task("exit 7")))
    pid = known.await_up()
    agent.await_working(known)
    agent.kill()
    cgroup.make_and_remove(f"{known.id}-filler", 1000)
    wait_until("the ring buffer to overflow", lambda: pins.losses()["ring_full"])
    end_task(known, pid)
    new = containers.shell(manager(task("exit 8")))
    new_pid = new.await_up()
    end_task(new, new_pid)

    agent = start_agent(pin=pins.directory)
    assert last_task(agent.await_finished(known)) == (pid, "sh", code(7))
    assert last_task(agent.await_finished(new)) == (new_pid, "sh", code(8))
    containers.canary(agent)


def test_work_that_goes_on_is_not_touched(
    start_agent: StartAgent, containers: Containers, pins: Pins
) -> None:
    """Its count is that of the agent before, and goes on from there."""
    agent = start_agent(pin=pins.directory)
    container = containers.shell(manager(task("exit 7"), task("exit 7")))
    pids = {container.await_up(), container.await_up()}
    agent.await_working(container)
    agent.kill()
    container.go()
    wait_until("one of two tasks to exit", lambda: len(container.processes()) == 1)
    agent = start_agent(pin=pins.directory)
    containers.canary(agent)
    assert container.is_alive()
    container.go()

    pid, _, how = last_task(agent.await_finished(container))
    assert pid in pids and how == code(7)


# How it ends


def test_sigterm_keeps_them(start_agent: StartAgent, containers: Containers, pins: Pins) -> None:
    agent = start_agent(pin=pins.directory)
    container = containers.shell(manager(task("exit 7")))
    pid = container.await_up()
    agent.await_working(container)
    agent.stop(signal.SIGTERM)
    assert pins.links()
    end_task(container, pid)

    outcome = start_agent(pin=pins.directory).await_finished(container)
    assert last_task(outcome) == (pid, "sh", code(7))


@pytest.mark.parametrize("is_second", [False, True], ids=["first", "taken over"])
def test_sigint_removes_them(
    start_agent: StartAgent, pins: Pins, tmp_path: Path, is_second: bool
) -> None:
    with assert_nothing_left(tmp_path) as note:
        if is_second:
            start_agent(pin=pins.directory).kill()
        agent = start_agent(pin=pins.directory)
        note(agent.pid)
        assert pins.links()
        agent.stop(signal.SIGINT)
        assert not pins.directory.exists()


def test_unpin(start_agent: StartAgent, pins: Pins, tmp_path: Path) -> None:
    with assert_nothing_left(tmp_path / "none") as note:
        agent = start_agent(pin=pins.directory)
        note(agent.pid)
        agent.kill()
        done = lastout.call("run", "--unpin", "--pin", pins.directory)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("1 set of pins removed")
        assert not pins.directory.exists()
    done = lastout.call("run", "--unpin", "--pin", pins.directory)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("0 sets of pins removed")


def test_unpin_needs_no_configuration(
    start_agent: StartAgent, pins: Pins, tmp_path: Path
) -> None:
    """With --pin: a package that is removed must not leave pins because its configuration is broken."""
    start_agent(pin=pins.directory).kill()
    broken = tmp_path / "broken.yaml"
    broken.write_text("policies: [\n")
    unpin = ["run", "--unpin", "--config", broken]
    assert lastout.call(*unpin).returncode == 1
    done = lastout.call(*unpin, "--pin", pins.directory)
    assert (done.returncode, done.stderr) == (0, "")
    assert not pins.directory.exists()


def test_unpin_leaves_a_living_agent_alone(
    start_agent: StartAgent, containers: Containers, pins: Pins
) -> None:
    agent = start_agent(pin=pins.directory)
    done = lastout.call("run", "--unpin", "--pin", pins.directory)
    assert done.returncode == 1
    assert "another agent" in done.stderr
    assert pins.links()
    containers.canary(agent)


def test_pins_removed_by_hand(start_agent: StartAgent, containers: Containers, pins: Pins) -> None:
    """Whoever lives holds what it needs, and was it taken over."""
    start_agent(pin=pins.directory).kill()
    agent = start_agent(pin=pins.directory)
    pins.remove()
    containers.canary(agent)


def test_second_agent_on_the_same_pins(
    start_agent: StartAgent, containers: Containers, pins: Pins, tmp_path: Path
) -> None:
    agent = start_agent(pin=pins.directory)
    options = ("--init", "nobody", "--socket", tmp_path / "other.sock", "--pin", pins.directory)
    done = lastout.call("run", *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert "another agent" in done.stderr and str(pins.directory) in done.stderr
    containers.canary(agent)


# What is found may be broken


def without(*names: str) -> Callable[[Path], None]:
    def break_set(path: Path) -> None:
        for name in names:
            (path / name).unlink()

    return break_set


def another_half(path: Path) -> None:
    """As if a next one had been killed while it pinned."""
    half = path.parent / "7"
    half.mkdir()


BROKEN = {
    "no version": without("version"),
    "no exit hook": lambda path: next(path.glob("link_exit*")).unlink(),
    "no ring buffer": without("ring"),
    "no counts": without("containers", "processes"),
    "another half": another_half,
}


@pytest.mark.parametrize("how", BROKEN)
def test_broken_set_is_replaced(
    start_agent: StartAgent, containers: Containers, pins: Pins, how: str
) -> None:
    """Nobody but lastout breaks its pins so; all the same it must go on working."""
    agent = start_agent(pin=pins.directory)
    container = containers.shell(manager(task("exit 7")))
    pid = container.await_up()
    agent.await_working(container)
    agent.kill()
    BROKEN[how](pins.the_set())
    agent = start_agent(pin=pins.directory)
    agent.await_working(container)
    assert len(pins.links()) == 7
    end_task(container, pid)

    assert last_task(agent.await_finished(container)) == (pid, "sh", code(7))
    agent.stop(signal.SIGINT)
    assert not pins.directory.exists()


def test_foreign_things_in_the_directory(start_agent: StartAgent, pins: Pins) -> None:
    """They stay, and do not disturb: also one that has the name of a set."""
    start_agent(pin=pins.directory).kill()
    foreign = [pins.directory / name for name in ("9", "other")]
    for path in foreign:
        (path / "inside").mkdir(parents=True)
    agent = start_agent(pin=pins.directory)
    agent.stop(signal.SIGINT)
    assert sorted(pins.directory.iterdir()) == foreign
    assert all((path / "inside").exists() for path in foreign)


# Upgrades, and other settings


@pytest.fixture(scope="session")
def other_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return builds.build(tmp_path_factory.mktemp("programs"), builds.OTHER_PROGRAMS)


@pytest.fixture(scope="session")
def other_layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return builds.build(tmp_path_factory.mktemp("layout"), builds.OTHER_LAYOUT)


Start = Callable[[], Agent]


def change_agents(
    containers: Containers, pins: Pins, before: Start, after: Start, count: int = 24
) -> None:
    """Last exits before, in and after the gap, and all through the next agent's start."""
    agent = before()
    made = containers.many(count, manager(task("exit 7")))
    pids = [container.await_up() for container in made]
    early = containers.shell(manager(task("exit 6")))
    early_pid = early.await_up()
    for container in (*made, early):
        agent.await_working(container)
    agent.kill()
    end_task(early, early_pid)
    replaced = pins.the_set()

    def end_one_by_one() -> None:
        for container in made:
            container.go()
            time.sleep(random.uniform(0, 0.03))

    ending = threading.Thread(target=end_one_by_one)
    ending.start()
    agent = after()
    ending.join()
    assert last_task(agent.await_finished(early)) == (early_pid, "sh", code(6))
    for container, pid in zip(made, pids):
        assert last_task(agent.await_finished(container)) == (pid, "sh", code(7))
    assert not replaced.exists() or pins.the_set() == replaced
    containers.canary(agent)


def test_next_agent_of_the_same_build(
    start_agent: StartAgent, containers: Containers, pins: Pins
) -> None:
    def start() -> Agent:
        return start_agent(pin=pins.directory)

    change_agents(containers, pins, start, start)


@pytest.mark.parametrize(
    "build, is_upgrade",
    [
        pytest.param("other_layout", True, id="other_layout-upgrade"),
        pytest.param("other_layout", False, id="other_layout-downgrade", marks=pytest.mark.slow),
        pytest.param("other_programs", True, id="other_programs-upgrade", marks=pytest.mark.slow),
        pytest.param("other_programs", False, id="other_programs-downgrade", marks=pytest.mark.slow),
    ],
)
def test_next_agent_of_another_build(
    start_agent: StartAgent,
    containers: Containers,
    pins: Pins,
    request: pytest.FixtureRequest,
    build: str,
    is_upgrade: bool,
) -> None:
    binary: Path = request.getfixturevalue(build)

    def start() -> Agent:
        return start_agent(pin=pins.directory)

    def start_other() -> Agent:
        return start_agent(pin=pins.directory, binary=binary)

    if is_upgrade:
        change_agents(containers, pins, start, start_other)
    else:
        change_agents(containers, pins, start_other, start)


def test_other_sizes(
    start_agent: StartAgent, start_configured: StartAgent, containers: Containers, pins: Pins
) -> None:
    """Tables of another size are other tables; what the old ones know is not lost."""
    change_agents(
        containers,
        pins,
        lambda: start_agent(pin=pins.directory),
        lambda: start_configured(pin=pins.directory, max_containers=100, max_processes=2000),
    )


@pytest.mark.parametrize("before, after", [("btf", "classic"), ("classic", "btf")])
def test_hooks_of_the_other_variant(
    start_agent: StartAgent, containers: Containers, pins: Pins, before: str, after: str
) -> None:
    """What the agent before could not have, or took by mistake, does not stay for good."""
    agents: list[Agent] = []

    def start(hooks: str) -> Agent:
        agents.append(start_agent(pin=pins.directory, **machine.with_hooks(hooks)))
        return agents[-1]

    change_agents(containers, pins, lambda: start(before), lambda: start(after))
    assert [agent.await_ready()["hooks"] for agent in agents] == [before, after]
    assert {name.rpartition("_")[2] for name in pins.links() if "exit" in name} == {after}
    assert not any(pins.losses().values())


def test_better_hooks_out_of_reach(
    start_agent: StartAgent, containers: Containers, pins: Pins
) -> None:
    """Those that are pinned go on: they are as good as any that could be had."""
    start_agent(pin=pins.directory, **machine.with_hooks("btf")).kill()
    kept = pins.the_set()
    container = containers.shell(manager(task("exit 7")))
    pid = container.await_up()
    end_task(container, pid)
    agent = start_agent(pin=pins.directory, **machine.without_tracefs("classic"))
    assert agent.await_ready()["hooks"] == "btf"
    assert pins.the_set() == kept
    assert last_task(agent.await_finished(container)) == (pid, "sh", code(7))


# Killed at any moment


@pytest.mark.parametrize(
    "build",
    [
        None,
        pytest.param("other_programs", marks=pytest.mark.slow),
        pytest.param("other_layout", marks=pytest.mark.slow),
    ],
)
def test_killed_at_any_moment_of_its_start(
    start_agent: StartAgent,
    containers: Containers,
    pins: Pins,
    request: pytest.FixtureRequest,
    build: str | None,
) -> None:
    """Taking over, or replacing each other's pins in turn: the count must never break off."""
    binaries = [lastout.LASTOUT, request.getfixturevalue(build) if build else lastout.LASTOUT]
    first = start_agent(pin=pins.directory)
    busy = containers.shell(manager(task("exit 7")))
    busy_pid = busy.await_up()
    first.await_working(busy)
    container = containers.shell(manager(task("exit 9")))
    pid = container.await_up()
    first.await_working(container)
    first.kill()
    chance = random.Random(6)
    for number in range(DEATHS):
        agent = start_agent(pin=pins.directory, binary=binaries[number % 2], wait=False)
        time.sleep(chance.uniform(0, 0.25))  # the moment is the matter of this test
        agent.kill()
        assert 1 <= len(pins.sets()) <= 2
        if number == DEATHS // 2:
            end_task(container, pid)
    agent = start_agent(pin=pins.directory)
    pins.the_set()

    if container.is_alive():  # no earlier one lived for long enough
        assert last_task(agent.await_finished(container)) == (pid, "sh", code(9))
    container.await_end()
    containers.canary(agent)
    assert busy.is_alive()
    end_task(busy, busy_pid)
    assert last_task(agent.await_finished(busy)) == (busy_pid, "sh", code(7))


# Where nothing can be pinned


def test_read_only_place(
    start_configured: StartAgent, containers: Containers, read_only: Path, tmp_path: Path
) -> None:
    """To watch without pins is better than not to watch; but who names a place wants that one."""
    agent = start_configured(pin=read_only / "pins")
    warning = agent.err.await_record("a warning", lambda record: record.get("event") == "pins")
    assert warning["level"] == "warn" and "Read-only" in warning["reason"]
    assert agent.about()["pins"] is None
    containers.canary(agent)
    options = ("--init", "nobody", "--socket", tmp_path / "s", "--pin", read_only / "pins")
    done = lastout.call("run", *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Read-only" in done.stderr and str(read_only) in done.stderr


def test_read_only_place_with_pins(
    start_agent: StartAgent,
    start_configured: StartAgent,
    containers: Containers,
    pins: Pins,
    read_only: Path,
) -> None:
    """What counts there is gone on with."""
    start_agent(pin=pins.directory).kill()
    container = containers.shell(manager(task("exit 7")))
    pid = container.await_up()
    end_task(container, pid)
    agent = start_configured(pin=read_only / pins.directory.name)
    assert last_task(agent.await_finished(container)) == (pid, "sh", code(7))


# What people are told


def test_check_shows_them(start_agent: StartAgent, pins: Pins) -> None:
    done = lastout.call("check", "--pin", pins.directory)
    [line] = [line for line in done.stdout.splitlines() if line.split()[1] == "pins"]
    assert line.startswith("ok") and "none" in line
    start_agent(pin=pins.directory).kill()
    done = lastout.call("check", "--pin", pins.directory)
    [line] = [line for line in done.stdout.splitlines() if line.split()[1] == "pins"]
    assert line.startswith("ok") and str(pins.the_set()) in line and "hooks" in line


def test_check_without_a_bpf_file_system(tmp_path: Path) -> None:
    done = lastout.call("check", "--pin", tmp_path / "pins")
    [line] = [line for line in done.stdout.splitlines() if line.split()[1] == "pins"]
    assert line.startswith("note") and "mount -t bpf" in line
    assert done.returncode == 0
