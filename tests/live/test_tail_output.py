"""What tail prints for people and for programs, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import subprocess
import time
from datetime import datetime, timedelta, timezone

import pytest

from harness import machine
from harness.host import exit_of_host, waiting_process
from harness.tail import StartTail

CLOCKS_DIFFER = timedelta(milliseconds=10)
"""By how much two readings of the wall clock may be off; it is read in two ways."""


TIMES = {
    "utc": r"\d\d:\d\d:\d\d\.\d{3}",
    "local": r"\d\d:\d\d:\d\d\.\d{3}",
    "mono": r"\d+\.\d{6}",
}


@pytest.mark.parametrize("clock", TIMES)
def test_time_in_the_table(start_tail: StartTail, clock: str) -> None:
    chosen = waiting_process()
    options = ("-p", str(chosen.pid), "--count", "1", "--time", clock)
    tail = start_tail(*options, output="table")
    chosen.communicate()
    tail.await_end()
    shown = tail.out.lines[1].decode().split()[0]
    assert re.fullmatch(TIMES[clock], shown)
    if clock == "mono":
        assert float(shown) <= time.monotonic()


def test_time_in_json(start_tail: StartTail) -> None:
    """One form for programs, whatever people like to see."""
    chosen = waiting_process()
    before = datetime.now(timezone.utc)
    tail = start_tail("-p", str(chosen.pid), "--count", "1", "--time", "mono")
    chosen.communicate()
    tail.await_end()
    shown = tail.exits()[0]["time"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", shown)
    at = datetime.fromisoformat(f"{shown[:26]}+00:00")
    assert before - CLOCKS_DIFFER < at < datetime.now(timezone.utc) + CLOCKS_DIFFER


@pytest.mark.parametrize("status, shown", [(0, b"0"), (3, b"code 3")])
def test_table(start_tail: StartTail, status: int, shown: bytes) -> None:
    """For people: a heading, one line an exit, and no colour into a pipe."""
    chosen = waiting_process(status)
    tail = start_tail("-p", str(chosen.pid), "--count", "1", output="table")
    chosen.communicate()
    tail.await_end()
    heading, line = tail.out.lines
    for title in (b"TIME", b"COMM", b"PID", b"PPID", b"AGE", b"LEFT", b"EXIT", b"VERDICT"):
        assert title in heading.split()
    assert str(chosen.pid).encode() in line.split()
    assert line[heading.index(b"EXIT") :].startswith(shown)
    assert b"\x1b" not in line


def test_output_that_ends_early() -> None:
    """`lastout tail | head -1`: the reader goes away, and tail goes too, without a fuss."""
    command = f"{machine.LASTOUT} tail -o json | head -n 1"
    pipeline = subprocess.Popen(
        ["bash", "-c", f"set -o pipefail; {command}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert pipeline.stderr and pipeline.stdout
    while "watching" not in pipeline.stderr.readline():
        pass
    while pipeline.poll() is None:
        exit_of_host()
    json.loads(pipeline.stdout.read())
    assert pipeline.returncode in (0, 128 + 13)


COLOURS = {"0": "32", "3": "33", "-9": "31"}


def shown_on_terminal(end: str, **environment: str) -> str:
    """What a person sees of a process that ends in that way: a code, or minus a signal."""
    script = f"read _; kill {end} $$" if end.startswith("-") else f"read _; exit {end}"
    chosen = subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE)
    terminal, inner = pty.openpty()
    command = [machine.LASTOUT, "tail", "-p", str(chosen.pid), "--count", "1"]
    tail = subprocess.Popen(
        command, stdout=inner, stderr=subprocess.PIPE, env={**os.environ, **environment}
    )
    os.close(inner)
    assert tail.stderr
    assert any(b"watching" in line for line in tail.stderr), "a note about the machine may come first"
    chosen.communicate()
    tail.communicate()
    return read_terminal(terminal)


def read_terminal(terminal: int) -> str:
    """Everything up to the error that a terminal gives when nobody has its other end any more."""
    shown = b""
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 65536):
            shown += part
    os.close(terminal)
    return shown.decode()


@pytest.mark.parametrize("end, colour", COLOURS.items())
def test_colour_on_a_terminal(end: str, colour: str) -> None:
    """Green for 0, yellow for another code, red for a signal."""
    assert f"\x1b[{colour}m" in shown_on_terminal(end, TERM="xterm")


def test_no_colour_on_request() -> None:
    assert "\x1b" not in shown_on_terminal("3", TERM="xterm", NO_COLOR="1")
