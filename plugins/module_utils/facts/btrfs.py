# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who uses btrfs on a host, and what a change would take from them: stock kernels have no btrfs at all.

One rule for every way back: what is mounted or in fstab is not to lose its kernel module, nor the tools that mend it.
"""

from __future__ import annotations

import typing as t

from ..core.errors import Problem
from . import kernel_modules, mounts as host_mounts, read

FSTAB = "/etc/fstab"
MODULE, TOOLS, PACKAGED = "btrfs", "btrfs-progs", "kmod-btrfs"
# What the collection mounts itself, for a moment, to try btrfs out.
TRIALS = "/var/lib/centos-hyperscale/trials/"


class Use(t.NamedTuple):
    """A btrfs file system that the host needs. C(how) is C(mounted) or C(in /etc/fstab)."""

    mountpoint: str
    how: str


def uses(mounts: t.Iterable[host_mounts.Mount], fstab: str) -> list[Use]:
    """Return what is btrfs among some mounts and the lines of fstab(5), each mount point once."""
    found = {point: Use(point, f"in {FSTAB}") for point, kind in host_mounts.parse_fstab(fstab) if kind == MODULE}
    found.update((mount.mountpoint, Use(mount.mountpoint, "mounted")) for mount in mounts if mount.fstype == MODULE)
    return sorted(use for use in found.values() if not use.mountpoint.startswith(TRIALS))


def in_use(root: str) -> list[Use]:
    """Return what is btrfs on the host below C(root). Raises OSError where that cannot be read."""
    return uses(host_mounts.gather(root), read.optional_text(root, FSTAB) or "")


def words(found: t.Iterable[Use]) -> str:
    """Name the mount points."""
    return ", ".join(f"{use.mountpoint} ({use.how})" for use in found)


def kernel_problem(release: str, offering: t.Container[str], found: t.Sequence[Use]) -> Problem | None:
    """Return what is in the way of booting a kernel next. C(offering) are the kernels that have btrfs."""
    if not found or release in offering:
        return None
    return Problem(
        "btrfs.kernel_without",
        f"btrfs is in use: {words(found)}", f"kernel {release} has no btrfs, so a host that boots it cannot mount them",
        "Move what is on them to another file system and take them out of fstab first, or stay with a kernel that has btrfs",
        subject=release)


def objections(
    found: t.Sequence[Use], gone: t.Container[str], before: t.Sequence[str], after: t.Sequence[str],
) -> list[Problem]:
    """Return what is in the way of a transaction. C(gone) are names of packages that leave for good, C(before) and C(after)
    the kernels that have btrfs."""
    if not found:
        return []
    problems = []
    if TOOLS in gone:
        problems.append(Problem(
            "btrfs.tools_leave",
            f"btrfs is in use: {words(found)}", f"{TOOLS} would leave, and with it what checks and mends them",
            f"Move what is on them to another file system and take them out of fstab first, or keep {TOOLS}", subject=TOOLS))
    if before and not after:
        problems.append(Problem(
            "btrfs.last_kernel_leaves", f"btrfs is in use: {words(found)}",
            f"no kernel with btrfs would be left; now {', '.join(before)} has it",
            "Move what is on them to another file system and take them out of fstab first, or stay with what has btrfs"))
    return problems


def lost_by(root: str, running: str, before: t.Collection[str], after: t.Collection[str]) -> list[Problem]:
    """Return what is in the way of going from some installed NEVRAs to others."""
    gone = {_name(nevra) for nevra in before} - {_name(nevra) for nevra in after}
    left = {_release(nevra) for nevra in set(before) - set(after) if kernel_modules.PACKAGE.match(_name(nevra))}
    if not left and not gone & {TOOLS, PACKAGED}:
        return []
    has = kernel_modules.offering(root, running, MODULE)
    keeps = kernel_modules.offering(root, running, MODULE, own=PACKAGED in gone)
    return objections(in_use(root), gone, has, [release for release in keeps if release.partition("+")[0] not in left])


def _name(nevra: str) -> str:
    return nevra.rsplit("-", 2)[0]


def _release(nevra: str) -> str:
    """Return the kernel release of a kernel package."""
    return "-".join(nevra.rsplit("-", 2)[1:]).rpartition(":")[2]
