# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry on a loopback address, with base images under the names that users pull: what L(pulled) does, without a network.

The program is Debian's docker-registry, unpacked and not installed. The images are made of the stand-ins; podman finds them by
a configuration of the lab's own, which sends all names below quay.io/centos here.
"""

from __future__ import annotations

import contextlib
import http.client
import pathlib
import shutil
import subprocess
import time
import typing as t

from . import debs, pulled, rpms, unpacked
from .common import LAB, LabError, run, say
from .images import Image

PACKAGE, SUITE = "docker-registry", "bookworm"
PORT = 5000
START_SECONDS = 20
PREFIX = "quay.io/centos"
SERVER = """\
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {data}}}}}
http: {{addr: "{address}"}}
"""
# In place of the location and not as a mirror of it: a mirror that fails is followed by the location.
CLIENT = """\
unqualified-search-registries = []
[[registry]]
prefix = "{prefix}"
location = "{address}/centos"
insecure = true
"""
# What the base image of CentOS has, and the stand-in has from Debian.
FACE = ("python3", "dnf", "python3-dnf", "python3-rpm", "iproute", "procps-ng")
FACE_SPEC = """\
Name: base-image
Version: {stream}
Release: 1.el{stream}
Summary: What the base image has, by its names in CentOS
License: GPL-3.0-or-later
BuildArch: noarch
{provides}
%description
What the base image has, by its names in CentOS.
%files
"""
# By this name CentOS has it, and Debian links it.
SSHD = "usr/lib/systemd/system/sshd.service"
SSHD_UNIT = """\
[Unit]
Description=OpenSSH server
After=network.target

[Service]
RuntimeDirectory=sshd
ExecStart=/usr/sbin/sshd -D
KillMode=process

[Install]
WantedBy=multi-user.target
"""
# Debian's unit, enabled by its own name, would have a link of the name that CentOS has, and that is no name to enable a unit by.
PRESET = "usr/lib/systemd/system-preset/80-base.preset"
PRESET_TEXT = "disable ssh.service\nenable sshd.service\n"
# What the build of the host image brings.
BROUGHT = ("root/.ssh/authorized_keys", "usr/sbin/lab-init", "etc/systemd/system/sshd.service",
           "etc/systemd/system/multi-user.target.wants/ssh.service")


class Registry:
    """A registry that runs, or did."""

    def __init__(self, apt: debs.Apt, address: str) -> None:
        self.address = f"{address}:{PORT}"
        self.folder = LAB / "registry"
        self.configuration = self.folder / "registries.conf"
        self._program = unpacked.folder(apt, SUITE, [PACKAGE]) / "usr/bin" / PACKAGE
        self._process: subprocess.Popen[bytes] | None = None
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / "server.yml").write_text(SERVER.format(data=self.folder / "data", address=self.address))
        self.configuration.write_text(CLIENT.format(prefix=PREFIX, address=self.address))

    def start(self) -> None:
        """Start to serve, until L(stop) or the end of this process."""
        with open(self.folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", str(self._program), "serve", str(self.folder / "server.yml")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise LabError(f"the registry did not start: see {self.folder / 'server.log'}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop to serve; what was pushed stays."""
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(self.address, timeout=2)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def push(self, stream: int, image: Image) -> None:
        """Push a base image made of a stand-in under the name that users pull."""
        name = f"{self.address}/centos/{pulled.REGISTRY[stream].rpartition('/')[2]}"
        say(f"pushing a base image of Stream {stream} to the registry")
        with _base(image, stream, self.folder / f"base-{stream}") as root:
            archive = self.folder / f"base-{stream}.tar"
            run(["tar", "-c", "--numeric-owner", "--xattrs-include=*", "--file", archive, "--directory", root, "."])
        run(["podman", "import", "--quiet", archive, name])
        archive.unlink()
        try:
            run(["podman", "push", "--quiet", "--tls-verify=false", name])
        finally:
            run(["podman", "rmi", name])


@contextlib.contextmanager
def _base(image: Image, stream: int, folder: pathlib.Path) -> t.Iterator[pathlib.Path]:
    """Have, for a while, the root of a stand-in as a base image: no ssh server, and nothing of the lab but its repositories."""
    for part in ("upper", "work", "root"):
        (folder / part).mkdir(parents=True)
    root = folder / "root"
    run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={image.root},upperdir={folder}/upper,workdir={folder}/work", root])
    try:
        for name in BROUGHT:
            (root / name).unlink()
        _without_server(root, stream)
        (root / SSHD).write_text(SSHD_UNIT)
        (root / PRESET).write_text(PRESET_TEXT)
        _register_face(root, stream, folder)
        yield root
    finally:
        run(["umount", root])
        shutil.rmtree(folder)


def _without_server(root: pathlib.Path, stream: int) -> None:
    """Take away what the package openssh-server brings. Configuration and user stay: Debian makes them by a script."""
    package = rpms.find_packages(stream, ["openssh-server"])[0]
    for path in run(["rpm", "-qlp", "--nosignature", package]).splitlines():
        there = root / path.lstrip("/")
        if not path.startswith("/etc/") and (there.is_symlink() or there.is_file()):
            there.unlink()


def _register_face(root: pathlib.Path, stream: int, scratch: pathlib.Path) -> None:
    """Have the root's package database know what the base image has."""
    spec = scratch / "base-image.spec"
    spec.write_text(FACE_SPEC.format(stream=stream, provides="\n".join(f"Provides: {name}" for name in FACE)))
    run(["rpmbuild", "-bb", "--define", f"_topdir {scratch}/top", "--define", f"_rpmdir {scratch}/out", spec])
    package = next((scratch / "out").rglob("*.rpm"))
    shutil.copy(package, root / "var/tmp/base-image.rpm")
    run(["chroot", root, "rpm", "-i", "--nosignature", "/var/tmp/base-image.rpm"])
    (root / "var/tmp/base-image.rpm").unlink()
