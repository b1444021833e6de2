"""A container whose task may run out of memory, wherever this machine keeps the controller."""

from __future__ import annotations

from . import cgroup, machine, scripts
from .container import Container
from .containers import Containers

LIMIT_BYTES = 64 << 20


def start_with_memory_limit(containers: Containers, then: str = scripts.IDLE) -> Container:
    """Its task takes memory until it is killed, once it gets the word."""
    script = scripts.manager(scripts.task("exec /t/hog"), then=then)
    if machine.has_memory_controller():
        container = containers.shell(script, memory_limit_bytes=LIMIT_BYTES)
        container.await_up()
    else:
        container = containers.shell(script)
        _limit(container, container.await_up())
    return container


def _limit(container: Container, pid: int) -> None:
    """Limit the task alone, in a hierarchy where its container has no cgroup."""
    limit = cgroup.MemoryLimit(container.id, LIMIT_BYTES)
    container.at_end(limit.remove)
    limit.take(pid)
