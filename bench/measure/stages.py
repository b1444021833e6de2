# SPDX-License-Identifier: Apache-2.0
"""Where the time from a last exit to its signal goes: probes at the functions on the way, by bpftrace.

Each probe costs a few microseconds itself, which the stage before it has to bear.
"""

from __future__ import annotations

import re

from . import services
from .latency import live

# Stage: the function at whose call it is over.
WAY = {
    "the kernel wakes the agent, which reads the record": "follower_exit",
    "the lifecycle decides, settle is over": "follower_look_inside",
    "a pidfd on init": "guard_check_init",
    "paused? that process, in that cgroup?": "procfs_read_pid_namespace",
    "in a PID namespace of its own?": "guard_find_holder",
    "who is in the cgroup?": "aim_signal",
}


def script() -> str:
    """Counts stages, so that a function that is called twice ends its stage once."""
    probes = ['tracepoint:sched:sched_process_exit /comm == "lives-init"/ { @at = nsecs; @stage = 0; }']
    for i, function in enumerate(WAY.values()):
        probes.append(
            f"uprobe:{services.LASTOUT}:{function} /@stage == {i}/ "
            f'{{ printf("stage {i} %d\\n", (nsecs - @at) / 1000); @at = nsecs; @stage = {i + 1}; }}'
        )
    return "\n".join(probes)


def measure(lives: int) -> dict[str, list[int]]:
    figures: dict[str, list[int]] = {name: [] for name in WAY}
    command = ("unshare", "-m", "sh", "-c", services.WITH_TRACEFS + 'bpftrace -e "$0"', script())
    with services.service(*command, sink=False) as probes, services.agent():
        live(lives)
        probes.process.send_signal(2)
        probes.process.wait()
        told = re.findall(r"stage (\d) (\d+)\n", probes.out.read_text())
    for number, micros in told:
        figures[list(WAY)[int(number)]].append(int(micros))
    return figures
