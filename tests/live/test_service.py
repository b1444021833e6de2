"""The agent as a systemd service: what it tells the manager, and how its log looks in the journal."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pytest

from harness import machine
from harness.containers import Containers
from harness.deadline import PATIENCE_S
from harness.died import code
from harness.scripts import manager, task

UNIT = machine.ROOT / "deploy" / "systemd" / "lastout.service"
HALF_WATCHDOG_US = 100_000


class Manager:
    """As much of systemd as a service can see: a socket, an environment, and a stream for its log."""

    def __init__(
        self, directory: Path, *options: str, watchdog_us: int = 0, prefix: tuple[str, ...] = ()
    ) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(directory / "notify"))
        self._socket.settimeout(PATIENCE_S)
        read_end, write_end = os.pipe()
        stream = os.fstat(write_end)
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(directory / "notify"),
            "JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}",
        }
        if watchdog_us:
            environment["WATCHDOG_USEC"] = str(watchdog_us)
        command = [machine.LASTOUT, "run", "--socket", directory / "s", "--pin", "none", *options]
        self.process = subprocess.Popen(
            [*prefix, *command], env=environment, stdin=subprocess.DEVNULL, stdout=write_end, stderr=write_end
        )
        os.close(write_end)
        self._journal = os.fdopen(read_end)

    def heard(self) -> list[str]:
        """The lines of the next datagram."""
        return self._socket.recv(4096).decode().splitlines()

    def await_heard(self, line: str) -> None:
        """Signs of life may come in between."""
        while (lines := self.heard()) != [line]:
            assert lines == ["WATCHDOG=1"], lines

    def journal_line(self) -> str:
        return self._journal.readline().rstrip("\n")

    def stop(self) -> list[str]:
        """What is left in the journal."""
        self.process.send_signal(signal.SIGTERM)
        rest = self._journal.read().splitlines()
        assert self.process.wait(PATIENCE_S) == 0
        return rest

    def clean_up(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self._journal.close()
        self._socket.close()


@pytest.fixture
def start_manager(tmp_path: Path) -> Iterator[type[Manager]]:
    with contextlib.ExitStack() as at_end:

        def start(*options: str, **settings: Any) -> Manager:
            service = Manager(tmp_path, *options, **settings)
            at_end.callback(service.clean_up)
            return service

        yield start  # type: ignore[misc]


def test_life_of_a_service(start_manager: type[Manager], tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("version: 1\n")
    service = start_manager("--config", str(config))
    assert service.heard() == ["READY=1"]
    service.process.send_signal(signal.SIGHUP)
    reloading, when = service.heard()
    assert reloading == "RELOADING=1" and re.fullmatch(r"MONOTONIC_USEC=[1-9]\d+", when)
    assert service.heard() == ["READY=1"]
    service.stop()
    assert service.heard() == ["STOPPING=1"]


def test_bad_reload_is_over_as_well(start_manager: type[Manager], tmp_path: Path) -> None:
    """systemd waits for the end of a reload; a mistake in a file must not leave it waiting."""
    config = tmp_path / "config.yaml"
    config.write_text("version: 1\n")
    service = start_manager("--config", str(config))
    service.await_heard("READY=1")
    config.write_text("version: 2\n")
    service.process.send_signal(signal.SIGHUP)
    assert service.heard()[0] == "RELOADING=1"
    service.await_heard("READY=1")
    assert any(line.startswith("<3>") and "config.yaml:1" in line for line in service.stop())


def test_ready_means_ready(start_manager: type[Manager]) -> None:
    """Not before it has said so itself, which is when all containers are counted."""
    service = start_manager()
    service.await_heard("READY=1")
    assert re.match(r"<6>watching only: .* containers=\d+ ", service.journal_line())


def test_watchdog(start_manager: type[Manager]) -> None:
    """A sign of life twice in its time, and none from a loop that does not turn."""
    service = start_manager(watchdog_us=2 * HALF_WATCHDOG_US)
    service.await_heard("READY=1")
    for _ in range(5):
        assert service.heard() == ["WATCHDOG=1"]
    service.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, service.process.pid, os.WSTOPPED | os.WNOWAIT)
    with pytest.raises(TimeoutError):
        service._socket.settimeout(10 * HALF_WATCHDOG_US / 1e6)
        while True:  # what it had sent before
            service.heard()
    service._socket.settimeout(PATIENCE_S)
    service.process.send_signal(signal.SIGCONT)
    assert service.heard() == ["WATCHDOG=1"]


def test_no_watchdog_unless_asked(start_manager: type[Manager]) -> None:
    service = start_manager()
    assert service.heard() == ["READY=1"]
    service.stop()
    assert service.heard() == ["STOPPING=1"]


def test_journal(start_manager: type[Manager], containers: Containers) -> None:
    """A priority in front, no time; the outcome is one line that stands by itself."""
    service = start_manager("--init", containers.init, "--settle", "200ms", "--restart-settle", "200ms", "--verbose")
    service.await_heard("READY=1")
    container = containers.shell(manager(task("exit 3")))
    while "from=starting to=working" not in (line := service.journal_line()):
        assert re.match(r"<[3467]>[a-z]", line), line
    container.await_up()
    container.go()
    while not (line := service.journal_line()).startswith("<6>finished "):
        assert re.match(r"<[3467]>[a-z]", line), line
    assert re.fullmatch(
        rf"<6>finished {container.id} \(runc, policy options\): "
        rf"{containers.init}\[{container.pid}\] ended when asked to \(0\); "
        r"last task sh\[\d+\] exited with 3, first signal \S+ later",
        line,
    ), line


def test_error_in_the_journal(start_manager: type[Manager]) -> None:
    service = start_manager("--config", "/nonexistent.yaml")
    assert service.journal_line().startswith("<3>lastout run: /nonexistent.yaml")
    assert service.process.wait(PATIENCE_S) == 1


def unit_setting(name: str) -> str:
    found = re.search(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert found, f"the unit has no {name}"
    return found[1]


def test_rights_of_the_unit(start_manager: type[Manager], containers: Containers) -> None:
    """Its few capabilities are enough, also to look into a container that has more of them."""
    rights = unit_setting("CapabilityBoundingSet").lower().replace("cap_", "+").split()
    drop = f"--bounding-set=-all,{','.join(rights)}"
    prefix = ("setpriv", drop, "--inh-caps=-all", "--no-new-privs", "--")
    options = ("--init", containers.init, "--settle", "0s", "--restart-settle", "0s", "--status", "task", "--verbose")
    service = start_manager(*options, prefix=prefix)
    service.await_heard("READY=1")
    container = containers.shell(manager(task("exit 3"), on_term=None), capabilities=["CAP_CHOWN"])
    while "from=starting to=working" not in service.journal_line():
        pass
    container.await_up()
    container.go()
    assert container.await_end() == code(3)


def test_score_of_the_unit() -> None:
    """docs/operations.md tells it."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    told = re.search(r"exposure level of (\d\.\d)", (machine.ROOT / "docs/operations.md").read_text())
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert told and f"lastout.service: {told[1]} " in done.stdout, done.stdout[-200:] + done.stderr


def test_installed_unit(tmp_path: Path) -> None:
    """It starts the program that was installed with it."""
    settings = (f"DESTDIR={tmp_path}", "prefix=/opt/x", "systemdunitdir=/units", "SCDOC=cat")
    subprocess.run(["make", "-s", "-C", machine.ROOT, "install", *settings], check=True)
    unit = (tmp_path / "units" / "lastout.service").read_text()
    program = re.search(r"^ExecStart=(\S+) run$", unit, re.MULTILINE)
    assert program and os.access(f"{tmp_path}{program[1]}", os.X_OK)
    assert program[1] == "/opt/x/sbin/lastout"


def test_takes_precedence(start_manager: type[Manager]) -> None:
    """Before ordinary processes, and not swapped out."""
    manager = start_manager()
    manager.await_heard("READY=1")
    pid = manager.process.pid
    nice = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16]
    assert nice == "-10"
    locked = re.search(r"VmLck:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert locked and int(locked[1]) > 0
