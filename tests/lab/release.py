# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages without a Debian payload: what CentOS itself ships, and the release packages of the SIG and of EPEL."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import shutil
import typing as t

from . import keys
from .common import HERE, ROOT, RPMBUILD, code_of, digest, run, say

# Of these packages every host has its face.
INSTALLED = ("centos-stream-release", "centos-stream-repos", "centos-gpg-keys")

KEY_FOLDER = "/etc/pki/rpm-gpg"
KEY_FILES = {
    "centos": "RPM-GPG-KEY-centosofficial",
    "extras": "RPM-GPG-KEY-CentOS-SIG-Extras",
    "hyperscale": "RPM-GPG-KEY-CentOS-SIG-HyperScale",
    "epel": "RPM-GPG-KEY-EPEL-{stream}",
}

# Which units are enabled when their package comes, of those that the lab has: by name, and no other. Read in the release package
# of a rebuild of EL 9; that of CentOS Stream itself, and of EL 10, was not compared. Debian calls sshd.service ssh.service.
# systemd has presets of its own, 90-systemd.preset, which come after these and enable what these do not name, such as
# systemd-networkd.service.
DISABLED = ("systemd-timesyncd.service", "systemd-resolved.service")
ENABLED = (
    "dbus-broker.service", "dbus.socket", "NetworkManager.service", "NetworkManager-dispatcher.service",
    "NetworkManager-wait-online.service", "ssh.service")
PRESETS = {
    "/usr/lib/systemd/system-preset/90-default.preset": "".join(
        f"{word} {unit}\n" for word, units in (("disable", DISABLED), ("enable", ENABLED)) for unit in units),
    "/usr/lib/systemd/system-preset/99-default-disable.preset": "disable *\n",
    "/usr/lib/systemd/user-preset/90-default-user.preset": "enable dbus.socket\nenable dbus-broker.service\n",
    "/usr/lib/systemd/user-preset/99-default-disable.preset": "disable *\n",
}

SPEC = """\
%global debug_package %{{nil}}
Name: {name}
Version: {version}
Release: {release}
Summary: {name} of the lab
License: GPL-3.0-or-later
Vendor: {vendor}
BuildArch: noarch
{relations}
%description
{name} of the lab.
%install
cp -a {tree}/. %{{buildroot}}/
%files
%defattr(-,root,root,-)
{files}
"""


def _flavours() -> t.Any:
    """Return the collection's own table, so that the lab and the collection cannot drift apart."""
    path = HERE.parent.parent / "plugins" / "module_utils" / "tables" / "flavours.py"
    spec = importlib.util.spec_from_file_location("hyperscale_flavours", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def flavours(stream: int) -> list[t.Any]:
    """Return the SIG's flavours of a stream."""
    return [flavour for flavour in _flavours().FLAVOURS.values() if stream in flavour.streams]


class Release(t.NamedTuple):
    """One package without payload of others: its relations and its files (path to text)."""

    name: str
    version: str
    release: str
    relations: list[str]
    files: dict[str, str]


def _repo(repo_id: str, title: str, url: str, key: str, stream: int, enabled: int = 1) -> str:
    path = f"{KEY_FOLDER}/{KEY_FILES[key].format(stream='$releasever')}"
    return (f"[{repo_id}]\nname={title}\nbaseurl={url}\ngpgcheck=1\nrepo_gpgcheck=0\n"
            f"enabled={enabled}\ngpgkey=file://{path}\n\n")


def stock(stream: int, server: str) -> list[Release]:
    """Return the packages that give a host the face of CentOS Stream."""
    base = f"{server}/$stream"
    repos = "".join([
        _repo("baseos", "CentOS Stream $releasever - BaseOS", f"{base}/BaseOS/$basearch/os/", "centos", stream),
        _repo("appstream", "CentOS Stream $releasever - AppStream", f"{base}/AppStream/$basearch/os/", "centos", stream),
        "# Packages for developers; off unless something asks for it.\n",
        _repo("crb", "CentOS Stream $releasever - CRB", f"{base}/CRB/$basearch/os/", "centos", stream, enabled=0),
    ])
    addons = _repo(
        "extras-common", "CentOS Stream $releasever - Extras packages",
        f"{server}/SIGs/$stream/extras/$basearch/extras-common/", "extras", stream)
    os_release = (
        f'NAME="CentOS Stream"\nVERSION="{stream}"\nID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="{stream}"\n'
        f'PLATFORM_ID="platform:el{stream}"\nPRETTY_NAME="CentOS Stream {stream}"\nCPE_NAME="cpe:/o:centos:centos:{stream}"\n'
        'HOME_URL="https://centos.org/"\n')
    face = f"CentOS Stream release {stream}\n"
    dist = f".el{stream}"
    return [
        Release("centos-stream-release", f"{stream}.0", f"30{dist}", [
            f"Provides: system-release = {stream}", f"Provides: system-release(releasever) = {stream}",
            f"Provides: centos-release = {stream}", "Requires: centos-stream-repos",
        ], {
            "/usr/lib/os-release": os_release, "/etc/centos-release": face, "/etc/redhat-release": face,
            "/etc/system-release": face, **PRESETS,
        }),
        Release("centos-stream-repos", f"{stream}.0", f"30{dist}", ["Requires: centos-gpg-keys"], {
            "/etc/yum.repos.d/centos.repo": repos, "/etc/yum.repos.d/centos-addons.repo": addons,
            "/etc/dnf/vars/stream": f"{stream}-stream\n",
        }),
        Release("centos-gpg-keys", f"{stream}.0", f"30{dist}", [], {
            f"{KEY_FOLDER}/{KEY_FILES[party]}": keys.armoured(party) for party in ("centos", "extras")}),
    ]


def epel(stream: int, server: str) -> list[Release]:
    """Return EPEL's release packages."""
    key = {f"{KEY_FOLDER}/{KEY_FILES['epel'].format(stream=stream)}": keys.armoured("epel")}
    found = [Release("epel-release", str(stream), f"10.el{stream}", [], {
        "/etc/yum.repos.d/epel.repo": _repo(
            "epel", f"Extra Packages for Enterprise Linux {stream}", f"{server}/epel/$releasever/Everything/$basearch/",
            "epel", stream), **key})]
    if stream == 9:
        found.append(Release("epel-next-release", str(stream), f"10.el{stream}", ["Requires: epel-release"], {
            "/etc/yum.repos.d/epel-next.repo": _repo(
                "epel-next", f"EPEL {stream} - Next", f"{server}/epel/next/$releasever/Everything/$basearch/", "epel", stream)}))
    return found


def hyperscale(stream: int, server: str) -> list[Release]:
    """Return the SIG's release packages, one a flavour."""
    found = []
    for flavour in flavours(stream):
        relations = ["Requires: centos-release-hyperscale"]
        files = {}
        if flavour.name == "main":
            relations = ["Requires: epel-release"] + (["Requires: epel-next-release"] if stream == 9 else [])
            files[f"{KEY_FOLDER}/{KEY_FILES['hyperscale']}"] = keys.armoured("hyperscale")
        title = "Hyperscale" + ("" if flavour.name == "main" else f" {flavour.name.capitalize()}")
        text = _repo(
            flavour.repo_id, f"CentOS Stream $releasever - {title}",
            f"{server}/SIGs/$stream/hyperscale/$basearch/{flavour.component}/", "hyperscale", stream)
        files[f"/etc/yum.repos.d/CentOS-Stream-{title.replace(' ', '-')}.repo"] = text
        found.append(Release(flavour.release_package, str(stream), f"4.el{stream}", relations, files))
    return found


def build(stream: int, server: str) -> dict[str, list[pathlib.Path]]:
    """Return these packages by repository, built where they are not yet."""
    return {
        "baseos": _built(stock(stream, server), stream, "centos", "CentOS"),
        "extras-common": _built([*epel(stream, server), *hyperscale(stream, server)], stream, "extras", "CentOS"),
    }


def _built(releases: list[Release], stream: int, party: str, vendor: str) -> list[pathlib.Path]:
    inputs = digest(releases, party, keys.fingerprint(party), code_of("release"))
    folder = ROOT / "rpms" / f"release-{stream}-{party}-{inputs}"
    if not folder.exists():
        say(f"making the {party} release packages of Stream {stream}")
        scratch = pathlib.Path(f"{folder}.part")
        shutil.rmtree(scratch, ignore_errors=True)
        for release in releases:
            _package(release, vendor, scratch)
        keys.sign(party, sorted((scratch / "out").rglob("*.rpm")))
        (scratch / "out").rename(folder)
        shutil.rmtree(scratch)
    return sorted(folder.rglob("*.rpm"))


def _package(release: Release, vendor: str, scratch: pathlib.Path) -> None:
    tree = scratch / release.name
    for path, text in release.files.items():
        (tree / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (tree / path[1:]).write_text(text)
    marks = {path: "%config(noreplace) " if path.startswith(("/etc/yum.repos.d/", "/etc/dnf/")) else "" for path in release.files}
    spec = scratch / f"{release.name}.spec"
    spec.write_text(SPEC.format(
        name=release.name, version=release.version, release=release.release, vendor=vendor, tree=tree,
        relations="\n".join(release.relations), files="\n".join(f"{mark}{path}" for path, mark in marks.items())))
    run([
        *RPMBUILD, "--define", f"_topdir {scratch}/top", "--define", f"_rpmdir {scratch}/out", spec,
    ], env=dict(os.environ, LC_ALL="C.UTF-8"))
