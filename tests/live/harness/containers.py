"""Makes the containers of one test, and removes every one of them whatever happens."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Sequence

import pytest

from . import bundle, cgroup, programs, scripts
from .container import Container
from .oci import RUNC
from .runtime import Order, Runtime

if TYPE_CHECKING:
    from .agent import Agent

AT_ONCE = 4
"""How many runc to run at a time where a test needs many containers."""

FIFOS = ("go", "up", "idle", "injected")

_numbers = itertools.count(1)


class Containers:
    """All inits of one test have one name that nobody else on the machine has.

    The agent under test is told to finish containers with that init, and so can never touch a
    container that is not ours.
    """

    def __init__(self, directory: Path, rootfs: Path, runtime: Runtime = RUNC) -> None:
        self.init = f"pm-{secrets.token_hex(4)}"
        self._directory = directory
        self._rootfs = rootfs
        self._runtime = runtime
        self._made: list[Container] = []

    def shell(self, script: str, **options: Any) -> Container:
        """A container whose PID 1 is a shell that runs script."""
        return self._start(Path("/bin/dash"), ["-c", script], **options)

    def shell_file(self, name: str, script: str, *args: str, **options: Any) -> Container:
        """The same with the script in the file /c/name, and args."""
        files = {name: script}
        return self._start(Path("/bin/dash"), [f"/c/{name}", *args], files=files, **options)

    def manager(self, *args: str, **options: Any) -> Container:
        """A container whose PID 1 is tests/programs/manager.c."""
        return self._start(programs.path("manager"), list(args), **options)

    def program(self, name: str, *args: str, **options: Any) -> Container:
        """A container whose PID 1 is a program of tests/programs."""
        return self._start(programs.path(name), list(args), **options)

    def host_program(self, executable: Path, args: Sequence[str], **options: Any) -> Container:
        """A container whose PID 1 is a program of the host's own."""
        if not executable.exists():
            pytest.skip(f"{executable} is not installed")
        return self._start(executable, list(args), **options)

    def many(self, count: int, script: str) -> list[Container]:
        """That many containers with the same script, several at a time."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda _: self.shell(script), range(count)))

    def canary(self, agent: Agent) -> None:
        """Prove that time has passed in the agent, by an event and not by a sleep.

        A container whose last exit comes now, after that of any other, is finished now. So when
        this returns, the agent has had its chance at every container whose last task died
        before, and what it left alone it meant to leave alone.
        """
        container = self.shell(scripts.manager(scripts.task("exit 0")))
        agent.await_working(container)
        container.go()
        agent.await_finished(container)

    def remove_all(self) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(Container.remove, self._made))
        self._made.clear()

    def _start(
        self,
        executable: Path,
        args: list[str],
        name: str | None = None,
        fifos: tuple[str, ...] = (),
        shells: tuple[str, ...] = (),
        files: Mapping[str, str] = {},
        runtime: Runtime | None = None,
        namesake: Container | None = None,
        annotations: Mapping[str, str] = {},
        pod: str | None = None,
        binds: Mapping[str, Path] = {},
        place: str | None = None,
        **config: Any,
    ) -> Container:
        """shells are more shells in /c, under those names, and files more files, all executable;
        config goes to bundle.write_config.

        The runtime is that of the test unless another is named. A namesake is the container whose
        name this one has too; its cgroup is another one all the same. place is another cgroup than
        that of its name; `{own}` in it is something of this container's own.
        """
        number = next(_numbers)
        own = f"lotest-{os.getpid()}-{number}"
        directory = self._directory / str(number)
        control = directory / "c"
        control.mkdir(parents=True)
        init = shutil.copy(executable, control / (name or self.init))
        for shell in shells:
            shutil.copy("/bin/dash", control / shell)
        for path, content in files.items():
            _write_executable(control / path, content)
        command = [f"/c/{init.name}", *args]
        order = Order(
            directory, namesake.name if namesake else own, command, annotations, pod, binds
        )
        cgroup_path = f"/{own}/{order.name}" if namesake else f"/{own}"
        if place:
            cgroup_path = place.format(own=own)
        bundle.write_config(
            *(directory, self._rootfs, cgroup_path, order.args),
            annotations=dict(annotations),
            binds=dict(binds),
            **config,
        )
        container = Container(runtime or self._runtime, order, (*FIFOS, *fifos))
        self._made.append(container)
        above = cgroup_path.strip("/").rpartition("/")[0]
        if above:
            container.at_end(lambda: cgroup.remove_empty(cgroup.named([above])))
        container.start()
        return container


def _write_executable(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o755)
