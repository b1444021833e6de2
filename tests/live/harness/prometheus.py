"""A real Prometheus, with a configuration, a storage and a port of its own, on loopback."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from .deadline import wait_until

CONFIG = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs: [{{job_name: lastout, static_configs: [{{targets: ["{target}"]}}]}}]
"""


def missing() -> str | None:
    for command in ("prometheus", "promtool"):
        if not shutil.which(command):
            return f"{command} is not installed"
    return None


def free_endpoint() -> str:
    """ADDRESS:PORT that nobody listened at a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "127.0.0.1:{}".format(probe.getsockname()[1])


def get(endpoint: str, path: str, method: str = "GET") -> tuple[int, str]:
    """Status and body of what is served there."""
    request = urllib.request.Request(f"http://{endpoint}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def promtool(*args: str | Path, text: str = "") -> str:
    """What promtool has to say; it must be content."""
    command: list[str | Path] = ["promtool", *args]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class Prometheus:
    def __init__(self, directory: Path, target: str) -> None:
        config = directory / "prometheus.yml"
        config.write_text(CONFIG.format(target=target))
        self._endpoint = free_endpoint()
        self._log = (directory / "prometheus.log").open("wb")
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={directory / 'storage'}",
                f"--web.listen-address={self._endpoint}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        wait_until("Prometheus to be ready", self._is_ready)

    def query(self, expression: str) -> float | None:
        """The one value of an instant query; None while there is none."""
        status, body = get(
            self._endpoint, "/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        )
        assert status == 200, body
        result: list[Any] = json.loads(body)["data"]["result"]
        assert len(result) <= 1, result
        return float(result[0]["value"][1]) if result else None

    def await_value(self, expression: str, value: float) -> None:
        wait_until(f"{expression} to be {value}", lambda: self.query(expression) == value)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, "Prometheus has ended: see prometheus.log"
        try:
            return get(self._endpoint, "/-/ready")[0] == 200
        except OSError:
            return False
