"""The command of docs/quick-start.md that starts lastout under Docker, as it stands there."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from harness import command, machine, pod, runtimes
from harness.containers import Containers
from harness.deadline import wait_until
from harness.docker import Docker
from harness.runtimes import Engines
from harness.scripts import manager, task

IMAGE_BYTES_MAX = 6_000_000
DOCUMENT = machine.ROOT / "docs" / "quick-start.md"


@pytest.fixture
def docker(engines: Engines) -> Docker:
    missing = runtimes.missing("docker")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    made = engines.runtime("docker")
    assert isinstance(made, Docker)
    return made


@pytest.fixture
def containers(tmp_path: Path, rootfs: Path, docker: Docker) -> Iterator[Containers]:
    made = Containers(tmp_path / "containers", rootfs, docker)
    yield made
    made.remove_all()


def written_options() -> list[str]:
    found = re.search(r"^docker (run --detach --name lastout .*?[^\\])$", DOCUMENT.read_text(), re.M | re.S)
    assert found
    return shlex.split(found[1].replace("\\\n", " "))


def replace(option: str, sources: dict[str, Path]) -> str:
    """A volume, with what stands in for the host's own."""
    source, is_volume, rest = option.partition(":/")
    return f"{sources[source]}:/{rest}" if is_volume and source in sources else option


@pytest.fixture
def start(docker: Docker, tmp_path: Path, containers: Containers) -> Iterator[list[str]]:
    """The command's options: those of the document, but for the places of this test."""
    sources = {
        "/run/docker": docker.directory / "exec",
        "/var/lib/docker/containers": docker.directory / "data" / "containers",
        "/run/containerd": docker.containerd.state,
    }
    for name in ("/sys/fs/bpf", "/etc/lastout", "/run/lastout"):
        sources[name] = tmp_path / name.strip("/").replace("/", "-")
        sources[name].mkdir()
    config = {
        "version": 1,
        "defaults": {"settle": "200ms", "restart_settle": "200ms"},
        "policies": [{"name": "live", "match": {"init": containers.init}}],
    }
    (sources["/etc/lastout"] / "config.yaml").write_text(json.dumps(config))
    with contextlib.ExitStack() as at_end:
        for source in ("/run/docker", "/run/containerd"):  # as systemd has all mounts of a host
            path = sources[source]
            command.call(*docker.place.command("mount", "--bind", path, path))
            at_end.callback(command.call, *docker.place.command("umount", "--lazy", path))
            command.call(*docker.place.command("mount", "--make-rshared", path))
        bpf = sources["/sys/fs/bpf"]
        command.call(*docker.place.command("mount", "-t", "bpf", "bpf", bpf))
        at_end.callback(command.call, *docker.place.command("umount", bpf))
        yield [replace(option, sources) for option in written_options()]


def run(docker: Docker, options: list[str]) -> None:
    try:
        docker.call("run", "--network=none", *options)
    except command.CommandError as error:
        # Debian 12's dockerd. The document tells what to write in its place.
        if "unknown capability" not in str(error):
            raise
        older = ["SYS_ADMIN" if word in ("BPF", "PERFMON") else word for word in options]
        docker.call("run", "--network=none", *older)


def test_docker(docker: Docker, containers: Containers, start: list[str], tmp_path: Path) -> None:
    [image] = [word for word in start if re.fullmatch(r"lastout:[\d.]+", word)]
    archive = tmp_path / "image.tar"
    pod.build_image(archive, image)
    assert archive.stat().st_size < IMAGE_BYTES_MAX
    docker.call("load", "--input", archive)
    name = containers.init
    start[start.index("--name") + 1] = name
    start[start.index("--restart") + 1] = "no"
    try:
        run(docker, start[1:])
        wait_until("the agent to be ready", lambda: "watching" in logs(docker, name))
        container = containers.shell(manager(task("exit 3"), on_term="exit 12"))
        container.await_up()
        wait_until("its name", lambda: container.name in docker.call("exec", name, "lastout", "ps"))
        container.go()
        assert container.await_exit_status() == 12
        wait_until("the outcome", lambda: f"finished {container.name} (docker" in logs(docker, name))
        checked = docker.call("exec", name, "lastout", "check")
        assert "MISSING" not in checked
        docker.call("stop", name)
        state = json.loads(docker.call("inspect", "--format", "{{json .State}}", name))
        assert state["ExitCode"] == 0
    finally:
        docker.call("rm", "--force", name)


def logs(docker: Docker, name: str) -> str:
    done = subprocess.run(
        [*docker.client, "logs", name], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout + done.stderr
