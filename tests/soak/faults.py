"""The agent of the soak test, and all that happens to it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, TextIO

from harness.deadline import wait_until
from harness.machine import LASTOUT

SETTLE_S, GRACE_S = 0.3, 0.5

NEVER = float("inf")

SIZES: tuple[dict[str, Any], ...] = ({}, {}, {"max_processes": 1024, "max_containers": 2048})
"""Another size of a table makes the next agent replace all. Of processes it may be full; a full one
of containers is what tests/live/test_losses.py has: others may have hundreds of containers here."""

STATUS = ("signal", "task")


class Victim:
    """One `lastout run` after the other, on the same pins."""

    def __init__(self, directory: Path, init: str, pins: Path, full_disk: Path) -> None:
        self.able_since = NEVER
        self.faults: Counter[str] = Counter()
        self.problems: list[str] = []
        self.small_until = 0.0
        """Until then a table may have been full."""
        self.log = directory / "agent.log"
        self.outcomes_file = directory / "outcomes.jsonl"
        self.outcomes_file.touch()
        self.config = directory / "config.yaml"
        self._init = init
        self._pins = pins
        self._full_disk = full_disk
        self._socket = directory / "s"
        self._process: subprocess.Popen[bytes] | None = None
        self._is_small = self._was_small = False

    def start(self, settings: dict[str, Any], status: str, log: Path | None = None) -> None:
        self._is_small = bool(settings)
        self.config.write_text(
            json.dumps(
                {
                    "version": 1,
                    "agent": settings,
                    "defaults": {
                        "settle": f"{SETTLE_S * 1000:.0f}ms",
                        "restart_settle": f"{SETTLE_S * 1000:.0f}ms",
                        "grace": f"{GRACE_S * 1000:.0f}ms",
                        "status": status,
                    },
                    "policies": [{"name": "soak", "match": {"init": [self._init]}}],
                }
            )
        )
        with self.outcomes_file.open("ab") as out, (log or self.log).open("ab") as err:
            self._process = subprocess.Popen(
                [
                    *(LASTOUT, "run", "--config", self.config, "--socket", self._socket),
                    *("--pin", self._pins, "--log", "json", "--verbose"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def await_ready(self) -> None:
        wait_until("the agent to answer", self.agent)
        if not self._is_small and self._was_small:
            self.small_until = time.monotonic()
        self._was_small = self._is_small
        self.able_since = time.monotonic()

    def agent(self) -> dict[str, Any] | None:
        """What it says of itself; None: it does not answer."""
        assert self._process
        if self._process.poll() is not None:
            raise AssertionError(f"the agent ended by itself: {self._process.returncode}")
        with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(str(self._socket))
            client.sendall(b"GET /v1/agent HTTP/1.0\r\n\r\n")
            reply = b""
            while part := client.recv(65536):
                reply += part
            return json.loads(reply.split(b"\r\n\r\n", 1)[1])
        return None

    def end(self, how: signal.Signals) -> None:
        self.able_since = NEVER
        assert self._process
        self._process.send_signal(how)
        self._process.wait(30)

    def kill(self) -> None:
        """If there is one still."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def outcomes(self) -> list[dict[str, Any]]:
        """A line may be cut where the agent was killed."""
        found = []
        for line in self.outcomes_file.read_bytes().split(b"\n"):
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return [record for record in found if record.get("event") == "finished"]

    def may_have_been_full(self, since: float) -> bool:
        """A table, at any time since then: what was lost is counted by name, but was not seen."""
        return self._was_small or self._is_small or self.small_until > since

    # Faults

    def suffer(self, chance: random.Random, is_over: threading.Event) -> None:
        try:
            while not is_over.wait(chance.choice((0.3, 1, 3, 6)) * chance.random()):
                fault = chance.choice((self._kill, self._kill, self._terminate, self._stop))
                self.faults[fault.__name__.strip("_")] += 1
                fault(chance)
        except Exception as error:
            self.problems.append(f"agent: {error}")

    def _kill(self, chance: random.Random) -> None:
        self.end(signal.SIGKILL)
        for _ in range(chance.choice((0, 0, 1, 3))):
            time.sleep(chance.random() * 0.1)
            self.start(chance.choice(SIZES), "signal")
            time.sleep(chance.random() * 0.3)
            self.faults["kill at start"] += 1
            self.end(signal.SIGKILL)
        self._start_again(chance)

    def _terminate(self, chance: random.Random) -> None:
        self.end(signal.SIGTERM)
        self._start_again(chance)

    def _start_again(self, chance: random.Random) -> None:
        time.sleep(chance.choice((0, 0.3, 2)) * chance.random())
        log = None
        if chance.random() < 0.15:
            log = self._full_disk
            self.faults["full disk"] += 1
        settings = chance.choice(SIZES)
        self.faults["small tables"] += bool(settings)
        self.start(settings, chance.choice(STATUS), log)
        self.await_ready()

    def _stop(self, chance: random.Random) -> None:
        self.able_since = NEVER
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(chance.random() * 3)
        self._process.send_signal(signal.SIGCONT)
        self.able_since = time.monotonic()

    def losses(self) -> Counter[str]:
        """All that its logs speak of."""
        found: Counter[str] = Counter()
        for line in self.log.read_bytes().split(b"\n"):
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if record.get("event") == "lost":
                    found.update({k: v for k, v in record.items() if isinstance(v, int)})
        return found


class FullDisk:
    """A small file system with no room left, for what is written to it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.file = directory / "log"
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", directory], check=True)
        with contextlib.suppress(OSError), self.file.open("wb") as filler:
            self._fill(filler)

    @staticmethod
    def _fill(filler: Any) -> None:
        while os.write(filler.fileno(), bytes(4096)):
            pass

    def remove(self) -> None:
        subprocess.run(["umount", "--lazy", self._directory], check=True)
