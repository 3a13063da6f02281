# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is mounted: the real file systems, and the room they have."""

from __future__ import annotations

import os
import typing as t

from ..text.mountinfo import Mount, parse, unescaped
from . import read

MOUNTINFO = "/proc/self/mountinfo"
NETWORK_TYPES = ("nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "virtiofs")
SPACE = {"boot_free_bytes": "/boot", "var_free_bytes": "/var", "root_free_bytes": "/"}


def parse_fstab(text: str) -> list[tuple[str, str]]:
    """Return mount point and type of each line, as fstab(5) describes it."""
    lines = (line.split() for line in text.splitlines() if not line.lstrip().startswith("#"))
    return [(unescaped(fields[1]), fields[2]) for fields in lines if len(fields) >= 3]


def is_real(mount: Mount) -> bool:
    """Tell a file system that keeps data from the kernel's own; the root is one whatever it is on."""
    return mount.mountpoint == "/" or mount.device.startswith("/dev/") or mount.fstype in NETWORK_TYPES


def real(mounts: t.Iterable[Mount]) -> list[dict[str, t.Any]]:
    """Return the C(filesystems) group, by mount point."""
    return [
        {"mountpoint": mount.mountpoint, "device": mount.device, "fstype": mount.fstype, "options": mount.options}
        for mount in sorted(mounts) if is_real(mount)]


def root_filesystem(mounts: t.Iterable[Mount]) -> dict[str, t.Any] | None:
    """Return the C(root_filesystem) group."""
    for mount in mounts:
        if mount.mountpoint == "/":
            return {"device": mount.device, "fstype": mount.fstype, "options": mount.options}
    return None


def free_bytes(root: str, path: str) -> int:
    """Return the room an ordinary process has below a path. Raises OSError."""
    room = os.statvfs(read.below(root, path))
    return room.f_bavail * room.f_frsize


def gather(root: str) -> list[Mount]:
    """Return what is mounted. Raises OSError."""
    return parse(read.text(root, MOUNTINFO))
