"""The bundle's root file system as an image that every runtime can load from a file.

An archive as `docker save` writes it: containerd and Podman read it too, and none of them asks a
registry.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path

from . import bundle

NAME = "localhost/lotest:live"

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write(archive: Path, rootfs: Path) -> None:
    layer = _layer(rootfs)
    config = _config(hashlib.sha256(layer).hexdigest())
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [NAME], "Layers": ["layer.tar"]}]
    with tarfile.open(archive, "w") as tar:
        _add(tar, "layer.tar", layer)
        _add(tar, config_name, config)
        _add(tar, "manifest.json", json.dumps(manifest).encode())


def _layer(rootfs: Path) -> bytes:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.add(rootfs, arcname=".")
    return layer.getvalue()


def _config(layer_digest: str) -> bytes:
    config = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Env": [bundle.PATH], "WorkingDir": "/tmp"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        "history": [{"created_by": "lastout's live tests"}],
    }
    return json.dumps(config).encode()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
