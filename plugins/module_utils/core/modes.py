# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make folders and files with a mode that is named, whatever the umask of the process. What is there keeps its mode.

A umask of 0077, as pam_umask(8) sets it, would have daemons not read a folder that was made for them. Detached code holds a copy
of this module.
"""

from __future__ import annotations

import os
import typing as t

PRIVATE, PRIVATE_FILE = 0o700, 0o600
PUBLIC, PUBLIC_FILE = 0o755, 0o644
# Folders that the distribution ships with another mode than PUBLIC, by the %files of grub2, openssh, sudo, audit and filesystem.
SHIPPED = {
    "/boot/grub2": 0o700, "/boot/loader/entries": 0o700, "/boot/efi": 0o700, "/etc/audit": 0o750, "/etc/audit/rules.d": 0o750,
    "/etc/grub.d": 0o700, "/etc/ssh/ssh_config.d": 0o755, "/etc/ssh/sshd_config.d": 0o700, "/etc/sudoers.d": 0o750,
    "/root": 0o550, "/tmp": 0o1777, "/var/tmp": 0o1777}
# What the programs of the distribution expect that a process calls: with it, they make what all users may read.
UMASK = 0o022


def of_folder(path: str) -> int:
    """Return the mode that a folder of a host is made with."""
    return SHIPPED.get(path, PUBLIC)


def make_folders(real: str, mode: t.Callable[[str], int] | int) -> list[str]:
    """Make a folder, and those above it that are missing; return which were made, outermost first. C(mode) is that of each, or
    returns it by the path. Raises OSError where something else is in the way."""
    missing = []
    while not os.path.isdir(real):
        missing.append(real)
        real = os.path.dirname(real)
    made = []
    for folder in reversed(missing):
        try:
            # Never more than it is to be, not even for a moment.
            os.mkdir(folder, PRIVATE)
        except FileExistsError:
            if not os.path.isdir(folder):
                raise
            continue
        os.chmod(folder, mode if isinstance(mode, int) else mode(folder))
        made.append(folder)
    return made


def private(path: str, flags: int) -> int:
    """Open a file, made for root alone where it is not there; for the C(opener) of open()."""
    return _opened(path, flags, PRIVATE_FILE)


def public(path: str, flags: int) -> int:
    """Open a file, made for all to read where it is not there; for the C(opener) of open()."""
    return _opened(path, flags, PUBLIC_FILE)


def _opened(path: str, flags: int, mode: int) -> int:
    try:
        handle = os.open(path, flags | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    except FileExistsError:
        return os.open(path, flags & ~os.O_EXCL)
    os.fchmod(handle, mode)
    return handle
