"""Containers that match a policy, have lost their last task, and must not be finished all the same.

Whoever ends the PID 1 of a PID namespace ends everybody in it. So an init is a target only if its
namespace is its container's own.
"""

from __future__ import annotations

from harness import process
from harness.agent import Agent
from harness.containers import Containers
from harness.scripts import manager, task

AT_WORK = manager(task("exit 0"))


def test_host_pid_namespace(agent: Agent, containers: Containers) -> None:
    """hostPID: true in Kubernetes, --pid=host in Docker."""
    container = containers.shell(AT_WORK, pid_namespace=None)
    agent.await_working(container)
    container.go()

    assert "host" in agent.await_refusal(container)["reason"]
    containers.canary(agent)
    assert container.is_alive()
    assert not agent.outcomes_of(container)


def test_guest_in_a_shared_pid_namespace(agent: Agent, containers: Containers) -> None:
    """A sidecar in its neighbour's namespace: its init is not PID 1 there."""
    host = containers.shell(AT_WORK)
    guest = containers.shell(AT_WORK, pid_namespace=f"/proc/{host.pid}/ns/pid")
    agent.await_working(guest)
    guest.go()

    assert "shared" in agent.await_refusal(guest)["reason"]
    containers.canary(agent)
    assert guest.is_alive()
    assert host.is_alive()
    assert not agent.outcomes_of(guest)


def test_owner_of_a_shared_pid_namespace(agent: Agent, containers: Containers) -> None:
    """Its own last task has exited, but its PID 1 keeps the guest alive."""
    host = containers.shell(AT_WORK)
    guest = containers.shell(AT_WORK, pid_namespace=f"/proc/{host.pid}/ns/pid")
    agent.await_working(guest)
    agent.await_working(host)
    host.go()

    assert "shared" in agent.await_refusal(host)["reason"]
    containers.canary(agent)
    assert host.is_alive()
    assert guest.is_alive()
    assert not agent.outcomes_of(host)


def test_refusal_that_passes(agent: Agent, containers: Containers) -> None:
    """Once no process of the other container is left, nothing blocks it. Until then its task holds."""
    host = containers.shell(AT_WORK)
    guest = containers.shell(AT_WORK, pid_namespace=f"/proc/{host.pid}/ns/pid")
    agent.await_working(guest)
    agent.await_working(host)
    host.go()
    agent.await_refusal(host)
    process.kill(guest.pid, "SIGKILL")
    is_it = lambda record: record.get("event") == "held" and record.get("container") == host.id
    agent.err.await_record(f"{host.id} to be held", is_it)
    assert host.is_alive()
    guest.go()
    agent.await_finished(host)
