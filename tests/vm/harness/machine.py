"""A virtual machine under software emulation, and a channel for commands.

The disk is an overlay over a cached image, so a run starts from the image and leaves it as it was. Files that
the tests need inside come on a second disk, which is a plain tar archive.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Callable, Iterator

from .deadline import PATIENCE_S, wait_until

ROOT = Path(__file__).resolve().parents[3]
LOGS = ROOT / "build" / "vm"
MEMORY_MB = 2048
# Without -cx16 some kernels crash: QEMU 7.2 emulates cmpxchg16b wrongly. For the other features udev loads modules
# that test themselves, which is slow under emulation.
PROCESSOR = "max,-cx16,-svm,-aes,-pclmulqdq"
QEMU = (
    *("qemu-system-x86_64", "-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", PROCESSOR),
    *("-smp", "2", "-m", str(MEMORY_MB), "-nodefaults", "-no-reboot", "-display", "none"),
)
# A kernel that is in trouble ends the machine, instead of waiting for someone at a console.
KERNEL_OPTIONS = "root=/dev/vda rw console=ttyS0 panic=-1 oops=panic"
BOOT_S = 600


class MachineDied(AssertionError):
    """The emulator ended, so that no later command can run either."""


@dataclass
class Done:
    """What came of a command."""

    status: int | None
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out.strip()


class CommandFailed(AssertionError):
    pass


class Machine:
    def __init__(self, release: str, make_files: Callable[[], dict[str, Path]], more_options: str = "") -> None:
        """The files appear below /opt/tests in the machine, by their names, executable."""
        self.release = release
        self._options = f"{KERNEL_OPTIONS} {more_options}".rstrip()
        self._directory = LOGS / release
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[Done]] = {}
        self._lock = threading.Lock()
        self._boots = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._overlay = self._directory / "overlay.qcow2"
        self._files = self._directory / "files.tar"
        self._channel = self._directory / "channel"
        self.console = self._directory / "console.1.log"
        self.was_kept = self.is_kept()
        if not self.was_kept:
            self._image = build_image(release)
            self._make_disks(make_files())

    def _make_disks(self, files: dict[str, Path]) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)
        backing = ("-b", str(self._image / "disk"), "-F", "raw")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, self._overlay], check=True)
        agent = ROOT / "tests" / "vm" / "guest" / "test-agent.py"
        write_tar(self._files, {"test-agent": agent, **files})

    def is_kept(self) -> bool:
        """Whether an earlier run, with LASTOUT_VM_KEEP, left it running."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(os.path.relpath(self._channel))
            return True
        return False

    def boot(self) -> None:
        """Returns once the machine runs commands, which is before all of its units are up."""
        if self.is_kept():
            self._connect()
            return
        self._boots += 1
        self.console = self._directory / f"console.{self._boots}.log"
        self._channel.unlink(missing_ok=True)
        command = [
            *QEMU,
            *("-kernel", self._image / "vmlinuz", "-initrd", self._image / "initrd", "-append", self._options),
            *("-drive", f"file={self._overlay},format=qcow2,if=virtio,cache=unsafe,discard=unmap"),
            *("-drive", f"file={self._files},format=raw,if=virtio,readonly=on"),
            *("-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
            *("-chardev", f"socket,id=channel,path={self._channel},server=on,wait=off"),
            *("-device", "virtserialport,chardev=channel,name=lastout.tests"),
            *("-serial", f"file:{self.console}"),
        ]
        # A session of its own: Ctrl-C is for the tests, which then end the machine.
        with open(self._directory / "qemu.log", "ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        wait_until("QEMU's socket", lambda: self._channel.exists() or self._has_ended())
        self._connect()

    def _connect(self) -> None:
        """What is sent before the machine listens waits in the socket."""
        self._check_alive()
        self._socket = socket.socket(socket.AF_UNIX)
        # A path longer than 107 bytes is no address.
        self._socket.connect(os.path.relpath(self._channel))
        threading.Thread(target=self._read, args=(self._socket,), daemon=True).start()
        self.run("true", timeout_s=BOOT_S)

    def reboot(self) -> None:
        """As an administrator does it. The emulator ends where hardware would start again."""
        self.start("systemctl reboot")
        wait_until("the machine to end", self._has_ended, BOOT_S)
        self._socket.close()
        self.boot()

    def start(self, command: str, stdin: str = "", timeout_s: float = PATIENCE_S) -> Future[Done]:
        """Runs a shell command, as root, without waiting for it."""
        return self._send(["sh", "-c", command], stdin, timeout_s)

    def try_run(self, command: str, stdin: str = "", timeout_s: float = PATIENCE_S) -> Done:
        """Runs it, whatever its status is."""
        begin = time.monotonic()
        done = self.start(command, stdin, timeout_s).result(timeout_s + PATIENCE_S)
        with open(self._directory / "commands.log", "a") as log:
            log.write(f"{time.monotonic() - begin:6.1f} s, status {done.status}: {command.strip().splitlines()[-1]}\n")
        return done

    def run(self, command: str, stdin: str = "", timeout_s: float = PATIENCE_S) -> str:
        """What it wrote to its standard output. Any other status than 0 is a failure."""
        done = self.try_run(command, stdin, timeout_s)
        if done.status != 0:
            raise CommandFailed(f"`{command}`: status {done.status}\n{done.out[-3000:]}{done.err[-3000:]}")
        return done.text

    def write(self, path: str, text: str) -> None:
        self.run(f"mkdir -p {quote(os.path.dirname(path))} && cat > {quote(path)}", text)

    def exists(self, path: str) -> bool:
        return self.try_run(f"[ -e {quote(path)} ]").status == 0

    def await_true(self, what: str, command: str) -> None:
        """Until the command's status is 0."""
        wait_until(what, lambda: self.try_run(command).status == 0, poll_s=0.3)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            journal = self.try_run("journalctl --no-pager --boot all --output short-precise", timeout_s=60)
            (self._directory / "journal.log").write_text(journal.out)
        if not self._process or os.environ.get("LASTOUT_VM_KEEP"):
            return
        self._process.kill()
        self._process.wait()
        self._socket.close()
        for path in (self._overlay, self._files, self._channel):
            path.unlink(missing_ok=True)

    def _has_ended(self) -> bool:
        return bool(self._process) and self._process.poll() is not None

    def _send(self, argv: list[str], stdin: str, timeout_s: float) -> Future[Done]:
        self._check_alive()
        number = next(self._numbers)
        answer: Future[Done] = Future()
        self._waiting[number] = answer
        request = {"id": number, "argv": argv, "input": stdin, "timeout_s": timeout_s}
        with self._lock:
            self._socket.sendall((json.dumps(request) + "\n").encode())
        return answer

    def _read(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection.makefile("rb") as lines:
            for line in lines:
                reply = json.loads(line)
                if waiting := self._waiting.pop(reply["id"], None):
                    waiting.set_result(Done(reply["status"], reply["out"], reply["err"]))
        waiting_now, self._waiting = self._waiting, {}
        for waiting in waiting_now.values():
            waiting.set_exception(MachineDied(f"the machine ended; {self._last_words()}"))

    def _check_alive(self) -> None:
        if self._has_ended():
            raise MachineDied(f"QEMU ended; {self._last_words()}")

    def _last_words(self) -> str:
        text = self.console.read_text(errors="replace") if self.console.exists() else ""
        return f"the end of {self.console}:\n" + "\n".join(text.splitlines()[-20:])


def write_tar(path: Path, files: dict[str, Path]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            data = content.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            archive.addfile(entry, io.BytesIO(data))
    # A disk is a whole number of sectors.
    os.truncate(path, -(-path.stat().st_size // 4096) * 4096)


@contextlib.contextmanager
def running(machine: Machine) -> Iterator[Machine]:
    try:
        machine.boot()
        yield machine
    finally:
        machine.close()


def build_image(release: str) -> Path:
    command = [ROOT / "tools" / "build-vm-image", release]
    return Path(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip())


def stop_on_term() -> None:
    """However a run is ended, its machine is, too."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
