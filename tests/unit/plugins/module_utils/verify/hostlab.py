# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts in a folder: packages made by rpmbuild, a real database, repositories made by createrepo_c, a web server.

Nothing here touches the machine that runs the tests: databases, caches and keys lie in the tests' own folders.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts.view import View
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import installonly, rpmdb
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import headers, predict
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.builds import of_header
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.checks import AFFECTED, ALWAYS, CHECKS
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.predicted.truth import Incoming
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.swap import Installed, Swap, nevra_of

ARCH = os.uname().machine
STOCK, SIG = "CentOS", "CentOS Hyperscale SIG"
SPEC = """\
%global __os_install_post %{{nil}}
%global _build_id_links none
%global debug_package %{{nil}}
Name: {source}
{epoch}
Version: {version}
Release: {release}
Summary: A package of the tests
License: GPL-3.0-or-later
Vendor: {vendor}
AutoReqProv: no
{build_arch}
%description
A package of the tests.
%package -n {name}
Summary: A package of the tests
AutoReqProv: no
{tags}
%description -n {name}
A package of the tests.
%install
{install}
{scripts}
%files -n {name}
%defattr(-,root,root)
{files}
"""


def need(*tools):
    """Skip where rpm's bindings or a tool are missing, or where rpm could not change its root."""
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    missing = [tool for tool in ("rpm", "rpmbuild", *tools) if shutil.which(tool) is None]
    if missing:
        pytest.skip("tools are missing: " + ", ".join(missing))
    if os.geteuid() != 0:
        pytest.skip("rpm --root needs root")


def call(*argv, **env):
    """Run a program of the tests and return what it printed."""
    done = subprocess.run(
        argv, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        env=dict(os.environ, LC_ALL="C", **env))
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stdout.decode(errors='replace')}"
    return done.stdout.decode(errors="replace")


# What the packages of a kernel provide, as their spec file has it.
PROVIDED = {
    "kernel-core": ("installonlypkg(kernel)",), "kernel-modules": ("installonlypkg(kernel-module)",),
    "kernel-modules-extra": ("installonlypkg(kernel-module)",)}


class Workshop:
    """Builds packages, each spec once."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def rpm(self, name, version="1", release="1.el9", arch="noarch", epoch=None, vendor=STOCK, source=None, tags=(), files=None,
            scripts="", payload="w3.gzdio"):
        """Return the path of a package. C(files) maps paths to a text, or to a directive and a text.

        The directive C(link) makes a symbolic link to the text, C(%dir) a folder, others stand in %files as they are.
        """
        tags = [*tags, *(f"Provides: {capability}" for capability in PROVIDED.get(name, ()))]
        places, listed = [], []
        for number, (path, value) in enumerate(sorted((files or {}).items())):
            directive, content = value if isinstance(value, tuple) else ("", value)
            target = f"%{{buildroot}}{path}"
            places.append(f"mkdir -p $(dirname {target})")
            if directive == "link":
                places.append(f"ln -s '{content}' {target}")
                directive = ""
            elif directive == "%dir":
                places.append(f"mkdir -p {target}")
            else:
                places.append(f"cat > {target} <<'END{number}'\n{content}\nEND{number}" if content else f": > {target}")
            listed.append(f"{directive} {path}".strip())
        spec = SPEC.format(
            source=source or f"{name}-source", name=name, epoch=f"Epoch: {epoch}" if epoch is not None else "",
            version=version, release=release, vendor=vendor,
            build_arch="BuildArch: noarch" if arch == "noarch" else "", tags="\n".join(tags), install="\n".join(places) or ":",
            files="\n".join(listed), scripts=scripts)
        return self._built(spec, arch, payload)

    def _built(self, spec, arch, payload):
        top = self.folder / hashlib.sha256((spec + arch + payload).encode()).hexdigest()[:16]
        if not top.exists():
            top.mkdir(parents=True)
            (top / "a.spec").write_text(spec)
            defines = {"_topdir": top, "_dbpath": top / "db", "_binary_payload": payload}
            target = [] if arch in ("noarch", ARCH) else ["--target", f"{arch}-linux"]
            call("rpmbuild", "-bb", "--quiet", *target, *_defines(defines), str(top / "a.spec"))
        (path,) = top.glob("RPMS/*/*.rpm")
        return str(path)


def _defines(macros):
    return [part for name, value in macros.items() for part in ("--define", f"{name} {value}")]


class Signer:
    """Signs packages with keys of its own."""

    def __init__(self, folder):
        self.home = pathlib.Path(folder)
        self.home.mkdir(mode=0o700)
        self._fingerprints = {}

    def _gpg(self, *argv):
        return call("gpg", "--batch", *argv, GNUPGHOME=str(self.home))

    def key(self, who):
        """Return the armoured public key of somebody, made when it is first asked for."""
        if who not in self._fingerprints:
            self._gpg("--passphrase", "", "--quick-gen-key", f"{who} <{who}@example.org>", "rsa2048", "sign", "never")
            listing = self._gpg("--list-keys", "--with-colons", f"{who}@example.org")
            self._fingerprints[who] = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))
        return self._gpg("--armor", "--export", self._fingerprints[who])

    def sign(self, path, who, folder):
        """Return the path of a signed copy of a package."""
        self.key(who)
        copy = pathlib.Path(folder) / os.path.basename(path)
        shutil.copy(path, copy)
        macros = {"__gpg": shutil.which("gpg"), "_gpg_name": self._fingerprints[who]}  # rpm looks for gpg2
        call("rpmsign", *_defines(macros), "--addsign", str(copy), GNUPGHOME=str(self.home))
        return str(copy)


class Lab:
    """One host: files below a root, a database, and answers of commands."""

    def __init__(self, folder, workshop):
        self.folder = pathlib.Path(folder) / "root"
        self.root = str(self.folder)
        self.workshop = workshop
        self.answers = {}
        self.folder.mkdir(parents=True)
        call("rpm", "--root", self.root, "--initdb")
        self.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
        self.write("/etc/group", "root:x:0:\n")
        self.mount("/")

    def write(self, path, content="", mode=None):
        """Put a file below the root."""
        place = self.folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        if mode is not None:
            place.chmod(mode)
        return place

    def link(self, path, target):
        """Put a symbolic link below the root."""
        place = self.folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def mount(self, *points, fstype="xfs", options="rw,relatime"):
        """Say that file systems are mounted, on top of what was said before."""
        old = self.folder / "proc/self/mountinfo"
        known = old.read_text() if old.exists() else ""
        self.write("/proc/self/mountinfo", known + "".join(
            f"{number} 1 8:1 / {point} {options} shared:1 - {fstype} /dev/sda{number} {options}\n"
            for number, point in enumerate(points, 20)))

    def install(self, *paths, payload=False):
        """Install packages; without their payload only the database knows of them."""
        how = ["--noscripts"] if payload else ["--noscripts", "--justdb"]
        call("rpm", "--root", self.root, "-i", "--nodeps", "--force", *how, *paths)

    def have(self, name, *args, payload=False, **kwargs):
        """Build and install a package; return its path."""
        path = self.workshop.rpm(name, *args, **kwargs)
        self.install(path, payload=payload)
        return path

    def run(self, argv):
        """Answer as a host would; what was not recorded is not installed."""
        if argv[:2] == ["rpm", "-V"]:
            done = subprocess.run(
                ["rpm", "--root", self.root, *argv[1:]], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True)
            return done.returncode, done.stdout
        return self.answers.get(" ".join(argv), self.answers.get(argv[0], (127, "")))

    @property
    def view(self):
        """The host as the checks see it."""
        return View(self.root, self.run)

    def ts(self):
        """Open the database."""
        return rpmdb.transaction_set(self.root)

    def swap(self, coming=(), going=(), beside=()):
        """Return a swap: the installed builds of the same names as C(coming) go, and those of the names in C(going)."""
        ts = self.ts()
        new = [build_of(path) for path in coming]
        names = {*going, *(build.name for build in new if not installonly.is_one(build))}
        arches = {build.name: build.arch for build in new}
        leaving = [
            nevra_of(header) for header in ts.dbMatch()
            if header["name"] in names and arches.get(header["name"], header["arch"]) == header["arch"]]
        old = predict._installed_builds(ts, leaving)
        return Swap(old, new, [build_of(path) for path in beside], Installed(ts, leaving), self.view)


def build_of(path):
    """Return the build in a package file."""
    return of_header(headers.read(path))


def incoming(*paths):
    """Return packages as the fetcher hands them on."""
    return [Incoming(build_of(path), headers.read(path), path) for path in paths]


SEEN = set()


def fired(findings, check, name, *, package=None, consumers=None, severity=None):
    """Assert that exactly one finding of a check is about a subject, and that it is as the table promises; return it."""
    mine = [f for f in findings if f.check == check and f.subject.name == name and package in (None, f.subject.package)]
    assert len(mine) == 1, [(f.check, f.subject) for f in findings]
    (finding,) = mine
    row = CHECKS[check]
    expected = severity or (row.affected if finding.consumers else row.severity)
    assert finding.severity == expected, finding
    assert finding.verb == row.verb
    hit = bool(finding.consumers)
    if not finding.baseline and severity is None:
        assert finding.blocking == (row.blocking == ALWAYS or (row.blocking == AFFECTED and hit))
    if consumers is not None:
        assert sorted((c.type, c.name) for c in finding.consumers) == sorted(consumers)
    assert finding.title and "{" not in finding.title and finding.remediations and finding.diagnosis.endswith(".")
    SEEN.add(check)
    return finding


def silent(findings, check, name=None):
    """Assert that a check says nothing (of one subject)."""
    assert [f for f in findings if f.check == check and name in (None, f.subject.name)] == []


class Repository:
    """A repository of real packages, served over HTTP as a test wants it."""

    def __init__(self, folder, *paths):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        for path in paths:
            shutil.copy(path, self.folder)
        self.index()

    def index(self):
        """Make the metadata anew."""
        call("createrepo_c", "--quiet", "--no-database", str(self.folder))

    def package(self, name):
        """Return the path of the package of a name."""
        (path,) = self.folder.glob(f"{name}-*.rpm")
        return path


class Server:
    """Serves a folder over HTTP. C(ranges): answer to Range with 206; C(spoil) maps a name's start to what to do instead."""

    def __init__(self, folder):
        self._beside = pathlib.Path(folder).parent
        self._process = None
        self.behave()
        self._process = subprocess.Popen(
            [sys.executable, str(pathlib.Path(__file__).with_name("labserver.py")), str(folder)], stdout=subprocess.PIPE)
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def behave(self, ranges=True, **spoil):
        """Say how to answer from now on, and forget what was asked."""
        (self._beside / "control.json").write_text(json.dumps({"ranges": ranges, "spoil": spoil}))
        self.forget()

    def forget(self):
        """Forget what was asked."""
        (self._beside / "asked.jsonl").write_text("")

    def asked(self, start):
        """Return what was asked of files whose name starts so: range and bytes sent."""
        lines = map(json.loads, (self._beside / "asked.jsonl").read_text().splitlines())
        return [(wanted, sent) for name, wanted, sent in lines if name.startswith(start)]

    def close(self):
        """Stop."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def open_base(lab, folder, **repositories):
    """Return a dnf Base of a host and some repositories, each (address, options); nothing of this machine is read."""
    import dnf

    base = dnf.Base()
    conf = base.conf
    conf.installroot = lab.root
    conf.cachedir = str(pathlib.Path(folder) / "dnf-cache")
    conf.logdir = str(pathlib.Path(folder) / "dnf-log")
    (pathlib.Path(folder) / "dnf-log").mkdir(parents=True)
    conf.persistdir = str(pathlib.Path(folder) / "dnf-state")
    conf.reposdir = []
    conf.pluginpath = []
    conf.plugins = False
    conf.substitutions.update({"releasever": "9", "arch": ARCH, "basearch": ARCH})
    conf.best = True
    conf.gpgcheck = False
    conf.timeout = 5
    for name, (url, options) in repositories.items():
        base.repos.add_new_repo(name, conf, baseurl=[url], **{"skip_if_unavailable": False, **options})
    base.fill_sack(load_system_repo=True)
    return base


def available(base, *names):
    """Return the newest package on offer of each name."""
    return [max(base.sack.query().available().filter(name=name)) for name in names]
