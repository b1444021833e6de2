# SPDX-License-Identifier: Apache-2.0
"""gVisor: from a guest's last exit to its init's signal, and what the trace session costs a guest.

Each release of runsc that is there, on each platform that runs here; by the means of the live tests.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import sys
import tempfile
from pathlib import Path
from typing import Iterator

from . import services
from .services import Service

sys.path.append(str(services.ROOT / "tests" / "live"))
from harness import gvisor, programs  # noqa: E402
from harness.deadline import wait_until  # noqa: E402

INIT = "lives-init"  # what services.agent finishes

PR_SET_CHILD_SUBREAPER = 36

Figures = dict[str, list[float]]


@contextlib.contextmanager
def orphans() -> Iterator[None]:
    """Are ours meanwhile, and so reaped at once: runsc waits for that, and PID 1 may take a second or more."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@contextlib.contextmanager
def runsc(release: gvisor.Release) -> Iterator[gvisor.Runsc]:
    with orphans(), gvisor.usual_place() as root, tempfile.TemporaryDirectory() as directory:
        with gvisor.runsc(release, Path(directory) / "gvisor", root) as made:
            yield made


def records(file: Path, event: str) -> list[dict[str, object]]:
    with file.open() as lines:
        told = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}\n")]
    return [record for record in told if record.get("event") == event]


def await_watched(running: Service, guest: gvisor.Guest) -> None:
    def is_watched() -> bool:
        modes = [r for r in records(running.err, "sandbox") if r["sandbox"] == guest.id]
        return bool(modes) and modes[-1]["watched_by"] == "events"

    wait_until(f"{guest.id} to be watched", is_watched)


def latency(made: gvisor.Runsc, lives: int) -> Figures:
    """Microseconds from the guest's last exit, as its sandbox tells it, as the agent tells them."""
    with services.agent("--verbose", sink=False) as running:
        for _ in range(lives):
            guest = made.start(init=INIT)
            await_watched(running, guest)
            guest.order("exit 0")  # it is ended before it can answer
            wait_until(f"the end of {guest.id}", lambda: gvisor.is_dead(guest.sandbox_pid))
            guest.remove()
        asked = [r["latency_us"] for r in records(running.out, "finished")]
        done = [r["latency_us"] for r in records(running.err, "signalled")]
    return {"asked": asked, "acknowledged": done}


def busy(made: gvisor.Runsc, children: int) -> gvisor.Guest:
    guest = made.start(init=INIT)
    guest.do("stay")  # so that it is never without work, for whichever agent sees it
    guest.do(f"storm {children}")  # its platform is warm from here on
    return guest


def with_session(guest: gvisor.Guest, children: int) -> int:
    with services.agent("--verbose") as running:
        await_watched(running, guest)
        return guest.do(f"storm {children}")


def slowdown(made: gvisor.Runsc, rounds: int, children: int) -> list[float]:
    """Ratios of the time that a guest takes which does nothing but fork: with the session, and without."""
    guest = busy(made, children)
    ratios = []
    for number in range(rounds):
        # First without and then with, and the other way round the next time.
        without = guest.do(f"storm {children}") if number % 2 == 0 else None
        beside = with_session(guest, children)
        ratios.append(beside / (without or guest.do(f"storm {children}")))
    return ratios


def noise(made: gvisor.Runsc, rounds: int, children: int) -> list[float]:
    guest = busy(made, children)
    return [guest.do(f"storm {children}") / guest.do(f"storm {children}") for _ in range(rounds)]


def measure(lives: int, rounds: int, children: int) -> dict[str, Figures]:
    programs.build()
    figures: dict[str, Figures] = {}
    for release in gvisor.RELEASES:
        if release.missing():
            continue
        with runsc(release) as made:
            figures[f"{release.name}, {release.platform}"] = {
                **latency(made, lives),
                "session": slowdown(made, rounds, children),
                "nothing": noise(made, rounds, children),
            }
    return figures
