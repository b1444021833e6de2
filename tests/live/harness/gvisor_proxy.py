"""A sandbox's control socket as one that is out of reach for a while, or refuses a call."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from pathlib import Path
from typing import Iterator

from .gvisor import Guest


class Proxy:
    """In the place of a socket that is a file. Knows calls without descriptors."""

    def __init__(self, place: Path, behind: Path) -> None:
        self.refused = 0
        self._left = 0
        self._behind = behind
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(_short(place))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def refuse_signals(self, count: int) -> None:
        """The next so many of them."""
        self._left = count

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                with caller, contextlib.suppress(OSError, ValueError):
                    caller.sendall(self._answer(_read_whole(caller)))

    def _answer(self, request: bytes) -> bytes:
        if self._left and json.loads(request)["method"] == "containerManager.Signal":
            self._left -= 1
            self.refused += 1
            return json.dumps({"success": False, "err": "not now", "result": None}).encode()
        with socket.socket(socket.AF_UNIX) as sandbox:
            sandbox.connect(_short(self._behind))
            sandbox.sendall(request)
            return _read_whole(sandbox)


def _short(path: Path) -> str:
    assert len(str(path)) < 108
    return str(path)


def _read_whole(connection: socket.socket) -> bytes:
    """One object, or what came before the end."""
    said = b""
    while part := connection.recv(65536):
        said += part
        with contextlib.suppress(ValueError):
            json.loads(said)
            break
    return said


@contextlib.contextmanager
def out_of_reach(guest: Guest) -> Iterator[Path]:
    """Renamed; its new path."""
    place = guest.control_socket
    away = place.with_suffix(".away")
    place.rename(away)
    try:
        yield away
    finally:
        away.rename(place)


@contextlib.contextmanager
def proxy(guest: Guest) -> Iterator[Proxy]:
    place = guest.control_socket
    with out_of_reach(guest) as away:
        made = Proxy(place, away)
        try:
            yield made
        finally:
            made.close()
            place.unlink()
