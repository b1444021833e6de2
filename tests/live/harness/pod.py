"""The DaemonSet's container as the manifests have it, made by runc the way containerd's CRI plug-in would.

Everything comes from `kubectl kustomize`: arguments, capabilities, mounts, limits. What a kubelet and
containerd add by themselves is written out here. Only the sources of mounts differ: the state of a
containerd of the tests' own, and places of this test for what is written.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from . import cgroup, command, machine
from .agent import Agent
from .lastout import Done
from .service import Service

KUBERNETES = machine.ROOT / "deploy" / "kubernetes"
PATIENCE_S = 60.0

# pkg/cri/opts and pkg/oci of containerd: what a container has that asks for nothing.
DEFAULT_MOUNTS = [
    ("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
    ("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    ("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
    ("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
    ("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
]
MASKED = ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
          "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"]  # fmt: skip
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
PROPAGATION = {"HostToContainer": "rslave", "Bidirectional": "rshared"}
UNITS = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


def manifests() -> list[dict[str, Any]]:
    yaml = pytest.importorskip("yaml")
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    return list(yaml.safe_load_all(command.call("kubectl", "kustomize", KUBERNETES)))


def the(kind: str, objects: list[dict[str, Any]]) -> dict[str, Any]:
    [found] = [item for item in objects if item["kind"] == kind]
    return found


def build_image(archive: Path, name: str) -> None:
    if not shutil.which("buildah"):
        pytest.skip("buildah is not installed")
    command.call(machine.ROOT / "tools" / "build-image", archive, name)


def unpack_image(directory: Path) -> Path:
    """Build it, and return its root file system."""
    archive, rootfs = directory / "image.tar", directory / "rootfs"
    build_image(archive, "lastout:live")
    rootfs.mkdir()
    with tarfile.open(archive) as tar:
        [manifest] = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        config = json.load(tar.extractfile(manifest["Config"]))  # type: ignore[arg-type]
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=tar.extractfile(layer)) as content:
                content.extractall(rootfs)
    (directory / "config.json").write_text(json.dumps(config["config"]))
    return rootfs


def size_bytes(quantity: str) -> int:
    return int(quantity[:-2]) * UNITS[quantity[-2:]]


QUICK = "defaults: {restart_settle: 200ms}\n"
"""In addition to the configuration as delivered: the tasks of tests are short, or fail."""


class Pod:
    """sources: what stands in for the node's own, by hostPath; config: another one than the manifests'."""

    def __init__(
        self, image: Path, bundle: Path, sources: dict[str, Path], config: str | None = None
    ) -> None:
        self.name = f"lotest-{bundle.name}"
        self.image = json.loads((image.parent / "config.json").read_text())
        self._bundle = bundle
        objects = manifests()
        self.spec = the("DaemonSet", objects)["spec"]["template"]["spec"]
        [self.container] = self.spec["containers"]
        bundle.mkdir()
        files = bundle / "config"
        files.mkdir()
        for name, text in the("ConfigMap", objects)["data"].items():
            (files / name).write_text(config or f"{text}{QUICK}")
        self._volumes = {v["name"]: self._source(v, files, sources) for v in self.spec["volumes"]}
        rootfs = bundle / "rootfs"
        shutil.copytree(image, rootfs)
        (bundle / "config.json").write_text(json.dumps(self._orders(rootfs), indent=1))

    @staticmethod
    def _source(volume: dict[str, Any], files: Path, sources: dict[str, Path]) -> Path:
        if "configMap" in volume:
            return files
        path = volume["hostPath"]["path"]
        return sources.get(path, Path(path))

    def _orders(self, rootfs: Path) -> dict[str, Any]:
        rights = self.container["securityContext"]
        assert rights["capabilities"]["drop"] == ["ALL"]
        capabilities = [f"CAP_{name}" for name in rights["capabilities"]["add"]]
        assert self.spec["hostPID"]
        kinds = ["mount", "ipc", "uts", "network"]
        # Not privileged, and so in a cgroup namespace of its own where there is cgroup2 only.
        if machine.is_pure_v2() and not rights["privileged"]:
            kinds.append("cgroup")
        linux: dict[str, Any] = {
            "cgroupsPath": f"/{self.name}",
            "namespaces": [{"type": kind} for kind in kinds],
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        }
        if machine.has_memory_controller():
            limit = size_bytes(self.container["resources"]["limits"]["memory"])
            linux["resources"]["memory"] = {"limit": limit}
        return {
            "ociVersion": "1.0.2",
            "process": {
                "args": [*self.image["Entrypoint"], *self.container["args"]],
                "cwd": "/",
                "env": self.image["Env"],
                "user": {"uid": rights["runAsUser"], "gid": 0},
                "noNewPrivileges": not rights["allowPrivilegeEscalation"],
                "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), capabilities),
            },
            "root": {"path": str(rootfs), "readonly": rights["readOnlyRootFilesystem"]},
            "mounts": [*map(_default_mount, DEFAULT_MOUNTS), *self._mounts()],
            "linux": linux,
        }

    def _mounts(self) -> list[dict[str, Any]]:
        return [
            {
                "destination": mount["mountPath"],
                "type": "bind",
                "source": str(self._volumes[mount["name"]]),
                "options": [
                    "rbind",
                    PROPAGATION.get(mount.get("mountPropagation", "None"), "rprivate"),
                    "ro" if mount.get("readOnly") else "rw",
                ],
            }
            for mount in sorted(self.container["volumeMounts"], key=lambda m: m["mountPath"])
        ]

    def start(self) -> PodAgent:
        return PodAgent(self)

    def run_command(self) -> list[str | Path]:
        return ["runc", "run", "--bundle", self._bundle, self.name]

    def execute(self, *args: str) -> Done:
        """As `kubectl exec` does."""
        return subprocess.run(
            ["runc", "exec", self.name, *args], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    def pid(self) -> int:
        return json.loads(command.call("runc", "state", self.name))["pid"]

    def get(self, path: str) -> str:
        """What the port answers, asked from within the pod's network, as a kubelet's probe asks."""
        port = self.container["ports"][0]["containerPort"]
        script = f"import urllib.request as r; print(r.urlopen('http://127.0.0.1:{port}{path}').read().decode())"
        network = f"--net=/proc/{self.pid()}/ns/net"
        return command.call("nsenter", network, "/usr/bin/python3", "-c", script)

    def memory_bytes(self) -> int:
        """The most that its cgroup held, maps and all; where nobody counts that, its parts as they are now."""
        pid = self.pid()
        if not machine.has_memory_controller():
            return _resident_bytes(pid) + _maps_bytes(pid)
        directories = cgroup.directories(pid)
        names = ("memory.peak", "memory.max_usage_in_bytes")
        [path] = [d / name for d in directories for name in names if (d / name).exists()]
        return int(path.read_text())


class PodAgent(Agent):
    def __init__(self, pod: Pod) -> None:
        self.pod = pod
        Service.__init__(self, command=pod.run_command())

    def clean_up(self) -> None:
        try:
            super().clean_up()
        finally:
            command.call("runc", "delete", "--force", self.pod.name)


def _resident_bytes(pid: int) -> int:
    return int(re.findall(r"^VmRSS:\s+(\d+) kB", _read(f"/proc/{pid}/status"), re.M)[0]) << 10


def _maps_bytes(pid: int) -> int:
    """What fdinfo tells of each BPF map that it has open."""
    infos = (_read(info) for info in Path(f"/proc/{pid}/fdinfo").iterdir())
    maps = {
        int(re.findall(r"^map_id:\s+(\d+)", info, re.M)[0]): int(found[0])
        for info in infos
        if "map_id:" in info and (found := re.findall(r"^memlock:\s+(\d+)", info, re.M))
    }
    return sum(maps.values())


def _read(path: str | Path) -> str:
    return Path(path).read_text(errors="replace")


def _default_mount(mount: tuple[str, str, str, list[str]]) -> dict[str, Any]:
    destination, kind, source, options = mount
    return {"destination": destination, "type": kind, "source": source, "options": options}
