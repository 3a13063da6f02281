# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a newer systemd or kernel no longer carries: the iptables backend, SysV scripts and rc.local."""

from __future__ import annotations

import os
import re
import stat
import typing as t

from . import read

IPTABLES_VERSION = re.compile(r"^iptables v(\S+)(?: \((\w+)\))?")
ALTERNATIVE = "/etc/alternatives/iptables"
SCRIPT_FOLDERS = ("/etc/rc.d/init.d", "/etc/init.d")
RC_LOCAL = ("/etc/rc.d/rc.local", "/etc/rc.local")
# Shell libraries that initscripts puts beside the scripts, executable or not.
NOT_SCRIPTS = ("functions", "README")


def parse_iptables(printed: str) -> tuple[str | None, str | None]:
    """Return version and backend from C(iptables -V); before 1.8 there was only the legacy one, unnamed."""
    found = IPTABLES_VERSION.match(printed)
    return (found.group(1), found.group(2) or "legacy") if found else (None, None)


def gather_iptables(root: str, run: read.Run, note: read.Note) -> dict[str, t.Any]:
    """Return the C(iptables) group; a host without iptables has None everywhere, which is no failure."""
    version = backend = None
    rc, out, err = run(["iptables", "-V"])
    if rc not in (0, read.NOT_FOUND):
        note("iptables", "iptables -V ended with {}: {}".format(rc, err.strip() or "no message"))
    elif rc == 0:
        version, backend = parse_iptables(out)
    link = read.status(root, ALTERNATIVE, follow=False)
    target = os.readlink(read.below(root, ALTERNATIVE)) if link is not None and stat.S_ISLNK(link.st_mode) else None
    return {"backend": backend, "version": version, "alternatives_target": target}


def gather_sysv(root: str) -> dict[str, t.Any]:
    """Return the C(sysv) group: the scripts that systemd's generators would turn into units, whether or not in use."""
    scripts = {
        name
        for folder in SCRIPT_FOLDERS
        for name in read.names(root, folder)
        if not name.startswith(".") and _is_executable(root, f"{folder}/{name}")
    }
    return {
        "init_scripts": sorted(scripts.difference(NOT_SCRIPTS)),
        "rc_local": any(_is_executable(root, path) for path in RC_LOCAL),
    }


def _is_executable(root: str, path: str) -> bool:
    info = read.status(root, path)
    return info is not None and stat.S_ISREG(info.st_mode) and bool(info.st_mode & 0o100)
