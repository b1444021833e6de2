"""gVisor under Docker and containerd: found, named by what the engine knows, finished, and told to it."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from harness import image, lastout, runtimes
from harness.configured import ConfiguredAgent
from harness.containers import Containers
from harness.died import Died, code, killed
from harness.gvisor_engines import (
    NAME_FROM_START,
    ContainerdWithRunsc,
    DockerWithRunsc,
    EngineGuest,
)
from harness.runtime import StateDirs
from harness.runtimes import Engines

Engine = DockerWithRunsc | ContainerdWithRunsc
Start = Callable[..., ConfiguredAgent]


def _skip_without(kind: str) -> None:
    missing = runtimes.missing(kind) + [c for c in ["runsc"] if not shutil.which(c)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.fixture
def start_configured(tmp_path: Path, containers: Containers) -> Iterator[Start]:
    with contextlib.ExitStack() as at_end:

        def start(state_dirs: StateDirs, **settings: Any) -> ConfiguredAgent:
            agent = ConfiguredAgent(tmp_path / "run", containers.init, state_dirs, **settings)
            at_end.callback(agent.clean_up)
            agent.await_ready()
            return agent

        yield start


@pytest.fixture(scope="module")
def docker(engines: Engines) -> DockerWithRunsc:
    _skip_without("docker")
    return DockerWithRunsc(engines)


@pytest.fixture(scope="module")
def containerd(engines: Engines) -> ContainerdWithRunsc:
    _skip_without("containerd-default")
    return ContainerdWithRunsc(engines.containerd)


@contextlib.contextmanager
def _guest(
    engine: Engine, directory: Path, init: str, name: str, *options: str, **settings: str
) -> Iterator[EngineGuest]:
    guest = EngineGuest(directory / name, init)
    engine.start(guest, name, *options, **settings)
    try:
        yield guest
    finally:
        engine.remove(guest)


def test_docker(
    docker: DockerWithRunsc, start_configured: Start, containers: Containers, tmp_path: Path
) -> None:
    agent = start_configured(docker.state_dirs)
    label = "--label=lastout/policy=off"
    with (
        _guest(docker, tmp_path, containers.init, "lotest-work") as guest,
        _guest(docker, tmp_path, containers.init, "lotest-off", label) as off,
    ):
        agent.await_sandbox(guest)
        record = agent.await_name(guest)
        assert (record["name"], record["image"]) == ("lotest-work", image.NAME)
        assert (record["runtime"], record["watched_by"]) == ("runsc", "events")
        off.do("exit 3")
        guest.do("exit 3")
        outcome = agent.await_finished(guest)
        assert outcome["how"] == "signal"
        assert outcome["container"]["name"] == "lotest-work"
        assert Died.told(outcome["last_task"]) == code(3)
        assert Died.told(outcome["init"]) == killed("SIGTERM")
        assert docker.exit_status(guest) == 143
        containers.canary(agent)
        assert docker.is_running(off)
        assert not agent.outcomes_of(off)


def test_from_the_start(
    docker: DockerWithRunsc, start_configured: Start, containers: Containers, tmp_path: Path
) -> None:
    """By `--pod-init-config`; and it starts as well while nobody listens there."""
    agent = start_configured(docker.state_dirs)
    socket = agent.socket.parent / "gvisor.sock"
    docker.pod_init.write_text(lastout.call("gvisor-config", "--socket", socket).stdout)
    for name in ("lotest-first", "lotest-second"):
        with _guest(docker, tmp_path, containers.init, name, runtime=NAME_FROM_START) as guest:
            if name == "lotest-second":
                agent = start_configured(docker.state_dirs)
            agent.await_sandbox(guest)
            guest.do("exit 3")
            assert Died.told(agent.await_finished(guest)["last_task"]) == code(3)
            assert docker.exit_status(guest) == 143
        agent.stop()


def test_by_name(
    docker: DockerWithRunsc, start_configured: Start, containers: Containers, tmp_path: Path
) -> None:
    """The name is that of its cgroup, too, where the sandbox's own processes are: those are no container."""
    name = f"{containers.init}-by-name"
    agent = start_configured(docker.state_dirs, match={"container": [name], "init": [containers.init]})
    with _guest(docker, tmp_path, containers.init, name) as guest:
        agent.await_sandbox(guest)
        guest.do("exit 3")
        assert agent.await_finished(guest)["how"] == "signal"
        assert docker.exit_status(guest) == 143
    agent.stop()
    assert len(agent.outcomes_of(guest)) == 1


def test_containerd(
    containerd: ContainerdWithRunsc, start_configured: Start, containers: Containers, tmp_path: Path
) -> None:
    agent = start_configured(containerd.state_dirs)
    with _guest(containerd, tmp_path, containers.init, "lotest-work") as guest:
        agent.await_sandbox(guest)
        record = agent.await_listed(guest)
        assert (record["runtime"], record["image"]) == ("runsc", image.NAME)
        guest.do("exit 3")
        outcome = agent.await_finished(guest)
        assert outcome["how"] == "signal"
        assert Died.told(outcome["last_task"]) == code(3)
        assert containerd.exit_status(guest) == 143
