# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repositories a host is configured with, read from the files themselves.

Reading the files costs milliseconds where a dnf Base costs a second; values keep the host's own text, with
C($basearch) and other variables not replaced.
"""

from __future__ import annotations

import errno
import os
import re
import typing as t

from ..tables import flavours
from ..text import ini
from . import read

DNF_CONF = "/etc/dnf/dnf.conf"
# dnf's own defaults, dnf.conf(5).
REPOSITORY_FOLDERS = ("/etc/yum.repos.d", "/etc/yum/repos.d", "/etc/distro.repos.d")
DEFAULT_PRIORITY = 99
# A link that leads nowhere or in a circle, and a folder: dnf passes over what is so in the place of a .repo file.
PASSED_OVER = (errno.ENOENT, errno.ELOOP, errno.EISDIR)
DEFAULT_COST = 1000

# Mirrors of a fleet's own, and other tools' ids, keep the component in their address.
COMPONENT = re.compile(r"hyperscale(?:-sig-|/(?:[^/]+/)?)packages-([a-z]+)(?=-\$|-\d|[/&]|$)")
NOT_THE_RELEASED_BINARIES = re.compile(r"testing|buildlogs|source|debug")


def split_list(value: str) -> list[str]:
    """Split a list option: dnf takes commas, blanks and new lines alike."""
    return [part for part in re.split(r"[,\s]+", value) if part]


def flavour(repo_id: str, addresses: t.Iterable[str]) -> str | None:
    """Return which flavour of the SIG a repository publishes; testing, source and debug ones publish none."""
    for known in flavours.FLAVOURS.values():
        if repo_id == known.repo_id:
            return known.name
    for address in addresses:
        found = COMPONENT.search(address)
        if found and not NOT_THE_RELEASED_BINARIES.search(repo_id + " " + address):
            return found.group(1)
    return None


def parse_repositories(content: str, path: str, main: t.Mapping[str, str]) -> list[dict[str, t.Any]]:
    """Return the repositories of one file; C(main) is the main section of dnf.conf, whose checks they inherit."""
    return [_repository(name, said, path, main) for name, said in ini.sections(content).items() if name != ini.MAIN]


def _repository(repo_id: str, said: t.Mapping[str, str], path: str, main: t.Mapping[str, str]) -> dict[str, t.Any]:
    baseurl = split_list(said.get("baseurl", ""))
    metalink, mirrorlist = said.get("metalink") or None, said.get("mirrorlist") or None
    return {
        "id": repo_id,
        "name": said.get("name") or repo_id,
        "file": path,
        "enabled": ini.is_true(said.get("enabled", "1")),
        "baseurl": baseurl,
        "metalink": metalink,
        "mirrorlist": mirrorlist,
        "gpgcheck": ini.is_true(said.get("gpgcheck", main.get("gpgcheck", "0"))),
        "repo_gpgcheck": ini.is_true(said.get("repo_gpgcheck", main.get("repo_gpgcheck", "0"))),
        "gpgkey": split_list(said.get("gpgkey", "")),
        "priority": _number(said.get("priority"), DEFAULT_PRIORITY),
        "cost": _number(said.get("cost"), DEFAULT_COST),
        "excludepkgs": split_list(said.get("excludepkgs") or said.get("exclude", "")),
        "includepkgs": split_list(said.get("includepkgs", "")),
        "flavour": flavour(repo_id, [address for address in [metalink, mirrorlist] + baseurl if address]),
    }


def _number(value: str | None, default: int) -> int:
    try:
        return int(value or default)
    except ValueError:
        return default


def gather(root: str, note: read.Note) -> list[dict[str, t.Any]]:
    """Return every configured repository by file, then in the file's own order."""
    main = _main_section(root, note)
    folders = split_list(main.get("reposdir", "")) or list(REPOSITORY_FOLDERS)
    found: list[dict[str, t.Any]] = []
    for folder in folders:
        try:
            names = [name for name in read.names(root, folder) if name.endswith(".repo") and not name.startswith(".")]
        except OSError as error:
            note("repos " + folder, " ".join(str(error).split()))
            continue
        for path in (os.path.join("/", folder, name) for name in names):
            try:
                found += parse_repositories(read.text(root, path), path, main)
            except (OSError, ini.Malformed) as error:
                if getattr(error, "errno", None) not in PASSED_OVER:
                    note("repos " + path, " ".join(str(error).split()))
    return found


def _main_section(root: str, note: read.Note) -> t.Mapping[str, str]:
    try:
        content = read.optional_text(root, DNF_CONF)
        return ini.main_section(content or "")
    except (OSError, ini.Malformed) as error:
        note("repos " + DNF_CONF, " ".join(str(error).split()))
        return {}
