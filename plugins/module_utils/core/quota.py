# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What binds root besides the size of a file system: quotas of a project on XFS and of a subvolume on btrfs, and what ext4 keeps.

XFS shows the quota of a project in statvfs(3) of its folders. btrfs shows that of a subvolume below /sys alone, and not which
groups of a higher level a subvolume is in: their limits are not seen. ext4 has root write beyond any quota, and XFS has none for
user and group 0.
"""

from __future__ import annotations

import fcntl
import os
import struct
import typing as t
import uuid

XFS, BTRFS, EXT4 = "xfs", "btrfs", "ext4"
# ext4 keeps clusters for its own metadata from everybody, which statvfs(3) counts as free: ext4_calculate_resv() of the kernel.
KEPT_BY_EXT4, KEPT_SHARE, MOST_KEPT = "/sys/fs/ext4/{name}/reserved_clusters", 50, 4096
# linux/btrfs.h: the subvolume of an open folder, and the identity of its file system.
INO_LOOKUP, FIRST_FREE_OBJECTID, LOOKUP = 0xD0009412, 256, struct.Struct("=QQ4080x")
FS_INFO, INFO = 0x8400941F, struct.Struct("=QQ16s992x")
GROUP = "/sys/fs/btrfs/{fsid}/qgroups/0_{subvolume}"
# By the bit of the flags: the limit, and what counts against it.
LIMITS = {1: ("max_referenced", "referenced"), 2: ("max_exclusive", "exclusive")}


class Quota(t.NamedTuple):
    """What a quota leaves: C(name) tells it from others of the same mount; C(free_inodes) is None where they are not limited."""

    name: str
    free_bytes: int
    free_inodes: int | None


def kept_by_ext4(root: str, device: int, blocks: int) -> int:
    """Return how many of the free blocks of an ext4 file system nobody gets, not even root."""
    block = os.path.join(root, f"sys/dev/block/{os.major(device)}:{os.minor(device)}")
    try:
        name = os.path.basename(os.readlink(block))
        return _number(os.path.join(root, os.path.dirname(KEPT_BY_EXT4.format(name=name))[1:]), os.path.basename(KEPT_BY_EXT4))
    except FileNotFoundError:
        return min(blocks // KEPT_SHARE, MOST_KEPT)


def of_folder(root: str, real: str, fstype: str, mount: str) -> Quota | None:
    """Return the quota that what is written in a folder counts against, None where root is not bound by any. C(mount) is where
    the mount point really lies. Raises OSError where it cannot be read."""
    if fstype == XFS:
        return _of_project(os.statvfs(real), os.statvfs(mount))
    return _of_subvolume(root, real) if fstype == BTRFS else None


def _of_project(here: os.statvfs_result, whole: os.statvfs_result) -> Quota | None:
    """Return the quota of a project, which gives its folders another size than the file system has."""
    if (here.f_blocks, here.f_files) == (whole.f_blocks, whole.f_files):
        return None
    return Quota(f"project of {here.f_blocks} blocks and {here.f_files} inodes", here.f_bfree * here.f_frsize, here.f_ffree)


def _of_subvolume(root: str, real: str) -> Quota | None:
    handle = os.open(real, os.O_RDONLY | os.O_DIRECTORY)
    try:
        lookup, info = bytearray(LOOKUP.pack(0, FIRST_FREE_OBJECTID)), bytearray(INFO.size)
        fcntl.ioctl(handle, INO_LOOKUP, lookup)
        fcntl.ioctl(handle, FS_INFO, info)
    finally:
        os.close(handle)
    subvolume, fsid = LOOKUP.unpack(lookup)[0], uuid.UUID(bytes=INFO.unpack(info)[2])
    group = os.path.join(root, GROUP.format(fsid=fsid, subvolume=subvolume).lstrip("/"))
    try:
        flags = _number(group, "limit_flags")
    except FileNotFoundError:  # quotas are off
        return None
    left = [_number(group, limit) - _number(group, used) for bit, (limit, used) in LIMITS.items() if flags & bit]
    return Quota(f"subvolume {subvolume}", max(0, min(left)), None) if left else None


def _number(group: str, name: str) -> int:
    with open(os.path.join(group, name), encoding="ascii") as handle:
        return int(handle.read())
