"""Bad input and bad days: one clear line, the right exit status, and nothing left behind."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

import pytest

from harness import lastout
from harness.leftovers import assert_nothing_left
from harness.machine import LASTOUT

FAILED, USAGE = 1, 2

NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}


def assert_one_line(done: lastout.Done, status: int, *words: str) -> None:
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


USAGE_MISTAKES = {
    "no command": ([], "lastout"),
    "unknown command": (["dance"], "dance"),
    "unknown option of run": (["run", "--frobnicate"], "frobnicate"),
    "unknown option of tail": (["tail", "--frobnicate"], "frobnicate"),
    "duration without a unit": (["run", "--init", "pm", "--settle", "10"], "10"),
    "duration of nonsense": (["run", "--init", "pm", "--grace", "soon"], "soon"),
    "negative duration": (["run", "--init", "pm", "--settle", "-1s"], "-1s"),
    "endless duration": (["run", "--init", "pm", "--settle", "99999999999999999999h"], "99999"),
    "unknown signal": (["run", "--init", "pm", "--signal", "TREM"], "TREM"),
    "init that matches everything": (["run", "--init", "*"], "*"),
    "init that matches everything, spelt out": (["run", "--init", "?*"], "?*"),
    "empty init": (["run", "--init", ""], "init"),
    "unknown log format": (["run", "--init", "pm", "--log", "xml"], "xml"),
    "unknown output": (["tail", "-o", "xml"], "xml"),
    "unknown clock": (["tail", "--time", "gmt"], "gmt"),
    "pid that is no number": (["tail", "-p", "one"], "one"),
    "uid that is no number": (["tail", "-u", "nobody!"], "nobody!"),
    "negative count": (["tail", "--count", "-1"], "-1"),
    "argument too many": (["tail", "extra"], "extra"),
    "option without its value": (["run", "--init"], "init"),
}


@pytest.mark.parametrize("args, word", USAGE_MISTAKES.values(), ids=USAGE_MISTAKES.keys())
def test_usage_mistake(args: list[str], word: str, tmp_path: Path) -> None:
    """Told before anything is loaded: a mistake is one even where lastout could not run."""
    where = ["--socket", tmp_path / "run" / "lastout.sock", "--pin", "none"] if args[:1] == ["run"] else []
    done = lastout.call(*args[:1], *where, *args[1:])
    assert done.returncode == USAGE, done.stderr
    assert done.stdout == ""
    assert word in done.stderr
    if args:
        assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["run", "tail", "demo"])
def test_not_root(command: str) -> None:
    """As a user sees it who forgot sudo; the binary is copied to where that user may read it."""
    binary = Path("/tmp") / f"lastout-{secrets.token_hex(4)}"
    shutil.copy(LASTOUT, binary)
    options = ["--init", "pm"] if command == "run" else []
    try:
        done = lastout.call(command, *options, binary=binary, cwd="/", **NOBODY)
    finally:
        binary.unlink()
    assert_one_line(done, FAILED, "root")


BROKEN_HOSTS = {
    "no BTF": ("mount -t tmpfs none /sys/kernel/btf", "BTF"),
    "no cgroup mount": ("umount -R /sys/fs/cgroup", "cgroup"),
}


@pytest.mark.parametrize("command", ["run", "tail"])
@pytest.mark.parametrize("breakage, word", BROKEN_HOSTS.values(), ids=BROKEN_HOSTS.keys())
def test_broken_host(breakage: str, word: str, command: str, tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    options = ["--init", "pm", "--socket", run_dir / "lastout.sock", "--pin", "none"] if command == "run" else []
    with assert_nothing_left(run_dir):
        done = lastout.call_on_host_without(breakage, command, *options)
    assert_one_line(done, FAILED, word)


@pytest.mark.parametrize("breakage, word", BROKEN_HOSTS.values(), ids=BROKEN_HOSTS.keys())
def test_check_names_what_is_missing(breakage: str, word: str) -> None:
    """check lists everything, the good and the bad, and ends with 1 where run could not work."""
    done = lastout.call_on_host_without(breakage, "check")
    assert done.returncode == FAILED
    assert word in done.stdout
