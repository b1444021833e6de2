"""A real agent is asked, and told other policies while it runs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pytest

from harness import lastout
from harness.agent import GRACE, StartAgent
from harness.configured import TIMES, ConfiguredAgent
from harness.containers import Containers
from harness.deadline import PATIENCE_S
from harness.died import Died, code
from harness.machine import LASTOUT
from harness.scripts import IDLE, manager, task


def _wait(agent: Any, reference: str) -> subprocess.Popen[str]:
    command = [LASTOUT, "wait", "-o", "json", "--socket", agent.socket, reference]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_several_wait_for_the_work(start_agent: StartAgent, containers: Containers) -> None:
    """Before the last exit and after it; each is told the last task's status, and ends with it."""
    agent = start_agent()
    container = containers.shell(manager(task("exit 7")))
    agent.await_working(container)
    waiting = [_wait(agent, container.id) for _ in range(3)]
    container.go()
    agent.await_finished(container)
    waiting.append(_wait(agent, container.id))
    for client in waiting:
        told = json.loads(client.communicate(timeout=PATIENCE_S)[0])
        assert (client.returncode, told["exit_code"], told["role"]) == (7, 7, "task")


def test_wait_where_nobody_acts(start_agent: StartAgent, containers: Containers) -> None:
    """Watch only: the last exit counts once it has settled, and a task that came back ends it."""
    agent = start_agent()
    container = containers.shell(manager(task("exit 3"), task("exit 4", "second")), name="watched",
                                 fifos=("second",))
    agent.await_working(container)
    client = _wait(agent, container.id)
    container.go()
    container.go("second")
    assert client.wait(PATIENCE_S) in (3, 4)  # whichever of the two was the last
    assert container.is_alive()


def test_explain_names_the_guard(start_agent: StartAgent, containers: Containers) -> None:
    agent = start_agent()
    host = containers.shell(manager(task("exit 0")))
    guest = containers.shell(IDLE, pid_namespace=f"/proc/{host.pid}/ns/pid")
    agent.await_container(guest)
    agent.await_working(host)
    done = lastout.call("explain", host.id, "--socket", agent.socket)
    assert done.returncode == 0, done.stderr
    assert "shared" in done.stdout
    assert "wait for the last exit" in done.stdout


# Policies while it runs


@pytest.fixture
def agent(tmp_path: Path, containers: Containers) -> Iterator[ConfiguredAgent]:
    made = ConfiguredAgent(tmp_path / "run", containers.init, {})
    with contextlib.ExitStack() as at_end:
        at_end.callback(made.clean_up)
        made.await_ready()
        yield made


def _reload(agent: ConfiguredAgent, policies: list[dict[str, Any]], **more: Any) -> None:
    policies = [{**TIMES, **policy} for policy in policies]
    config = {"version": 1, "defaults": {"grace": GRACE}, "policies": policies}
    Path(agent.socket).with_name("config.yaml").write_text(json.dumps({**config, **more}))
    seen = len(agent.err.records)
    os.kill(agent.pid, signal.SIGHUP)

    def matches(record: dict[str, Any]) -> bool:
        is_end = "again" in record["message"] or "stay" in record["message"]
        return record.get("event") == "reload" and is_end and record in agent.err.records[seen:]

    agent.err.await_record("the end of a reload", matches)


def test_watched_containers_follow_the_new_policy(
    agent: ConfiguredAgent, containers: Containers
) -> None:
    """One that was left alone is finished, though its last exit lies back."""
    container = containers.shell(manager(task("exit 5")), name="other-pm")
    agent.await_working(container)
    container.go()
    agent.await_state(container, "settling")
    _reload(agent, [{"name": "mine", "match": {"init": ["other-pm"], "container": [container.id]}}])
    outcome = agent.await_finished(container)
    assert outcome["policy"] == "mine"
    assert Died.told(outcome["last_task"]) == code(5)


def test_bad_file_keeps_the_old_policies(agent: ConfiguredAgent, containers: Containers) -> None:
    container = containers.shell(manager(task("exit 5")))
    agent.await_working(container)
    _reload(agent, [{"name": "mine", "mach": {}}])
    [said] = [r for r in agent.err.records if r["event"] == "reload" and r["level"] == "error"]
    assert "config.yaml:1:" in said["error"]
    assert "match" in said["error"]
    container.go()
    assert agent.await_finished(container)["policy"] == "live"


def test_choice_of_the_container(agent: ConfiguredAgent, containers: Containers) -> None:
    """`off`, and what is selectable; what is not is refused aloud and changes nothing."""
    init = containers.init
    policies = [
        {"name": "never-selected", "match": {}},
        {"name": "chosen", "match": {"init": [init]}, "selectable": "only"},
        {"name": "live", "match": {"init": [init]}},
    ]
    _reload(agent, policies)
    asked = {"off": None, "chosen": "chosen", "never-selected": "live"}
    made = {
        word: containers.shell(manager(task("exit 0")), annotations={"lastout/policy": word})
        for word in asked
    }
    for container in made.values():
        agent.await_working(container)
        container.go()
    for word, policy in asked.items():
        if policy:
            assert agent.await_finished(made[word])["policy"] == policy
    assert made["off"].is_alive()
    assert any(r["event"] == "choice" for r in agent.err.records)


def test_limit(agent: ConfiguredAgent, containers: Containers) -> None:
    """One finish of a workload, and then it is watched only; another workload has its own count."""
    policy = {"name": "once", "match": {"init": [containers.init]}, "limit": "1/10m"}
    _reload(agent, [policy])
    first = containers.shell(manager(task("exit 0")))
    agent.await_working(first)
    first.go()
    agent.await_finished(first)
    first.await_end()
    first.remove()
    again = containers.shell(manager(task("exit 0")), namesake=first)
    agent.await_working(again)
    again.go()
    assert "limit" in agent.await_refusal(again)["reason"]
    containers.canary(agent)
    assert again.is_alive()


def test_limit_is_logged_once(agent: ConfiguredAgent, containers: Containers) -> None:
    """It is looked at every 5 s meanwhile. One line when it begins, one when it is over."""
    policy = {"name": "seldom", "match": {"init": [containers.init]}, "limit": "1/30s"}
    _reload(agent, [policy])
    first = containers.shell(manager(task("exit 0")))
    agent.await_working(first)
    first.go()
    agent.await_finished(first)
    first.await_end()
    first.remove()
    again = containers.shell(manager(task("exit 0")), namesake=first)
    again.await_up()
    again.go()
    agent.await_refusal(again)
    assert again.await_end() == code(0)
    about_it = [r["event"] for r in agent.err.records if r.get("container") == again.id]
    assert about_it.count("refused") == 1
    assert about_it.count("limit") == 1
