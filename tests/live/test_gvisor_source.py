"""gVisor sandboxes as a source of events: what is seen of them, and that they never notice.

The driver tests/drivers/gvisor-events takes the agent's place. Both releases of Debian 12 are tested: the
older has an abstract control socket and makes a session's socket blocking, the newer has neither.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from harness import gvisor, gvisor_events, lastout
from harness.deadline import PATIENCE_S, wait_until
from harness.gvisor import ALL, BOTH, Guest, Release, Runsc
from harness.gvisor_events import Events
from harness.gvisor_session import EXIT_NOTIFY, Other

StartEvents = Callable[..., Events]

CONTROL_DELAY_S = 15.0
"""So long the end of a sandbox is delayed by a control connection that is kept open."""


@pytest.fixture
def runsc(release: Release, tmp_path: Path) -> Iterator[Runsc]:
    gvisor_events.build()
    with gvisor.runsc(release, tmp_path / "gvisor") as made:
        yield made


@pytest.fixture
def start_events(runsc: Runsc) -> Iterator[StartEvents]:
    with contextlib.ExitStack() as at_end:

        def start(*options: str | Path) -> Events:
            events = Events(runsc.root, *options)
            at_end.callback(events.clean_up)
            return events

        yield start


@pytest.fixture
def events(start_events: StartEvents) -> Events:
    return start_events()


@pytest.fixture
def guest(runsc: Runsc, events: Events) -> Guest:
    """One that is watched by events from its start."""
    made = runsc.start()
    events.await_mode(made, "events")
    events.await_init(made)
    return made


# Exits


ORDERS = {
    "exit 0": 0,
    "exit 3": 3 << 8,
    "signal 9": signal.SIGKILL,
    "signal 11": signal.SIGSEGV,
    "signal 6": signal.SIGABRT,
    "threads 7": 7 << 8,
    "zombie 4": 4 << 8,
}


@ALL
def test_each_exit_once_and_exactly(events: Events, guest: Guest) -> None:
    for order in ORDERS:
        guest.do(order)
    events.verify(guest)
    assert events.exits(guest) == [("task", int(status)) for status in ORDERS.values()]
    assert all(record["is_last"] for record in events.of(guest, "exit"))
    assert events.stats()["dropped"] == 0


@BOTH
def test_orphan(events: Events, guest: Guest) -> None:
    guest.do("orphan 5")
    events.verify(guest)
    assert events.exits(guest) == [("task", 0), ("task", 5 << 8)]
    assert [record["is_last"] for record in events.of(guest, "exit")] == [False, True]


@BOTH
def test_a_zombie_holds_nobody_up(events: Events, guest: Guest) -> None:
    guest.do("zombie 4")
    assert events.holders(guest) == []
    guest.do("stay")
    assert events.holders(guest) == [("task", "guest")]
    guest.do("end 2")
    assert events.holders(guest) == []
    assert events.exits(guest) == [("task", 4 << 8), ("task", 2 << 8)]


@BOTH
def test_helper(events: Events, guest: Guest) -> None:
    guest.put("s6-supervise", "guest")
    guest.do("helper s6-supervise")
    events.await_event(guest, "idle", helpers=1, tasks=0)
    assert events.holders(guest) == [("helper", "s6-supervise")]
    guest.do("exit 1")
    guest.do("end 0")
    events.verify(guest)
    assert events.exits(guest) == [("task", 1 << 8), ("helper", 0)]


@BOTH
def test_executed_from_outside(events: Events, guest: Guest) -> None:
    """Its start is silent: the process list knows it, and its end is told."""
    guest.do("stay")
    session = guest.execute("/t/guest", "--stay")
    wait_until("the exec session", lambda: len(events.holders(guest)) == 2)
    assert events.holders(guest) == [("task", "guest"), ("injected", "guest")]
    guest.do("end 0")
    assert events.holders(guest) == [("injected", "guest")]
    [task] = events.of(guest, "exit")
    assert task["is_last"] and not task["is_empty"]
    [pid] = [h["pid"] for h in events.verify(guest)["holders"]]
    guest.runsc("kill", "--pid", str(pid), guest.id, "KILL")
    session.wait(PATIENCE_S)
    ended = events.await_event(guest, "exit", role="injected")
    assert (ended["status"], ended["is_last"], ended["is_empty"]) == (9, False, True)
    assert events.holders(guest) == []


# Found late, found again


@BOTH
def test_found_in_the_midst_of_work(runsc: Runsc, start_events: StartEvents) -> None:
    guest = runsc.start()
    guest.do("stay")
    guest.do("zombie 1")
    guest.put("runsv", "guest")
    guest.do("helper runsv")
    events = start_events()
    found = events.await_event(guest, "found")
    assert (found["tasks"], found["helpers"], found["injected"]) == (1, 1, 0)
    assert (found["init"], found["init_comm"]) == (1, "guest")
    events.await_mode(guest, "events")
    guest.do("end 6")
    events.verify(guest)
    assert sorted(events.exits(guest)) == [("helper", 6 << 8), ("task", 6 << 8)]


@BOTH
def test_a_killed_reader_harms_nobody_and_is_replaced(
    runsc: Runsc, start_events: StartEvents
) -> None:
    first = start_events()
    guest = runsc.start()
    first.await_mode(guest, "events")
    guest.do("stay")
    first.kill()
    guest.do("storm 100")
    guest.do("exit 1")
    second = start_events()
    found = second.await_event(guest, "found")
    assert found["tasks"] == 1
    second.await_mode(guest, "events")
    guest.do("end 3")
    second.verify(guest)
    assert second.exits(guest) == [("task", 3 << 8)]


@BOTH
def test_an_end_leaves_no_session(runsc: Runsc, events: Events, guest: Guest) -> None:
    assert "Default" in runsc.call("trace", "list", guest.id)
    events.stop()
    assert "Default" not in runsc.call("trace", "list", guest.id)


# Sandboxes never notice


STORM = 400
TOO_MUCH = 10_000
"""Children, of three messages each; some 20,000 messages fit."""


@BOTH
def test_a_reader_that_stops_neither_freezes_nor_slows(events: Events, guest: Guest) -> None:
    """What does not fit is dropped, and the process list tells; here all of it fits.

    The guest does the same work several times while the reader is stopped, for ten seconds at least.
    """
    usual_ms = guest.do(f"storm {STORM}")
    events.process.send_signal(signal.SIGSTOP)
    stopped_ms: list[int] = []
    while sum(stopped_ms) < 10_000:
        stopped_ms.append(guest.do(f"storm {STORM}"))
    guest.do("exit 3")
    events.process.send_signal(signal.SIGCONT)
    assert min(stopped_ms) < 2 * usual_ms, f"{usual_ms} ms, and while stopped: {stopped_ms}"
    assert events.holders(guest) == []
    guest.do("exit 4")  # brings the count of what was lost, if anything was
    events.await_event(guest, "exit", status=4 << 8)
    exits = events.exits(guest)
    if events.stats()["dropped"] == 0:
        assert exits.count(("task", 0)) == STORM * (1 + len(stopped_ms))
        assert exits[-2:] == [("task", 3 << 8), ("task", 4 << 8)]
    assert events.of(guest, "exit")[-1]["tasks"] == 0


@BOTH
def test_the_sink_does_not_block(events: Events, guest: Guest) -> None:
    """What older releases' Go takes away from it when it is handed over is given back."""
    assert gvisor.packet_sockets_block(guest.sandbox_pid) == [False]


@BOTH
def test_a_slow_reader_slows_nobody(events: Events, guest: Guest) -> None:
    """One that reads for a millisecond or two, and then sleeps for fifty times as long."""
    usual_ms = guest.do(f"storm {STORM}")
    order = guest.order(f"storm {STORM}")
    while guest.answer(order) is None:
        events.process.send_signal(signal.SIGSTOP)
        time.sleep(0.1)
        events.process.send_signal(signal.SIGCONT)
        time.sleep(0.002)
    slowed_ms = guest.await_answer(order)
    assert slowed_ms < 2 * usual_ms, f"{usual_ms} ms, and beside a slow reader: {slowed_ms}"
    events.verify(guest)
    assert events.exits(guest).count(("task", 0)) == 2 * STORM


@BOTH
def test_more_than_fits_is_dropped_and_made_up_for(events: Events, guest: Guest) -> None:
    """Also the last exit is lost here: the count of what is lost comes only with the next message."""
    guest.do("stay")
    events.process.send_signal(signal.SIGSTOP)
    for _ in range(TOO_MUCH // STORM):
        guest.do(f"storm {STORM}")
    guest.do("end 2")
    events.process.send_signal(signal.SIGCONT)
    assert events.holders(guest) == []
    last = events.of(guest, "exit")[-1]
    assert (last["status"], last["is_last"], last["tasks"]) == (None, True, 0)
    guest.do("exit 1")
    events.await_event(guest, "exit", status=1 << 8)
    assert events.stats()["dropped"] > 0


@BOTH
def test_no_control_connection_is_kept(events: Events, guest: Guest) -> None:
    """An idle one would delay the sandbox's end by CONTROL_DELAY_S."""
    guest.do("exit 0")
    pid = guest.sandbox_pid
    events.verify(guest)
    signalled = events.signal(guest, signal.SIGKILL)
    wait_until("the sandbox to end", lambda: gvisor.is_dead(pid), CONTROL_DELAY_S / 3)
    gone = events.await_mode(guest, "gone")
    assert gone["now_ns"] - signalled["now_ns"] < CONTROL_DELAY_S / 3 * 1e9


# Ends


@ALL
def test_finished_by_its_control_socket(events: Events, guest: Guest) -> None:
    """gVisor does not shield PID 1 from a signal that it does not handle, as Linux does."""
    guest.do("exit 7")
    assert events.signal(guest, signal.SIGTERM)["err"] == 0
    init = events.await_event(guest, "exit", role="init")
    assert (init["status"], init["is_gone"]) == (signal.SIGTERM, True)
    events.await_mode(guest, "gone")


@BOTH
def test_why_not_by_runsc_kill(runsc: Runsc) -> None:
    """It takes an id for any that begins so: whom it ends is not only the one who is named."""
    guest = runsc.start()
    pid = guest.sandbox_pid
    guest.runsc("kill", guest.id[:-1], "KILL")
    wait_until("the sandbox to end", lambda: gvisor.is_dead(pid))


@BOTH
def test_init_ends_by_itself(events: Events, guest: Guest) -> None:
    guest.do("stay")
    guest.order("leave 42")
    init = events.await_event(guest, "exit", role="init")
    assert init["status"] == 42 << 8
    events.await_mode(guest, "gone")
    assert [role for role, _ in events.exits(guest)].count("init") == 1


@BOTH
def test_killed_sandbox(events: Events, guest: Guest) -> None:
    guest.do("stay")
    os.kill(guest.sandbox_pid, signal.SIGKILL)
    events.await_mode(guest, "gone")
    init = events.await_event(guest, "exit", role="init")
    assert init["is_gone"]
    events.await_event(guest, "removed")


@BOTH
def test_pod(runsc: Runsc, events: Events) -> None:
    """Of three containers in one sandbox, one is finished; the others go on."""
    kind = {"io.kubernetes.cri.container-type": "sandbox"}
    pause = runsc.start(annotations=kind)
    one, other = runsc.start(pod=pause), runsc.start(pod=pause)
    for guest in (one, other):
        events.await_init(guest)
        guest.do("stay")
        guest.do("zombie 3")
        assert events.holders(guest) == [("task", "guest")]
    one.do("end 5")
    assert events.holders(one) == []
    assert events.exits(one) == [("task", 3 << 8), ("task", 5 << 8)]
    assert events.signal(one, signal.SIGTERM)["err"] == 0
    init = events.await_event(one, "exit", role="init")
    assert init["status"] == signal.SIGTERM
    assert events.holders(other) == [("task", "guest")]
    assert events.exits(other) == [("task", 3 << 8)]
    other.do("exit 1")
    assert other.is_running() and pause.is_running()
    one.remove()
    events.await_event(one, "removed")
    assert not events.of(other, "removed")


@BOTH
def test_many_sandboxes(runsc: Runsc, events: Events) -> None:
    guests = [runsc.start() for _ in range(8)]
    for guest in guests:
        events.await_mode(guest, "events")
        guest.order("exit 3")
    for guest in guests:
        events.await_event(guest, "exit", status=3 << 8, is_last=True)
    for guest in guests:
        assert events.exits(guest) == [("task", 3 << 8)]


# Sessions of others


@pytest.fixture
def other(tmp_path: Path) -> Other:
    return Other(tmp_path)


@BOTH
def test_anothers_session_is_left_alone(
    runsc: Runsc, start_events: StartEvents, other: Other
) -> None:
    guest = runsc.start()
    other.take(runsc, guest)
    events = start_events()
    mode = events.await_mode(guest, "polled")
    assert "trace delete" in mode["reason"]
    guest.do("stay")
    events.await_event(guest, "task", tasks=1)
    guest.do("zombie 1")
    guest.do("end 9")
    ended = events.await_event(guest, "exit", is_last=True)
    assert ended["status"] is None
    assert events.holders(guest) == []
    assert "Default" in runsc.call("trace", "list", guest.id)
    assert other.kinds == [EXIT_NOTIFY] * 2


@BOTH
def test_session_taken_away(
    runsc: Runsc, events: Events, guest: Guest, other: Other
) -> None:
    """Somebody replaces ours by force: from then on the process list is read."""
    other.take(runsc, guest, "--force")
    events.await_mode(guest, "polled")
    guest.do("stay")
    events.await_event(guest, "task", tasks=1)


# From the first instruction on


@BOTH
def test_pod_init_configuration(
    runsc: Runsc, start_events: StartEvents, tmp_path: Path
) -> None:
    path = tmp_path / "gvisor.sock"
    config = tmp_path / "pod-init.json"
    config.write_text(lastout.call("gvisor-config", "--socket", path).stdout)
    events = start_events(path)
    guest = runsc.start(flags=("--ignore-cgroups", f"--pod-init-config={config}"))
    events.await_mode(guest, "events")
    assert events.await_init(guest)["init"] == 1
    guest.do("exit 3")
    events.verify(guest)
    assert events.exits(guest) == [("task", 3 << 8)]
    # A container starts as well while nobody listens.
    events.stop()
    assert runsc.start(flags=("--ignore-cgroups", f"--pod-init-config={config}")).do("exit 0") == 0


# What a container would do without lastout (docs/gvisor.md has the table)


TYPE_2 = (
    *("exit 0", "exit 1", "signal 6", "signal 9", "signal 11", "zombie 0"),
    *("two-exit 0", "two-exit 1", "two-signal 6", "two-signal 9"),
)
"""PID 1 manages the work: how one child ends, or two at once. 1 is an exception in Python, 6 one in C++."""

TYPE_1 = {"leave 0": 0, "leave 1": 1 << 8, "die 6": signal.SIGABRT, "die 9": signal.SIGKILL}
"""PID 1 is the work: how it ends, a child alive."""


@ALL
@pytest.mark.parametrize("flags", [("--ignore-cgroups",), ()], ids=["ignored", "cgroups"])
def test_without_lastout(runsc: Runsc, events: Events, flags: tuple[str, ...]) -> None:
    """The end of all children ends no container, with cgroups or without; the end of PID 1 does."""
    gvisor.need_cgroups(flags)
    managers = [runsc.start(flags=flags) for _ in TYPE_2]
    for manager, ending in zip(managers, TYPE_2):
        events.await_mode(manager, "events")
        manager.do(ending)
        events.await_event(manager, "exit", is_last=True)
    # Those whose PID 1 is the work end after all others have had their chance.
    for ending, status in TYPE_1.items():
        work = runsc.start(flags=flags)
        events.await_mode(work, "events")  # or its end might come before anybody listens
        work.do("stay")
        work.order(ending)
        assert events.await_event(work, "exit", role="init")["status"] == status
        events.await_mode(work, "gone")
    for manager in managers:
        assert manager.is_running()
        answer = events.verify(manager)
        assert (answer["has_init"], answer["holders"]) == (True, [])
