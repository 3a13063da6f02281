# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages that Debian has no payload for: rpm's copy-on-write stack, and the stock rpm and librepo that it replaces.

They have the names, relations, paths and configuration of the real ones, and none of their effect: the programs stay
Debian's, which know nothing of cloning. What is real is the move of the database path (a macro), a plugin that rpm loads, a
plugin that dnf loads, and a configuration that is shipped switched off.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import typing as t

from . import keys, plugins
from .common import ROOT, RPMBUILD, code_of, digest, run, say

NEW_HOME = "/usr/lib/sysimage/rpm"
MACROS = f"%_dbpath {NEW_HOME}\n%__transaction_reflink %{{__plugindir}}/reflink.so\n"
# rpm calls none of the hooks of a plugin whose table is empty.
PLUGIN = "char reflink_hooks[1024];\n"
DNF_PLUGIN = '''"""What dnf loads in the place of the SIG's plugin: it has its name and does nothing."""
import dnf


class Reflink(dnf.Plugin):
    name = "reflink"
'''
DNF_CONF = "# Shipped switched off.\n[main]\nenabled=0\n\n[other]\nkept=yes\n"

SPEC = """\
%global debug_package %{{nil}}
%global __os_install_post %{{nil}}
%global _build_id_links none
Name: {name}
Version: {version}
Release: {release}
Summary: {name} as the lab stands in for it
License: GPL-3.0-or-later
Vendor: {vendor}
{relations}
%description
Stands in for {name}.
{subpackages}
%install
cp -a {tree}/. %{{buildroot}}/
{files}
"""
SUBPACKAGE = """\
%package -n {name}
Summary: {name} as the lab stands in for it
{relations}
%description -n {name}
Stands in for {name}.
"""

# Package -> its relations and its paths: text, or None for a folder, or the compiled plugin.
Packages = dict[str, tuple[list[str], dict[str, "str | None"]]]


class Build(t.NamedTuple):
    """One source in one repository; the first package has the name of the source."""

    repo: str
    party: str
    vendor: str
    version: str
    release: str
    packages: Packages


def builds(stream: int) -> list[Build]:
    """Return the builds of a stream."""
    same = "%{version}-%{release}"
    home = {"/var/lib/rpm": None} if stream == 9 else {}
    version = {9: "4.16.1.3", 10: "4.19.1.1"}[stream]
    stock = ("baseos", "centos", "CentOS")
    ours = ("experimental", "hyperscale", "CentOS Hyperscale SIG")
    libraries = [f"Requires: rpm-libs = {same}"]
    return [
        Build(*stock, version, f"39.el{stream}", {
            "rpm": (libraries, {**_mark("rpm"), **home}), "rpm-libs": ([f"Requires: rpm = {same}"], _mark("rpm-libs")),
            "rpm-build": (libraries, _mark("rpm-build"))}),
        Build(*ours, version, f"39.1.hsx.el{stream}", {
            "rpm": (libraries, {**_mark("rpm"), "/usr/lib/rpm/macros.d/macros.cow": MACROS}),
            "rpm-libs": ([f"Requires: rpm = {same}"], _mark("rpm-libs")),
            "rpm-plugin-reflink": (libraries, {f"{plugins.FOLDER}/reflink.so": PLUGIN})}),
        Build(*stock, "1.14.5", f"2.el{stream}", {"librepo": ([], _mark("librepo"))}),
        Build(*ours, "1.14.5", f"2.1.hsx.el{stream}", {"librepo": ([], _mark("librepo"))}),
        Build(*ours, "0.0.4", f"1.hsx.el{stream}", {
            "dnf-plugin-cow": ([], {}),
            "python3-dnf-plugin-cow": (["Requires: rpm-plugin-reflink"], {
                "/etc/dnf/plugins/reflink.conf": DNF_CONF,
                "/usr/lib/python3/dist-packages/dnf-plugins/reflink.py": DNF_PLUGIN})}),
    ]


def _mark(name: str) -> dict[str, str | None]:
    return {f"/usr/share/lab/{name}": "stands in\n"}


def build(stream: int) -> dict[str, list[pathlib.Path]]:
    """Return these packages by repository, built where they are not yet."""
    found: dict[str, list[pathlib.Path]] = {}
    for row in builds(stream):
        found.setdefault(row.repo, []).extend(_built(row))
    return found


def _built(row: Build) -> list[pathlib.Path]:
    name = next(iter(row.packages))
    inputs = digest(row, keys.fingerprint(row.party), code_of("standins"))
    folder = ROOT / "rpms" / f"{name}-{row.version}-{row.release}-{row.repo}-{inputs}"
    if not folder.exists():
        say(f"making {name} {row.version}-{row.release}, which stands in")
        scratch = pathlib.Path(f"{folder}.part")
        shutil.rmtree(scratch, ignore_errors=True)
        for _relations, paths in row.packages.values():
            for path, text in paths.items():
                _lay(scratch / "tree" / path[1:], text)
        (scratch / "tree").mkdir(exist_ok=True)
        spec = scratch / f"{name}.spec"
        spec.write_text(_spec(name, row, scratch / "tree"))
        run([*RPMBUILD, "--define", f"_topdir {scratch}/top", "--define", f"_rpmdir {scratch}/out", spec],
            env=dict(os.environ, LC_ALL="C.UTF-8"))
        keys.sign(row.party, sorted((scratch / "out").rglob("*.rpm")))
        (scratch / "out").rename(folder)
        shutil.rmtree(scratch)
    return sorted(folder.rglob("*.rpm"))


def _lay(path: pathlib.Path, text: str | None) -> None:
    if text is None:
        path.mkdir(parents=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".so":
        source = path.with_suffix(".c")
        source.write_text(text)
        run(["cc", "-shared", "-nostdlib", "-o", path, source])
        source.unlink()
    else:
        path.write_text(text)


def _spec(name: str, row: Build, tree: pathlib.Path) -> str:
    subpackages, files = "", ""
    for package, (relations, paths) in row.packages.items():
        if package != name:
            subpackages += SUBPACKAGE.format(name=package, relations="\n".join(relations))
        if package != name or paths:
            files += f"%files -n {package}\n" + "".join(_line(path, text) for path, text in paths.items())
    return SPEC.format(
        name=name, version=row.version, release=row.release, vendor=row.vendor, tree=tree,
        relations="\n".join(row.packages[name][0]), subpackages=subpackages, files=files)


def _line(path: str, text: str | None) -> str:
    return f"{'%dir ' if text is None else '%config(noreplace) ' if path.startswith('/etc/') else ''}{path}\n"
