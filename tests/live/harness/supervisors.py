"""The usual process managers, Debian's own, each set up to run one task.

The task is a script in /c, so that a test may have any; the managers find it by their own means.
What docs/process-managers.md says of each is in its table, and the tests hold them against it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from .container import Container
from .containers import Containers
from .machine import ROOT
from .scripts import waiting

TABLE = ROOT / "docs" / "process-managers.md"

SERVICE = "service/task"

SUPERVISORD_CONF = """
[supervisord]
nodaemon = true
logfile = /dev/null
logfile_maxbytes = 0
pidfile = /tmp/supervisord.pid
[unix_http_server]
file = /tmp/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl = unix:///tmp/supervisor.sock
[program:task]
command = sh /c/task
"""

File = tuple[str, str]
"""Its path in /c, and what is in it."""


class Supervisor(NamedTuple):
    executable: Path
    args: tuple[str, ...]
    task: str
    """The file that it runs as the task."""
    files: tuple[File, ...] = ()
    helpers: frozenset[str] = frozenset()
    """The command names of all that it starts beside the task."""


SUPERVISORS = {
    "supervisord": Supervisor(
        Path("/usr/bin/supervisord"),
        ("-n", "-c", "/c/supervisord.conf"),
        task="task",
        files=(("supervisord.conf", SUPERVISORD_CONF),),
    ),
    "s6": Supervisor(
        Path("/usr/bin/s6-svscan"),
        ("/c/service",),
        task=f"{SERVICE}/run",
        files=((f"{SERVICE}/log/run", "#!/bin/sh\nexec s6-log t /tmp/log\n"),),
        helpers=frozenset({"s6-supervise", "s6-log"}),
    ),
    "runit": Supervisor(
        Path("/usr/bin/runsvdir"),
        ("-P", "/c/service"),
        task=f"{SERVICE}/run",
        files=((f"{SERVICE}/log/run", "#!/bin/sh\nmkdir /tmp/log; exec svlogd /tmp/log\n"),),
        helpers=frozenset({"runsv", "svlogd"}),
    ),
    "shell loop": Supervisor(
        Path("/bin/dash"),
        ("-c", "while [ ! -e /c/down ]; do sh /c/task; done; exec 3<>/c/idle; read _ <&3"),
        task="task",
    ),
}


def start(
    containers: Containers,
    name: str,
    exit_status: int,
    files: tuple[File, ...] = (),
    below: str | None = None,
) -> Container:
    """A container whose PID 1 is that manager; its task exits so, each time it gets the word.

    More files are put beside the manager's own, or over them. With below the manager is the child
    of that init.
    """
    supervisor = SUPERVISORS[name]
    task = f"#!/bin/sh\n{waiting(f'exit {exit_status}')}\n"
    control = dict([(supervisor.task, task), *supervisor.files, *files])
    if below:
        command = ["--", str(supervisor.executable), *supervisor.args]
        return containers.host_program(Path("/usr/bin") / below, command, files=control)
    return containers.host_program(supervisor.executable, supervisor.args, files=control)


class Row(NamedTuple):
    """What the table says."""

    helpers: frozenset[str]
    term_status: int
    settle: str


def table() -> dict[str, Row]:
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {cells[0]: _row(dict(zip(head, cells))) for cells in rows}


def _row(cells: dict[str, str]) -> Row:
    return Row(
        helpers=frozenset(re.findall(r"`([^`]+)`", cells["its helpers"])),
        term_status=int(cells["status on SIGTERM"]),
        settle=cells["settle"],
    )
