# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write or remove a text file only if it still holds what was read of it: what somebody writes in between is not lost.

The new file and the one that is there are exchanged in one step, and what came out is looked at. Where the file system has no
exchange, the file is looked at once more right before it is replaced.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
import tempfile

from .host_io import FileState, Target, is_there, state_at, sync_folder
from .renames import AT_FDCWD, RENAME_EXCHANGE, RENAME_NOREPLACE, renameat2

WITHOUT = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
# Ends the name under which a file is kept beside its path. No program reads it.
ASIDE = ".saved"


def write(target: Target, path: str, now: FileState | None, wanted: FileState) -> bool:
    """Put a file in the place of one that holds C(now), or where nothing is, and say whether that was done. A link stays."""
    real = target.path(target.final(path))
    with target.beside(path, wanted) as beside:
        done = _into_nothing(beside, real) if now is None else _in_place(target, path, beside, real, now)
    sync_folder(os.path.dirname(real))
    return done


def _into_nothing(beside: str, real: str) -> bool:
    try:
        renameat2(AT_FDCWD, beside, AT_FDCWD, real, RENAME_NOREPLACE)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in WITHOUT:
            raise
        if is_there(real):
            return False
        os.rename(beside, real)
    return True


def _in_place(target: Target, path: str, beside: str, real: str, now: FileState) -> bool:
    ours = os.lstat(beside).st_ino
    try:
        renameat2(AT_FDCWD, beside, AT_FDCWD, real, RENAME_EXCHANGE)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in WITHOUT:
            raise
        if not _holds(real, now):
            return False
        os.rename(beside, real)
        return True
    if _holds(beside, now):
        return True
    renameat2(AT_FDCWD, beside, AT_FDCWD, real, RENAME_EXCHANGE)
    if os.lstat(beside).st_ino != ours:
        # Somebody has replaced ours meanwhile: that is the newest, and the one before is kept.
        renameat2(AT_FDCWD, beside, AT_FDCWD, real, RENAME_EXCHANGE)
        os.rename(beside, target.path(free(target, path + ASIDE)))
    return False


def remove(target: Target, path: str, now: FileState) -> bool:
    """Take a file away that holds C(now), and say whether it is gone."""
    real = target.path(path)
    folder = os.path.dirname(real)
    holder = tempfile.mkdtemp(dir=folder, prefix=target.scratch)
    out = os.path.join(holder, "old")
    try:
        os.rename(real, out)
        if _holds(out, now):
            os.unlink(out)
            return True
        if not _into_nothing(out, real):
            os.rename(out, target.path(free(target, path + ASIDE)))
        return False
    except FileNotFoundError:
        return True
    finally:
        os.rmdir(holder)
        sync_folder(folder)


def _holds(real: str, now: FileState) -> bool:
    """Say whether a regular file, and no link to one, holds something."""
    try:
        return stat.S_ISREG(os.lstat(real).st_mode) and state_at(real) == now
    except OSError:
        return False


def free(target: Target, path: str) -> str:
    """Return a path at which nothing is: the given one, or it with a number."""
    names = itertools.chain([path], (f"{path}.{number}" for number in itertools.count(1)))
    return next(name for name in names if not is_there(target.path(name)))
