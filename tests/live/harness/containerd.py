"""containerd with ctr: a server of the tests' own, and one runtime for each of its namespaces."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
from pathlib import Path

from . import command, image
from .bundle import binds
from .deadline import PATIENCE_S, wait_until
from .room import Place
from .runtime import Order, Started
from .server import Server

CONFIG = """
version = 2
root = "{directory}/root"
state = "{directory}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{socket}"
"""

SNAPSHOTTER = ["--snapshotter", "native"]
"""Copies directories, and so works on every file system."""


class Containerd:
    """The server. Kubernetes' plug-in is off: it would want a network."""

    def __init__(self, directory: Path, place: Place, archive: Path) -> None:
        self.directory = directory
        self.state = directory / "state"
        self.root = directory / "root"
        self.socket = directory / "containerd.sock"
        config = directory / "config.toml"
        config.write_text(CONFIG.format(directory=directory, socket=self.socket))
        self._archive = archive
        log = directory / "log"
        self._server = Server(log, place, "containerd", "--config", config)
        self._server.await_answer(lambda: command.call(*self.ctr("default"), "version"))

    def ctr(self, namespace: str) -> list[str]:
        return ["ctr", "--address", str(self.socket), "--namespace", namespace]

    def load_image(self, namespace: str) -> None:
        command.call(*self.ctr(namespace), "image", "import", *SNAPSHOTTER, self._archive)

    def stop(self) -> None:
        self._server.stop()


class Namespace:
    """ctr stays with its container, as `docker run` does without --detach, and ends as it ends."""

    def __init__(self, server: Containerd, namespace: str, word: str | None) -> None:
        self.word = word
        self._ctr = server.ctr(namespace)
        self.state_dirs = {"containerd": [server.state]}
        self._fifos = server.directory / "fifos"
        self._runc_root = server.directory / "runc"
        self._clients: dict[str, subprocess.Popen[bytes]] = {}
        server.load_image(namespace)

    def start(self, order: Order) -> Started:
        container_id = generated_id(order.name)
        pid_file = order.bundle / "pid"
        options = [
            *("run", "--rm", *SNAPSHOTTER, "--pid-file", pid_file, "--fifo-dir", self._fifos),
            # Its default of 1024 needs the controller, and a hybrid machine's cgroup2 has none.
            *("--cpu-shares", "0", "--runc-root", self._runc_root),
            *(f"--annotation={key}={value}" for key, value in order.annotations.items()),
            *(f"--mount={_mount_option(*bind)}" for bind in binds(order.bundle)),
            *(f"--mount={_mount_option(what, at, 'rw')}" for at, what in order.binds.items()),
            *(("--cgroup", f"{order.pod}/{container_id}") if order.pod else ()),
        ]
        with order.log.open("ab") as output:
            client = subprocess.Popen(
                [*self._ctr, *options, image.NAME, container_id, *order.args],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._clients[container_id] = client
        pid = wait_until("ctr to start a container", lambda: _read_pid(pid_file, client, order))
        return Started(container_id, pid)

    def exec(self, started: Started, order: Order, inside: list[str]) -> None:
        options = ["--detach", "--exec-id", "visitor", "--fifo-dir", self._fifos]
        command.call(*self._ctr, "task", "exec", *options, started.id, *inside)

    def status(self, started: Started) -> str:
        tasks = command.call(*self._ctr, "task", "ls").splitlines()
        [status] = [line.split()[2] for line in tasks if line.startswith(started.id)] or ["STOPPED"]
        return status.lower()

    def exit_status(self, started: Started) -> int:
        return self._clients[started.id].wait(PATIENCE_S)

    def delete(self, order: Order) -> None:
        container_id = generated_id(order.name)
        client = self._clients.pop(container_id, None)
        if not client:
            return
        with contextlib.suppress(command.CommandError):  # when it has ended by itself
            command.call(*self._ctr, "task", "kill", "--signal", "KILL", container_id)
        client.wait(PATIENCE_S)


def generated_id(name: str) -> str:
    """As nerdctl and CRI have them; the same name has the same in every namespace."""
    return hashlib.sha256(name.encode()).hexdigest()


def _mount_option(source: Path, destination: str, access: str) -> str:
    return f"type=bind,src={source},dst={destination},options=rbind:{access}"


def _read_pid(pid_file: Path, client: subprocess.Popen[bytes], order: Order) -> int | None:
    assert client.poll() is None, f"ctr failed: {order.log.read_text(errors='replace')}"
    return int(pid_file.read_text() or 0) if pid_file.exists() else None
