"""What `kubectl describe pod` shows: the outcome, in the file that the kubelet made for it.

A pod's container as containerd has it, without a kubelet: its cgroup, annotations and mounts.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Callable, Iterator

import pytest

from harness import cgroup, runtimes
from harness.configured import ConfiguredAgent
from harness.container import Container
from harness.containers import Containers
from harness.runtimes import Engines
from harness.scripts import manager, task

POD = {
    "io.kubernetes.cri.container-type": "container",
    "io.kubernetes.cri.container-name": "work",
    "io.kubernetes.cri.sandbox-name": "job-0",
    "io.kubernetes.cri.sandbox-namespace": "batch",
}


class Pod:
    """What the kubelet would have made."""

    def __init__(self, directory: Path) -> None:
        self.uid = str(uuid.uuid4())
        self.cgroup = f"/kubepods/pod{self.uid}"
        self.message = directory / "pods" / self.uid / "containers" / "work" / "5eed"
        self.message.parent.mkdir(parents=True)
        self.message.touch()


Start = Callable[[str, Path], tuple[ConfiguredAgent, Container]]


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


@pytest.fixture
def start(
    engines: Engines, containers: Containers, pod: Pod, tmp_path: Path
) -> Iterator[Start]:
    if missing := runtimes.missing("containerd-k8s.io"):
        pytest.skip(f"not installed: {', '.join(missing)}")
    runtime = engines.runtime("containerd-k8s.io")
    agent = ConfiguredAgent(tmp_path / "run", containers.init, runtime.state_dirs)
    agent.await_ready()

    def begin(command: str, message: Path) -> tuple[ConfiguredAgent, Container]:
        container = containers.shell(
            manager(task(command)),
            runtime=runtime,
            annotations=POD,
            pod=pod.cgroup,
            binds={"/dev/termination-log": message},
        )
        agent.await_working(container)
        return agent, container

    yield begin
    agent.clean_up()
    containers.remove_all()
    cgroup.remove_empty(cgroup.named([pod.cgroup.lstrip("/"), "kubepods"]))


def test_outcome_is_told(start: Start, pod: Pod) -> None:
    agent, container = start("exit 3", pod.message)
    container.go()
    outcome = agent.await_finished(container)
    assert outcome["container"]["pod"] == "job-0"
    assert outcome["container"]["namespace"] == "batch"
    text = pod.message.read_text()
    assert text.startswith("lastout: last task ")
    assert "exited with 3" in text
    assert text.count("\n") == 1


def test_own_message_stays(start: Start, pod: Pod) -> None:
    agent, container = start("echo mine > /dev/termination-log", pod.message)
    container.go()
    agent.await_finished(container)
    assert pod.message.read_text() == "mine\n"


def test_file_of_its_own_choice_is_not_written(start: Start, tmp_path: Path) -> None:
    """A pod may mount any file of the host at that place."""
    chosen = tmp_path / "chosen"
    chosen.touch()
    agent, container = start("exit 0", chosen)
    container.go()
    agent.await_finished(container)
    assert chosen.read_text() == ""
