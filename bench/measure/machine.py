# SPDX-License-Identifier: Apache-2.0
"""Where and with what it was measured, and how busy the machine was with other things."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from .services import LASTOUT

PACKAGES = {"exitsnoop": "libbpf-tools", "bpftrace": "bpftrace", "forkstat": "forkstat"}


def load() -> float:
    return os.getloadavg()[0]


def version_of(package: str) -> str:
    command = ["dpkg-query", "--show", "--showformat", "${Version}", package]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout or "none"


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(": ")[1]
    return os.uname().machine


def describe(load_before: float) -> dict[str, object]:
    version = subprocess.run([LASTOUT, "version"], capture_output=True, text=True, check=True).stdout
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "kernel": os.uname().release,
        "cpus": os.cpu_count(),
        "cpu": cpu_model(),
        "lastout": version.splitlines()[0],
        "peers": {name: version_of(package) for name, package in PACKAGES.items()},
        "load_before": load_before,
    }
