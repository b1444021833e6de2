"""Each option of tail, and what it keeps out.

What must not be shown is made first and what must be shown after it, so that the second, once it
is there, proves the absence of the first.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import process, programs
from harness.containers import Containers
from harness.died import Died, code
from harness.host import exit_of_host, waiting_process
from harness.limited import start_with_memory_limit
from harness.scripts import manager, task
from harness.tail import StartTail

UID = 54321


@pytest.fixture
def workload_of_threads(tmp_path: Path) -> Path:
    """leader-first, under a name that no other process has."""
    return shutil.copy(programs.path("leader-first"), tmp_path / f"lx-{secrets.token_hex(4)}")


def test_pid(start_tail: StartTail) -> None:
    chosen = waiting_process()
    tail = start_tail("-p", str(chosen.pid))
    exit_of_host()
    chosen.communicate()
    tail.await_exit(chosen.pid)
    tail.stop()
    assert [record["pid"] for record in tail.exits()] == [chosen.pid]


def test_uid(start_tail: StartTail) -> None:
    tail = start_tail("-u", str(UID))
    exit_of_host()
    chosen = exit_of_host(user=UID)
    tail.await_exit(chosen)
    tail.stop()
    assert [(record["pid"], record["uid"]) for record in tail.exits()] == [(chosen, UID)]


def test_failed_only(start_tail: StartTail) -> None:
    tail = start_tail("-x")
    good = exit_of_host(0)
    bad = exit_of_host(1)
    tail.await_exit(bad)
    tail.stop()
    assert not tail.exits_of(good)
    assert all(record["exit_code"] != 0 for record in tail.exits())


def test_comm_glob(start_tail: StartTail, tmp_path: Path) -> None:
    name = f"lx-{secrets.token_hex(3)}"
    for suffix in ("a", "b"):
        shutil.copy(programs.path("exits"), tmp_path / f"{name}-{suffix}")
    tail = start_tail("--comm", f"{name}-[b-z]")
    for suffix in ("a", "b"):
        subprocess.run([tmp_path / f"{name}-{suffix}", "as", "code", "0"], check=True)
    tail.out.await_record("the second", lambda record: record["comm"] == f"{name}-b")
    tail.stop()
    assert {record["comm"] for record in tail.exits()} == {f"{name}-b"}


def test_count_ends_by_itself(start_tail: StartTail, tmp_path: Path) -> None:
    program = Path(shutil.copy(programs.path("exits"), tmp_path / f"lx-{secrets.token_hex(4)}"))
    tail = start_tail("--comm", program.name, "--count", "5")
    subprocess.run([program, "many", "20"], cwd=tmp_path, check=True, capture_output=True)
    tail.await_end()
    assert len(tail.exits()) == 5
    assert tail.totals()[0] == 5


def test_duration_ends_by_itself(start_tail: StartTail) -> None:
    tail = start_tail("-D", "100ms")
    tail.await_end()
    assert tail.totals()[1] == 0


def test_container_and_roles(start_tail: StartTail, containers: Containers) -> None:
    """Everything about one container, and about nobody else."""
    container = containers.shell(manager(task("exit 3")))
    other = containers.shell(manager(task("exit 4")))
    tail = start_tail("-c", f"{container.id[:-1]}[{container.id[-1]}]")
    pid = container.await_up()
    visitor = container.inject("exit 44")
    other_pid = other.await_up()
    other.go()
    process.await_exit(other_pid)
    container.go("injected")
    injected = tail.await_exit(visitor)
    container.go()
    last = tail.await_exit(pid)
    process.kill(container.pid, "SIGTERM")
    init = tail.await_exit(container.pid)
    tail.stop()

    assert [r["pid"] for r in (injected, last, init)] == [visitor, pid, container.pid]
    assert [r["role"] for r in (injected, last, init)] == ["injected", "task", "init"]
    assert [Died.told(r) for r in (injected, last, init)] == [code(44), code(3), code(0)]
    assert injected["tasks_left"] == 1
    assert last["tasks_left"] == 0
    assert init["ns_pid"] == 1
    assert last["ppid"] == container.pid
    assert last["container"]["id"] == container.id
    assert last["container"]["runtime"] == "runc"
    assert not tail.exits_of(other_pid)


def test_last_exits_only(start_tail: StartTail, containers: Containers) -> None:
    tasks = task("exit 1", go="one") + task("exit 2", go="two")
    container = containers.shell(manager(tasks), fifos=("one", "two"))
    tail = start_tail("--last", "-c", container.id)
    everybody = {container.await_up(), container.await_up()}
    [last] = [pid for pid in everybody if "two" in process.command_line(pid)]
    [first] = everybody - {last}
    container.go("one")
    process.await_exit(first)
    container.go("two")
    record = tail.await_exit(last)
    tail.stop()
    assert tail.exits() == [record]
    assert Died.told(record) == code(2)


def test_no_host(start_tail: StartTail, containers: Containers) -> None:
    container = containers.shell(manager(task("exit 3")))
    tail = start_tail("--no-host")
    pid = container.await_up()
    on_host = exit_of_host(9)
    container.go()
    tail.await_exit(pid)
    tail.stop()
    assert not tail.exits_of(on_host)
    assert all(record["container"] for record in tail.exits())


def test_container_that_starts_under_watch(start_tail: StartTail, containers: Containers) -> None:
    """Its identity is known by the time that its first task ends."""
    tail = start_tail("--no-host")
    container = containers.shell(manager(task("exit 3")))
    pid = container.await_up()
    container.go()
    record = tail.await_exit(pid)
    assert record["role"] == "task"
    assert record["container"]["id"] == container.id


def test_out_of_memory(start_tail: StartTail, containers: Containers) -> None:
    container = start_with_memory_limit(containers)
    [pid] = container.processes()
    tail = start_tail("-p", str(pid))
    container.go()
    record = tail.await_exit(pid)
    assert record["oom_killed"] is True
    assert Died.told(record) == Died(None, "SIGKILL")


def test_threads(start_tail: StartTail) -> None:
    """Each of the seven threads is shown as one, and the eighth is the end of the process."""
    command = f"read _; exec {programs.path('leader-first')} 8 5"
    child = subprocess.Popen(["sh", "-c", command], stdin=subprocess.PIPE)
    tail = start_tail("-p", str(child.pid), "--threads")
    child.communicate(b"\n")
    record = tail.await_exit(child.pid)
    tail.stop()

    assert record["comm"] == "leader-first", "the process's name, not its last thread's"
    assert Died.told(record) == code(5)
    threads = [record for record in tail.out.records if record["event"] == "thread_exit"]
    assert {thread["pid"] for thread in threads} == {child.pid}
    assert len({thread["tid"] for thread in threads}) == len(threads) == 7
    assert [t["comm"] for t in threads if t["tid"] == child.pid] == ["leader-first"]
    assert {t["comm"] for t in threads if t["tid"] != child.pid} == {"worker"}
    assert tail.exits() == [record]


def test_no_threads_unless_asked(start_tail: StartTail, workload_of_threads: Path) -> None:
    tail = start_tail("--comm", workload_of_threads.name)
    children = [subprocess.Popen([workload_of_threads, "8", "5"]) for _ in range(2)]
    assert [child.wait() for child in children] == [5, 5]
    for child in children:
        tail.await_exit(child.pid)
    tail.stop()
    assert len(tail.out.records) == 2
