"""The table of the original problem, in gVisor and with lastout: PID 1 is the work, or manages it.

What becomes of the same containers without lastout: test_gvisor_source.py, and docs/gvisor.md.
"""

from __future__ import annotations

import pytest

from harness import gvisor
from harness.agent import Agent
from harness.containers import Containers
from harness.died import code, killed, Died
from harness.gvisor import ALL, Runsc

MANAGED = {
    "exit 0": code(0),  # os._exit(0)
    "exit 1": code(1),  # an exception in Python
    "signal 6": killed("SIGABRT"),  # one in C++
    "signal 9": killed("SIGKILL"),
}
"""Type 2: how the children end."""

LEFT = {
    "leave 0": code(0),
    "leave 1": code(1),
    "die 6": killed("SIGABRT"),
    "die 9": killed("SIGKILL"),
}
"""Type 1: how PID 1 does."""


@ALL
@pytest.mark.parametrize("flags", [("--ignore-cgroups",), ()], ids=["ignored", "cgroups"])
@pytest.mark.parametrize("children", [1, 2])
def test_with_lastout(
    runsc: Runsc, agent: Agent, containers: Containers, flags: tuple[str, ...], children: int
) -> None:
    gvisor.need_cgroups(flags)
    for order, how in MANAGED.items():
        guest = runsc.start(init=containers.init, flags=flags)
        agent.await_container(guest)
        guest.do(order if children == 1 else f"two-{order}")
        outcome = agent.await_finished(guest)
        assert outcome["how"] == "signal", order
        assert Died.told(outcome["last_task"]) == how, order
        assert Died.told(outcome["init"]) == killed("SIGTERM"), order
    for order, how in LEFT.items():
        guest = runsc.start(init=containers.init, flags=flags)
        agent.await_container(guest)
        for _ in range(children):
            guest.do("stay")
        guest.order(order)
        outcome = agent.await_finished(guest)
        assert outcome["how"] == "self", order
        assert Died.told(outcome["init"]) == how, order
