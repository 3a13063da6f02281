# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real packages from a few words: rpmbuild makes each distinct description once, in a few hundredths of a second."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import typing as t

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import view
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import (
    builds, checks, groups, headers, report, swap,
)

try:
    import jsonschema
except ImportError:  # where only the tools of a sanity test are; what needs it skips
    jsonschema = None

TOOLS = ("rpm", "rpmbuild")
SCHEMA = json.loads((pathlib.Path(__file__).parents[5] / "docs" / "dropin-report.schema.json").read_text())


class F(t.NamedTuple):
    """One path of a package. C(flags) are words of the files section: C(config), C(noreplace), C(ghost), C(doc), ..."""

    content: str | bytes = "content\n"
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"
    flags: tuple[str, ...] = ()
    link: str = ""
    folder: bool = False
    caps: str = ""


def program(content="#!/bin/sh\n", **more):
    """Return a file that can be executed."""
    return F(content, mode=0o755, **more)


def config(content="a = 1\n", *flags, **more):
    """Return a configuration file; flags such as C(noreplace) or C(ghost) add to that."""
    return F(content, flags=("config", *flags), **more)


def link(target):
    """Return a symbolic link."""
    return F(link=target)


def folder(mode=0o755, **more):
    """Return a folder."""
    return F(mode=mode, folder=True, **more)


class P(t.NamedTuple):
    """One package. C(scripts) has lines as a spec has them after the percent sign: C({"post": "...", "post -p <lua>": ...}).

    Triggers are scripts too: C({"triggerin -- other": "..."}). C(subs) are packages of the same source.
    """

    name: str = "tool"
    version: str = "1"
    release: str = "1"
    arch: str = "x86_64"
    epoch: int = 0
    vendor: str = "CentOS"
    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    obsoletes: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    files: t.Mapping[str, F] = {}
    scripts: t.Mapping[str, str] = {}
    subs: tuple = ()
    changelog: str = ""
    generate: bool = False
    tree: str = ""

    def next(self, **changes):
        """Return the same package, its subpackages too, in the next version, with some things changed."""
        subs = tuple(sub.next() for sub in changes.pop("subs", self.subs))
        return self._replace(**{"version": "2", "subs": subs, **changes})

    def like(self, **changes):
        """Return the same package with some things changed."""
        return self._replace(**changes)


SPEC = """\
%global debug_package %{{nil}}
%global __os_install_post %{{nil}}
%global _build_id_links {ids}
%global _source_payload w0.gzdio
%global _binary_payload w0.gzdio
%global _buildhost {host}
{head}
%description
A package of the tests.
{subpackages}
%install
{install}
{sections}
%changelog
{changelog}
"""


class Builder:
    """Builds below a folder of its own and keeps what it built."""

    def __init__(self, home):
        self.home = home
        self._known: dict[str, list[str]] = {}

    def __call__(self, *packages, **how):
        """Return the paths of the packages' files, each main package before its subpackages."""
        return [path for package in packages for path in self._build(package, **how)]

    def one(self, package):
        """Return the path of a package without subpackages."""
        return self(package)[0]

    def source(self, package):
        """Return the path of the source package."""
        top, spec = self._spec(package, "host.example")
        self._rpmbuild(top, "-bs", spec)
        return str(next(top.glob("SRPMS/*.rpm")))

    def _build(self, package, host="host.example"):
        key = repr((package, host))
        if key not in self._known:
            top, spec = self._spec(package, host)
            self._rpmbuild(top, "-bb", spec, "i686" if package.arch == "i686" else "x86_64")
            made = {path.name: str(path) for path in top.glob("RPMS/*/*.rpm")}
            self._known[key] = [
                made[f"{one.name}-{one.version}-{one.release}.{one.arch}.rpm"] for one in (package, *package.subs)]
        return self._known[key]

    def _spec(self, package, host):
        top = self.home / f"{len(list(self.home.iterdir()))}-{package.name}"
        top.mkdir()
        spec = top / "a.spec"
        everything = (package, *package.subs)
        changelog = package.changelog or f"* Thu Jan 01 2026 A Packager <a@example.org> - {package.version}\n- Build it"
        spec.write_text(SPEC.format(
            host=host, ids="compat" if package.generate else "none", head=_head(package), changelog=changelog,
            subpackages="".join(
                f"%package -n {sub.name}\n{_tags(sub)}%description -n {sub.name}\nA part of it.\n" for sub in package.subs),
            install=f"cp -a {package.tree or self._tree(top, everything)}/. %{{buildroot}}",
            sections="".join(_sections(one, i > 0) for i, one in enumerate(everything))))
        return top, spec

    @staticmethod
    def _tree(top, packages):
        tree = top / "tree"
        tree.mkdir()
        for path, file in ((path, file) for one in packages for path, file in one.files.items()):
            place = tree / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            if file.folder:
                place.mkdir(exist_ok=True)
            elif file.link:
                place.symlink_to(file.link)
            else:
                place.write_bytes(file.content if isinstance(file.content, bytes) else file.content.encode())
        return tree

    @staticmethod
    def _rpmbuild(top, what, spec, target="x86_64"):
        # A database of its own: rpmbuild would create one for the user.
        defines = [part for macro in (f"_topdir {top}", f"_dbpath {top}/db") for part in ("--define", macro)]
        done = subprocess.run(
            ["rpmbuild", what, "--quiet", "--target", target, *defines, str(spec)], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=dict(os.environ, LANG="C.UTF-8"), check=False)
        assert done.returncode == 0, f"{spec.read_text()}\n{done.stdout.decode()}"


def _head(package):
    return f"Name: {package.name}\nVersion: {package.version}\nRelease: {package.release}\n{_tags(package, main=True)}"


def _tags(one, main=False):
    lines = ["Summary: A package of the tests", "License: GPL-3.0-or-later"]
    lines += [] if main else [f"Version: {one.version}", f"Release: {one.release}"]
    lines += [f"Epoch: {one.epoch}"] if one.epoch else []
    lines += [f"Vendor: {one.vendor}"] if one.vendor else []
    lines += [] if one.generate else ["AutoReqProv: no"]
    lines += ["BuildArch: noarch"] if one.arch == "noarch" else []
    for tag in ("provides", "requires", "conflicts", "obsoletes", "recommends"):
        lines += [f"{tag.capitalize()}: {relation}" for relation in getattr(one, tag)]
    return "\n".join(lines) + "\n"


def _sections(one, sub):
    where = f" -n {one.name}" if sub else ""
    text = ""
    for head, body in one.scripts.items():
        name, *rest = head.split(" ", 1)
        text += f"%{name}{where} {' '.join(rest)}\n{body}\n"
    return text + f"%files{where}\n" + "".join(_line(path, file) for path, file in one.files.items())


def _line(path, file):
    words = []
    if "config" in file.flags:
        extra = [flag for flag in file.flags if flag in ("noreplace", "missingok")]
        words.append("%config" + (f"({' '.join(extra)})" if extra else ""))
    words += [f"%{flag}" for flag in ("ghost", "doc", "license") if flag in file.flags]
    words += ["%dir"] if file.folder else []
    words += [f"%caps({file.caps})"] if file.caps else []
    mode = "-" if file.link else f"{file.mode:04o}"
    return " ".join([*words, f"%attr({mode},{file.owner},{file.group})", path]) + "\n"


class Root:
    """A host below a folder: a package database with packages really installed, files, and what commands answer."""

    def __init__(self, folder_, builder):
        self.folder = folder_
        self.root = str(folder_)
        self.answers: dict[str, tuple[int, str]] = {}
        self._builder = builder
        self._rpm("--initdb")

    def _rpm(self, *argv):
        subprocess.run(["rpm", "--root", self.root, *argv], check=True, capture_output=True)

    def install(self, *packages):
        """Install packages with their files."""
        self._rpm("-i", "--nodeps", "--noscripts", "--nosignature", *self._builder(*packages))
        return self

    def write(self, path, content="", mode=0o644):
        """Put a file below the root."""
        place = self.folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        place.chmod(mode)
        return self

    def link(self, path, target):
        """Put a symbolic link below the root."""
        place = self.folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
        return self

    def mkdir(self, path):
        """Put a folder below the root."""
        (self.folder / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
        return self

    def process(self, pid, exe, *mapped):
        """Put a process into /proc that runs a program and maps libraries."""
        maps = "".join(
            f"7f0000{i:02d}0000-7f0000{i:02d}1000 r-xp 00000000 fd:00 {1000 + i}                    {path}\n"
            for i, path in enumerate((exe, *mapped)))
        maps += "7ffc00000000-7ffc00001000 rw-p 00000000 00:00 0                          [stack]\n"
        self.write(f"/proc/{pid}/maps", maps).write(f"/proc/{pid}/comm", exe.rsplit("/", 1)[1][:15] + "\n")
        return self.link(f"/proc/{pid}/exe", exe)

    def systemd(self, **units):
        """Record what systemd says of units: C(tool_service="active enabled")."""
        blocks = []
        for name, said in units.items():
            active, enabled = said.split()
            blocks.append(f"Id={name.replace('_', '.')}\nLoadState=loaded\nActiveState={active}\nUnitFileState={enabled}\n")
        self.answers["systemctl"] = (0, "\n".join(blocks))
        return self

    def swap(self, old, new, beside=()):
        """Return the swap of some packages that are installed here."""
        old_builds, new_builds, besides = (
            [builds.of_header(headers.read(path)) for path in self._builder(*packages)] for packages in (old, new, beside))
        installed = swap.Installed(rpmdb.transaction_set(self.root), [build.nevra for build in old_builds])
        return swap.Swap(old_builds, new_builds, besides, installed, view.View(self.root, self.run))

    def predict(self, old, new, beside=()):
        """Return the findings of all checks of headers on this host; each check must be able to run."""
        recorder = groups.Recorder(checks.PREDICT)
        recorder.groups(groups.OF_HEADERS, self.swap(old, new, beside))
        names = {name for group in groups.OF_HEADERS for name in group.checks}
        broken = [check for check in recorder.coverage() if check.status == "error" and check.id in names]
        assert broken == [], broken
        return report.sort(recorder.findings)

    def run(self, argv):
        """Answer as a host would; what was not recorded is not installed."""
        if argv[:2] == ["rpm", "-V"] and "rpm" not in self.answers:
            done = subprocess.run(["rpm", "--root", self.root, *argv[1:]], check=False, capture_output=True, text=True)
            return done.returncode, done.stdout
        return self.answers.get(argv[0], (127, ""))


def missing_tools():
    """Return the tools that are not here."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def valid(said):
    """Return a report that has the published form as it stands, and after it went through JSON."""
    if jsonschema is not None:
        for form in (said, json.loads(json.dumps(said))):
            jsonschema.Draft202012Validator(SCHEMA).validate(form)
    return said
