# SPDX-License-Identifier: Apache-2.0
"""Debian packages of other releases and other architectures, unpacked and never installed.

apt gets a configuration, lists and a cache of its own, so that nothing of this machine's changes.
It asks the mirrors that the machine's own apt uses, and the machine's proxies and keys stay in force.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

# The mirror may be a snapshot whose Release files are past their date. What is fetched never becomes
# part of the machine, and its signature is checked.
APT_CONFIG = """
Dir::Etc::sourcelist "{directory}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "{directory}";
Dir::State::lists "{directory}/lists";
Dir::State::status "/dev/null";
Dir::Cache "{directory}/cache";
Dir::Log "{directory}";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
Acquire::Retries "2";
"""
RELEASE = re.compile(r"(bullseye|bookworm|trixie|forky|sid)(-|$)")
KEYS = "signed-by=/usr/share/keyrings/debian-archive-keyring.gpg"


class MirrorError(Exception):
    pass


@dataclass
class Package:
    name: str
    full_version: str
    size_bytes: int

    @property
    def version(self) -> str:
        """Upstream's."""
        return re.split(r"[-+~]", self.full_version)[0]


class Apt:
    def __init__(
        self, directory: Path, architecture: str, suites: list[str], more_sources: str = ""
    ) -> None:
        """`directory` is its own, and empty. `more_sources`: lines of sources.list."""
        self.directory = directory
        for name in ("lists/partial", "cache/archives/partial"):
            (directory / name).mkdir(parents=True)
        lines = [f"deb [arch={architecture} {KEYS}] {rest}" for rest in sources(suites)]
        lines += more_sources.splitlines()
        if not lines:
            raise MirrorError("this machine's apt has no Debian mirror; run `apt-get update`?")
        (directory / "sources.list").write_text("".join(f"{line}\n" for line in lines))
        (directory / "apt.conf").write_text(
            APT_CONFIG.format(directory=directory, architecture=architecture)
        )

    def run(self, *command: str, check: bool = True) -> str:
        environment = {**os.environ, "APT_CONFIG": str(self.directory / "apt.conf"), "LC_ALL": "C"}
        done = subprocess.run(
            command, env=environment, cwd=self.directory, stdout=subprocess.PIPE, text=True, check=False
        )
        if check and done.returncode != 0:
            raise MirrorError(f"`{' '.join(command)}` ended with status {done.returncode}")
        return done.stdout

    def packages(self, pattern: str) -> list[Package]:
        """What the suites offer under such names. A suite that is not there is done without."""
        self.run("apt-get", "-qq", "update", check=False)
        found = []
        names = re.compile(pattern)
        stanzas = self.run("apt-cache", "dumpavail").split("\n\n")
        if len(stanzas) < 2:
            raise MirrorError("no list of packages could be fetched; apt's reasons are above")
        for stanza in stanzas:
            fields = dict(re.findall(r"^(Package|Version|Size): (.*)$", stanza, re.MULTILINE))
            if names.fullmatch(fields.get("Package", "")):
                found.append(Package(fields["Package"], fields["Version"], int(fields["Size"])))
        return found

    def unpack(self, name: str, to: Path, version: str | None = None) -> None:
        """The newest, if no version is given."""
        self.run("apt-get", "-qq", "download", f"{name}={version}" if version else name)
        [archive] = self.directory.glob(f"{name}_*.deb")
        if subprocess.run(["dpkg", "-x", archive, to], check=False).returncode != 0:
            raise MirrorError(f"{archive.name} could not be unpacked into {to}")
        archive.unlink()


def sources(suites: list[str]) -> list[str]:
    """The suites, each on the mirror from which this machine's apt takes its own."""
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages"],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    lines = []
    for uri, codename, component in (line.split() for line in targets):
        is_security = codename.endswith("-security")
        if component == "main" and RELEASE.match(codename):
            lines += [
                f"{uri} {suite} main" for suite in suites if suite.endswith("-security") == is_security
            ]
    return list(dict.fromkeys(lines))
