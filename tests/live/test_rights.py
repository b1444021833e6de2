"""What the agent may do once it has loaded its programs, and that it can do its work with that.

All other tests run with it, too: harness/agent.py fails each in which a system call was refused.
"""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pytest

from harness import machine, programs
from harness.agent import Agent, StartAgent
from harness.container import Container
from harness.containers import Containers
from harness.deadline import PATIENCE_S, wait_until
from harness.died import code
from harness.pins import Pins
from harness.scripts import manager, task
from harness.stream import Record

CAPABILITIES = {"KILL": 5, "DAC_READ_SEARCH": 2, "SYS_PTRACE": 19}
"""What is kept, with their numbers in linux/capability.h. docs/security.md says why."""

CAP_BPF = 39
FILTERED = 2

SET_USER = ["CAP_SETUID", "CAP_SETGID"]
"""What a container's init needs to become somebody else."""

ASAN = "asan" in machine.LASTOUT.parent.name
"""A build with sanitizers has no filter: they make calls of their own."""


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def capabilities(pid: int, kind: str) -> set[int]:
    word = int(status(pid)[kind], 16)
    return {number for number in range(64) if word >> number & 1}


def needs_cap_bpf() -> bool:
    """Whether this kernel answers to bpf(2) only with it: before 5.19, where it is not for all."""
    major, minor = (int(part) for part in os.uname().release.split(".")[:2])
    closed = Path("/proc/sys/kernel/unprivileged_bpf_disabled")
    return (major, minor) < (5, 19) and closed.exists() and closed.read_text().strip() != "0"


def test_capabilities(agent: Agent) -> None:
    """Exactly those, in use and to be had, also by exec; none to be inherited."""
    wanted = set(CAPABILITIES.values()) | ({CAP_BPF} if needs_cap_bpf() else set())
    for kind in ("CapEff", "CapPrm", "CapBnd"):
        assert capabilities(agent.pid, kind) == wanted, kind
    for kind in ("CapInh", "CapAmb"):
        assert capabilities(agent.pid, kind) == set(), kind
    assert status(agent.pid)["NoNewPrivs"] == "1"


def test_filter_is_on(agent: Agent) -> None:
    ours = int(status(os.getpid())["Seccomp"])
    assert int(status(agent.pid)["Seccomp"]) == (ours if ASAN else FILTERED)


def test_ready_tells(agent: Agent) -> None:
    ready = agent.await_ready()
    assert set(ready["capabilities"].split(",")) >= {"kill", "sys_ptrace", "dac_read_search"}
    assert ready["system_calls"] == ("all" if ASAN else "filtered")


def without(*names: str) -> tuple[str | Path, ...]:
    """A command that starts the agent with all but these capabilities."""
    drop = ",".join(f"-{name.lower()}" for name in names)
    return ("setpriv", f"--bounding-set={drop}", "--inh-caps=-all", "--", machine.LASTOUT)


def test_fewer_than_it_would_keep(start_agent: StartAgent) -> None:
    """What it was not given it does not ask for; it starts, and has the rest."""
    agent = start_agent(command=without(*CAPABILITIES))
    assert capabilities(agent.pid, "CapEff") <= {CAP_BPF}


def test_keep_rights(start_agent: StartAgent) -> None:
    agent = start_agent("--keep-rights")
    assert capabilities(agent.pid, "CapEff") == capabilities(os.getpid(), "CapEff")
    assert int(status(agent.pid)["Seccomp"]) == int(status(os.getpid())["Seccomp"])
    assert agent.await_ready()["system_calls"] == "all"


def refused_calls() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    done = subprocess.run(
        [programs.driver("refused-calls")], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    return said, [json.loads(line) for line in done.stderr.splitlines()]


def test_refused_calls() -> None:
    """Each fails, the agent goes on, and its log has the name of each, once; a child's, too."""
    said, log = refused_calls()
    *calls, total = said
    assert len(calls) == 13
    for call in calls:
        assert (call["result"], call["errno"]) == (-1, errno.ENOSYS), call
    assert total["refused"] == len(calls) + 1
    told = [line["call"] for line in log if line["event"] == "refused_call"]
    assert sorted(told) == sorted({call["call"] for call in calls} | {"sethostname"})


def nobodys(containers: Containers) -> Container:
    """Its init is another user's: it becomes so by an exec, over which the task lives."""
    nobody = "exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all"
    wait = f"exec 8<>/c/up 9<>/c/idle; {nobody} /c/{containers.init} -c 'echo up >&8; read nothing <&9'"
    container = containers.shell(f"{task('exit 0')}{wait}", capabilities=SET_USER)
    for _ in ("its task", "the init that the exec made"):
        container.await_line()
    return container


def await_error(agent: Agent, container: Container, event: str) -> str:
    def is_it(record: Record) -> bool:
        return record.get("event") == event and record.get("container") == container.id

    return agent.err.await_record(f"{event} of {container.id}", is_it)["error"]


def test_without_kill(start_agent: StartAgent, containers: Containers) -> None:
    agent = start_agent(command=without("KILL"))
    container = nobodys(containers)
    agent.await_working(container)
    container.go()
    assert await_error(agent, container, "signal") == "Operation not permitted"
    assert container.is_alive()


def test_without_sys_ptrace(start_agent: StartAgent, containers: Containers) -> None:
    agent = start_agent(command=without("SYS_PTRACE"))
    container = containers.shell(manager(task("exit 0")), capabilities=["CAP_CHOWN"])
    agent.await_working(container)
    container.go()
    assert await_error(agent, container, "unread").startswith("its PID namespace cannot be read")
    assert container.is_alive()


def test_end_by_signal(agent: Agent, containers: Containers) -> None:
    """Of another user's init, too: that is what CAP_KILL is kept for."""
    container = nobodys(containers)
    agent.await_working(container)
    container.go()
    outcome = agent.await_finished(container)
    assert outcome["how"] in ("signal", "kill")
    container.await_end()


def test_end_by_status(start_agent: StartAgent, containers: Containers) -> None:
    """Of an init that has a capability which the agent has given up."""
    agent = start_agent("--status", "task")
    container = containers.shell(manager(task("exit 3"), on_term=None), capabilities=["CAP_CHOWN"])
    agent.await_working(container)
    container.go()
    assert agent.await_finished(container)["how"] == "status"
    assert container.await_end() == code(3)


def test_rights_of_the_pod(start_agent: StartAgent, containers: Containers) -> None:
    """Those that the DaemonSet adds, and none else: no privileged pod."""
    text = (machine.ROOT / "deploy/kubernetes/base/daemonset.yaml").read_text()
    added = re.findall(r"^ {16}- ([A-Z_]+)", text, re.MULTILINE)
    assert set(added) == {"SYS_ADMIN", "SETPCAP", "BPF", "PERFMON", "SYS_PTRACE", "KILL"}
    assert "privileged: false" in text
    bounds = ",".join(["-all", *(f"+{name.lower()}" for name in added)])
    setpriv = ("setpriv", f"--bounding-set={bounds}", "--inh-caps=-all", "--no-new-privs", "--")
    agent = start_agent("--status", "task", command=(*setpriv, machine.LASTOUT))
    kept = {CAPABILITIES["SYS_PTRACE"], CAPABILITIES["KILL"]}
    for kind in ("CapEff", "CapPrm", "CapBnd"):
        assert capabilities(agent.pid, kind) - {CAP_BPF} == kept, kind
    container = containers.shell(manager(task("exit 3"), on_term=None), capabilities=["CAP_CHOWN"])
    agent.await_working(container)
    container.go()
    assert agent.await_finished(container)["how"] == "status"
    assert container.await_end() == code(3)


def rights_of_the_unit() -> list[str]:
    text = (machine.ROOT / "deploy/systemd/lastout.service").read_text()
    [names] = re.findall(r"^CapabilityBoundingSet=(.*)$", text, re.MULTILINE)
    return [name.removeprefix("CAP_") for name in names.split()]


@pytest.mark.parametrize("hooks", ["btf", "classic"])
def test_admin_is_given_up(start_agent: StartAgent, containers: Containers, hooks: str) -> None:
    """Whether classic hooks were to be attached or not: afterwards it is in no set any more."""
    bounds = ",".join(["-all", *(f"+{name.lower()}" for name in rights_of_the_unit())])
    settings = machine.with_hooks(hooks)
    setpriv = ("setpriv", f"--bounding-set={bounds}", "--inh-caps=-all", "--no-new-privs", "--")
    *room, binary = settings.pop("command")
    agent = start_agent(command=(*room, *setpriv, binary), **settings)
    assert agent.await_ready()["hooks"] == hooks
    wanted = set(CAPABILITIES.values()) | ({CAP_BPF} if needs_cap_bpf() else set())
    for kind in ("CapEff", "CapPrm", "CapBnd"):
        assert capabilities(agent.pid, kind) == wanted, kind
    containers.canary(agent)


def test_check_as_service() -> None:
    """With the unit's capabilities, and no others."""
    done = subprocess.run([machine.LASTOUT, "check", "--as-service"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    tested = done.stdout.splitlines()[0]
    assert set(tested.rpartition(" ")[2].split(",")) == {n.lower() for n in rights_of_the_unit()}
    done = subprocess.run([machine.LASTOUT, "check"], capture_output=True, text=True)
    assert "--as-service" in done.stdout.splitlines()[0]


def test_check_as_service_lacks(tmp_path: Path) -> None:
    """What the unit would have, but this process has not to give."""
    command = [*without("BPF", "PERFMON", "SYS_ADMIN"), "check", "--as-service"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.search(r"^MISSING +programs ", done.stdout, re.MULTILINE), done.stdout


def test_pins_are_kept_and_removed(start_agent: StartAgent, pins: Pins) -> None:
    agent = start_agent(pin=pins.directory)
    agent.stop(signal.SIGTERM)
    assert pins.links()
    agent = start_agent(pin=pins.directory)
    agent.stop(signal.SIGINT)
    assert not pins.directory.exists()


def test_everything_is_read_again(start_agent: StartAgent, containers: Containers) -> None:
    """The iterators are run anew each time."""
    agent = start_agent(environment={"LASTOUT_REREAD": "50ms"})
    container = containers.shell(manager(task("exit 0")))
    agent.await_working(container)
    before = agent.about()["rereads"]["clock"]
    wait_until("three more re-reads", lambda: agent.about()["rereads"]["clock"] >= before + 3)
    container.go()
    agent.await_finished(container)
    container.await_end()


@pytest.mark.parametrize("has_it", [True, False])
def test_dac_read_search(start_configured: StartAgent, tmp_path: Path, has_it: bool) -> None:
    """The configuration of another user is read again: its mode does not let root in."""
    agent = start_configured(command=() if has_it else without("DAC_READ_SEARCH", "DAC_OVERRIDE"))
    config = tmp_path / "configured" / "config.yaml"
    config.chmod(0o600)
    os.chown(config, 65534, 65534)
    os.kill(agent.pid, signal.SIGHUP)
    agent.err.await_record("the reload", lambda record: record.get("event") == "reload")
    [reload] = [r for r in agent.err.records if r.get("event") == "reload"]
    told = "the configuration was read again" if has_it else "the configuration stays as it was"
    assert reload["message"] == told, reload


DOCUMENT = machine.ROOT / "docs" / "security.md"
NAME = re.compile(r"`(test_\w+\.(?:py|c))::(test_\w+)`")
FUZZER = re.compile(r"`(fuzz_\w+\.c)`")
FOLDERS = ("tests/live", "tests/deploy", "tests/unit")


def tables_with_tests() -> Iterator[str]:
    """The rows of each table whose last column says that it has them."""
    is_in = False
    for line in DOCUMENT.read_text().splitlines():
        if line.endswith("| test |"):
            is_in = True
        elif not line.startswith("|"):
            is_in = False
        elif is_in and not line.startswith("| ---"):
            yield line


def test_each_claim_of_the_document_has_a_test() -> None:
    """And those are there, by the names that it gives them."""
    rows = list(tables_with_tests())
    assert len(rows) > 30
    for row in rows:
        assert NAME.search(row.rpartition("|")[0].rpartition("|")[2]), row
    text = DOCUMENT.read_text()
    for file, function in NAME.findall(text):
        found = [path for f in FOLDERS for path in (machine.ROOT / f).rglob(file)]
        assert found, f"{file} is not there"
        is_there = any(re.search(rf"\b{function}\(", path.read_text()) for path in found)
        assert is_there, f"{file} has no {function}"
    for file in FUZZER.findall(text):
        assert (machine.ROOT / "tests" / "fuzz" / file).exists(), file


def test_document_names_each_capability() -> None:
    """What the kernel was seen to leave, and no other, is said to be kept."""
    kept = re.findall(r"^\| `CAP_(\w+)` \| kept", DOCUMENT.read_text(), re.MULTILINE)
    assert set(kept) == {*CAPABILITIES, "BPF"}
