# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether /boot has room for the kernels of a transaction: without it their initramfs is missing or cut short."""

from __future__ import annotations

import typing as t

from ..core.errors import Problem
from ..core.host_io import is_folder
from ..facts import boot_room, kernel as host_kernel, read
from .solver import COMING, Item

REMEDY = (
    "Make room there and run again: 'ls -lS /boot' shows what takes it, and 'dnf remove kernel-core-VERSION' takes a kernel away "
    "that nobody starts")


def problems(root: str, items: t.Sequence[Item]) -> list[Problem]:
    """Return why the kernels of a transaction do not fit. Where there is no /boot, none is put there."""
    coming = [item for item in items if item.action in COMING and host_kernel.CORE_PACKAGE.match(item.name)]
    if not coming or not is_folder(read.below(root, boot_room.BOOT)):
        return []
    free, needed, inodes = boot_room.free(root), boot_room.per_kernel(root) * len(coming), boot_room.INODES * len(coming)
    names = ", ".join(item.nevra for item in coming)
    found = []
    if free.size < needed:
        found.append(Problem(
            "boot.no_space", f"/boot has {free.size >> 20} MiB free",
            f"{names} with initramfs takes about {needed >> 20} MiB there, by the largest kernel there is and a quarter more",
            REMEDY))
    if free.inodes is not None and free.inodes < inodes:
        found.append(Problem(
            "boot.no_inodes",
            f"/boot has {free.inodes} inodes free", f"{names} with initramfs and boot entry takes {inodes} there", REMEDY))
    return found
