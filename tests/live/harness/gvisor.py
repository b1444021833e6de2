"""gVisor containers: runsc of two releases, and a guest that a test leads."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import secrets
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import pytest

from . import programs
from .gvisor_orders import Orders
from .machine import ROOT

FETCH = ROOT / "tools" / "fetch-runsc"

RUN_PATIENCE_S = 60
"""One call of runsc: a few milliseconds, or much more on a busy machine."""


class Release(NamedTuple):
    """A runsc and how it is to run."""

    name: str
    platform: str
    starter: tuple[str | Path, ...] = ()
    """What starts it, where a container is made."""

    @property
    def program(self) -> str:
        return backports() if self.name == "backports" else "runsc"

    def missing(self) -> str | None:
        """Why it cannot be tested here, or None."""
        if self.name == "backports":
            return None if backports() else "runsc of backports cannot be fetched (tools/fetch-runsc)"
        return None if shutil.which("runsc") else "runsc is not installed"


BOOKWORM = Release("bookworm", "ptrace")
BACKPORTS = Release("backports", "ptrace")
SYSTRAP = Release("backports", "systrap")
RELEASES = (BOOKWORM, BACKPORTS, SYSTRAP)

# Later releases begin each sandbox as PID 1 of a PID namespace of its own, which these can do without.
_STARTER = (programs.driver("own-pid-namespace"),)
PID_1 = pytest.mark.parametrize(
    "release",
    [release._replace(starter=_STARTER) for release in RELEASES],
    ids=lambda r: f"{r.name}-{r.platform}",
    indirect=True,
)

NEWER = pytest.mark.parametrize("release", [BACKPORTS], ids=lambda r: r.name, indirect=True)
BOTH = pytest.mark.parametrize("release", [BOOKWORM, BACKPORTS], ids=lambda r: r.name, indirect=True)
ALL = pytest.mark.parametrize(
    "release", RELEASES, ids=lambda r: f"{r.name}-{r.platform}", indirect=True
)

NAMESPACES = Path("/run/containerd/runsc")
"""Where containerd's shim for runsc keeps its state: a folder for each of containerd's namespaces."""


@functools.cache
def backports() -> str:
    """Its path; empty if it cannot be had. Fetched once, into build/."""
    done = subprocess.run([FETCH], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


class Runsc:
    """The containers of one test, with a state directory of their own."""

    def __init__(self, release: Release, directory: Path, root: Path | None = None) -> None:
        self.release = release
        self.root = root or directory / "root"
        self._directory = directory
        self._numbers = itertools.count(1)
        self._prefix = f"logv-{secrets.token_hex(3)}"
        self._made: list[Guest] = []

    def call(
        self,
        *args: str | Path,
        log: Path | None = None,
        check: bool = True,
        starter: tuple[str | Path, ...] = (),
    ) -> str:
        """Run runsc to its end, and return what it printed."""
        command = [
            *starter,
            self.release.program,
            "--root",
            self.root,
            f"--platform={self.release.platform}",
            "--network=none",
            *args,
        ]
        with contextlib.ExitStack() as stack:
            # A detached container keeps its standard streams: those must be no pipes of ours.
            output: Any = stack.enter_context(log.open("ab")) if log else subprocess.PIPE
            done = subprocess.run(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=RUN_PATIENCE_S,
            )
        said = log.read_bytes() if log else done.stdout
        assert done.returncode == 0 or not check, f"{command}: {said.decode(errors='replace')}"
        return said.decode(errors="replace")

    def start(self, pod: Guest | None = None, **options: Any) -> Guest:
        """A container that runs; in the sandbox of pod, if one is given.

        No id is the beginning of another one: runsc takes an id for any that begins so.
        """
        guest = Guest(self, f"{self._prefix}-{next(self._numbers):02}", self._directory, pod)
        self._made.append(guest)
        guest.start(**options)
        return guest

    def remove_all(self) -> None:
        for guest in reversed(self._made):
            guest.remove()
        assert not list(self.root.glob("*.state")), "a container is left"


class Guest(Orders):
    """A container whose PID 1 is tests/programs/guest.c, or what args say."""

    def __init__(self, runsc: Runsc, container_id: str, directory: Path, pod: Guest | None) -> None:
        self.id = container_id
        self._runsc = runsc
        self._pod = pod
        self._bundle = directory / container_id
        super().__init__(self._bundle / "c")

    def start(
        self,
        args: tuple[str, ...] = ("/t/guest", "/c"),
        init: str | None = None,
        flags: tuple[str, ...] = ("--ignore-cgroups",),
        annotations: dict[str, str] | None = None,
    ) -> None:
        for name in ("proc", "dev", "tmp", "t", "c"):
            (self._bundle / "rootfs" / name).mkdir(parents=True)
        self.control.mkdir()
        if init:  # the same by another name
            self.put(init, "guest")
            args = (f"/c/{init}", "/c")
        (self._bundle / "config.json").write_text(json.dumps(self._config(args, annotations or {})))
        log = self._bundle / "log"
        run = (*flags, "run", "--detach", "--bundle", self._bundle, self.id)
        self._runsc.call(*run, log=log, starter=self._runsc.release.starter)
        # The tests are the parent of orphans (conftest.py), and runsc waits until its are reaped.
        state = self._state_file()
        for pid in (state["sandbox"]["pid"], state["goferPid"]):
            threading.Thread(target=_reap, args=[pid], daemon=True).start()

    def _config(self, args: tuple[str, ...], annotations: dict[str, str]) -> dict[str, Any]:
        kind = "io.kubernetes.cri.container-type"
        if self._pod:
            annotations = {
                kind: "container",
                "io.kubernetes.cri.sandbox-id": self._pod.id,
                **annotations,
            }
        mounts = [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
            _bind("/t", programs.PROGRAMS, "ro"),
            _bind("/c", self.control, "rw"),
        ]
        return {
            "ociVersion": "1.0.2",
            "process": {"args": args, "cwd": "/", "env": ["PATH=/t"], "user": {"uid": 0, "gid": 0}},
            "root": {"path": "rootfs", "readonly": True},
            "mounts": mounts,
            "linux": {
                "cgroupsPath": f"/{self.id}",
                "namespaces": [{"type": name} for name in ("pid", "mount", "ipc", "uts")],
            },
            "annotations": annotations,
        }

    # What runsc does with it

    def execute(self, *args: str) -> subprocess.Popen[bytes]:
        """`runsc exec`, which lasts as long as what it executes."""
        command = [self._runsc.release.program, "--root", self._runsc.root, "exec", self.id, *args]
        return subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL)

    def runsc(self, *args: str, check: bool = True) -> str:
        return self._runsc.call(*args, check=check)

    def is_running(self) -> bool:
        return self._state()["status"] == "running"

    @property
    def sandbox_pid(self) -> int:
        """The host's process."""
        return self._state_file()["sandbox"]["pid"]

    @property
    def control_socket(self) -> Path:
        """Of newer releases: older ones have none that is a file."""
        return Path(self._state_file()["sandbox"]["controlSocketPath"])

    def _state_file(self) -> dict[str, Any]:
        [path] = self._runsc.root.glob(f"{self.id}_sandbox:*.state")
        return json.loads(path.read_text())

    def _state(self) -> dict[str, Any]:
        return json.loads(self._runsc.call("state", self.id))

    def remove(self) -> None:
        """Whatever state it is in; also half made."""
        self._runsc.call("kill", self.id, "KILL", check=False)
        self._runsc.call("delete", "--force", self.id, check=False)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _bind(destination: str, source: Path, access: str) -> dict[str, Any]:
    options = ["rbind", access]
    return {"destination": destination, "type": "bind", "source": str(source), "options": options}


@contextlib.contextmanager
def runsc(release: Release, directory: Path, root: Path | None = None) -> Iterator[Runsc]:
    """root: its state directory, if that is to be somewhere else."""
    directory.mkdir()
    made = Runsc(release, directory, root)
    try:
        yield made
    finally:
        made.remove_all()


@contextlib.contextmanager
def usual_place() -> Iterator[Path]:
    """A state directory of which the agent is told at once: a namespace of the test's own."""
    root = NAMESPACES / f"lotest-{secrets.token_hex(4)}"
    missing = [path for path in (NAMESPACES, *NAMESPACES.parents) if not path.exists()]
    root.mkdir(parents=True)
    try:
        yield root
    finally:
        shutil.rmtree(root)
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()


def need_cgroups(flags: tuple[str, ...]) -> None:
    """Skip unless runsc can do without `--ignore-cgroups` here, or has it."""
    if "--ignore-cgroups" not in flags and not Path("/sys/fs/cgroup/memory").is_dir():
        pytest.skip("runsc wants the cpu and memory controllers in the hierarchy it finds")


def packet_sockets_block(pid: int) -> list[bool]:
    """Of each SOCK_SEQPACKET that a process holds, which are a sandbox's sinks: may writing to it block?"""
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    packets = {f"socket:[{fields[6]}]" for fields in lines if fields[4] == "0005"}
    found = []
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        if os.readlink(fd) not in packets:
            continue
        info = Path(f"/proc/{pid}/fdinfo/{fd.name}").read_text()
        flags = int(info.split("flags:")[1].split()[0], 8)
        found.append(not flags & os.O_NONBLOCK)
    return found


def is_dead(pid: int) -> bool:
    """Of a sandbox whose parent may not have reaped it yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"
