"""The life of the service: reload, restart, sudden death, watchdog. Containers are finished before and after."""

from __future__ import annotations

import re

from harness import service as unit
from harness.engine import Engine
from harness.machine import Machine
from harness.service import SHARED, Service


def test_check_as_service(service: Service, vm: Machine) -> None:
    """It has no more privileges than the service, and finds the hooks that the service's log names."""
    done = vm.try_run("lastout check --as-service")
    assert done.status == 0, done.out + done.err
    found = re.search(r"^ok +programs .* with (\w+) hooks", done.out, re.MULTILINE)
    logged = re.search(r"hooks=(\w+)", service.log())
    assert found and logged and found[1] == logged[1], done.out + service.log()
    capabilities = re.search(r"capabilities=(\S+)", service.log())
    assert capabilities and capabilities[1] in done.out, done.out + service.log()


def test_reload_with_a_good_file(service: Service, docker: Engine) -> None:
    """The same process, other policies, also for containers that it knows already."""
    pid = service.pid()
    container = docker.managed(name="later")
    assert service.knows(container.id)["policy"] is None
    service.configure(SHARED + "  - name: later\n    match: {init: manager, container: 'later-*'}\n")
    service.systemctl("reload")
    assert service.pid() == pid
    assert service.knows(container.id)["policy"] == "later"
    container.go()
    assert container.wait() == 3


def test_reload_with_a_bad_file(service: Service, docker: Engine) -> None:
    """The policies stay as they were, the log has the place of the mistake, and the service is active."""
    pid = service.pid()
    service.configure("version: 1\npolicies: 7\n")
    # Whether systemctl reports a failure is systemd's choice: what counts is that it does not wait for ever.
    service.try_systemctl("reload")
    assert (service.state(), service.pid()) == ("active", pid)
    service.await_log(r"config\.yaml:2:\d+")
    container = docker.managed()
    container.go()
    assert container.wait() == 3
    service.configure(SHARED)
    service.systemctl("reload")
    assert service.state() == "active"


def test_bad_file_at_the_start(service: Service) -> None:
    """It does not start with half a configuration, and does with the next right one."""
    service.configure("version: 1\npolicies: 7\n")
    assert service.try_systemctl("restart") != 0
    service.configure(SHARED)
    service.systemctl("reset-failed")
    service.systemctl("restart")
    assert service.state() == "active"


def test_work_that_ends_while_it_is_down(service: Service, docker: Engine) -> None:
    """The programs that are pinned in the kernel go on counting."""
    container = docker.managed()
    assert service.knows(container.id)["tasks"] == 1
    service.systemctl("stop")
    assert service.state() == "inactive"
    container.go()
    docker.vm.await_true("the task to end", f"! pgrep -P {container.pid}")
    service.systemctl("start")
    assert container.wait() == 3


def test_sudden_death(service: Service, docker: Engine, vm: Machine) -> None:
    container = docker.managed()
    assert service.knows(container.id)["tasks"] == 1
    pid = service.pid()
    vm.run(f"kill -KILL {pid}")
    service.await_other_pid(pid)
    container.go()
    assert container.wait() == 3


def test_watchdog(service: Service, docker: Engine, vm: Machine) -> None:
    """A loop that does not turn is ended by systemd, which starts the service again."""
    pid = service.pid()
    vm.run(f"kill -STOP {pid}")
    service.await_other_pid(pid)
    assert "watchdog" in vm.run(f"journalctl --no-pager --unit {unit.UNIT} _PID=1").lower()
    container = docker.managed()
    container.go()
    assert container.wait() == 3
