# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A throw-away package database, made by the tools of rpm, for tests that read a real one, and a clock that moves on at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import audit

TOOLS = ("rpm", "rpmbuild", "rpmsign", "gpg")

SPEC = """\
Name: {name}
Epoch: {epoch}
Version: {version}
Release: {release}
Summary: A package of the tests
License: GPL-3.0-or-later
{vendor}
{provides}
BuildArch: noarch
%description
A package of the tests.
{subpackages}
%files
"""
SUBPACKAGE = """\
%package {name}
Summary: A sub-package of the tests
%description {name}
A sub-package of the tests.
%files {name}
"""


def _defines(macros):
    return [part for macro in macros for part in ("--define", macro)]


class RpmRoot:
    """Builds, signs and installs packages below a folder of its own."""

    def __init__(self, folder):
        self.root = str(folder / "root")
        self.home = folder
        self.fingerprint = None
        os.makedirs(self.root)
        self._rpm("--initdb")

    def _call(self, *argv, **env):
        return subprocess.run(
            argv,
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(os.environ, LANG="C", GNUPGHOME=str(self.home / "gnupg"), **env),
        ).stdout.decode()

    def _rpm(self, *argv):
        return self._call("rpm", "--root", self.root, *argv)

    def make_key(self, uid):
        """Make a signing key, import it into the database, and return its fingerprint."""
        (self.home / "gnupg").mkdir(mode=0o700)
        self._call("gpg", "--batch", "--passphrase", "", "--quick-gen-key", uid, "rsa2048", "sign", "never")
        listing = self._call("gpg", "--list-keys", "--with-colons")
        self.fingerprint = [line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:")][0].lower()
        # rpm chroots before it reads the key.
        (self.home / "root" / "key.asc").write_text(self._call("gpg", "--armor", "--export"))
        self._rpm("--import", str(self.home / "root" / "key.asc"))
        return self.fingerprint

    def install(self, name, version, release, epoch=0, vendor=None, subpackages=(), sign=False, provides=""):
        """Build a source package with its sub-packages and install the binaries."""
        top = self.home / f"build-{name}-{version}-{release}"
        top.mkdir()
        spec = top / "a.spec"
        spec.write_text(
            SPEC.format(
                name=name,
                version=version,
                release=release,
                epoch=epoch,
                vendor="Vendor: " + vendor if vendor else "",
                provides="Provides: " + provides if provides else "",
                subpackages="".join(SUBPACKAGE.format(name=sub) for sub in subpackages),
            )
        )
        # A database of its own: rpmbuild would create one for the user.
        macros = (f"_topdir {top}", "_dbpath {}".format(top / "db"))
        self._call("rpmbuild", "-bb", "--quiet", *_defines(macros), str(spec))
        files = sorted(str(path) for path in top.glob("RPMS/*/*.rpm"))
        if sign:
            # rpm looks for gpg2, which Debian calls gpg.
            macros = ("__gpg " + shutil.which("gpg"), "_gpg_name " + self.fingerprint)
            self._call("rpmsign", *_defines(macros), "--addsign", *files)
        # --force: two versions of one name side by side, as an interrupted transaction leaves them.
        self._rpm("-i", "--nodeps", "--noscripts", "--justdb", "--force", *files)


@pytest.fixture
def rpm_root(tmp_path):
    """A package database below a temporary root; skips where rpm's bindings or tools are missing."""
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip("tools to build a package database are missing: " + ", ".join(missing))
    return RpmRoot(tmp_path)


class FakeHost:
    """A root to put files into, and a run that answers from a table of recorded output."""

    def __init__(self, folder):
        self.folder = folder
        self.root = str(folder)
        self.answers = {}
        self.notes = []

    def write(self, path, content="", mode=None):
        """Put a file below the root."""
        target = self.folder / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
        if mode is not None:
            target.chmod(mode)
        return target

    def link(self, path, target):
        """Put a symbolic link below the root."""
        place = self.folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def answer(self, command, out="", rc=0, err=""):
        """Record what a command line answers; a name alone answers for all its arguments."""
        self.answers[command] = (rc, out, err)

    def run(self, argv):
        """Answer as a host would; what was not recorded is not installed."""
        missing = (127, "", "No such file or directory")
        return self.answers.get(" ".join(argv), self.answers.get(argv[0], missing))

    def note(self, what, reason):
        """Keep what could not be read."""
        self.notes.append((what, reason))


@pytest.fixture
def host(tmp_path):
    """A host without anything."""
    return FakeHost(tmp_path)


class Clock:
    """Stands for module time: what sleeps moves it on at once."""

    def __init__(self):
        self.slept = []
        self.began = time.time()

    def time(self):
        return self.began + sum(self.slept)

    monotonic = time

    def sleep(self, seconds):
        self.slept.append(seconds)


@pytest.fixture(name="clock", autouse=True)
def fixture_clock(monkeypatch):
    """The clock by which the logs of SELinux are awaited."""
    clock = Clock()
    monkeypatch.setattr(audit, "time", clock)
    return clock
