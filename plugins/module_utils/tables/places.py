# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The places of a host that a swap can change without a package saying so, and what is never restored as a file.

One table for what is saved before a transaction, for what a snapshot compares, and for what a proof looks at.
"""

from __future__ import annotations

import fnmatch
import typing as t

SETTINGS = "/etc/systemd"


class Place(t.NamedTuple):
    """A file, or a folder with all that is below it. C(compared): a snapshot looks at its files one by one; the others have a
    part of the snapshot of their own."""

    path: str
    compared: bool = True


# What the sections of the collection write, and what scriptlets, triggers and hooks of packages write.
PLACES = (
    Place(SETTINGS),
    Place("/boot/efi/EFI/centos/grubenv"),
    Place("/boot/grub2/grubenv"),
    Place("/boot/loader/entries"),
    Place("/etc/NetworkManager"),
    # The proof compares what each family of alternatives leads to.
    Place("/etc/alternatives", False),
    Place("/etc/alternatives-admindir", False),
    Place("/etc/default/grub"),
    Place("/etc/dnf"),
    Place("/etc/iptables"),
    Place("/etc/kernel"),
    Place("/etc/ld.so.conf.d"),
    Place("/etc/modprobe.d"),
    Place("/etc/modules-load.d"),
    Place("/etc/nsswitch.conf"),
    Place("/etc/pam.d"),
    Place("/etc/pki/rpm-gpg"),
    Place("/etc/resolv.conf"),
    Place("/etc/rpm"),
    Place("/etc/selinux/config"),
    Place("/etc/sysconfig"),
    Place("/etc/sysctl.conf"),
    Place("/etc/sysctl.d"),
    Place("/etc/sysusers.d"),
    Place("/etc/tmpfiles.d"),
    Place("/etc/udev"),
    Place("/etc/yum.repos.d"),
    Place("/var/lib/alternatives", False),
)
SAVED = tuple(place.path for place in PLACES)
COMPARED = tuple(place.path for place in PLACES if place.compared)

# Never saved and never restored as files. Each is made anew by a program of the host, or must not be what it was.
NEVER = (
    # Accounts: a step takes back what it added; a file of before would take away what others added since.
    "/etc/passwd", "/etc/passwd-", "/etc/group", "/etc/group-", "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-",
    "/etc/subuid", "/etc/subuid-", "/etc/subgid", "/etc/subgid-",
    # What makes this host another one than its clones, and what must not be used twice.
    "/etc/machine-id", "/var/lib/systemd/random-seed",
    # Databases: of rpm, of dnf, of udev's hardware, of the catalog of messages, of the dynamic linker, of the SELinux policy.
    "/var/lib/rpm/*", "/usr/lib/sysimage/rpm/*", "/var/lib/dnf/*", "/usr/lib/sysimage/dnf/*",
    "/etc/udev/hwdb.bin", "/usr/lib/udev/hwdb.bin", "/var/lib/systemd/catalog/database", "/etc/ld.so.cache",
    "/etc/selinux/*/policy/*", "/etc/selinux/*/contexts/files/file_contexts*", "/etc/selinux/*/.policy.sha512",
    "/var/lib/selinux/*",
    # Written anew by the DHCP client.
    "/etc/resolv.conf",
    # A step of its own changes it for the time of a transaction.
    "/etc/sysconfig/kernel",
    # Nothing of these outlives a boot.
    "/run/*", "/var/run/*", "/proc/*", "/sys/*", "/dev/*", "/tmp/*",
)
# Of these a snapshot compares what they are, and not what is in them: programs write them at any time.
RENEWED = ("/etc/resolv.conf", "/etc/udev/hwdb.bin")

# What hooks of kernel-install make when a kernel comes, beside its own entry: its initramfs, the copy of the kernel, dracut's
# rescue image with its entry, and the links to modules of other kernels (weak-modules).
KERNEL_OUTPUTS = (
    "/boot/loader/entries/*-0-rescue.conf", "/boot/vmlinuz-*", "/boot/initramfs-*.img", "/lib/modules/*/weak-updates/*",
)
# Where these lie beside the places above: patterns of files, and of folders with all that is below them.
BESIDE_KERNELS = ("/boot/vmlinuz-0-rescue-*", "/boot/initramfs-0-rescue-*.img", "/lib/modules/*/weak-updates")
# Variables of the environment block of GRUB that hooks of kernel-install set: kernel-core's and tuned's.
KERNEL_VARIABLES = frozenset({"saved_entry", "tuned_params", "tuned_initrd"})

# Of larger files the digest is kept, and not the content; nor of those with which a run would keep more than that.
MOST_OF_A_FILE = 16 * 1024 * 1024
MOST_OF_A_RUN = 128 * 1024 * 1024


def in_places(path: str) -> bool:
    """Say whether a path is one of the places, or below one."""
    return any(path == place or path.startswith(f"{place}/") for place in SAVED)


def is_never(path: str) -> bool:
    """Say whether a path is never saved and never restored as a file."""
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in NEVER)


def of_kernels(path: str) -> bool:
    """Say whether a hook of kernel-install makes this path for any kernel."""
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in KERNEL_OUTPUTS)
