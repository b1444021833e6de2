#!/usr/bin/python3
"""Runs the tests' commands inside the virtual machine.

Reads one JSON object a line from a virtio port: {"id", "argv", "input", "timeout_s"}. Writes
{"id", "status", "out", "err"} when the command has ended; status is null if it did not end in time.
Each command runs in a thread of its own, so that a test can wait for a container and do something
else meanwhile.
"""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from typing import BinaryIO, Iterator

PORT = "/dev/virtio-ports/lastout.tests"


def run(request: dict) -> dict:
    # Files and not pipes, and a session of its own: what a command leaves in the background holds
    # neither the answer nor, if it takes too long, its own end back.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                request["argv"],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                cwd="/root",
                start_new_session=True,
            )
            status = end_of(process, request)
        except OSError as error:
            status = 127
            err.write(str(error).encode())
        return {"id": request["id"], "status": status, "out": text_of(out), "err": text_of(err)}


def end_of(process: subprocess.Popen, request: dict) -> "int | None":
    try:
        process.communicate(request["input"].encode(), request["timeout_s"])
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None
    return process.returncode


def text_of(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def main() -> None:
    while not os.path.exists(PORT):  # until udev has seen it
        time.sleep(0.2)
    port = os.open(PORT, os.O_RDWR)
    lock = threading.Lock()

    def serve(request: dict) -> None:
        data = (json.dumps(run(request)) + "\n").encode()
        with lock:
            while data:
                data = data[os.write(port, data) :]

    for line in requests(port):
        threading.Thread(target=serve, args=(json.loads(line),), daemon=True).start()


def requests(port: int) -> Iterator[bytes]:
    """Lines, across connections of the other side: without one, a read returns nothing."""
    buffer = b""
    while True:
        data = os.read(port, 65536)
        if not data:
            buffer = b""
            time.sleep(0.2)
        *lines, buffer = (buffer + data).split(b"\n")
        yield from lines


main()
