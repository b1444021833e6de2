"""lastout.service in the machine: its state, its log, and what its control socket answers."""

from __future__ import annotations

import json
import re
from typing import Any

from .deadline import wait_until
from .machine import Machine

CONFIG = "/etc/lastout/config.yaml"
UNIT = "lastout.service"

# `status: task` and the containers' names are the tests' own. Names that begin with `left-` are left alone.
# An init must be named by a policy unless it is a supervisor that lastout knows.
SHARED = """\
version: 1
defaults:
  settle: 500ms
  restart_settle: 500ms
  grace: 10s
  status: task
policies:
  - name: left-by-label
    match: {label: {lastout-tests/keep: "*"}}
    action: ignore
  - name: left-by-name
    match: {container: "left-*"}
    action: ignore
  - name: left-by-cgroup
    match: {cgroup: "*/left.slice/*"}
    action: ignore
  - name: by-name
    match: {init: manager, container: "by-name-*"}
  - name: by-label
    match: {init: manager, label: {lastout-tests/finish: "yes"}}
  - name: by-image
    match: {init: manager, image: "*by-image*"}
  - name: limited
    match: {init: manager, container: "limited-*"}
    limit: 2/1h
  - name: supervisors
    match: {init: [supervisord, s6-svscan, tini, docker-init, catatonit]}
  - name: by-init
    match: {init: by-init}
"""


class Service:
    def __init__(self, vm: Machine) -> None:
        self._vm = vm

    def ensure(self, config: str = SHARED) -> None:
        """Active, with that configuration; started again only where something differs."""
        if self.state() == "active" and self._vm.try_run(f"cat {CONFIG}").out == config:
            return
        self.configure(config)
        self._vm.run(f"systemctl reset-failed {UNIT}; systemctl restart {UNIT}")

    def configure(self, config: str) -> None:
        self._vm.write(CONFIG, config)

    def systemctl(self, verb: str) -> str:
        return self._vm.run(f"systemctl {verb} {UNIT}")

    def try_systemctl(self, verb: str) -> int | None:
        return self._vm.try_run(f"systemctl {verb} {UNIT}").status

    def state(self) -> str:
        return self._vm.try_run(f"systemctl is-active {UNIT}").text

    def property(self, name: str) -> str:
        return self._vm.run(f"systemctl show --property {name} --value {UNIT}")

    def pid(self) -> int:
        return int(self.property("MainPID"))

    def await_state(self, state: str) -> None:
        wait_until(f"{UNIT} to be {state}", lambda: self.state() == state, poll_s=0.5)

    def await_other_pid(self, pid: int) -> None:
        wait_until("another main process", lambda: self.pid() not in (0, pid), poll_s=0.5)
        self.await_state("active")

    def log(self, more: str = "") -> str:
        """Of the running invocation."""
        identifier = self.property("InvocationID")
        return self._vm.run(f"journalctl --no-pager --output cat _SYSTEMD_INVOCATION_ID={identifier} {more}")

    def await_log(self, pattern: str) -> re.Match[str]:
        return wait_until(f"{pattern!r} in the log", lambda: re.search(pattern, self.log()), poll_s=0.5)

    def containers(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._vm.run("lastout ps --output json").splitlines()]

    def knows(self, container_id: str) -> dict[str, Any]:
        """What `ps` has of it, as soon as it has it."""
        return wait_until(f"{container_id} in ps", lambda: self._find(container_id), poll_s=0.5)

    def _find(self, container_id: str) -> dict[str, Any] | None:
        return next((row for row in self.containers() if row["id"] == container_id), None)
