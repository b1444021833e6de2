"""The safety check `manager`: a PID 1 that may be the work itself is never ended, whatever matches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

from harness import lastout
from harness.agent import StartAgent
from harness.configured import TIMES, ConfiguredAgent
from harness.container import Container
from harness.containers import Containers
from harness.scripts import IDLE, manager, task

PYTHON = """
import ctypes.util, os, platform, subprocess
def wait(fifo):
    with open(f"/c/{fifo}") as word:
        word.readline()
def say():
    with open("/c/up", "w") as up:
        up.write(f"{os.getpid()}\\n")
say()
wait("go")
ctypes.util.find_library("c")
platform.processor()
subprocess.run(["sh", "-c", "exit 0"])
say()
wait("idle")
"""

NODE = """
const fs = require('fs');
const { spawnSync } = require('child_process');
const wait = fifo => fs.readSync(fs.openSync(`/c/${fifo}`, 'r'), Buffer.alloc(1));
const say = () => fs.writeFileSync('/c/up', `${process.pid}\\n`);
say();
wait('go');
spawnSync('sh', ['-c', 'exit 0']);
say();
wait('idle');
"""

BASH = f"""#!/bin/bash
echo $$ > /c/up
read _ < /c/go
ls / > /dev/null
mkdir -p /tmp/data
echo $$ > /c/up
{IDLE}
"""

Start = Callable[[Containers], Container]


def python(containers: Containers, **options: Any) -> Container:
    """`python3 train.py`"""
    return containers.host_program(
        Path("/usr/bin/python3"), ["/c/train.py"], name="python3", files={"train.py": PYTHON}, **options
    )


def node(containers: Containers, **options: Any) -> Container:
    """`node server.js`"""
    return containers.host_program(
        Path("/usr/bin/node"), ["/c/server.js"], name="node", files={"server.js": NODE}, **options
    )


def bash(containers: Containers, **options: Any) -> Container:
    """A script that runs commands in sequence, with pauses."""
    return containers.host_program(
        Path("/bin/bash"), ["/c/run.sh"], name="bash", files={"run.sh": BASH}, **options
    )


WORK = {"python": python, "node": node, "bash": bash}

NAMES = {"python": "train.py", "node": "server.js", "bash": "run.sh"}

KIND = {"example.com/kind": "batch"}
CHOICE = {"lastout/policy": "chosen"}

CHOSEN: dict[str, Any] = {"name": "chosen", "match": {}, "selectable": True}


def by(**match: Any) -> dict[str, Any]:
    return {"name": "live", "match": match}


WAYS: dict[str, dict[str, Any]] = {
    "by name": by(container="lotest-*"),
    "by cgroup": by(cgroup="/lotest-*"),
    "by annotation": by(annotation=KIND),
    "by runtime": by(runtime="runc", container="lotest-*"),
    "by interpreter": by(init=["python3", "node"], container="lotest-*"),
    "by a short pattern": by(init=["??", "t*", "ser*x", "*"], container="lotest-*"),
    "chosen": CHOSEN,
}

AGENT_POLICIES = Callable[..., ConfiguredAgent]


@pytest.fixture
def start_policies(tmp_path: Path, start_configured: StartAgent) -> AGENT_POLICIES:
    def start(*policies: dict[str, Any]) -> ConfiguredAgent:
        agent = start_configured(policies=[{**policy, **TIMES} for policy in policies])
        assert isinstance(agent, ConfiguredAgent)
        return agent

    return start


def explained(agent: ConfiguredAgent, container: Container) -> dict[str, Any]:
    done = lastout.call("explain", container.id, "-o", "json", "--socket", agent.socket)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def canary(containers: Containers, agent: ConfiguredAgent) -> None:
    """As containers.canary, for policies that know no name of the test's own."""
    container = containers.shell(manager(task("exit 0")), name="svscan", annotations={**KIND, **CHOICE})
    agent.await_working(container)
    container.go()
    agent.await_finished(container)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("work", WORK)
def test_work_that_is_pid_1(
    start_policies: AGENT_POLICIES, containers: Containers, work: str, way: str
) -> None:
    """It runs short children, and goes on with its own work."""
    agent = start_policies(WAYS[way], {**by(init="svscan"), "name": "canaries"})
    container = WORK[work](containers, annotations={**KIND, **CHOICE})
    container.await_up()
    container.go()
    container.await_up()
    if way in ("by interpreter", "by a short pattern") and work == "bash":
        canary(containers, agent)  # the policy does not match
    else:
        refusal = agent.await_refusal(container)
        assert refusal["check"] == "manager"
        assert f"init: [{NAMES[work]}]" in refusal["reason"]
    assert container.is_alive() and not agent.outcomes_of(container)


ENTRYPOINT = """#!/bin/bash
echo $$ > /c/up
read _ < /c/go
mkdir -p /tmp/data
exec /bin/bash /c/server.sh
"""

SERVER = f"echo $$ > /c/up\n{IDLE}\n"


@pytest.mark.parametrize("way", [*WAYS, "by its entrypoint"])
def test_server_behind_an_entrypoint(
    start_policies: AGENT_POLICIES, containers: Containers, way: str
) -> None:
    """Its set-up command was no work, whichever policy matches: not even one that names the entrypoint."""
    policy = WAYS.get(way, by(init=["run.sh", "bash"]))
    agent = start_policies(policy, {**by(init="svscan"), "name": "canaries"})
    files = {"run.sh": ENTRYPOINT, "server.sh": SERVER}
    container = containers.host_program(
        Path("/bin/bash"), ["/c/run.sh"], name="bash", files=files, annotations={**KIND, **CHOICE}
    )
    container.await_up()
    container.go()
    container.await_up()
    canary(containers, agent)
    assert container.is_alive() and not agent.outcomes_of(container)


def test_only_for_supervisors(start_policies: AGENT_POLICIES, containers: Containers) -> None:
    """As the DaemonSet has it: what is no supervisor cannot choose that policy."""
    policies = (
        {"name": "finish", "match": {"manager": "*"}, "selectable": "only"},
        {"name": "finish-shell", "match": {"init": ["sh", "bash"]}, "selectable": "only"},
    )
    agent = start_policies(*policies)
    train = python(containers, annotations={"lastout/policy": "finish"})
    script = "trap 'exit 0' TERM\n"
    shell = containers.shell(
        script + task("exit 0") + f"wait\n{IDLE}\n",
        name="sh",
        annotations={"lastout/policy": "finish-shell"},
    )
    mute = containers.shell(manager(task("exit 0")), name="svscan")
    svscan = containers.shell(
        manager(task("exit 0")), name="svscan", annotations={"lastout/policy": "finish"}
    )
    for container in (train, mute, shell, svscan):
        container.await_up()
        container.go()
    train.await_up()
    assert agent.await_finished(shell)["policy"] == "finish-shell"
    assert agent.await_finished(svscan)["policy"] == "finish"
    assert train.is_alive() and mute.is_alive()
    choices = [r for r in agent.err.records if r.get("event") == "choice"]
    assert train.id in {choice["container"] for choice in choices}


@pytest.mark.parametrize("pattern", ["train.py", "tra*"])
def test_named_by_its_script(
    start_policies: AGENT_POLICIES, containers: Containers, pattern: str
) -> None:
    agent = start_policies(by(init=[pattern], container="lotest-*"))
    container = python(containers)
    container.await_up()
    container.go()
    container.await_up()
    assert agent.await_finished(container)["policy"] == "live"


def test_explained_counted_and_finished_by_hand(
    start_policies: AGENT_POLICIES, containers: Containers
) -> None:
    """What a person requests is done all the same."""
    agent = start_policies(by(container="lotest-*"))
    container = containers.shell(manager(task("exit 0")))
    agent.await_working(container)
    container.go()
    agent.await_refusal(container)
    said = explained(agent, container)
    assert said["blocked"]["check"] == "manager"
    assert f"init: [{containers.init}]" in said["blocked"]["reason"]
    [check] = [guard for guard in said["guards"] if guard["name"] == "manager"]
    assert not check["is_ok"] and containers.init in check["text"]
    assert said["settle"]["key"] == "restart_settle"
    done = lastout.call("finish", container.id, "--socket", agent.socket)
    assert done.returncode == 0, done.stderr
    assert agent.await_finished(container)["ordered"]


def test_through_a_small_init(start_policies: AGENT_POLICIES, containers: Containers) -> None:
    """A small init that leads to a supervisor, and one that leads to a program of no such name.

    Both are helpers to the kernel side: what is no helper would hold its container.
    """
    agent = start_policies(by(container="lotest-*"))
    led, other = (
        containers.host_program(
            Path("/usr/bin/tini"),
            ["--", f"/c/{name}", *arguments, "-c", manager(task("exit 0"))],
            name="tini",
            shells=("svscan", "s6-log"),
        )
        for name, arguments in (("svscan", ()), ("s6-log", ()))
    )
    for container in (led, other):
        agent.await_working(container)
        container.await_up()
        container.go()
    assert agent.await_finished(led)["init"]["comm"] == "tini"
    assert agent.await_refusal(other)["check"] == "manager"
    assert other.is_alive()


def test_ignored_script_is_never_passed_on(
    start_policies: AGENT_POLICIES, containers: Containers, tmp_path: Path
) -> None:
    """Its interpreter is known a moment after its name; until then nothing behind counts."""
    agent = start_policies(
        {**by(init="python3"), "name": "keep", "action": "ignore"},
        {**by(container="lotest-*", init=["train.py", "svscan"]), "name": "finishing"},
    )
    script = tmp_path / "train.py"
    script.write_text(f"#!/usr/bin/python3{PYTHON}")
    script.chmod(0o755)
    made = [containers.host_program(script, [], name="train.py") for _ in range(14)]
    for container in made:
        container.await_up()
        container.go()
        container.await_up()
    canary(containers, agent)
    for container in made:
        assert container.is_alive() and not agent.outcomes_of(container)
