"""A container's init comes to be while everybody is counted for the sake of another container."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Iterator

from harness import cgroup
from harness.agent import Agent
from harness.containers import Containers
from harness.deadline import wait_until

STARTS = 150
"""Of a hundred, an agent that did not tell of them missed some, in nearly every run."""

# To look at many threads takes a while.
COME_AND_GO = """
import os, sys, threading, time
threading.stack_size(65536)
for _ in range(2000):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
while True:
    os.mkdir(sys.argv[1])
    os.rmdir(sys.argv[1])
    time.sleep(0.001)
"""

CLONE_NEWPID = 0x20000000


def start_init(path: Path) -> int:
    """As a runtime does it: the first process of a PID namespace is moved in, and then execs."""
    starter = os.fork()
    if starter == 0:
        with contextlib.suppress(BaseException):
            ctypes.CDLL(None).unshare(CLONE_NEWPID)
            if os.fork() == 0:
                (path / "cgroup.procs").write_text("0")
                _take_long_to_exec()
                os.execl("/bin/sleep", "sleep", "infinity")
        os._exit(0)
    os.waitpid(starter, 0)
    return wait_until("init", lambda: next(iter(cgroup.processes(path)), None))


def _take_long_to_exec() -> None:
    """An exec closes these between its two steps: it has begun, and it has its new name."""
    with contextlib.suppress(OSError):
        while True:
            os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)


def end_init(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@contextlib.contextmanager
def others_come_and_go(place: Path) -> Iterator[None]:
    """For each of them, everybody is counted anew. In a process of its own, for speed."""
    others = subprocess.Popen([sys.executable, "-c", COME_AND_GO, place])
    try:
        yield
    finally:
        others.terminate()
        others.wait()
        cgroup.remove_empty([place])


def inits_told(agent: Agent) -> set[int]:
    return {record.get("init_pid", 0) for record in list(agent.err.records)}


def test_init_is_told_of_whoever_finds_it(agent: Agent, containers: Containers) -> None:
    inits = set()
    with contextlib.ExitStack() as at_end:
        with others_come_and_go(cgroup.counted_path(f"{containers.init}-others")):
            for number in range(STARTS):
                path = at_end.enter_context(cgroup.counted(f"{containers.init}-{number}"))
                init = start_init(path)
                at_end.callback(end_init, init)
                inits.add(init)
        wait_until("every init to be told of", lambda: inits <= inits_told(agent))
