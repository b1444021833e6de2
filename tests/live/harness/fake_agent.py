"""A socket that answers as an agent would, for tests of the commands that ask it."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any, Callable

Answer = Callable[[socket.socket], None]


def reply(body: Any, status: int = 200) -> Answer:
    """A whole answer."""
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\n\r\n".encode()
    return lambda client: client.sendall(head + text)


def never(client: socket.socket) -> None:
    """Hold the request until the client goes."""
    while client.recv(4096):
        pass


class FakeAgent:
    """Answers `METHOD /target` by a table, which may change meanwhile; 404 for all else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers: dict[str, Answer] = {}
        self.requests: list[str] = []
        self.asked = threading.Condition()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def await_request(self, request: str, patience_s: float = 30.0) -> None:
        with self.asked:
            assert self.asked.wait_for(lambda: request in self.requests, patience_s), request

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            part = client.recv(4096)
            if not part:
                return
            head += part
        request = " ".join(head.decode().split()[:2])
        answer = self.answers.get(request, reply({"error": "no such container"}, 404))
        with self.asked:
            self.requests.append(request)
            self.asked.notify_all()
        try:
            answer(client)
        except OSError:
            pass  # the client has gone, which is its right
