"""The ground that the other tests stand on, without lastout.

When one of these fails, it is this machine or the test bed, and no other failure means anything.
"""

from __future__ import annotations

import resource

import pytest

from harness import process
from harness.containers import Containers
from harness.died import code, killed
from harness.limited import start_with_memory_limit
from harness.scripts import manager, task, waiting


def test_manager_outlives_its_task(containers: Containers) -> None:
    container = containers.shell(manager(task("exit 0")))
    pid = container.await_up()
    assert container.processes() == {pid}
    container.go()
    process.await_exit(pid)
    assert container.is_alive()
    assert container.status() == "running"
    process.kill(container.pid, "SIGTERM")
    assert container.await_end() == code(0)
    assert container.status() == "stopped"


def test_init_without_handler_ignores_sigterm(containers: Containers) -> None:
    container = containers.shell(manager(task("exit 0"), on_term=None))
    container.await_up()
    process.kill(container.pid, "SIGTERM")
    process.kill(container.pid, "SIGKILL")
    assert container.await_end() == killed("SIGKILL")


def test_out_of_memory_killer_ends_the_task_only(containers: Containers) -> None:
    leave_with_its_status = "wait $!; exit $?"
    container = start_with_memory_limit(containers, then=leave_with_its_status)
    container.go()
    assert container.await_end() == code(128 + 9)


@pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_CORE)[1] == 0, reason="the hard limit forbids core dumps"
)
def test_core_is_dumped(containers: Containers) -> None:
    dump = waiting("cd /tmp; ulimit -c unlimited; /t/exits as core 0; ls -s core > /c/up; exit 0")
    container = containers.shell(dump)
    container.await_up()
    container.go()
    assert container.await_line().endswith("core")
    assert container.await_end() == code(0)
