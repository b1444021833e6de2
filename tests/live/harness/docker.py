"""dockerd with docker: a server of the tests' own, on the tests' own containerd."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import command, image
from .bundle import binds
from .containerd import Containerd
from .room import Place
from .runtime import Order, Started
from .server import Server

WITHOUT_NETWORK = ("--bridge=none", "--iptables=false", "--ip6tables=false")


class Docker:
    word = "docker"

    def __init__(
        self,
        directory: Path,
        place: Place,
        containerd: Containerd,
        namespace: str,
        archive: Path,
        config: dict[str, Any] | None = None,
    ) -> None:
        """The namespace is containerd's: two dockerd share nothing in it. config: its daemon.json."""
        self.state_dirs = {
            "docker": [directory / "data", directory / "exec"],
            "containerd": [containerd.state],
        }
        socket = f"unix://{directory}/docker.sock"
        # A file of the machine's own would be read otherwise.
        config_path = directory / "daemon.json"
        config_path.write_text(json.dumps(config or {}))
        self.client = ["docker", "--host", socket]
        self._server = Server(
            directory / "log",
            place,
            *("dockerd", "--config-file", config_path, "--host", socket),
            *("--data-root", directory / "data", "--exec-root", directory / "exec"),
            *("--pidfile", directory / "pid", "--containerd", containerd.socket),
            *("--containerd-namespace", namespace),
            *("--containerd-plugins-namespace", f"plugins.{namespace}"),
            *("--storage-driver=vfs", "--exec-opt=native.cgroupdriver=cgroupfs", *WITHOUT_NETWORK),
        )
        self.directory, self.containerd, self.place = directory, containerd, place
        self._server.await_answer(lambda: self.call("info"))
        self.call("load", "--input", archive)

    def start(self, order: Order) -> Started:
        options = ["--detach", "--network=none", "--name", order.name]
        volumes = [f"--volume={b.source}:{b.destination}:{b.access}" for b in binds(order.bundle)]
        container_id = self.call("run", *options, *volumes, image.NAME, *order.args)
        return Started(container_id, int(self._inspect(container_id, "{{.State.Pid}}")))

    def exec(self, started: Started, order: Order, inside: list[str]) -> None:
        self.call("exec", "--detach", order.name, *inside)

    def status(self, started: Started) -> str:
        status = self._inspect(started.id, "{{.State.Status}}")
        return "stopped" if status == "exited" else status

    def exit_status(self, started: Started) -> int:
        return int(self.call("wait", started.id))

    def delete(self, order: Order) -> None:
        self.call("rm", "--force", order.name)

    def stop(self) -> None:
        self._server.stop()

    def _inspect(self, container_id: str, template: str) -> str:
        return self.call("inspect", "--format", template, container_id)

    def call(self, *args: str | Path) -> str:
        return command.call(*self.client, *args).strip()
