"""Whose container it is: what `ps` tells of each runtime, and state that is in no usual place."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Callable, Iterator

import pytest

from harness import image, runtimes
from harness.configured import ConfiguredAgent
from harness.containers import Containers
from harness.runtime import Runtime
from harness.runtimes import Engines
from harness.scripts import manager, task

CRI = {
    "io.kubernetes.cri.container-type": "container",
    "io.kubernetes.cri.container-name": "web",
    "io.kubernetes.cri.image-name": "registry.example/shop/web:1",
    "io.kubernetes.cri.sandbox-name": "web-0",
    "io.kubernetes.cri.sandbox-namespace": "shop",
}
"""What containerd's plug-in for Kubernetes writes into each container's orders."""

Start = Callable[[Runtime, Containers], ConfiguredAgent]


@pytest.fixture
def start_configured(tmp_path: Path) -> Iterator[Start]:
    with contextlib.ExitStack() as at_end:

        def start(runtime: Runtime, containers: Containers) -> ConfiguredAgent:
            agent = ConfiguredAgent(tmp_path / "run", containers.init, runtime.state_dirs)
            at_end.callback(agent.clean_up)
            agent.await_ready()
            return agent

        yield start


def skip_without(kind: str) -> None:
    missing = runtimes.missing(kind)
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.mark.parametrize(
    "kind, word", [("docker", "docker"), ("podman-runc", "podman"), ("podman-crun", "podman")]
)
def test_name_and_image(
    engines: Engines, start_configured: Start, containers: Containers, kind: str, word: str
) -> None:
    skip_without(kind)
    runtime = engines.runtime(kind)
    agent = start_configured(runtime, containers)
    container = containers.shell(manager(task("exit 3")), runtime=runtime)

    record = agent.await_name(container)
    assert record["name"] == container.name
    assert record["image"] == image.NAME
    assert record["runtime"] == word
    assert record["pod"] is None
    assert record["namespace"] is None


def test_pod(engines: Engines, start_configured: Start, containers: Containers) -> None:
    skip_without("containerd-k8s.io")
    runtime = engines.runtime("containerd-k8s.io")
    agent = start_configured(runtime, containers)
    container = containers.shell(manager(task("exit 3")), runtime=runtime, annotations=CRI)

    record = agent.await_name(container)
    assert record["runtime"] == "containerd"
    assert record["name"] == "web"
    assert record["image"] == "registry.example/shop/web:1"
    assert record["pod"] == "web-0"
    assert record["namespace"] == "shop"


def test_words_of_kubernetes_are_worth_nothing_elsewhere(
    engines: Engines, start_configured: Start, containers: Containers
) -> None:
    """Whoever may start a container with ctr or docker may write any annotation into it."""
    skip_without("containerd-default")
    runtime = engines.runtime("containerd-default")
    agent = start_configured(runtime, containers)
    container = containers.shell(manager(task("exit 3")), runtime=runtime, annotations=CRI)

    agent.await_working(container)
    record = agent.await_listed(container)
    assert record["pod"] is None
    assert record["namespace"] is None


@pytest.mark.parametrize("kind", ["runc", "crun"])
def test_state_in_another_directory(
    engines: Engines, start_configured: Start, containers: Containers, kind: str
) -> None:
    """Without state_dirs it would be no container: the name of its cgroup tells nothing."""
    skip_without(kind)
    runtime = engines.elsewhere(kind)
    agent = start_configured(runtime, containers)
    container = containers.shell(manager(task("exit 3")), runtime=runtime)

    agent.await_working(container)
    assert agent.await_listed(container)["runtime"] == kind
    container.go()
    assert agent.await_finished(container)["how"] == "signal"
    assert container.await_exit_status() == 0


def test_namesakes_have_a_line_each(
    engines: Engines, start_configured: Start, containers: Containers
) -> None:
    """The same name in two stores of Podman's: one of them is where lastout was told to look."""
    skip_without("podman-runc")
    runtime, elsewhere = engines.runtime("podman-runc"), engines.elsewhere("podman-runc")
    agent = start_configured(runtime, containers)
    script = manager(task("exit 3"))
    container = containers.shell(script, runtime=runtime)
    namesake = containers.shell(script, runtime=elsewhere, namesake=container)

    assert agent.await_name(container)["name"] == container.name
    agent.await_working(namesake)
    assert agent.await_listed(namesake)["name"] is None
