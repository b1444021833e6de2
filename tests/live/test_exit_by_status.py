"""PID 1 calls exit_group itself: whatever it does at that moment, it ends with exactly that code.

The mechanism alone, by tests/drivers: no agent is involved.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import signal
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pytest

from harness import machine, process, programs
from harness.container import Container
from harness.containers import Containers
from harness.deadline import wait_until
from harness.died import code, killed

SEED = int(os.environ.get("LASTOUT_TEST_SEED", random.randrange(1 << 16)))
"""Printed with every failure; set it to see the same rounds again."""

ROUNDS = 200
KILLS = 100

BLOCKED = (
    "wait4",
    "waitid",
    "poll",
    "ppoll",
    "select",
    "epoll",
    "futex",
    "futex-timed",
    "nanosleep",
    "read",
    "recv",
    "msgrcv",
    "sigsuspend",
    "sigwait",
    "open",
)
BUSY = ("spin", "spin-without-vdso", "calls", "forking", "signals")
THREADS = ("threads", "leader-gone", "leader-in-vfork")
OTHER = ("seccomp-allows", *(["int-0x80"] if machine.has_32_bit_calls() else []))
KINDS_32 = ("pause", "spin") if machine.has_32_bit_calls() else ()

PYTHON = """
import threading, time
for _ in range(5):
    threading.Thread(target=time.sleep, args=[3600]).start()
threading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()
print("r", end="", flush=True)
threading.Event().wait()
"""

# Any Go program that stays will do: this one reads its configuration from a fifo.
GO = """
mkdir /tmp/bundle /tmp/state && mkfifo /tmp/bundle/config.json || exit 99
exec runc --root /tmp/state run --bundle /tmp/bundle nobody
"""


def end(container: Container, number: int, *more: str) -> dict[str, Any]:
    return end_pid(container.pid, number, *more)


def end_pid(pid: int, number: int, *more: str) -> dict[str, Any]:
    driver = programs.driver("exit-by-status")
    command = [driver, str(pid), str(number), *more]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


@pytest.fixture
def numbers() -> random.Random:
    print(f"seed {SEED}")
    return random.Random(SEED)


def odd(containers: Containers, kind: str, program: str = "odd-init") -> Container:
    container = containers.program(program, kind)
    wait_until(f"{kind} to be there", lambda: "r" in container.said())
    return container


def check_ends(container: Container, numbers: random.Random) -> None:
    number = numbers.randrange(256)
    assert end(container, number)["result"] == "done"
    assert container.await_end() == code(number)


# Every state


if KINDS_32:

    @pytest.mark.parametrize("kind", KINDS_32)
    def test_32_bit(containers: Containers, numbers: random.Random, kind: str) -> None:
        check_ends(odd(containers, kind, "odd-init32"), numbers)


@pytest.mark.parametrize("kind", [*BLOCKED, *BUSY, *THREADS, *OTHER])
def test_container_ends_with_the_code(
    containers: Containers, numbers: random.Random, kind: str
) -> None:
    check_ends(odd(containers, kind), numbers)


def test_under_tini(containers: Containers, numbers: random.Random) -> None:
    container = containers.shell("exec tini -- /t/odd-init read")
    wait_until("tini to have its child", lambda: "r" in container.said())
    check_ends(container, numbers)


def test_python(containers: Containers, numbers: random.Random) -> None:
    container = containers.shell(f"exec python3 -c '{PYTHON}'")
    wait_until("Python to have its threads", lambda: "r" in container.said())
    check_ends(container, numbers)


def test_go(containers: Containers, numbers: random.Random) -> None:
    container = containers.shell(GO)
    wait_until("Go to have its threads", lambda: process.threads(container.pid) >= 4)
    check_ends(container, numbers)


@pytest.mark.slow
def test_many_rounds() -> None:
    """Blocked, on the way there, or wherever it is then; in plain PID namespaces, for speed."""
    init = programs.path("odd-init")
    commands = [f"{kind}={init} {kind}" for kind in (*BLOCKED, *BUSY, *THREADS, *OTHER)]
    commands += [f"32-{kind}={init}32 {kind}" for kind in KINDS_32]
    commands += [f"tini=/usr/bin/tini -- {init} read"]
    driver = programs.driver("exit-rounds")
    done = subprocess.run(
        [driver, str(ROUNDS), str(SEED), "1000", *commands], capture_output=True, text=True
    )
    assert done.returncode == 0, f"seed {SEED}: {done.stderr}{done.stdout}"
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(commands)
    for row in rows:
        print(row)
        assert row["rounds"] == ROUNDS
        assert row["wrong"] == 0
        assert row["took_us"]["max"] < 1_000_000


# Where it cannot be done, it says why, and PID 1 lives on as it was


def check_unharmed(container: Container) -> None:
    """It still can be ended in this way: it is not traced, and in a state that makes sense."""
    assert container.is_alive()
    assert end(container, 7)["result"] == "done"
    assert container.await_end() == code(7)


@pytest.mark.parametrize("kind", ["nanosleep", "read", "sigsuspend", "epoll", "spin", "threads"])
def test_held_by_the_last_look(containers: Containers, kind: str) -> None:
    container = odd(containers, kind)
    assert end(container, 43, "veto")["result"] == "held"
    check_unharmed(container)


def test_paused(containers: Containers) -> None:
    container = odd(containers, "read")
    container.pause()
    assert end(container, 43)["result"] == "frozen"
    assert container.status() == "paused"
    container.resume()
    check_unharmed(container)


def test_stopped(containers: Containers) -> None:
    container = odd(containers, "read")
    process.kill(container.pid, "SIGSTOP")
    wait_until("it to be stopped", lambda: process.state(container.pid) == "T")
    assert end(container, 43)["result"] == "stopped"
    # Detaching wakes it, and it stops again by itself.
    wait_until("it to be stopped again", lambda: process.state(container.pid) == "T")
    process.kill(container.pid, "SIGCONT")
    wait_until("it to go on", lambda: process.state(container.pid) == "S")
    check_unharmed(container)


@contextlib.contextmanager
def traced(pid: int) -> Iterator[int]:
    """By a process of ours, which lets go when it dies."""
    ready, tell = os.pipe()
    tracer = os.fork()
    if tracer == 0:
        seize = 0x4206
        result = ctypes.CDLL(None).ptrace(seize, pid, None, None)
        os.write(tell, bytes([result & 0xFF]))
        signal.pause()
        os._exit(0)
    try:
        assert os.read(ready, 1) == b"\0"
        yield tracer
    finally:
        os.kill(tracer, signal.SIGKILL)
        os.waitpid(tracer, 0)
        os.close(ready)
        os.close(tell)


def test_traced_by_another(containers: Containers) -> None:
    container = odd(containers, "read")
    with traced(container.pid) as tracer:
        report = end(container, 43)
        assert report["result"] == "traced"
        assert report["tracer"] == tracer
    check_unharmed(container)


def test_uninterruptible(containers: Containers) -> None:
    container = odd(containers, "vfork")
    report = end(container, 43)
    assert report["result"] == "uninterruptible"
    assert report["took_us"] < 1_000_000
    assert container.is_alive()
    assert process.tracer(container.pid) == 0


@pytest.mark.parametrize("kind", ["refuses", "refuses-sleeper", "refuses-spinner", "traps", "asks"])
def test_filter_that_does_not_kill(containers: Containers, kind: str) -> None:
    """odd-init would end at once if its own system call had been answered in the filter's way."""
    container = odd(containers, f"seccomp-{kind}")
    for _ in range(3):
        assert end(container, 43)["result"] == "seccomp"
    assert container.is_alive()
    assert process.tracer(container.pid) == 0


def test_filter_that_kills(containers: Containers) -> None:
    container = odd(containers, "seccomp-kills")
    report = end(container, 43)
    assert report["result"] == "seccomp"
    assert os.WTERMSIG(report["status"]) == signal.SIGSYS
    assert container.await_end() == killed("SIGSYS")


@pytest.mark.parametrize("kind", ["read", "nanosleep", "spin", "threads"])
def test_killed_in_the_middle(containers: Containers, numbers: random.Random, kind: str) -> None:
    """Whoever asked for it is killed at any moment: PID 1 lives on, or ends with that code."""
    container = odd(containers, kind)
    ended = 0
    for _ in range(KILLS):
        driver = subprocess.Popen(
            [programs.driver("exit-by-status"), str(container.pid), "43"],
            stdout=subprocess.DEVNULL,
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            driver.wait(numbers.uniform(0, 0.03 if kind == "spin" else 0.003))
        driver.kill()
        driver.wait()
        wait_until("it to be let go", lambda: is_let_go(container))
        if not container.is_alive():
            ended += 1
            assert container.await_end() == code(43)
            container = odd(containers, kind)
    assert 0 < ended < KILLS, f"seed {SEED}: {ended} of {KILLS} came to their end"
    # The last one may have been let go while it was ending.
    report = end(container, 7)
    assert container.await_end() == code(7 if report["result"] == "done" else 43)


def is_let_go(container: Container) -> bool:
    return not container.is_alive() or process.tracer(container.pid) == 0
