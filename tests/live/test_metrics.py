"""Metrics and health: what a real Prometheus makes of them, and the port that they come from."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from harness import lastout, machine, process, prometheus
from harness.agent import Agent, StartAgent
from harness.containers import Containers
from harness.deadline import wait_until
from harness.limited import start_with_memory_limit
from harness.prometheus import Prometheus, get, promtool
from harness.scripts import manager, task
from harness.service import Service

DEPLOY = machine.ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana" / "lastout.json"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
NAME = re.compile(r"\b(?:lastout|process)_[a-z_]+")
LABELS = re.compile(r"\b((?:lastout|process)_[a-z_]+)\{([^}]*)\}")


@pytest.fixture
def endpoint() -> str:
    reason = prometheus.missing()
    if reason:
        pytest.skip(reason)
    return prometheus.free_endpoint()


@pytest.fixture
def scraper(tmp_path: Path, endpoint: str) -> Iterator[Prometheus]:
    scraper = Prometheus(tmp_path, endpoint)
    yield scraper
    scraper.stop()


@pytest.fixture
def start_configured(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """An agent with a configuration of its own, ready."""
    with contextlib.ExitStack() as at_end:

        def start(config: dict[str, Any], *options: str) -> None:
            path = tmp_path / "config.yaml"
            path.write_text(json.dumps({"version": 1, **config}))
            sockets = ("--socket", str(tmp_path / "s"), "--pin", "none")
            agent = Service("run", "--log", "json", "--config", str(path), *sockets, *options)
            at_end.callback(agent.clean_up)
            agent.err.await_record("ready", lambda record: record.get("event") == "ready")

        yield start


def reported(agent: Agent) -> dict[str, Any]:
    """What `lastout report` lists, by id."""
    told = json.loads(lastout.call("report", "-o", "json", "--socket", agent.socket).stdout)
    assert told["totals"]["containers"] == len(told["containers"])
    return {container["id"]: container for container in told["containers"]}


def is_alone(agent: Agent) -> bool:
    """Has the agent seen this run's containers only? It counts those of the whole machine."""
    seen = [record for record in agent.err.records if record.get("event") == "container"]
    return all(record["container"].startswith(f"lotest-{os.getpid()}-") for record in seen)


def assert_counted(
    counted: dict[str, float], expected: dict[str, float], agent: Agent
) -> None:
    """Exactly so many; with others at work on the same machine, at least."""
    if is_alone(agent):
        assert {name: counted[name] for name in expected} == expected
    else:
        print("not alone on this machine: numbers may be higher")
        assert all(counted[name] >= value for name, value in expected.items())


def samples(endpoint: str) -> dict[str, float]:
    """Each sample by its name and labels, as they are written."""
    status, text = get(endpoint, "/metrics")
    assert status == 200
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


def test_known_finishes(
    start_agent: StartAgent, containers: Containers, endpoint: str, scraper: Prometheus
) -> None:
    """Two asked, one killed, one by itself: the query API has the same numbers."""
    agent = start_agent("--metrics", endpoint)
    asked = manager(task("exit 3"))
    deaf = manager(task("kill -SEGV $$"), on_term=None)
    brief = manager(task("exit 0"), then="exit 0")
    for script in (asked, asked, deaf, brief):
        container = containers.shell(script)
        agent.await_working(container)
        container.await_up()
        container.go()
        agent.await_finished(container)
    # Of this policy, and so of this test.
    finished = 'lastout_finished_total{{policy="options",how="{}"}}'
    scraper.await_value(finished.format("signal"), 2)
    scraper.await_value(finished.format("kill"), 1)
    scraper.await_value(finished.format("self"), 1)
    scraper.await_value("lastout_finish_latency_seconds_count", 3)
    # Not before its settle of 200 ms.
    scraper.await_value('lastout_finish_latency_seconds_bucket{le="0.1"}', 0)
    scraper.await_value("up", 1)
    expected = {
        'lastout_exits_total{role="task",result="success"}': 1,
        'lastout_exits_total{role="task",result="failure"}': 2,
        'lastout_exits_total{role="task",result="signal"}': 1,
        'lastout_exits_total{role="init",result="success"}': 3,
        'lastout_exits_total{role="init",result="signal"}': 1,
        "lastout_last_exits_total": 4,
        "sum(lastout_events_lost_total)": 0,
    }
    scraped = {expression: scraper.query(expression) or 0 for expression in expected}
    assert_counted(scraped, expected, agent)


def test_out_of_memory(
    start_agent: StartAgent, containers: Containers, endpoint: str
) -> None:
    agent = start_agent("--metrics", endpoint)
    container = start_with_memory_limit(containers)
    agent.await_working(container)
    container.go()
    agent.await_finished(container)
    expected = {'lastout_exits_total{role="task",result="oom"}': 1.0}
    assert_counted(samples(endpoint), expected, agent)


def test_fallback(start_agent: StartAgent, containers: Containers, endpoint: str) -> None:
    """A stopped init cannot exit with its task's status: it is killed, and the reason counted."""
    agent = start_agent("--metrics", endpoint, "--status", "task")
    container = containers.shell(manager(task("exit 0")))
    agent.await_working(container)
    os.kill(container.pid, signal.SIGSTOP)
    wait_until("init to be stopped", lambda: process.state(container.pid) == "T")
    container.go()
    agent.await_finished(container)
    counted = samples(endpoint)  # both are of this agent's policy, and so of this test
    assert counted['lastout_status_fallbacks_total{reason="stopped"}'] == 1
    assert counted['lastout_finished_total{how="kill",policy="options"}'] == 1


def test_crowd_of_exits(start_agent: StartAgent, containers: Containers, endpoint: str) -> None:
    """No record tells of these, because nobody has to act on them: the kernel side counts."""
    agent = start_agent("--metrics", endpoint)
    loop = "i=0; while [ $i -lt 123 ]; do /t/exits code 7 & i=$((i+1)); wait; done"
    container = containers.shell(manager(task(loop)))
    agent.await_working(container)
    container.await_up()
    container.go()
    agent.await_finished(container)
    expected = {
        'lastout_exits_total{role="task",result="failure"}': 123.0,
        'lastout_exits_total{role="task",result="success"}': 1,
        "lastout_last_exits_total": 1,
    }
    assert_counted(samples(endpoint), expected, agent)


def test_leftover(start_agent: StartAgent, containers: Containers, endpoint: str) -> None:
    """Nobody ends it: it is there, holds memory, and its time runs. `report` lists it, too."""
    agent = start_agent("--metrics", endpoint, settle="1h")
    container = containers.shell(manager(task("exit 0")))
    agent.await_working(container)
    assert samples(endpoint)['lastout_containers{state="working"}'] >= 1
    assert container.id not in reported(agent)
    container.go()
    agent.await_state(container, "settling")
    first, second = samples(endpoint), samples(endpoint)
    expected = {'lastout_containers{state="settling"}': 1.0}
    assert_counted(first, expected, agent)
    assert 0 < first["lastout_leftover_seconds_total"] < second["lastout_leftover_seconds_total"]
    if machine.has_memory_controller():
        assert first["lastout_leftover_bytes"] > 0
        assert reported(agent)[container.id]["memory_bytes"] > 0
    assert reported(agent)[container.id]["idle_s"] > 0


def test_format(start_agent: StartAgent, endpoint: str) -> None:
    start_agent("--metrics", endpoint)
    status, text = get(endpoint, "/metrics")
    assert status == 200
    assert promtool("check", "metrics", text=text) == ""


def test_health(start_agent: StartAgent, endpoint: str) -> None:
    start_agent("--metrics", endpoint)
    assert get(endpoint, "/healthz") == (200, "ok\n")
    assert get(endpoint, "/readyz") == (200, "ready\n")


def test_port_is_no_api(start_agent: StartAgent, endpoint: str) -> None:
    start_agent("--metrics", endpoint)
    for path in ("/", "/v1/containers", "/metrics/x", "/v1/events"):
        assert get(endpoint, path)[0] == 404
    for method in ("POST", "PUT", "DELETE", "HEAD"):
        assert get(endpoint, "/metrics", method)[0] == 405


def test_port_from_the_configuration(
    start_configured: Callable[..., None], endpoint: str
) -> None:
    start_configured({"agent": {"metrics": endpoint}})
    assert get(endpoint, "/healthz")[0] == 200


def test_no_port_unless_told(start_agent: StartAgent) -> None:
    agent = start_agent()
    proc = Path(f"/proc/{agent.pid}")
    inodes = {
        line.split()[9]
        for table in ("tcp", "tcp6")
        for line in (proc / "net" / table).read_text().splitlines()[1:]
    }
    own = {os.readlink(link) for link in (proc / "fd").iterdir()}
    assert not own & {f"socket:[{inode}]" for inode in inodes}


def test_taken_port(tmp_path: Path, endpoint: str) -> None:
    """Told before anything is loaded, in a line."""
    host, port = endpoint.rsplit(":", 1)
    with socket.create_server((host, int(port))):
        done = lastout.call(
            "run", "--metrics", endpoint, "--socket", tmp_path / "s", "--pin", "none"
        )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and endpoint in done.stderr


@pytest.mark.parametrize("value", ["9871", "localhost:9871", "127.0.0.1:0", ":9871"])
def test_bad_endpoint(value: str) -> None:
    done = lastout.call("run", "--metrics", value)
    assert done.returncode == 2
    assert "ADDRESS:PORT" in done.stderr


# What is made of the metrics


def expressions(value: Any) -> Iterator[str]:
    """Every query of a dashboard."""
    if isinstance(value, dict):
        for key, member in value.items():
            if key in ("expr", "query") and isinstance(member, str):
                yield member
            else:
                yield from expressions(member)
    elif isinstance(value, list):
        for member in value:
            yield from expressions(member)


def assert_exist(queries: list[str], served: str) -> None:
    """Each metric that is asked for is served, with the labels that it is asked by."""
    assert queries
    names = set(NAME.findall(" ".join(queries)))
    assert names, "no query asks for a metric"
    there = {line.split("{")[0].split(" ")[0] for line in served.splitlines() if line[0] != "#"}
    assert names <= there, names - there
    for query in queries:
        for name, labels in LABELS.findall(query):
            for label in re.findall(r"(\w+)\s*[=!]~?", labels):
                assert label in ("job", "instance") or re.search(
                    rf"^{name}\{{.*\b{label}=", served, re.MULTILINE
                ), f"{name} has no label {label}"


def test_dashboard_and_alerts(start_agent: StartAgent, endpoint: str) -> None:
    """They ask for what there is, and for nothing else."""
    start_agent("--metrics", endpoint)
    served = get(endpoint, "/metrics")[1]
    assert_exist(list(expressions(json.loads(DASHBOARD.read_text()))), served)
    rules = [line for line in ALERTS.read_text().splitlines() if "lastout_" in line]
    assert_exist(rules, served)


def test_alert_rules(endpoint: str) -> None:
    assert "SUCCESS" in promtool("check", "rules", ALERTS)
    tests = ALERTS.with_name("alerts_test.yaml")
    assert "SUCCESS" in promtool("test", "rules", tests)
