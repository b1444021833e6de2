"""Engines that are set up in other ways: Docker's live-restore and userns-remap, rootless Podman."""

from __future__ import annotations

import contextlib
import json
from typing import Iterator

import pytest

from harness.engine import Docker, Engine, Podman
from harness.machine import Machine
from harness.service import Service

DAEMON = "/etc/docker/daemon.json"
USER = "tester"
USER_ID = 4321


@contextlib.contextmanager
def docker_with(vm: Machine, **settings: object) -> Iterator[Engine]:
    vm.write(DAEMON, json.dumps(settings))
    vm.run("systemctl restart docker")
    made = Docker(vm)
    try:
        yield made
    finally:
        made.remove_all()
        vm.run(f"rm {DAEMON}; systemctl restart docker")


def test_live_restore(service: Service, vm: Machine) -> None:
    """A container whose dockerd comes back while it works is finished, and dockerd knows its status."""
    with docker_with(vm, **{"live-restore": True}) as docker:
        container = docker.managed()
        vm.run("systemctl restart docker")
        assert container.is_running()
        container.go()
        assert container.wait() == 3


def test_end_while_dockerd_is_down(service: Service, vm: Machine) -> None:
    with docker_with(vm, **{"live-restore": True}) as docker:
        container = docker.managed()
        vm.run("systemctl stop docker.socket docker.service")
        container.go()
        vm.await_true("init to end", f"[ ! -e /proc/{container.pid} ]")
        vm.run("systemctl start docker")
        assert container.wait() == 3


def test_userns_remap(service: Service, vm: Machine) -> None:
    """Docker keeps these containers in a folder of another name, and their root is another user."""
    with docker_with(vm, **{"userns-remap": "default"}) as docker:
        named, labelled = docker.managed(), docker.managed("--label lastout-tests/finish=yes", name="some")
        assert vm.run(f"stat --format %u /proc/{named.pid}") != "0"
        known = service.knows(named.id)
        assert (known["name"], known["image"]) == (named.name, "lastout-tests/base:1")
        for container in (named, labelled):
            container.go()
            assert container.wait() == 3


@pytest.fixture(scope="module")
def rootless(vm: Machine) -> Iterator[Engine]:
    vm.run(f"id {USER} 2>/dev/null || useradd --create-home --uid {USER_ID} {USER}")
    vm.run(f"loginctl enable-linger {USER}")
    run_time = f"/run/user/{USER_ID}"
    vm.await_true("the user's systemd", f"[ -S {run_time}/bus ]")
    environment = f"HOME=/home/{USER} XDG_RUNTIME_DIR={run_time} DBUS_SESSION_BUS_ADDRESS=unix:path={run_time}/bus"
    made = Podman(vm, f"cd / && runuser -u {USER} -- env {environment} ")
    yield made
    made.remove_all()
    vm.run(f"loginctl disable-linger {USER}")


def test_rootless_podman(service: Service, rootless: Engine, vm: Machine) -> None:
    """Its state is below a home that only its user can read."""
    named, labelled = rootless.managed(), rootless.managed("--label lastout-tests/finish=yes", name="some")
    assert vm.run(f"stat --format %u /proc/{named.pid}") == str(USER_ID)
    known = service.knows(named.id)
    assert (known["name"], known["runtime"]) == (named.name, "podman")
    for container in (named, labelled):
        container.go()
        assert container.wait() == 3
