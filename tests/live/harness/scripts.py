"""Process managers and tasks in shell, the way people write them at the end of a Dockerfile."""

from __future__ import annotations

from shlex import quote

IDLE = "exec 3<>/c/idle; while :; do read _ <&3; done"
"""For ever, and without a child: `sleep` would be a process of its own, and so a task."""


def task(command: str, go: str = "go") -> str:
    """A task that says that it is there, waits for the test's word, and then runs command.

    It stays one process from its start to its end, as long as command does not fork.
    """
    return f"sh -c {quote(waiting(command, go))} &\n"


def waiting(command: str, go: str = "go") -> str:
    return f'echo "$$" > /c/up; read _ < /c/{go}; {command}'


def manager(*tasks: str, on_term: str | None = "exit 0", then: str = IDLE) -> str:
    """A shell as PID 1: starts the tasks, reaps them, and lives on for ever.

    With on_term None SIGTERM has no handler, and the kernel drops it, as for any PID 1.
    """
    trap = "" if on_term is None else f"trap {quote(on_term)} TERM\n"
    return f"{trap}{''.join(tasks)}wait\n{then}\n"
