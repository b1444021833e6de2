"""A shell on a terminal, with somebody at its keys."""

from __future__ import annotations

import os
import pty
import select
import time
from pathlib import Path

PATIENCE_S = 30.0
TAB = b"\t"
SHOW = b"\x07"
"""Ctrl-G, bound by the set-up to print the line as it is, between two marks."""
CLEAR = b"\x15"


class Terminal:
    def __init__(self, command: list[str], environment: dict[str, str], setup: str) -> None:
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            try:
                os.execvpe(command[0], command, {**environment, "TERM": "dumb", "COLUMNS": "500"})
            finally:
                os._exit(127)
        self._seen = b""
        self._send(setup.encode() + b"; echo READY-$((40+2))\n")
        self._await(b"READY-42")

    def complete(self, line: str) -> str:
        """What becomes of the line when somebody types it and presses Tab."""
        self._seen = b""
        self._send(CLEAR + line.encode() + TAB + SHOW)
        self._await(b"]]]")
        return self._seen.rpartition(b"]]]")[0].rpartition(b"[[[")[2].decode()

    def close(self) -> None:
        os.close(self._fd)
        os.kill(self._pid, 9)
        os.waitpid(self._pid, 0)

    def _send(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def _await(self, text: bytes) -> None:
        end = time.monotonic() + PATIENCE_S
        while text not in self._seen:
            rest = end - time.monotonic()
            assert rest > 0 and select.select([self._fd], [], [], rest)[0], self._seen[-2000:]
            self._seen += os.read(self._fd, 65536)


def bash(environment: dict[str, str], script: Path) -> Terminal:
    show = r"""bind -x '"\C-g": printf "[[[%s]]]\n" "$READLINE_LINE"'"""
    setup = f"stty -echo; bind 'set bell-style none'; bind 'set page-completions off'; {show}; . {script}"
    return Terminal(["bash", "--norc", "--noprofile", "-i"], environment, setup)


def zsh(environment: dict[str, str], folder: Path) -> Terminal:
    show = r"""show() { zle -I; print -r -- "[[[$BUFFER]]]" }; zle -N show; bindkey '^G' show"""
    setup = f"unsetopt beep; fpath=({folder} $fpath); autoload -Uz compinit; compinit -D -u; {show}"
    return Terminal(["zsh", "-f", "-i"], environment, setup)
