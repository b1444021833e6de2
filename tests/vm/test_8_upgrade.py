"""Upgrade, removal and purge, with dpkg and with what is left afterwards.

The first package is version 0.1.0's maintainer scripts, unit and configuration, around the program under test.
"""

from __future__ import annotations

import pytest

from harness import package
from harness import service as unit
from harness.engine import Engine
from harness.machine import Machine
from harness.service import Service

PINS = "/sys/fs/bpf/lastout"


@pytest.fixture
def installed_only(vm: Machine) -> Service:
    """No fixture of the shared service here: these tests say what runs."""
    return Service(vm)


def purge(vm: Machine) -> None:
    vm.run("dpkg --purge lastout 2>&1")


def bpf_programs(vm: Machine) -> str:
    """Names of lastout's programs in the kernel, by the file descriptors and pins that hold them."""
    return vm.run(f"find {PINS} 2>/dev/null || true")


def assert_nothing_runs(vm: Machine) -> None:
    assert vm.try_run("pgrep -x lastout").status == 1
    assert not vm.exists("/run/lastout")
    assert not vm.exists("/usr/sbin/lastout")
    assert bpf_programs(vm) == ""


@pytest.mark.parametrize("before", ["lower", "first"])
def test_upgrade_of_a_running_service(
    installed_only: Service, vm: Machine, docker: Engine, before: str
) -> None:
    """Active afterwards, with the new program; a container from before is finished."""
    purge(vm)
    package.install(vm, before)
    installed_only.configure("version: 1\npolicies:\n  - {name: manager, match: {init: manager}, status: task}\n")
    installed_only.systemctl("enable --now")
    pid = installed_only.pid()
    container = docker.managed(name="some")
    assert installed_only.knows(container.id)["policy"] == "manager"
    package.install(vm)
    assert installed_only.state() == "active"
    assert installed_only.pid() != pid
    assert vm.run("readlink /proc/$(pgrep -x lastout)/exe") == "/usr/sbin/lastout"
    assert "~" not in vm.run("dpkg-query --show --showformat '${Version}' lastout")
    assert "name: manager" in vm.run(f"cat {unit.CONFIG}")
    container.go()
    # restart_settle may be the default, 30 s.
    assert container.wait() == 3


def test_upgrade_of_a_stopped_service(installed_only: Service, vm: Machine) -> None:
    """What an administrator stopped stays stopped."""
    purge(vm)
    package.install(vm, "lower")
    package.install(vm)
    assert installed_only.state() == "inactive"
    assert vm.try_run(f"systemctl is-enabled {unit.UNIT}").text == "disabled"


def test_remove(installed_only: Service, vm: Machine) -> None:
    """The configuration stays, and nothing else; installed again, it is as it was."""
    package.install(vm)
    installed_only.configure("version: 1\n# mine\n")
    installed_only.systemctl("enable --now")
    assert vm.exists(PINS)
    vm.run("dpkg --remove lastout 2>&1")
    assert_nothing_runs(vm)
    assert "# mine" in vm.run(f"cat {unit.CONFIG}")
    package.install(vm)
    assert "# mine" in vm.run(f"cat {unit.CONFIG}")
    assert vm.run(f"systemctl is-enabled {unit.UNIT}") == "enabled"


def test_purge(installed_only: Service, vm: Machine) -> None:
    package.install(vm)
    installed_only.systemctl("enable --now")
    purge(vm)
    assert_nothing_runs(vm)
    for folder in ("/etc/lastout", "/var/lib/lastout", "/var/log/lastout", "/var/cache/lastout"):
        assert not vm.exists(folder), folder
    left = vm.run("find /etc/systemd /var/lib/systemd /usr/share -name '*lastout*' ! -path '*/tests/*'")
    assert left == ""
    assert "lastout" not in vm.run("dpkg --get-selections")
