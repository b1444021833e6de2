"""The commands that ask the agent: ps, explain, wait, finish; the agent is a table of answers."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from harness import machine
from harness.deadline import wait_until
from harness.fake_agent import FakeAgent, never, reply
from harness.lastout import Done, call
from harness.process import state

WEB = {
    "id": "9687bac58d5c4d1606aa46af33d1a21c1d1652e0ac9fb3fc0fc86e3495f42869",
    "name": "web",
    "runtime": "docker",
    "image": None,
    "pod": None,
    "namespace": None,
    "pod_uid": None,
    "cgroup": "/docker/9687",
    "state": "settling",
    "policy": "queue",
    "policy_why": "match",
    "action": "finish",
    "dry_run": False,
    "tasks": 0,
    "helpers": 1,
    "injected": 0,
    "init": {"pid": 4711, "comm": "goproc", "argv0": "goproc"},
    "last_exit": {"pid": 4712, "comm": "work", "exit_code": 3, "signal": None},
    "idle_s": 1.5,
    "memory_bytes": 12582912,
}
HOSTILE = {**WEB, "id": "\x1b[2J\n", "name": "\x7f\u202e", "init": {"pid": 1, "comm": "a\nb"}}


def ended(**how: Any) -> dict[str, Any]:
    return {"id": WEB["id"], "name": "web", "pid": 4712, "comm": "work", **how}


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[FakeAgent]:
    fake = FakeAgent(tmp_path / "s")
    yield fake
    fake.close()


def ask(agent: FakeAgent, *args: str) -> Done:
    return call(*args, "--socket", str(agent.path))


def test_ps(agent: FakeAgent) -> None:
    agent.answers["GET /v1/containers"] = reply({"containers": [WEB]})
    done = ask(agent, "ps")
    heading, line = done.stdout.splitlines()
    assert heading.split()[:2] == ["ID", "NAME"] and "POD" not in heading
    assert line.split() == (
        "9687bac58d5c web docker goproc 0 1 settling queue code 3 1.5s 12M".split()
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_ps_json(agent: FakeAgent) -> None:
    """One container an object a line, every key as the agent gave it."""
    agent.answers["GET /v1/containers"] = reply({"containers": [WEB, HOSTILE]})
    done = ask(agent, "ps", "-o", "json")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [WEB, HOSTILE]
    assert not set(done.stdout) & {"\x1b", "\x7f", "\u202e"}


@pytest.mark.parametrize("output", ["table", "wide"])
def test_ps_hostile(agent: FakeAgent, output: str) -> None:
    agent.answers["GET /v1/containers"] = reply({"containers": [HOSTILE]})
    done = ask(agent, "ps", "-o", output)
    assert len(done.stdout.splitlines()) == 2
    assert not set(done.stdout) & {"\x1b", "\x7f", "\u202e"}


def test_report(agent: FakeAgent) -> None:
    """What is left over, and what it comes to; the others are not of interest."""
    working = {**WEB, "id": "other", "state": "working"}
    left = {**WEB, "cpu_request": 0.25}
    agent.answers["GET /v1/containers"] = reply({"containers": [working, left, HOSTILE]})
    done = ask(agent, "report")
    heading, *lines, total = done.stdout.splitlines()
    assert heading.split()[-3:] == ["MEMORY", "CPU", "REQUEST"] and len(lines) == 2
    assert lines[1].split() == "9687bac58d5c web goproc queue code 3 1.5s 12M 0.25".split()
    assert total == (
        "2 containers have only a process manager left, "
        "idle for 3s in all, holding 24M of memory, with 0.25 CPUs requested"
    )
    assert not set(done.stdout) & {"\x1b", "\x7f", "\u202e"}
    report = json.loads(ask(agent, "report", "-o", "json").stdout)
    assert report["containers"] == [left, HOSTILE]
    assert report["totals"] == {
        "containers": 2,
        "idle_s": 3.0,
        "memory_bytes": 25165824,
        "cpu_request": 0.25,
    }


def test_ps_that_nobody_reads(agent: FakeAgent) -> None:
    agent.answers["GET /v1/containers"] = reply({"containers": [WEB] * 5000})
    script = 'set -o pipefail; "$0" ps --socket "$1" | head -n 1'
    command = ["bash", "-c", script, str(machine.LASTOUT), str(agent.path)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith(b"ID") and done.stderr == b""


def test_explain(agent: FakeAgent) -> None:
    page = {**WEB, "members": [], "would": {"text": "wait", "in_s": 2}}
    agent.answers["GET /v1/containers/we%20b%2F1"] = reply(page)
    done = ask(agent, "explain", "we b/1")
    assert done.returncode == 0
    assert done.stdout.startswith("container   web (docker)\n")
    assert done.stdout.endswith("next        wait, in 2s\n")
    assert json.loads(ask(agent, "explain", "-o", "json", "we b/1").stdout) == page


ENDS = [
    ({"exit_code": 0, "signal": None}, 0),
    ({"exit_code": 7, "signal": None}, 7),
    ({"exit_code": None, "signal": "SIGKILL"}, 137),
    ({"exit_code": None, "signal": "SIGSEGV"}, 139),
]


@pytest.mark.parametrize("how, status", ENDS)
def test_wait(agent: FakeAgent, how: dict[str, Any], status: int) -> None:
    agent.answers["GET /v1/containers/web/wait"] = reply(ended(**how))
    done = ask(agent, "wait", "web")
    assert (done.returncode, done.stdout, done.stderr) == (status, f"{status}\n", "")
    done = ask(agent, "wait", "web", "-o", "json")
    assert (done.returncode, json.loads(done.stdout)) == (status, ended(**how))


def test_wait_for_an_unseen_end(agent: FakeAgent) -> None:
    """255 and a message: what is not known is no success."""
    agent.answers["GET /v1/containers/web/wait"] = reply(ended(exit_code=None, signal=None))
    done = ask(agent, "wait", "web")
    assert (done.returncode, done.stdout) == (255, "255\n")
    assert "how the work in web ended was not seen" in done.stderr


OUTCOME = {
    "event": "finished",
    "container": {"id": WEB["id"], "name": "web"},
    "policy": "queue",
    "how": "signal",
    "init": {"pid": 4711, "comm": "goproc", "exit_code": None, "signal": "SIGTERM"},
    "last_task": {"pid": 4712, "comm": "work", "exit_code": 3, "signal": None},
}


def test_finish(agent: FakeAgent) -> None:
    agent.answers["POST /v1/containers/web/finish"] = reply(OUTCOME)
    done = ask(agent, "finish", "web")
    assert done.returncode == 0
    assert done.stdout == (
        "web: goproc[4711] ended when asked to (SIGTERM); last task work[4712] exited with 3\n"
    )
    agent.answers["POST /v1/containers/web/finish?status=7"] = reply(OUTCOME)
    assert json.loads(ask(agent, "finish", "web", "--status", "7", "-o", "json").stdout) == OUTCOME


REFUSALS = [
    ("explain", "GET /v1/containers/x", 404, "no such container"),
    ("wait", "GET /v1/containers/x/wait", 409, "two begin so: \x1b[2J"),
    ("finish", "POST /v1/containers/x/finish", 409, "a task lives in it"),
    ("finish", "POST /v1/containers/x/finish", 403, "this socket needs root"),
]


@pytest.mark.parametrize("command, request_line, status, words", REFUSALS)
def test_refused(
    agent: FakeAgent, command: str, request_line: str, status: int, words: str
) -> None:
    agent.answers[request_line] = reply({"error": words}, status)
    done = ask(agent, command, "x")
    shown = words.replace("\x1b", "\\x1b")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"lastout {command}: {shown}\n"


ALL = [("ps",), ("explain", "x"), ("wait", "x"), ("finish", "x")]


@pytest.mark.parametrize("command", ALL)
def test_no_agent(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = call(*command, "--socket", tmp_path / "none")
    assert done.returncode == 1
    assert done.stderr == (
        f"lastout {command[0]}: no agent answers at {tmp_path}/none: is `lastout run` running? "
        "(No such file or directory)\n"
    )


@pytest.mark.parametrize("command", ALL)
def test_no_json(agent: FakeAgent, command: tuple[str, ...]) -> None:
    for line in (
        "GET /v1/containers",
        "GET /v1/containers/x",
        "GET /v1/containers/x/wait",
        "POST /v1/containers/x/finish",
    ):
        agent.answers[line] = lambda client: client.sendall(b"HTTP/1.1 200 OK\r\n\r\nhello")
    done = ask(agent, *command)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is no agent of lastout, or another version of it" in done.stderr


MISTAKES = [
    (["explain"], "CONTAINER is missing"),
    (["explain", ""], "CONTAINER '': give an id"),
    (["wait", "a", "b"], "unexpected argument 'b'"),
    (["ps", "a"], "unexpected argument 'a'"),
    (["ps", "-o", "yaml"], "one of table, wide, json"),
    (["wait", "-o", "table", "a"], "either text or json"),
    (["finish", "--status", "256", "a"], "not a number from 0 to 255"),
    (["finish", "--status", "-1", "a"], "not a number from 0 to 255"),
]


@pytest.mark.parametrize("args, words", MISTAKES)
def test_mistakes(args: list[str], words: str) -> None:
    done = call(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_help_names_the_operand() -> None:
    done = call("explain", "--help")
    assert done.stdout.startswith("Usage: lastout explain [OPTIONS] CONTAINER\n")


def start(agent: FakeAgent, *args: str, **options: Any) -> subprocess.Popen[bytes]:
    command = [machine.LASTOUT, *args, "--socket", agent.path]
    return subprocess.Popen(command, stderr=subprocess.PIPE, **options)


INTERRUPTED = [
    (("wait", "x"), "GET /v1/containers/x/wait", signal.SIGINT, 130),
    (("finish", "x"), "POST /v1/containers/x/finish", signal.SIGTERM, 143),
    (("ps", "-w"), "GET /v1/containers", signal.SIGINT, 0),
]


@pytest.mark.parametrize("command, request_line, number, status", INTERRUPTED)
def test_interrupted(
    agent: FakeAgent, command: tuple[str, ...], request_line: str, number: int, status: int
) -> None:
    """While it waits for an answer that does not come. A wait given up is no success."""
    agent.answers[request_line] = never
    process = start(agent, *command, stdout=subprocess.PIPE)
    agent.await_request(request_line)
    process.send_signal(number)
    assert process.communicate(timeout=30) == (b"", b"")
    assert process.returncode == status


def test_ps_watch_without_a_terminal(agent: FakeAgent) -> None:
    """One table after the other, and nothing that only a terminal understands."""
    agent.answers["GET /v1/containers"] = reply({"containers": [WEB]})
    process = start(agent, "ps", "-w", stdout=subprocess.PIPE)
    wait_until("the second table", lambda: len(agent.requests) >= 3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    first, second = out.decode().split("\n\n")[:2]
    assert first.rstrip() == second.rstrip() and first.startswith("ID ")
    assert b"\x1b" not in out
    assert (process.returncode, err) == (0, b"")


ENTER, LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"


def watch_on_terminal(
    agent: FakeAgent, until: Any, then: Callable[[subprocess.Popen[bytes]], None] | None = None
) -> str:
    """What a terminal gets from `ps -w` until the condition holds and Ctrl-C is pressed."""
    terminal, inner = pty.openpty()
    environment = {key: os.environ[key] for key in os.environ if key != "NO_COLOR"}
    process = start(agent, "ps", "-w", stdin=inner, stdout=inner, env=environment)
    os.close(inner)
    wait_until("the screen", until)
    if then:
        then(process)
    process.send_signal(signal.SIGINT)
    shown = b""
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 65536):
            shown += part
    os.close(terminal)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    return shown.decode()


def test_ps_watch_on_a_terminal(agent: FakeAgent) -> None:
    """The other screen, each table in the place of the last, and the usual screen in the end."""
    agent.answers["GET /v1/containers"] = reply({"containers": [WEB]})
    shown = watch_on_terminal(agent, lambda: len(agent.requests) >= 3)
    assert shown.startswith(ENTER) and shown.endswith(LEAVE)
    assert shown.count(ENTER) == shown.count(LEAVE) == 1
    frames = shown[len(ENTER) : -len(LEAVE)].split("\x1b[H")[1:]
    assert len(frames) >= 2 and frames[0] == frames[1]
    heading, line = frames[0].split("\x1b[K\r\n")
    assert heading.startswith("ID ") and "web" in line
    assert "\x1b[33mcode 3\x1b[0m" in line and line.endswith("\x1b[K\x1b[J")


def test_ps_watch_outlives_the_agent(agent: FakeAgent) -> None:
    """It says so, and goes on when the next one is there."""
    good, bad = reply({"containers": [WEB]}), reply({"error": "later"}, 503)
    answers = iter([good, bad])
    agent.answers["GET /v1/containers"] = lambda client: next(answers, good)(client)
    shown = watch_on_terminal(agent, lambda: len(agent.requests) >= 4)
    frames = shown.split("\x1b[H")[1:]
    assert "web" in frames[0] and "web" in frames[2]
    assert frames[1].startswith("later\x1b[K\x1b[J")


def test_ps_watch_is_suspended(agent: FakeAgent) -> None:
    """Ctrl-Z gives the usual screen back, and `fg` takes the other one again."""
    agent.answers["GET /v1/containers"] = reply({"containers": [WEB]})

    def suspend(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTSTP)
        wait_until("it to stop", lambda: state(process.pid) == "T")
        seen = len(agent.requests)
        process.send_signal(signal.SIGCONT)
        wait_until("the screen again", lambda: len(agent.requests) >= seen + 2)

    # By the second request the first answer is on the screen.
    shown = watch_on_terminal(agent, lambda: len(agent.requests) >= 2, suspend)
    first, second = shown.split(LEAVE)[:2]
    assert first.startswith(ENTER) and second.startswith(ENTER)
    assert shown.count(ENTER) == shown.count(LEAVE) == 2 and shown.endswith(LEAVE)


def test_ps_watch_of_more_than_the_screen_has(agent: FakeAgent) -> None:
    many = [{**WEB, "name": f"web-{number:03}"} for number in range(200)]
    agent.answers["GET /v1/containers"] = reply({"containers": many})
    shown = watch_on_terminal(agent, lambda: len(agent.requests) >= 2)
    frame = shown.split("\x1b[H")[1]
    assert frame.count("\r\n") == 23 and "web-022" in frame and "web-023" not in frame
