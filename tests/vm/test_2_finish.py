"""The service ends containers of Docker and Podman whose work is over, and no others."""

from __future__ import annotations

import pytest

from harness.engine import Container, Engine
from harness.service import Service


def assert_finished(container: Container, status: int) -> None:
    """As its engine reports it: `wait`, and the list of all containers."""
    assert container.wait() == status
    assert container.listed_status().startswith(f"Exited ({status}) ")


@pytest.mark.basic
def test_by_name(service: Service, any_engine: Engine) -> None:
    container = any_engine.managed(end=3)
    container.go()
    assert_finished(container, 3)


def test_by_init(service: Service, any_engine: Engine) -> None:
    container = any_engine.managed(name="some", init="by-init", end=4)
    container.go()
    assert_finished(container, 4)


def test_by_label(service: Service, any_engine: Engine) -> None:
    container = any_engine.managed("--label lastout-tests/finish=yes", name="some", end=5)
    container.go()
    assert_finished(container, 5)


def test_by_image(service: Service, any_engine: Engine) -> None:
    container = any_engine.managed(name="some", image="lastout-tests/by-image:2", end=6)
    container.go()
    assert_finished(container, 6)


def test_success_and_signal(service: Service, any_engine: Engine) -> None:
    """A task that exits with 0, and one that a signal kills."""
    success, killed = any_engine.managed(end=0), any_engine.managed(end=-9)
    success.go()
    killed.go()
    assert_finished(success, 0)
    assert_finished(killed, 137)


LEFT = {
    "by label": (["--label lastout-tests/keep=yes"], "by-name"),
    "by name": ([], "left-alone"),
    "by cgroup": (["--cgroup-parent=left.slice"], "by-name"),
    "no policy": ([], "some"),
    "chosen": (["--label lastout/policy=off"], "by-name"),
}


@pytest.mark.parametrize("reason", LEFT)
def test_left_alone(service: Service, any_engine: Engine, reason: str) -> None:
    """A canary, whose work ends later, is finished meanwhile."""
    options, name = LEFT[reason]
    left = any_engine.managed(*options, name=name)
    canary = any_engine.managed()
    left.go()
    canary.go()
    assert canary.wait() == 3
    assert left.is_running()


def test_identity_is_what_the_engine_says(service: Service, any_engine: Engine) -> None:
    container = any_engine.managed(name="some")
    known, said = service.knows(container.id), container.inspect()
    assert known["id"] == said["Id"]
    assert known["name"] == said["Name"].lstrip("/")
    image = said["ImageName"] if any_engine.word == "podman" else said["Config"]["Image"]
    assert known["image"] == image


def test_identity_of_an_older_container(service: Service, any_engine: Engine) -> None:
    """From before the agent was started: all of it is read from the state that the engine keeps."""
    container = any_engine.managed("--label lastout-tests/finish=yes", name="some")
    service.systemctl("restart")
    known = service.knows(container.id)
    assert (known["name"], known["policy"]) == (container.name, "by-label")
    container.go()
    assert_finished(container, 3)
