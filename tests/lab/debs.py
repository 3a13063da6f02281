# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages of several suites, through apt itself with a configuration of its own (so: signatures checked)."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import time
import typing as t

from .architecture import HOSTS
from .common import ROOT, LabError, run, say

SUITES = ("bookworm", "bookworm-backports", "trixie", "trixie-backports", "unstable")
FRESH_SECONDS = 12 * 3600
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def mirror() -> str:
    """Return the Debian mirror that this machine is configured for."""
    for path in [*sorted(pathlib.Path("/etc/apt/sources.list.d").glob("*")), pathlib.Path("/etc/apt/sources.list")]:
        for line in path.read_text().splitlines() if path.is_file() else []:
            found = re.match(r"^(?:URIs:\s*|deb\s+(?:\[[^\]]*\]\s*)?)(\S+/debian/?)(?:\s|$)", line)
            if found:
                return found.group(1)
    raise LabError("no Debian mirror is configured for apt on this machine: the stand-in images need one")


class Apt:
    """apt on the lab's suites. What it said is kept for some hours, so that most commands of the lab never ask it."""

    def __init__(self) -> None:
        self.folder = ROOT / "apt"
        for part in ("state/lists/partial", "cache/archives/partial", "debs"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        source = mirror()
        lines = [f"deb [signed-by={KEYRING}] {source} {suite} main\n" for suite in SUITES]
        (self.folder / "sources.list").write_text("".join(lines))
        self._said = self.folder / "said.json"
        fresh = self._said.exists() and time.time() - self._said.stat().st_mtime < FRESH_SECONDS
        kept = json.loads(self._said.read_text()) if fresh else {"versions": {}, "depends": {}}
        self._versions: dict[str, str] = kept["versions"]
        self._depends: dict[str, list[str]] = kept["depends"]
        self._options: list[str] = []
        for name, value in {
            "Dir::Etc::SourceList": self.folder / "sources.list", "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State": self.folder / "state", "Dir::State::status": self.folder / "status",
            "APT::Architecture": HOSTS.debian, "APT::Architectures": HOSTS.debian,
            "Dir::Cache": self.folder / "cache", "Acquire::Languages": "none", "APT::Sandbox::User": "root",
        }.items():
            self._options += ["-o", f"{name}={value}"]

    def _ask(self, *arguments: str) -> str:
        """Ask apt, reading the suites' indexes first when what they said is no longer kept."""
        if not self._versions and not self._depends:
            say("reading the indexes of " + ", ".join(SUITES))
            run(["apt-get", *self._options, "update"])
        return run(["apt-cache", *self._options, *arguments])

    def _keep(self) -> None:
        self._said.write_text(json.dumps({"versions": self._versions, "depends": self._depends}))

    def prime(self, packages: t.Iterable[str]) -> None:
        """Look many packages up at once: apt reads its indexes for some seconds on every call."""
        unknown = sorted(name for name in packages if not any(key.startswith(f"{name} ") for key in self._versions))
        if not unknown:
            return
        for line in self._ask("madison", *unknown).splitlines():
            name, version, where = (field.strip() for field in line.split("|"))
            self._versions.setdefault(f"{name} {where.split()[1].partition('/')[0]}", version)
        self._keep()

    def version(self, package: str, suite: str) -> str:
        """Return a package's version in a suite."""
        self.prime([package])
        try:
            return self._versions[f"{package} {suite}"]
        except KeyError:
            raise LabError(f"suite {suite} of the configured Debian mirror has no package {package}") from None

    def depends(self, package: str, version: str) -> list[str]:
        """Return the names that a package depends on."""
        key = f"{package} {version}"
        if key not in self._depends:
            out = self._ask("show", f"{package}={version}")
            line = next((line for line in out.splitlines() if line.startswith("Depends:")), "Depends:")
            self._depends[key] = re.findall(r"[a-z0-9][a-z0-9.+-]+", re.sub(r"\([^)]*\)", "", line[len("Depends:"):]))
            self._keep()
        return self._depends[key]

    def download(self, package: str, version: str) -> pathlib.Path:
        """Return a package's file, fetched once."""
        target = self.folder / "debs" / f"{package}_{version.replace(':', '%3a')}.deb"
        if not target.exists():
            scratch = self.folder / "fetch" / f"{package}_{version}"
            scratch.mkdir(parents=True, exist_ok=True)
            run(["apt-get", *self._options, "download", f"{package}={version}"], cwd=scratch)
            next(scratch.glob("*.deb")).rename(target)
            scratch.rmdir()
        return target


def upstream(version: str) -> str:
    """Return the upstream part of a Debian version: C(1:6.14.2-1) gives 6.14.2, C(254.26-1~bpo12+1) gives 254.26."""
    without_epoch = version.rsplit(":", maxsplit=1)[-1]
    return re.split(r"[+~]", without_epoch.rsplit("-", 1)[0])[0]


def unpack(deb: pathlib.Path, tree: pathlib.Path) -> None:
    """Unpack a package's payload into a tree with everything below /usr, as CentOS has it."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as source:
        run_in = subprocess.run(
            ["tar", "-x", "--keep-directory-symlink", "--exclude=./usr/share/doc", "--exclude=./usr/share/locale",
             "--exclude=*.pc", "--exclude=./usr/share/lintian", "--exclude=./usr/share/bug",
             "--transform=flags=r;s,^\\./\\(lib\\|lib64\\|bin\\|sbin\\)\\(/\\|$\\),./usr/\\1\\2,", "-C", tree],
            stdin=source.stdout, check=False)
    if run_in.returncode or source.returncode:
        raise LabError(f"{deb.name} cannot be unpacked")


def conffiles(deb: pathlib.Path) -> list[str]:
    """Return the configuration files a package declares."""
    out = subprocess.run(["dpkg-deb", "--info", deb, "conffiles"], capture_output=True, text=True, check=False)
    return [line.split()[-1] for line in out.stdout.splitlines() if line.startswith("/")]
