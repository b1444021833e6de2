"""runc, and the commands that are used as runc is.

By default with their own state directories: those are where lastout looks too.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from pathlib import Path
from typing import Any, Sequence

from . import command
from .died import Died
from .room import HOST, Place
from .runtime import Order, Started


class Oci:
    def __init__(self, program: str, root: Path | None = None, place: Place = HOST) -> None:
        self.word = program
        self.state_dirs = {program: [root]} if root else {}
        self._command = place.command(program, *(["--root", root] if root else []))

    def start(self, order: Order) -> Started:
        # By file: asked a moment later, runc knows no pid of a container that has been finished.
        pid_file = order.bundle / "pid"
        options = ("--detach", "--pid-file", pid_file, "--bundle", order.bundle)
        self._call("run", *options, order.name, log=order.log)
        return Started(order.name, int(pid_file.read_text()))

    def exec(self, started: Started, order: Order, inside: list[str]) -> None:
        pid_file = order.bundle / "injected"
        options = ("--detach", "--pid-file", pid_file)
        self._call("exec", *options, started.id, *inside, log=order.log)
        pid = int(pid_file.read_text())
        # At once: init's end waits until nobody is left in its PID namespace, not even a zombie.
        threading.Thread(target=_reap, args=[pid], daemon=True).start()

    def execute(self, started: Started, inside: Sequence[str]) -> str:
        return self._call("exec", started.id, *inside)

    def status(self, started: Started) -> str:
        state: dict[str, Any] = json.loads(self._call("state", started.id))
        return state["status"]

    def exit_status(self, started: Started) -> int:
        """It leaves that to its caller, who is init's parent: the tests are."""
        return Died.waited(os.waitpid(started.pid, 0)[1]).shell_status()

    def pause(self, started: Started) -> None:
        self._call("pause", started.id)

    def resume(self, started: Started) -> None:
        self._call("resume", started.id)

    def delete(self, order: Order) -> None:
        self._call("delete", "--force", order.name)

    def _call(self, *args: str | Path, log: Path | None = None) -> str:
        return command.call(*self._command, *args, log=log)


RUNC = Oci("runc")


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
