"""A known workload, exact numbers: what tail shows is what the kernel told the parent."""

from __future__ import annotations

import json
import os
import resource
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness import programs
from harness.died import Died
from harness.tail import StartTail

EXITS = 1000
KINDS = 10


@pytest.fixture
def workload(tmp_path: Path) -> Path:
    """The program under a name that no other process has, so that tail can be asked for it."""
    return Path(shutil.copy(programs.path("exits"), tmp_path / f"lx-{secrets.token_hex(4)}"))


def make_exits(workload: Path, count: int) -> list[dict[str, Any]]:
    """Cores land in the test's own directory."""
    done = subprocess.run(
        [workload, "many", str(count)], cwd=workload.parent, capture_output=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def mark_the_end(workload: Path) -> int:
    """One more exit with the same name: when it is shown, everything before it was."""
    marker = subprocess.Popen([workload, "as", "code", "77"])
    marker.wait()
    return marker.pid


def test_thousand_exits_of_ten_kinds(start_tail: StartTail, workload: Path) -> None:
    tail = start_tail("--comm", workload.name)
    made = make_exits(workload, EXITS)
    marker = mark_the_end(workload)
    tail.await_exit(marker)
    tail.stop()

    children = {exit_["pid"]: exit_ for exit_ in made}
    assert len({exit_["kind"] for exit_ in made}) == KINDS
    shown = [record for record in tail.exits() if record["pid"] in children]
    assert len(shown) == len(made) == EXITS
    for record in shown:
        truth = children[record["pid"]]
        story = (truth, record)
        assert Died.told(record) == Died.waited(truth["status"]), story
        assert record["core_dumped"] == os.WCOREDUMP(truth["status"]), story
        assert record["max_rss_bytes"] == truth["maxrss_kb"] * 1024, story
        assert record["comm"] == workload.name, story
    others = {record["pid"] for record in tail.exits()} - children.keys()
    assert len(others) == 2, "the workload itself and the marker, and nothing else"
    assert tail.totals() == (EXITS + 2, 0)


def test_core_flag_is_seen_both_ways(start_tail: StartTail, workload: Path) -> None:
    """One signal, with and without a core dump: both flags must be told apart."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    tail = start_tail("--comm", workload.name)
    for kind in ("core", "abort"):
        with subprocess.Popen([workload, "as", kind, "0"], cwd=workload.parent) as process:
            process.wait()
        record = tail.await_exit(process.pid)
        assert record["core_dumped"] == (kind == "core" and hard != 0)
        assert record["oom_killed"] is False


def test_fields_of_one_exit(start_tail: StartTail) -> None:
    process = subprocess.Popen(["sh", "-c", "read _; exit 6"], stdin=subprocess.PIPE, user=12345)
    tail = start_tail("--pid", str(process.pid))
    process.communicate(b"\n")
    record = tail.await_exit(process.pid)

    assert record["event"] == "exit"
    assert record["pid"] == record["ns_pid"] == process.pid
    assert record["ppid"] == os.getpid()
    assert record["uid"] == 12345
    assert record["comm"] == "sh"
    assert Died.told(record) == Died(6, None)
    assert record["core_dumped"] is False
    assert record["oom_killed"] is False
    assert record["role"] == "host"
    assert record["container"] is None
    for name in ("duration_s", "cpu_user_s", "cpu_system_s"):
        assert record[name] >= 0
