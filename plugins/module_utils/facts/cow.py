# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rpm's copy-on-write, as the SIG's experimental packages have it: where it works, how it is configured, what shows it.

librepo turns each package into one whose files are aligned (it then ends with a marker), and rpm's reflink plugin clones
them out of dnf's cache. On the wrong ground all of that silently copies.
"""

from __future__ import annotations

import os
import re
import typing as t

from ..core.errors import Problem
from ..text import ini
from . import mounts as host_mounts

DNF_CONF, CACHE = "/etc/dnf/dnf.conf", "/var/cache/dnf"
CONF = "/etc/dnf/plugins/reflink.conf"
TARGET = "/usr"
FILE_SYSTEMS = ("btrfs", "xfs")
PLUGIN_PACKAGES = ("rpm-plugin-reflink", "python3-dnf-plugin-cow")
MACRO = "%{__transaction_reflink}"
MARKER = b"KWTSH100"
# Where the database is on stock 9, and where it is on 10 and with the patched rpm.
OLD_HOME, NEW_HOME = "/var/lib/rpm", "/usr/lib/sysimage/rpm"
STOCK_HOMES = {9: OLD_HOME, 10: NEW_HOME}
PACKAGE_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")


class Settings(t.NamedTuple):
    """What the configuration of dnf's plugin says."""

    enabled: bool
    denylist: list[str]


def parsed(text: str) -> dict[str, ini.Options]:
    """Return the sections of a file of dnf. What is no such file has nothing in it."""
    try:
        return ini.sections(text)
    except ini.Malformed:
        return {}


def cachedir(dnf_conf: str) -> str:
    """Return the folder in which dnf keeps packages."""
    return parsed(dnf_conf).get(ini.MAIN, {}).get("cachedir") or CACHE


def settings(text: str) -> Settings:
    """Return what a configuration of the plugin says. Where it says nothing it is off, as dnf has it for its plugins."""
    main = parsed(text).get(ini.MAIN, {})
    listed = main.get("denylist", "").replace("\n", ",")
    return Settings(ini.is_true(main.get("enabled", "")), [name.strip() for name in listed.split(",") if name.strip()])


def edited(text: str, wanted: Settings) -> str:
    """Return a configuration with what is wanted in section main; comments, other keys and other sections stay."""
    wishes = {"enabled": "1" if wanted.enabled else "0", "denylist": ",".join(wanted.denylist)}
    lines, section, skipping = [], "", False
    for line in text.splitlines():
        if skipping and line[:1] in (" ", "\t"):
            continue  # a continued value goes with its key
        skipping = False
        if line.strip().startswith("["):
            if section == "main":
                lines += _added(wishes)
            section = line.strip().strip("[]").strip()
        key = re.split(r"[=:]", line, maxsplit=1)[0].strip()
        if section == "main" and key in ("enabled", "denylist"):
            skipping = True
            value = wishes.pop(key, "")
            if value:
                lines.append(f"{key}={value}")
        else:
            lines.append(line)
    if section != "main" and "main" not in parsed(text):
        lines.append("[main]")
        section = "main"
    if section == "main":
        lines += _added(wishes)
    return "\n".join(lines) + "\n"


def _added(wishes: dict[str, str]) -> list[str]:
    found = [f"{key}={value}" for key, value in wishes.items() if value]
    wishes.clear()
    return found


def mount_of(path: str, mounts: t.Iterable[host_mounts.Mount]) -> host_mounts.Mount | None:
    """Return the mount that a path without links lies on."""
    on = [mount for mount in mounts if path == mount.mountpoint or path.startswith(mount.mountpoint.rstrip("/") + "/")]
    return max(on, key=lambda mount: len(mount.mountpoint), default=None)


def ground_problem(cache: str, target: str, mounts: t.Sequence[host_mounts.Mount]) -> Problem | None:
    """Return why files cannot be cloned from dnf's cache to where packages are installed, as far as mounts tell."""
    remedy = "Keep dnf's cache and /usr on one btrfs, or on one xfs with reflink; elsewhere everything would be copied"
    here, there = mount_of(cache, mounts), mount_of(target, mounts)
    if here is None or there is None:
        return Problem("cow.mounts_unknown", f"{cache} and {target}", "what they are mounted on cannot be told", remedy)
    if here.mountpoint != there.mountpoint:
        return Problem(
            "cow.two_mounts",
            f"dnf's cache {cache} is on {here.mountpoint} ({here.fstype}) and {target} on {there.mountpoint} ({there.fstype})",
            "these are two mounts, and data is cloned within one only", remedy)
    if here.fstype not in FILE_SYSTEMS:
        network = " over the network" if here.fstype in host_mounts.NETWORK_TYPES else ""
        return Problem(
            "cow.no_reflink", f"dnf's cache {cache} and {target} are on {here.mountpoint}",
            f"it is {here.fstype}{network}, which rpm cannot clone data on", remedy)
    return None


def transcoded(path: str) -> bool:
    """Say whether a cached package was made ready for cloning: such a file ends with a marker. Raises OSError."""
    with open(path, "rb") as handle:
        handle.seek(0, os.SEEK_END)
        handle.seek(max(0, handle.tell() - len(MARKER)))
        return handle.read() == MARKER
