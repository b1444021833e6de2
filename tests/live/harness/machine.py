"""What this machine is, and what a live test needs of it."""

from __future__ import annotations

import ctypes
import functools
import mmap
import os
import shutil
import signal
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LASTOUT = Path(os.environ.get("LASTOUT", ROOT / "build" / "lastout"))
CGROUP = Path("/sys/fs/cgroup")
CAP_SYS_RESOURCE = 24


def missing() -> str | None:
    """Why live tests cannot run here, or None."""
    if os.geteuid() != 0:
        return "live tests need root"
    if not Path("/sys/kernel/btf/vmlinux").exists():
        return "the kernel has no BTF (/sys/kernel/btf/vmlinux)"
    for command in ("runc", "make", "bpftool"):
        if not shutil.which(command):
            return f"{command} is not installed"
    return None


def is_pure_v2() -> bool:
    return (CGROUP / "cgroup.controllers").exists()


def has_unified_controllers() -> bool:
    """Whether this is a hybrid machine that has handed a controller to its cgroup2."""
    controllers = CGROUP / "unified" / "cgroup.controllers"
    return controllers.exists() and controllers.read_text().strip() != ""


def may_raise_limits() -> bool:
    """Whether root has CAP_SYS_RESOURCE here; in a sandbox it often has not."""
    [line] = [l for l in Path("/proc/self/status").read_text().splitlines() if "CapEff" in l]
    return bool(int(line.split()[1], 16) >> CAP_SYS_RESOURCE & 1)


def wrong_mode() -> str | None:
    """LASTOUT_TEST_CGROUP says what tests/run prepared; what it did not is a caller's mistake."""
    mode = os.environ.get("LASTOUT_TEST_CGROUP", "host")
    if mode == "v2" and not is_pure_v2():
        return "LASTOUT_TEST_CGROUP=v2, but /sys/fs/cgroup is not cgroup2: use tests/run live"
    return None


def has_memory_controller() -> bool:
    """Whether runc can limit memory where its cgroups are.

    A controller belongs to one hierarchy at a time. In the private pure v2 of a hybrid machine
    memory stays bound to v1, and cgroup2 does not offer it.
    """
    if not is_pure_v2():
        return (CGROUP / "memory").is_dir()
    return "memory" in (CGROUP / "cgroup.controllers").read_text().split()


GETPID = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"
"""mov $20, %eax; int $0x80; ret"""


@functools.cache
def has_32_bit_calls() -> bool:
    """Not every virtual machine lets `int $0x80` through, whatever the kernel in it was built with."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)  # not Python's long story
        memory = mmap.mmap(-1, len(GETPID), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        memory.write(GETPID)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        os._exit(0 if ctypes.CFUNCTYPE(ctypes.c_int)(address)() == os.getpid() else 1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSEGV:
        warnings.warn("this machine has no 32-bit system calls: what makes them is left out")
        return False
    return True


def with_hooks(variant: str) -> dict[str, object]:
    """What start_agent needs for an agent with that variant of the hooks, whatever it would take."""
    tracefs = "[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing"
    return _in_a_room(f"{tracefs} || exit", variant)


def without_tracefs(variant: str) -> dict[str, object]:
    """The same for one that asks for that variant where there is no tracefs."""
    hide = "mount -t tmpfs none /sys/kernel/tracing && mount -t tmpfs none /sys/kernel/debug"
    return _in_a_room(f"{hide} || exit", variant)


def _in_a_room(prepare: str, variant: str) -> dict[str, object]:
    room = ("unshare", "--mount", "--propagation", "slave", "sh", "-c")
    command = (*room, f'{prepare}; exec "$@"', "sh", LASTOUT)
    return {"command": command, "environment": {"LASTOUT_HOOKS": variant}}
