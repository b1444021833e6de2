"""The commands that a new user tries first."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from harness import cgroup, lastout, machine
from harness.deadline import PATIENCE_S, wait_until
from harness.leftovers import assert_nothing_left

COMMANDS = ("run", "tail", "check", "demo", "version")
SCREEN = (24, 80)
RIGHT = """version: 1
policies:
- {name: never, match: {namespace: kube-system}, action: ignore}
- {name: queue, match: {init: goproc},     settle: 2s}
"""


def test_demo_tells_the_story(tmp_path: Path) -> None:
    """A container of its own: the task exits, its PID 1 stays, and lastout ends that."""
    with assert_nothing_left(tmp_path) as note:
        demo = start_demo()
        story = await_line(demo, MOMENTS[0])
        note(demo.pid)
        story += demo.communicate(timeout=PATIENCE_S)[0]
    assert demo.returncode == 0, story
    assert not cgroups_of(demo)
    story = story.lower()
    for part in ("container", "task", "exit", "pid 1"):
        assert part in story
    assert re.search(r"\d (ms|s|µs|us)\b|\d(ms|s|µs|us)\b", story), "it shows times"


def test_demo_twice() -> None:
    """Nothing of the first is in the way of the second."""
    for _ in range(2):
        assert lastout.call("demo").returncode == 0


MOMENTS = ("container is made", "task is at work", "settle begins")
"""What it has said last."""


def start_demo() -> subprocess.Popen[str]:
    return subprocess.Popen([machine.LASTOUT, "demo"], stdout=subprocess.PIPE, text=True)


def await_line(demo: subprocess.Popen[str], words: str) -> str:
    """What it has printed up to that line."""
    assert demo.stdout
    said = ""
    while words not in said:
        line = demo.stdout.readline()
        assert line, f"it did not print {words!r}: {said}"
        said += line
    return said


def cgroups_of(demo: subprocess.Popen[str]) -> list[Path]:
    return cgroup.demos(demo.pid)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ended_demo_leaves_nothing(how: str, moment: str) -> None:
    demo = start_demo()
    await_line(demo, moment)
    assert cgroups_of(demo)
    demo.send_signal(signal.Signals[how])
    assert demo.wait(PATIENCE_S) == 128 + signal.Signals[how]
    assert not cgroups_of(demo)


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_demo_is_cleaned_up_by_the_next(moment: str) -> None:
    """Its processes die with it; of the cgroup only an empty directory is left until then."""
    demo = start_demo()
    await_line(demo, moment)
    demo.kill()
    demo.wait(PATIENCE_S)
    [left] = cgroups_of(demo)
    wait_until("its processes to die", lambda: not cgroup.processes(left))
    assert lastout.call("demo").returncode == 0
    assert not cgroups_of(demo)


def test_demos_at_one_time() -> None:
    """None removes the other's cgroup."""
    demos = [start_demo() for _ in range(3)]
    for demo in demos:
        demo.communicate(timeout=PATIENCE_S)
        assert demo.returncode == 0


def test_check_is_content_here() -> None:
    done = lastout.call("check")
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("BTF", "cgroup"):
        assert word in done.stdout


def test_check_of_a_right_configuration(tmp_path: Path) -> None:
    """One line a policy, in the order of the file; the host is not looked at."""
    done = lastout.call("check", "--config", write_config(tmp_path, RIGHT))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["1", "never"], ["2", "queue"]]
    assert "namespace is kube-system -> ignore" in lines[1]
    settle = "settle 2s, restart_settle 30s or its manager's"
    assert f"init is goproc -> finish: {settle}, SIGTERM, grace 10s" in lines[2]


def test_check_of_a_wrong_configuration(tmp_path: Path) -> None:
    """The place and what was meant, and nothing on stdout."""
    path = write_config(tmp_path, RIGHT.replace("settle", "setle"))
    done = lastout.call("check", "-f", path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"{path}:4:44: unknown key of a policy 'setle'; did you mean 'settle'?" in done.stderr


def test_check_of_no_configuration(tmp_path: Path) -> None:
    done = lastout.call("check", "--config", str(tmp_path / "missing"))
    assert done.returncode == 1
    assert "missing: No such file" in done.stderr


def write_config(folder: Path, text: str) -> str:
    path = folder / "config.yaml"
    path.write_text(text)
    return str(path)


def test_version() -> None:
    done = lastout.call("version")
    assert done.returncode == 0
    assert re.search(r"lastout \d+\.\d+", done.stdout)
    assert "libbpf" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_screen(command: str) -> None:
    done = lastout.call(command, "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert 0 < len(lines) <= SCREEN[0]
    assert max(map(len, lines)) <= SCREEN[1]
    assert command in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_no_root(command: str) -> None:
    done = lastout.call(command, "--help", env={**os.environ, "PATH": ""})
    assert done.returncode == 0
