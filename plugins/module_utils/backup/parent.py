# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder that a path lies in, opened without following links, and how a name in it is replaced while others write there.

What is at a name is never overwritten unseen. It is exchanged with the new one in one step (renameat2(2), RENAME_EXCHANGE), or
moved away, and looked at only then. What turns out to be another one than was expected goes back, or is handed on.

Where a file system has no exchange (NFS; vfat before Linux 6.0), what is there is moved away first, and the new one put into the
empty place only if nobody has written there meanwhile: by RENAME_NOREPLACE, by a hard link where there is none of that either,
and where the file system knows neither, after one more look.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import typing as t

from ..core import modes
from ..core.renames import RENAME_EXCHANGE, RENAME_NOREPLACE, renameat2

# What a file system says that has no such renames, and a kernel or C library without the call.
WITHOUT = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
# What it says that has no hard links.
WITHOUT_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
# Links of the distribution itself, the only ones that are followed: they are part of the path as packages have it.
MERGED = ("bin", "lib", "lib64", "sbin")
OPENING = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# What a new one is called in its scratch folder, and what was there before it.
NEW, OLD = "new", "old"


class Closed(Exception):
    """The folder of a path cannot be opened without following a link. Its text says why."""


def unmerged(root: str, path: str) -> str:
    """Return a path with the distribution's own links of folders into /usr resolved, where this host has them."""
    first, _slash, rest = path.lstrip("/").partition("/")
    if first in MERGED and rest:
        with contextlib.suppress(OSError):
            if os.readlink(os.path.join(root, first)).strip("/") == f"usr/{first}":
                return f"/usr/{first}/{rest}"
    return path


class Parent:
    """The open folder of a path. C(make): folders that are not there are made."""

    def __init__(self, root: str, path: str, make: bool = False) -> None:
        folder, self.name = os.path.split(unmerged(root, path))
        self.handle = _opened(root, folder, make)

    def __enter__(self) -> Parent:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self.handle)

    def status(self) -> os.stat_result | None:
        """Return what is at the name, None where nothing is."""
        return status(self.handle, self.name)

    def size(self) -> int:
        """Return the size of what is at the name, 0 where nothing is."""
        found = self.status()
        return 0 if found is None else found.st_size

    @property
    def device(self) -> int:
        """The file system of the folder itself."""
        return os.fstat(self.handle).st_dev

    def sync(self) -> None:
        """Have what changed in the folder on the disk."""
        handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.handle)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def scratch(self, prefix: str) -> t.Iterator[int]:
        """Have a folder beside the name for what is put in its place. It goes afterwards, unless something is left in it."""
        name = f"{prefix}{secrets.token_hex(4)}"
        os.mkdir(name, 0o700, dir_fd=self.handle)
        handle = os.open(name, OPENING, dir_fd=self.handle)
        try:
            yield handle
        finally:
            os.close(handle)
            with contextlib.suppress(OSError):
                os.rmdir(name, dir_fd=self.handle)

    def exchange(self, scratch: int) -> bool:
        """Put NEW at the name and what was there at OLD, in one step, and say whether the file system can do that."""
        try:
            renameat2(scratch, NEW, self.handle, self.name, RENAME_EXCHANGE)
        except OSError as error:
            if error.errno in WITHOUT:
                return False
            raise
        os.rename(NEW, OLD, src_dir_fd=scratch, dst_dir_fd=scratch)
        return True

    def exchange_back(self, scratch: int) -> None:
        """Put OLD at the name again, and what is there now at NEW."""
        renameat2(scratch, OLD, self.handle, self.name, RENAME_EXCHANGE)
        os.rename(OLD, NEW, src_dir_fd=scratch, dst_dir_fd=scratch)

    def take_out(self, scratch: int) -> None:
        """Move what is at the name to OLD."""
        os.rename(self.name, OLD, src_dir_fd=self.handle, dst_dir_fd=scratch)

    def put_in(self, scratch: int, name: str) -> bool:
        """Move NEW or OLD to the name where nothing is there, and say whether that was done."""
        try:
            renameat2(scratch, name, self.handle, self.name, RENAME_NOREPLACE)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in WITHOUT:
                raise
            return self._put_in_otherwise(scratch, name)
        return True

    def _put_in_otherwise(self, scratch: int, name: str) -> bool:
        try:
            os.link(name, self.name, src_dir_fd=scratch, dst_dir_fd=self.handle, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in WITHOUT_LINKS:
                raise
            if self.status() is not None:
                return False
            os.rename(name, self.name, src_dir_fd=scratch, dst_dir_fd=self.handle)
        else:
            os.unlink(name, dir_fd=scratch)
        return True


def status(folder: int, name: str) -> os.stat_result | None:
    """Return what is at a name in an open folder, None where nothing is."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def drop(folder: int, name: str) -> None:
    """Take away what is at a name in an open folder: a file, a link, or a folder that holds nothing."""
    found = status(folder, name)
    if found is not None:
        (os.rmdir if stat.S_ISDIR(found.st_mode) else os.unlink)(name, dir_fd=folder)


def _opened(root: str, folder: str, make: bool) -> int:
    """Open a folder step by step. Raises Closed at a link and at what is no folder, and FileNotFoundError."""
    handle = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    known = ""
    for part in filter(None, folder.split("/")):
        known += f"/{part}"
        try:
            inner = _inner(handle, part, known, make)
        except NotADirectoryError as error:
            found = status(handle, part)
            what = "a symbolic link" if found is not None and stat.S_ISLNK(found.st_mode) else "no folder"
            raise Closed(f"{known} is {what}") from error
        finally:
            os.close(handle)
        handle = inner
    return handle


def _inner(handle: int, part: str, path: str, make: bool) -> int:
    try:
        return os.open(part, OPENING, dir_fd=handle)
    except FileNotFoundError:
        if not make:
            raise
    try:
        os.mkdir(part, modes.PRIVATE, dir_fd=handle)
    except FileExistsError:
        return os.open(part, OPENING, dir_fd=handle)
    made = os.open(part, OPENING, dir_fd=handle)
    os.chmod(f"/proc/self/fd/{made}", modes.of_folder(path))
    return made
