"""A command name is whatever bytes its owner chose; a terminal or a parser must never obey it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from harness import programs
from harness.agent import StartAgent
from harness.containers import Containers
from harness.deadline import wait_until
from harness.scripts import manager, task
from harness.tail import StartTail

NAMES = {
    "escape code": b"\x1b[31mred\x1b[0m",
    "quotes": b"a\"b'c\\d",
    "newline": b"one\ntwo\r\ttab",
    "not UTF-8": b"bad\xff\xfe\xc3(",
    "C1 control": b"c1\xc2\x9b31m",
    "cut in a letter": "fourteen-bytes\u00e9".encode()[:15],
    "right to left": "\u202egnp.exe".encode(),
    "delete": b"del\x7fete",
    "empty": b"",
}

READY = {"json": b'"ready"', "text": b"watching"}

CONTROLS = [chr(i) for i in [*range(0x20), *range(0x7F, 0xA0), 0x202E]]


@pytest.fixture(params=NAMES.values(), ids=NAMES.keys())
def name(request: pytest.FixtureRequest) -> bytes:
    return request.param


@pytest.fixture
def hostile(name: bytes) -> Iterator[subprocess.Popen[bytes]]:
    """A process of that name, that exits when it gets a line."""
    command = [programs.path("escape"), "rename", "/dev/stdin", "0", name]
    child = subprocess.Popen(command, stdin=subprocess.PIPE)
    comm = Path(f"/proc/{child.pid}/comm")
    wait_until("the new name", lambda: comm.read_bytes() == name + b"\n")
    yield child
    child.kill()
    child.wait()


def assert_harmless(line: bytes) -> None:
    """It is UTF-8, and not one character of it acts on a terminal."""
    text = line.decode()
    assert not [character for character in text if character in CONTROLS]


@pytest.mark.parametrize("output", ["table", "wide", "json"])
def test_tail(start_tail: StartTail, hostile: subprocess.Popen, name: bytes, output: str) -> None:
    tail = start_tail("-p", str(hostile.pid), "--count", "1", output=output)
    hostile.communicate(b"\n")
    tail.await_end()
    assert len(tail.out.lines) == (1 if output == "json" else 2), "one exit is one line"
    for line in tail.out.lines:
        assert_harmless(line)
    if output == "json" and name.isascii():
        assert tail.exits()[0]["comm"] == name.decode(), "what JSON can say is said exactly"


@pytest.mark.parametrize("log", ["json", "text"])
def test_agent(start_agent: StartAgent, containers: Containers, name: bytes, log: str) -> None:
    """The last task has that name when it ends, so it is in the outcome and in the log."""
    agent = start_agent(log=log, wait=False)
    agent.err.await_line("readiness", READY[log])
    rename = 'exec /t/escape rename /c/end 0 "$(cat /c/name)"'
    container = containers.shell(manager(task(rename)), fifos=("end",))
    container.write("name", name)
    agent.err.await_line("the first task", container.id.encode())
    pid = container.await_up()
    container.go()
    comm = Path(f"/proc/{pid}/comm")
    wait_until("the new name", lambda: comm.read_bytes() == name + b"\n")
    container.go("end")

    agent.out.await_line("the outcome", container.id.encode())
    agent.stop()
    [outcome] = agent.out.lines
    if log == "json" and name.isascii():
        assert json.loads(outcome)["last_task"]["comm"] == name.decode()
    for line in agent.out.lines + agent.err.lines:
        assert_harmless(line)
