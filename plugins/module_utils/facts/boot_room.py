# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The room on /boot, and what a kernel takes there, measured by the kernels that are there."""

from __future__ import annotations

import os
import re
import typing as t

from ..core.host_io import is_file
from . import read

BOOT = "/boot"
UNMEASURED = 100 << 20  # what a kernel and its initramfs take, as leapp asks for it where there is none to measure
MEASURABLE = 1 << 20  # an initramfs that is smaller is none to measure by
FILE = re.compile(r"^(?P<kind>vmlinuz|initramfs|System\.map|config|symvers)-(?!0-rescue)[^/]*?(?P<dump>kdump\.img)?$")
# Image, its checksum, initramfs, configuration, map, symbols, entry, and one that is written beside.
INODES = 8


class Room(t.NamedTuple):
    """What is free on /boot; C(inodes) is None on a file system that makes them as it needs them."""

    size: int
    inodes: int | None


def free(root: str) -> Room:
    """Return the room on /boot. Raises OSError."""
    found = os.statvfs(read.below(root, BOOT))
    return Room(found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None)


def per_kernel(root: str) -> int:
    """Return what one more kernel takes: as the largest files of each kind, and a quarter more, since a newer one is larger."""
    largest: dict[tuple[str, bool], int] = {}
    folder = read.below(root, BOOT)
    for name in read.names(root, BOOT):
        match = FILE.match(name)
        if match and is_file(os.path.join(folder, name)):
            kind = match.group("kind"), bool(match.group("dump"))
            largest[kind] = max(largest.get(kind, 0), os.path.getsize(os.path.join(folder, name)))
    if largest.get(("initramfs", False), 0) < MEASURABLE:
        return UNMEASURED
    return sum(largest.values()) * 5 // 4
