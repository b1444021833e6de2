"""The package on a machine that has never had one: installing it starts nothing."""

from __future__ import annotations

import re

import pytest

from harness import service as unit
from harness.machine import Machine
from harness.service import Service

pytestmark = pytest.mark.basic


def test_machine_is_as_debian_sets_it(vm: Machine) -> None:
    """What this whole folder is for: a real systemd, and a distribution's own settings."""
    assert vm.run("cat /proc/1/comm") == "systemd"
    assert vm.run("stat --file-system --format %T /sys/fs/cgroup") == "cgroup2fs"
    assert vm.run("cat /sys/module/apparmor/parameters/enabled") == "Y"
    # Debian's kernels start with 3, which forbids perf events, and so classic hooks, without CAP_PERFMON.
    assert vm.run("cat /proc/sys/kernel/perf_event_paranoid") == "3"


def test_install_starts_nothing(installed: Machine) -> None:
    service = Service(installed)
    assert service.state() == "inactive"
    assert installed.try_run(f"systemctl is-enabled {unit.UNIT}").text == "disabled"
    assert not installed.exists("/run/lastout/lastout.sock")
    assert not installed.exists("/sys/fs/bpf/lastout")


def test_check_before_it_is_enabled(installed: Machine) -> None:
    """A shell has root's capabilities: nothing that is needed may be missing on Debian."""
    done = installed.try_run("lastout check")
    assert done.status == 0, done.out + done.err
    assert installed.try_run(f"lastout check --config {unit.CONFIG}").status == 0


def test_enable_now(installed: Machine) -> None:
    installed.run(f"systemctl enable --now {unit.UNIT}")
    service = Service(installed)
    assert service.state() == "active"
    assert installed.run(f"systemctl is-enabled {unit.UNIT}") == "enabled"
    assert service.containers() == []
    assert service.property("NRestarts") == "0"
    assert not re.search(r"denied|not permitted|EPERM|cannot", service.log()), service.log()
