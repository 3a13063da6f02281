# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""renameat2(2), which Python does not have: exchange two names in one step, or rename only where nothing is."""

from __future__ import annotations

import ctypes
import errno
import functools
import os

# linux/fs.h, fcntl.h
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
AT_FDCWD = -100


@functools.lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def renameat2(old_folder: int, old: str, new_folder: int, new: str, flags: int) -> None:
    """Rename by the flags. The folders are open ones, or AT_FDCWD where the names are whole paths. Raises OSError."""
    call = getattr(_libc(), "renameat2", None)
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), old)
    if call(old_folder, os.fsencode(old), new_folder, os.fsencode(new), ctypes.c_uint(flags)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), old, None, new)
