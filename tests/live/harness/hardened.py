#!/usr/bin/python3
"""Runs a command under settings of a systemd unit, without systemd.

    hardened.py SETTINGS KEPT COMMAND...

SETTINGS is a JSON list of [name, value] pairs as they stand in the unit. KEPT is a JSON list of paths that
stay writable, and visible below /tmp. Each setting has the effect that systemd.exec(5) describes: mounts in
a namespace of its own, capabilities, and seccomp filters.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
CLONE_NEWNS, CLONE_NEWUTS = 0x00020000, 0x04000000
CLONE_NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | 0x02000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
CLONE_NEWTIME = 0x80
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1
PROT_WRITE, PROT_EXEC = 2, 4
SHM_EXEC = 0o100000
SUID_SGID = 0o6000
SCMP_ACT_ALLOW, SCMP_ACT_ERRNO = 0x7FFF0000, 0x00050000
SCMP_CMP_NE, SCMP_CMP_EQ, SCMP_CMP_MASKED_EQ = 1, 4, 7
CAPABILITY_NAMES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP "
    "LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER "
    "SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE "
    "SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP "
    "MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF "
    "CHECKPOINT_RESTORE "
)
CAPABILITIES = {f"CAP_{name}": number for number, name in enumerate(CAPABILITY_NAMES.split())}

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


# Mounts


def mount(*args: str | Path) -> None:
    subprocess.run(["mount", *args], check=True)


def own_mounts() -> None:
    check(libc.unshare(CLONE_NEWNS), "unshare")
    mount("--make-rprivate", "/")


class MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns_fd")]


def bind(path: Path, options: str) -> None:
    """The mounts below it as well."""
    mount("--rbind", path, path)
    is_ro = options == "ro"
    attributes = MountAttributes(MOUNT_ATTR_RDONLY if is_ro else 0, 0 if is_ro else MOUNT_ATTR_RDONLY)
    result = libc.syscall(
        SYS_MOUNT_SETATTR, AT_FDCWD, str(path).encode(), AT_RECURSIVE,
        ctypes.byref(attributes), ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    check(result, f"mount_setattr {path}")


def each_path(value: str, options: str) -> None:
    for word in value.split():
        path = Path(word.lstrip("-"))
        if path.exists():
            bind(path, options)
        elif not word.startswith("-"):
            raise FileNotFoundError(path)


def protect_system(value: str) -> None:
    assert value == "strict"
    for entry in Path("/").iterdir():
        if entry.name not in ("dev", "proc", "sys") and entry.is_dir() and not entry.is_symlink():
            bind(entry, "ro")


def protect_home(value: str) -> None:
    assert value == "read-only"
    each_path("-/home -/root -/run/user", "ro")


def private_tmp(_: str) -> None:
    """The kept paths stay, as what a real runtime has is not below /tmp."""
    held = [(path, os.open(path, os.O_PATH)) for path in KEPT if Path("/tmp") in path.parents]
    for directory in ("/tmp", "/var/tmp"):
        mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", directory)
    for path, fd in held:
        path.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--no-canonicalize", "--rbind", f"/proc/self/fd/{fd}", path], check=True,
                       pass_fds=[fd])
        os.close(fd)


def private_devices(_: str) -> None:
    names = ("null", "zero", "full", "random", "urandom", "tty")
    held = [(name, os.open(f"/dev/{name}", os.O_PATH)) for name in names]
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/dev")
    for name, fd in held:
        Path("/dev", name).touch()
        subprocess.run(["mount", "--no-canonicalize", "--bind", f"/proc/self/fd/{fd}", f"/dev/{name}"],
                       check=True, pass_fds=[fd])
        os.close(fd)
    drop("CAP_MKNOD", "CAP_SYS_RAWIO")


def hide(*paths: str) -> None:
    for path in map(Path, paths):
        if path.is_dir():
            mount("-t", "tmpfs", "-o", "mode=0,ro", "tmpfs", path)
        elif path.exists():
            mount("--bind", "/dev/null", path)


def protect_modules(_: str) -> None:
    hide("/usr/lib/modules")
    drop("CAP_SYS_MODULE")


def protect_logs(_: str) -> None:
    hide("/dev/kmsg", "/proc/kmsg")
    drop("CAP_SYSLOG")


def protect_hostname(_: str) -> None:
    check(libc.unshare(CLONE_NEWUTS), "unshare")


# Capabilities


def drop(*names: str) -> None:
    for name in names:
        check(libc.prctl(PR_CAPBSET_DROP, CAPABILITIES[name], 0, 0, 0), name)


def bound_capabilities(value: str) -> None:
    kept = {CAPABILITIES[name] for name in value.split()}
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for number in set(range(last + 1)) - kept:
        check(libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0), f"capability {number}")


def no_new_privileges(_: str) -> None:
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


# System calls


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


class Filter:
    """One filter of libseccomp; systemd loads one for each setting, too."""

    def __init__(self, default: int = SCMP_ACT_ALLOW) -> None:
        self._lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self._lib.seccomp_init.restype = ctypes.c_void_p
        self._filter = ctypes.c_void_p(self._lib.seccomp_init(ctypes.c_uint32(default)))

    def rule(self, action: int, name: str, *compares: tuple[int, int, int, int]) -> None:
        number = self._lib.seccomp_syscall_resolve_name(name.encode())
        if number == -1:
            return  # of a newer kernel than this libseccomp
        array = (Compare * max(len(compares), 1))(*[Compare(*compare) for compare in compares])
        result = self._lib.seccomp_rule_add_array(
            self._filter, ctypes.c_uint32(action), number, ctypes.c_uint(len(compares)), array
        )
        # Not on this architecture, or the default already.
        assert result in (0, -errno.EINVAL, -errno.EACCES, -errno.EDOM), (name, result)

    def load(self) -> None:
        assert self._lib.seccomp_load(self._filter) == 0


def refuse(*names: str, error: int = errno.EPERM) -> Callable[[str], None]:
    def load(_: str) -> None:
        filter_ = Filter()
        for name in names:
            filter_.rule(SCMP_ACT_ERRNO | error, name)
        filter_.load()

    return load


def masked(arg: int, bits: int) -> list[tuple[int, int, int, int]]:
    """One comparison for each bit: is it set?"""
    return [(arg, SCMP_CMP_MASKED_EQ, 1 << bit, 1 << bit) for bit in range(32) if bits >> bit & 1]


def refuse_bits(*rules: tuple[str, int, int], also: tuple[tuple[str, int], ...] = ()) -> Callable[[str], None]:
    """Calls of which an argument has one of these bits; also: calls that have no argument to look at."""

    def load(_: str) -> None:
        filter_ = Filter()
        for name, arg, bits in rules:
            for compare in masked(arg, bits):
                filter_.rule(SCMP_ACT_ERRNO | errno.EPERM, name, compare)
        for name, error in also:
            filter_.rule(SCMP_ACT_ERRNO | error, name)
        filter_.load()

    return load


def restrict_families(value: str) -> None:
    import socket

    allowed = {int(getattr(socket, name)) for name in value.split()}
    filter_ = Filter()
    for family in set(range(46)) - allowed:
        filter_.rule(SCMP_ACT_ERRNO | errno.EAFNOSUPPORT, "socket", (0, SCMP_CMP_EQ, family, 0))
    filter_.load()


def restrict_realtime(_: str) -> None:
    filter_ = Filter()
    for policy in (1, 2, 6):
        filter_.rule(SCMP_ACT_ERRNO | errno.EPERM, "sched_setscheduler", (1, SCMP_CMP_EQ, policy, 0))
    filter_.load()


def deny_write_execute(_: str) -> None:
    filter_ = Filter()
    both = PROT_WRITE | PROT_EXEC
    filter_.rule(SCMP_ACT_ERRNO | errno.EPERM, "mmap", (2, SCMP_CMP_MASKED_EQ, both, both))
    for name in ("mprotect", "pkey_mprotect"):
        filter_.rule(SCMP_ACT_ERRNO | errno.EPERM, name, (2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC))
    filter_.rule(SCMP_ACT_ERRNO | errno.EPERM, "shmat", (2, SCMP_CMP_MASKED_EQ, SHM_EXEC, SHM_EXEC))
    filter_.load()


def group(name: str) -> set[str]:
    """All calls of a group, as systemd-analyze has it."""
    command = ["systemd-analyze", "syscall-filter", "--no-pager", name]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = re.findall(r"^ {4}(@?[a-z0-9_-]+)", text, re.MULTILINE)
    return {call for word in words for call in (group(word) if word[0] == "@" else [word])}


def filter_calls(value: str) -> None:
    assert not value.startswith("~")
    filter_ = Filter(SCMP_ACT_ERRNO | errno.EPERM)
    for word in ["@default", *value.split()]:
        for name in group(word) if word[0] == "@" else [word]:
            filter_.rule(SCMP_ACT_ALLOW, name)
    filter_.load()


def native_calls(_: str) -> None:
    """A filter of libseccomp is for the native architecture, and kills what comes by another."""
    Filter().load()


CLOCKS = ("adjtimex", "clock_adjtime", "clock_adjtime64", "clock_settime", "clock_settime64", "settimeofday")
MODULES = ("delete_module", "finit_module", "init_module")
HOSTNAMES = ("sethostname", "setdomainname")

FIRST: dict[str, Callable[[str], None]] = {
    "ProtectHostname": protect_hostname,
    "PrivateTmp": private_tmp,
    "PrivateDevices": private_devices,
    "ProtectKernelModules": protect_modules,
    "ProtectKernelLogs": protect_logs,
    "ProtectClock": lambda _: drop("CAP_SYS_TIME", "CAP_WAKE_ALARM"),
    "ProtectHome": protect_home,
    "ProtectSystem": protect_system,
    "ProtectControlGroups": lambda _: each_path("/sys/fs/cgroup", "ro"),
    "ReadOnlyPaths": lambda value: each_path(value, "ro"),
    "ReadWritePaths": lambda value: each_path(value, "rw"),
}
"""In this order: what is permitted comes after what is forbidden."""

THEN: dict[str, Callable[[str], None]] = {
    "UMask": lambda value: os.umask(int(value, 8)) and None,
    "CapabilityBoundingSet": bound_capabilities,
    "NoNewPrivileges": no_new_privileges,
    "RestrictAddressFamilies": restrict_families,
    "RestrictNamespaces": refuse_bits(
        ("clone", 0, CLONE_NAMESPACES), ("unshare", 0, CLONE_NAMESPACES | CLONE_NEWTIME),
        also=(("clone3", errno.ENOSYS), ("setns", errno.EPERM)),
    ),
    "RestrictRealtime": restrict_realtime,
    "RestrictSUIDSGID": refuse_bits(
        ("chmod", 1, SUID_SGID), ("fchmod", 1, SUID_SGID), ("fchmodat", 2, SUID_SGID),
        ("mkdir", 1, SUID_SGID), ("mkdirat", 2, SUID_SGID), ("mknod", 1, SUID_SGID),
        ("mknodat", 2, SUID_SGID),
        also=(("openat2", errno.ENOSYS), ("fchmodat2", errno.ENOSYS)),
    ),
    "LockPersonality": refuse("personality"),
    "MemoryDenyWriteExecute": deny_write_execute,
    "SystemCallArchitectures": native_calls,
    "ProtectClock": refuse(*CLOCKS),
    "ProtectKernelModules": refuse(*MODULES),
    "ProtectKernelLogs": refuse("syslog"),
    "ProtectHostname": refuse(*HOSTNAMES),
    "PrivateDevices": refuse("ioperm", "iopl", "pciconfig_read", "pciconfig_write"),
    "SystemCallFilter": filter_calls,
}
"""The last one in the list is the narrowest, and the others could not be loaded under it."""

KNOWN = FIRST.keys() | THEN.keys()
KEPT: list[Path] = []


def main() -> None:
    settings = dict(json.loads(sys.argv[1]))
    KEPT.extend(Path(path).resolve() for path in json.loads(sys.argv[2]))
    if settings.keys() & FIRST.keys():
        own_mounts()
    for name, apply in FIRST.items():
        if name in settings:
            apply(settings[name])
    if settings.keys() & FIRST.keys():
        for path in KEPT:
            bind(path, "rw")
    for name, apply in THEN.items():
        if name in settings:
            apply(settings[name])
    os.execv(sys.argv[3], sys.argv[3:])


if __name__ == "__main__":
    main()
