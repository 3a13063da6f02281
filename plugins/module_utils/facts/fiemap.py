# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a file's data lies on its file system, and whether files share it: the ioctls FIEMAP and FICLONE (linux/fs.h)."""

from __future__ import annotations

import fcntl
import os
import struct
import typing as t

FS_IOC_FIEMAP = 0xC020660B
FICLONE = 0x40049409
SYNC = 0x1
# Flags of an extent: the last one, data that has no place of its own, and data that other files share.
LAST, UNPLACED, SHARED = 0x1, 0x2 | 0x4 | 0x200, 0x2000
HEAD, EXTENT = struct.Struct("=QQLLLL"), struct.Struct("=QQQQQLLLL")
BATCH = 64
TRIAL_BYTES = 64 << 10  # a multiple of every block size, and too much to be kept inline


class Extent(t.NamedTuple):
    """A run of a file's bytes. C(physical) is where they lie on the file system."""

    logical: int
    physical: int
    length: int
    flags: int

    @property
    def placed(self) -> bool:
        """Whether the bytes have blocks of their own on the file system."""
        return not self.flags & UNPLACED

    @property
    def shared(self) -> bool:
        """Whether the file system says that another file has the same blocks."""
        return bool(self.flags & SHARED)


def parse(buffer: bytes) -> list[Extent]:
    """Return the extents in an answer of FIEMAP."""
    mapped = HEAD.unpack_from(buffer)[3]
    rows = (EXTENT.unpack_from(buffer, HEAD.size + number * EXTENT.size) for number in range(mapped))
    return [Extent(row[0], row[1], row[2], row[5]) for row in rows]


def extents(path: str) -> list[Extent]:
    """Return the extents of a regular file, in order. Raises OSError where the file system does not tell."""
    found: list[Extent] = []
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        start = 0
        while True:
            question = bytearray(HEAD.pack(start, 2**64 - 1 - start, SYNC, 0, BATCH, 0) + bytes(BATCH * EXTENT.size))
            fcntl.ioctl(handle, FS_IOC_FIEMAP, question)
            batch = parse(bytes(question))
            found += batch
            if not batch or batch[-1].flags & LAST:
                return found
            start = batch[-1].logical + batch[-1].length
    finally:
        os.close(handle)


def common_bytes(a: t.Iterable[Extent], b: t.Iterable[Extent]) -> int:
    """Return how many bytes of two files on one file system lie on the same blocks."""
    theirs = sorted((extent.physical, extent.physical + extent.length) for extent in b if extent.placed)
    total = 0
    for extent in a:
        if extent.placed:
            end = extent.physical + extent.length
            total += sum(max(0, min(end, high) - max(extent.physical, low)) for low, high in theirs)
    return total


def clone_problem(source: str, destination: str) -> str:
    """Say why data below one folder cannot be cloned to another; empty when it can.

    Both files have no name (O_TMPFILE in open(2)): nothing is left of them, whatever happens.
    """
    flags = os.O_TMPFILE | os.O_RDWR
    try:
        have = os.open(source, flags, 0o600)
        try:
            os.write(have, bytes(TRIAL_BYTES))
            made = os.open(destination, flags, 0o600)
            try:
                fcntl.ioctl(made, FICLONE, have)
            finally:
                os.close(made)
        finally:
            os.close(have)
    except OSError as error:
        return os.strerror(error.errno or 0)
    return ""
