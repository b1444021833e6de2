"""After a reboot the service is up, and works."""

from __future__ import annotations

from harness.engine import Docker
from harness.machine import Machine
from harness.service import Service


def test_reboot(service: Service, vm: Machine) -> None:
    service.systemctl("enable")
    boot = vm.run("cat /proc/sys/kernel/random/boot_id")
    vm.reboot()
    assert vm.run("cat /proc/sys/kernel/random/boot_id") != boot
    service.await_state("active")
    docker = Docker(vm)
    container = docker.managed()
    container.go()
    assert container.wait() == 3
    docker.remove_all()
