"""What every live test gets: containers, agents and tails that are gone when the test is over."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import secrets
import signal
import tempfile
from pathlib import Path
from typing import Any, Iterator

import pytest

from harness import bundle, command, gvisor, machine, programs, runtimes
from harness.agent import Agent, StartAgent
from harness.configured import ConfiguredAgent
from harness.containers import Containers
from harness.pins import Mount, Pins
from harness.runtimes import Engines
from harness.tail import StartTail, Tail

PR_SET_CHILD_SUBREAPER = 36


def pytest_configure() -> None:
    mistake = machine.wrong_mode()
    if mistake:
        pytest.exit(mistake, returncode=2)
    # However the run is ended, what it made is removed, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests run in one worker. Those of another runtime than runc wait most, so each runtime may have its
    own worker, which starts the runtime's server once."""
    for item in items:
        call = getattr(item, "callspec", None)
        kind = call.params.get("kind") if call else None
        is_runtime = isinstance(kind, str) and kind in runtimes.KINDS
        group = f"{item.path.stem}-{kind}" if is_runtime else item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session", autouse=True)
def ground() -> None:
    """Skip where live tests cannot run; a lastout that was not built is a failure, no skip."""
    reason = machine.missing()
    if reason:
        pytest.skip(reason)
    if not machine.LASTOUT.exists():
        pytest.exit(f"{machine.LASTOUT} does not exist: run make first", returncode=2)
    programs.build()
    _become_reaper()


def _become_reaper() -> None:
    """Make the tests the parent of every container's init, once runc has left it.

    So a test learns from wait4 how init ended, and can hold lastout's words against it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


@pytest.fixture(scope="session")
def rootfs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "rootfs"
    bundle.make_rootfs(path)
    return path


@pytest.fixture(scope="session")
def engines(rootfs: Path) -> Iterator[Engines]:
    """Other runtimes than runc, each started when the first test asks for it."""
    # Podman takes no path of more than 50 characters.
    with tempfile.TemporaryDirectory(prefix="lotest-", dir="/tmp") as directory:
        made = Engines(Path(directory), rootfs)
        yield made
        made.close()


@pytest.fixture
def containers(tmp_path: Path, rootfs: Path) -> Iterator[Containers]:
    made = Containers(tmp_path / "containers", rootfs)
    yield made
    made.remove_all()


@pytest.fixture
def start_agent(tmp_path: Path, containers: Containers) -> Iterator[StartAgent]:
    """Start an agent for the containers of this test, ready unless told not to wait."""
    numbers = itertools.count()
    with contextlib.ExitStack() as at_end:

        def start(*options: str, wait: bool = True, **settings: Any) -> Agent:
            run_dir = settings.pop("run_dir", tmp_path / f"run-{next(numbers)}")
            agent = Agent(containers.init, run_dir, *options, **settings)
            at_end.callback(agent.clean_up)
            if wait:
                agent.await_ready()
            return agent

        yield start


@pytest.fixture
def agent(start_agent: StartAgent) -> Agent:
    """The agent of most tests: with the usual settle and grace, and ready."""
    return start_agent()


@pytest.fixture
def start_configured(tmp_path: Path, containers: Containers) -> Iterator[StartAgent]:
    """The same with a configuration file; settings are keys of its section `agent`."""
    with contextlib.ExitStack() as at_end:

        def start(**settings: Any) -> Agent:
            agent = ConfiguredAgent(tmp_path / "configured", containers.init, {}, **settings)
            at_end.callback(agent.clean_up)
            agent.await_ready()
            return agent

        yield start


@pytest.fixture(scope="session")
def bpffs() -> Iterator[Path]:
    """A BPF file system that nobody else uses."""
    with tempfile.TemporaryDirectory(prefix="lotest-bpf-", dir="/tmp") as directory:
        mounted = Mount(Path(directory))
        yield mounted.path
        mounted.remove()


@pytest.fixture
def read_only(bpffs: Path, tmp_path: Path) -> Iterator[Path]:
    """The same, where nothing can be written."""
    directory = tmp_path / "read-only"
    directory.mkdir()
    with contextlib.ExitStack() as at_end:
        command.call("mount", "--bind", bpffs, directory)
        at_end.callback(command.call, "umount", "--lazy", directory)
        command.call("mount", "-o", "remount,bind,ro", directory)
        yield directory


@pytest.fixture
def pins(bpffs: Path) -> Iterator[Pins]:
    made = Pins(bpffs / secrets.token_hex(4))
    yield made
    made.remove()


@pytest.fixture
def release(request: pytest.FixtureRequest) -> gvisor.Release:
    """A runsc, by gvisor.BOTH or gvisor.ALL."""
    reason = request.param.missing()
    if reason:
        pytest.skip(reason)
    return request.param


@pytest.fixture
def runsc(release: gvisor.Release, tmp_path: Path) -> Iterator[gvisor.Runsc]:
    """gVisor's containers, where an agent looks for them."""
    with gvisor.usual_place() as root, gvisor.runsc(release, tmp_path / "gvisor", root) as made:
        yield made


@pytest.fixture
def start_tail() -> Iterator[StartTail]:
    with contextlib.ExitStack() as at_end:

        def start(*options: str, **settings: Any) -> Tail:
            tail = Tail(*options, **settings)
            at_end.callback(tail.clean_up)
            tail.await_watching()
            return tail

        yield start
