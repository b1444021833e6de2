"""What every test gets: one machine for all, with the package installed and its service running."""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path
from typing import Callable, Iterator

import pytest

from harness import engine, machine, package
from harness.engine import Engine
from harness.machine import Machine
from harness.service import Service

RELEASE = os.environ.get("LASTOUT_VM_RELEASE", "bookworm")
BUILT = machine.ROOT / "build" / "tests" / "programs"
PROGRAMS = ("manager", "task")
NEEDED = ("qemu-system-x86_64", "qemu-img", "mmdebstrap", "mke2fs")


def pytest_configure() -> None:
    machine.stop_on_term()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the order of the files' names: a later file may change the machine more."""
    items.sort(key=lambda item: item.path.name)


@pytest.fixture(scope="session")
def release() -> str:
    return RELEASE


@pytest.fixture(scope="session")
def vm(release: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    missing = [name for name in NEEDED if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")]
    if missing:
        pytest.skip(f"not installed: {' '.join(missing)}; run `tools/install-deps vm`")
    if os.geteuid() != 0:
        pytest.skip("mmdebstrap needs root to build the image")

    def files() -> dict[str, Path]:
        made = package.build(tmp_path_factory.mktemp("packages")).files()
        return {**made, **{name: BUILT / name for name in PROGRAMS}}

    with machine.running(Machine(release, files)) as made:
        # Where containers see them, too. Policies match the name of an init.
        made.run("cd /opt/tests && install manager task /usr/local/bin")
        made.run("install -T /opt/tests/manager /usr/local/bin/by-init")
        # Docker mounts its init here, and cannot make the file where /usr is read-only.
        made.run("touch /usr/sbin/docker-init")
        yield made


@pytest.fixture(scope="session")
def installed(vm: Machine) -> Machine:
    """The machine, with the package under test installed."""
    if not vm.was_kept:
        package.install(vm)
    return vm


@pytest.fixture(scope="session")
def session_service(installed: Machine) -> Service:
    return Service(installed)


@pytest.fixture
def service(session_service: Service) -> Service:
    """lastout.service, running with the configuration that the tests of containers share."""
    session_service.ensure()
    return session_service


@pytest.fixture(scope="session")
def engines(vm: Machine) -> Callable[[str], Engine]:
    """By name; each is set up when the first test asks for it."""
    kinds = {kind.word: kind for kind in (engine.Docker, engine.Podman)}
    return functools.cache(lambda word: kinds[word](vm))


@pytest.fixture(params=["docker", "podman"])
def any_engine(request: pytest.FixtureRequest, engines: Callable[[str], Engine]) -> Iterator[Engine]:
    chosen = engines(request.param)
    yield chosen
    chosen.remove_all()


@pytest.fixture
def docker(engines: Callable[[str], Engine]) -> Iterator[Engine]:
    yield engines("docker")
    engines("docker").remove_all()


@pytest.fixture
def podman(engines: Callable[[str], Engine]) -> Iterator[Engine]:
    yield engines("podman")
    engines("podman").remove_all()
