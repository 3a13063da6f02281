# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parser of mountinfo, as proc_pid_mountinfo(5) describes it."""

from __future__ import annotations

import re
import typing as t

ESCAPE = re.compile(r"\\([0-7]{3})")


class Mount(t.NamedTuple):
    """One line of mountinfo. C(origin) is the folder of the file system that is mounted there."""

    mountpoint: str
    device: str
    fstype: str
    options: list[str]
    origin: str = "/"


def parse(mountinfo: str) -> list[Mount]:
    """Return the mounts of a mountinfo; of mounts on one point only the last is seen."""
    found: dict[str, Mount] = {}
    for line in mountinfo.splitlines():
        before, separator, after = line.partition(" - ")
        left, right = before.split(" "), after.split(" ")
        if not separator or len(left) < 6 or len(right) < 3:
            continue
        mount_options = left[5].split(",")
        # The superblock may be rw under a mount that is ro: the mount decides.
        options = mount_options + [
            option for option in right[2].split(",") if option not in mount_options and option not in ("rw", "ro")
        ]
        mountpoint = unescaped(left[4])
        found[mountpoint] = Mount(mountpoint, unescaped(right[1]), right[0], options, unescaped(left[3]))
    return list(found.values())


def unescaped(field: str) -> str:
    """Return a field of mountinfo or fstab without its octal escapes."""
    return ESCAPE.sub(lambda match: chr(int(match.group(1), 8)), field)
