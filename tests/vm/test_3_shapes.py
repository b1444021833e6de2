"""Ways of starting a container, and what happens to one while it runs."""

from __future__ import annotations

import pytest

from harness import engine
from harness.deadline import wait_until
from harness.engine import Container, Engine
from harness.machine import Machine
from harness.service import Service

# Options, and the init that the engine adds in front of the manager.
SHAPES = {
    "user": "--user 1000:1000",
    "host cgroup namespace": "--cgroupns=host",
    "privileged": "--privileged",
    "read-only": "--read-only --tmpfs /tmp",
    "no new privileges": "--security-opt no-new-privileges",
    "no capabilities": "--cap-drop=ALL",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_option(service: Service, any_engine: Engine, shape: str) -> None:
    container = any_engine.managed(SHAPES[shape])
    container.go()
    assert container.wait() == 3


def test_rm(service: Service, any_engine: Engine) -> None:
    """Nothing is left of it but the status, which a client that waits gets."""
    container = any_engine.managed("--rm")
    waiting = any_engine.start(f"wait {container.id}")
    container.go()
    assert waiting.result().text == "3"
    gone = lambda: any_engine.try_call(f"inspect {container.id}") != 0  # noqa: E731
    wait_until("the container to be removed", gone, poll_s=0.5)


def test_init(service: Service, any_engine: Engine) -> None:
    """--init puts docker-init or catatonit in front, which ends with its child, by itself."""
    container = any_engine.run("task 7", "--init", name="some")
    container.await_up()
    container.go()
    assert container.wait() == 7


def test_paused(service: Service, any_engine: Engine) -> None:
    """A container that is paused between the end of its work and its own waits until it is resumed."""
    container, canary = any_engine.managed(), any_engine.managed()
    any_engine.call(f"pause {container.id}")
    container.go()
    canary.go()
    assert canary.wait() == 3
    assert container.state() == "paused"
    any_engine.call(f"unpause {container.id}")
    assert container.wait() == 3


def test_exec_session_holds(service: Service, any_engine: Engine) -> None:
    """By default the container lives while an exec session runs in it."""
    container, canary = any_engine.managed(), any_engine.managed()
    session = "until [ -e /tmp/leave ]; do busybox sleep 0.2; done"
    any_engine.call(f"exec --detach {container.id} sh -c '{session}'")
    container.go()
    canary.go()
    assert canary.wait() == 3
    assert container.is_running()
    any_engine.vm.run(f"touch /proc/{container.pid}/root/tmp/leave")
    assert container.wait() == 3


def test_restart_policy_and_limit(service: Service, docker: Engine) -> None:
    """A container that its engine starts again is finished as often as its policy allows, and then left."""
    container = docker.managed("--restart=always", name="limited")
    canary = docker.managed()
    # The file stays, so the task of each later life ends at once.
    container.go()
    wait_until("the third life", lambda: lives(container) == (2, True), poll_s=0.5)
    canary.go()
    assert canary.wait() == 3
    assert lives(container) == (2, True)


def lives(container: Container) -> tuple[int, bool]:
    said = container.inspect()
    return said["RestartCount"], said["State"]["Running"]


SUPERVISORD = """\
[supervisord]
nodaemon=true
user=root
logfile=/tmp/log
pidfile=/tmp/pid
[program:work]
command=task 5
autorestart=false
startsecs=0
"""


def test_supervisord(service: Service, any_engine: Engine) -> None:
    any_engine.vm.write("/opt/supervisord.conf", SUPERVISORD)
    mount = "--volume /opt/supervisord.conf:/etc/supervisord.conf:ro"
    container = any_engine.run("supervisord -c /etc/supervisord.conf", mount, name="some")
    container.await_up()
    container.go()
    assert container.wait() == 5


S6_RUN = "#!/bin/sh\nexec task 6\n"
S6_FINISH = "#!/bin/sh\nexit 125\n"


def test_s6(service: Service, any_engine: Engine) -> None:
    """Its finish script asks it not to start the task again."""
    vm = any_engine.vm
    for name, text in (("run", S6_RUN), ("finish", S6_FINISH)):
        vm.write(f"/opt/s6/work/{name}", text)
    vm.run("chmod 755 /opt/s6/work/*")
    script = "cp -r /etc/s6 /tmp/s6 && exec s6-svscan /tmp/s6"
    container = any_engine.run(f"sh -c '{script}'", "--volume /opt/s6:/etc/s6:ro", name="some")
    container.await_up()
    container.go()
    assert container.wait() == 6


def test_tini(service: Service, any_engine: Engine) -> None:
    """It ends with its child; lastout must not have made it another status before."""
    container = any_engine.run("tini -- task 8", name="some")
    container.await_up()
    container.go()
    assert container.wait() == 8


def test_pod(service: Service, podman: Engine, vm: Machine) -> None:
    """The container that works is finished; the pod's pause container is not."""
    pod = engine.unique("pod")
    podman.call(f"pod create --name {pod} --network=none")
    try:
        container = podman.managed(f"--pod {pod}", network="")
        container.go()
        assert container.wait() == 3
        infra = podman.call(f"pod inspect {pod} --format '{{{{.InfraContainerID}}}}'")
        assert podman.call(f"inspect {infra} --format '{{{{.State.Status}}}}'") == "running"
    finally:
        podman.try_call(f"pod rm --force {pod}")
