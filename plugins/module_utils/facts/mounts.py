# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is mounted: the parser of mountinfo, the real file systems, and the room they have."""

from __future__ import annotations

import os
import re
import typing as t

from . import read

MOUNTINFO = "/proc/self/mountinfo"
NETWORK_TYPES = ("nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "virtiofs")
SPACE = {"boot_free_bytes": "/boot", "var_free_bytes": "/var", "root_free_bytes": "/"}
ESCAPE = re.compile(r"\\([0-7]{3})")


class Mount(t.NamedTuple):
    """One line of mountinfo."""

    mountpoint: str
    device: str
    fstype: str
    options: list[str]


def parse(mountinfo: str) -> list[Mount]:
    """Parse mountinfo as proc_pid_mountinfo(5) describes it; of mounts on one point only the last is seen."""
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
        mountpoint = _unescape(left[4])
        found[mountpoint] = Mount(mountpoint, _unescape(right[1]), right[0], options)
    return list(found.values())


def parse_fstab(text: str) -> list[tuple[str, str]]:
    """Return mount point and type of each line, as fstab(5) describes it."""
    lines = (line.split() for line in text.splitlines() if not line.lstrip().startswith("#"))
    return [(_unescape(fields[1]), fields[2]) for fields in lines if len(fields) >= 3]


def _unescape(field: str) -> str:
    return ESCAPE.sub(lambda match: chr(int(match.group(1), 8)), field)


def is_real(mount: Mount) -> bool:
    """Tell a file system that keeps data from the kernel's own; the root is one whatever it is on."""
    return mount.mountpoint == "/" or mount.device.startswith("/dev/") or mount.fstype in NETWORK_TYPES


def real(mounts: t.Iterable[Mount]) -> list[dict[str, t.Any]]:
    """Return the C(filesystems) group, by mount point."""
    return [mount._asdict() for mount in sorted(mounts) if is_real(mount)]


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
