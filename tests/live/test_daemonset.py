"""The pod template's container, exactly as deploy/kubernetes has it, finishes containers outside its own."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Callable, Iterator

import pytest

from harness import lastout, pod, runtimes
from harness.containers import Containers
from harness.containerd import Namespace
from harness.deadline import wait_until
from harness.died import Died, code
from harness.pod import Pod, PodAgent
from harness.runtimes import Engines
from harness.scripts import manager, task

CHOSEN = {
    "io.kubernetes.cri.container-type": "container",
    "io.kubernetes.cri.container-name": "work",
    "io.kubernetes.cri.sandbox-name": "job-0",
    "io.kubernetes.cri.sandbox-namespace": "batch",
    "lastout/policy": "finish-shell",
}
IGNORED = {**CHOSEN, "io.kubernetes.cri.sandbox-namespace": "kube-system"}
WATCHED = {key: value for key, value in CHOSEN.items() if key != "lastout/policy"}

_numbers = itertools.count()


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pod.unpack_image(tmp_path_factory.mktemp("lastout-image"))


@pytest.fixture
def runtime(engines: Engines) -> Namespace:
    missing = runtimes.missing("containerd-k8s.io")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    made = engines.runtime("containerd-k8s.io")
    assert isinstance(made, Namespace)
    return made


@pytest.fixture
def containers(tmp_path: Path, rootfs: Path, runtime: Namespace) -> Iterator[Containers]:
    made = Containers(tmp_path / "containers", rootfs, runtime)
    made.init = "sh"  # what finish-shell names; nothing is finished that does not choose it
    yield made
    made.remove_all()


@pytest.fixture
def node(tmp_path: Path, engines: Engines, runtime: Namespace) -> Iterator[dict[str, Path]]:
    """The node's places, as far as they are not this machine's own."""
    database = "io.containerd.metadata.v1.bolt"
    places = {
        "/run/containerd": engines.containerd.state,
        f"/var/lib/containerd/{database}": engines.containerd.root / database,
        "/run/lastout": tmp_path / "lastout",
        "/var/lib/kubelet/pods": tmp_path / "pods",
        "/sys/fs/bpf": tmp_path / "bpf",
    }
    for name in ("lastout", "pods", "bpf"):
        (tmp_path / name).mkdir()
    subprocess.run(["mount", "-t", "bpf", "bpf", tmp_path / "bpf"], check=True)
    yield places
    subprocess.run(["umount", tmp_path / "bpf"], check=True)


StartPod = Callable[..., PodAgent]


@pytest.fixture
def start_pod(image: Path, tmp_path: Path, node: dict[str, Path]) -> Iterator[StartPod]:
    with contextlib.ExitStack() as at_end:

        def start(**settings: str) -> PodAgent:
            name = f"pod-{os.getpid()}-{next(_numbers)}"
            agent = Pod(image, tmp_path / name, node, **settings).start()
            at_end.callback(agent.clean_up)
            agent.socket = node["/run/lastout"] / "lastout.sock"
            agent.await_ready()
            return agent

        yield start


def test_finishes_who_asked_for_it(start_pod: StartPod, containers: Containers) -> None:
    agent = start_pod()
    ignored, watched, container = (
        containers.shell(manager(task("exit 3"), on_term=None), annotations=annotations)
        for annotations in (IGNORED, WATCHED, CHOSEN)
    )
    for each in (ignored, watched, container):
        each.await_up()
        each.go()
    outcome = agent.await_finished(container)
    assert outcome["how"] == "status"
    assert outcome["policy"] == "finish-shell"
    assert outcome["container"]["namespace"] == "batch"
    assert outcome["container"]["pod"] == "job-0"
    assert Died.told(outcome["last_task"]) == code(3)
    assert container.await_exit_status() == 3
    assert ignored.is_alive()
    assert watched.is_alive()
    assert agent.outcomes() == [outcome]


BY_SIGNAL = json.dumps(
    {
        "version": 1,
        "defaults": {"restart_settle": "200ms"},
        "policies": [
            {
                "name": "finish-shell",
                "match": {"init": ["sh"]},
                "selectable": "only",
                "grace": "200ms",
            }
        ],
    }
)


@pytest.mark.parametrize(
    "settings, how, status", [({}, "status", 3), ({"config": BY_SIGNAL}, "kill", 137)]
)
def test_other_user(
    start_pod: StartPod, containers: Containers, settings: dict[str, str], how: str, status: int
) -> None:
    """An init that is not root's is looked into, and ended, only by the capabilities for that."""
    agent = start_pod(**settings)
    user = "setpriv --reuid 1234 --regid 1234 --clear-groups --inh-caps=-all"
    other = f"exec 8<>/c/up 9<>/c/idle; exec {user} /c/sh -c 'echo up >&8; read never <&9'"
    container = containers.shell(task("exit 3") + other, annotations=CHOSEN)
    for _ in ("its task", "the init that the exec made"):
        container.await_line()
    container.go()
    outcome = agent.await_finished(container)
    assert outcome["how"] == how
    assert outcome["init"]["comm"] == "sh"
    assert container.await_exit_status() == status


def test_guards(start_pod: StartPod, containers: Containers) -> None:
    """What is seen from inside the pod is what stands in the way on the node."""
    agent = start_pod()
    container = containers.shell(manager(task("exit 3")), annotations=CHOSEN)
    container.await_up()
    wait_until("lastout to know the container", lambda: container.id in listed(agent))
    done = lastout.call("explain", container.id, "-o", "json", "--socket", agent.socket)
    guards = json.loads(done.stdout)["guards"]
    assert len(guards) > 4 and all(guard["is_ok"] for guard in guards), guards
    assert lastout.call("finish", container.id, "--socket", agent.socket).returncode == 1
    assert container.is_alive(), "a task lives"


def test_replaced(start_pod: StartPod, containers: Containers, node: dict[str, Path]) -> None:
    """As a rolling update does: what happens between two agents is not missed."""
    first = start_pod()
    container = containers.shell(manager(task("exit 7"), on_term=None), annotations=CHOSEN)
    pid = container.await_up()
    wait_until("lastout to know the container", lambda: container.id in listed(first))
    first.stop(signal.SIGTERM)
    assert any((node["/sys/fs/bpf"] / "lastout").iterdir()), "the pins are gone"
    container.go()
    wait_until("the task to end", lambda: not Path(f"/proc/{pid}").exists())

    outcome = start_pod().await_finished(container)
    assert outcome["how"] == "status"
    assert container.await_exit_status() == 7


def listed(agent: PodAgent) -> str:
    return lastout.call("ps", "-o", "json", "--socket", agent.socket).stdout


def test_health(start_pod: StartPod) -> None:
    """The probes, the image's own health check, and what `kubectl exec` is good for."""
    place = start_pod().pod
    for probe in ("readinessProbe", "livenessProbe"):
        assert place.get(place.container[probe]["httpGet"]["path"])
    assert "lastout_build_info{" in place.get("/metrics")
    assert place.image["Healthcheck"]["Test"][0] == "CMD"
    done = place.execute(*place.image["Healthcheck"]["Test"][1:])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MISSING" not in done.stdout
    done = place.execute("lastout", "ps")
    assert done.returncode == 0 and done.stdout.startswith("ID "), done.stderr


def test_memory(start_pod: StartPod) -> None:
    """What it holds fits what is requested for it, several times over what is allowed."""
    place = start_pod().pod
    requested = pod.size_bytes(place.container["resources"]["requests"]["memory"])
    held = place.memory_bytes()
    assert 4 << 20 < held < requested, f"{held} bytes"
    print(f"{held >> 10} KiB held")
