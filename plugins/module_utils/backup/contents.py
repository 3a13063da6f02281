# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contents of files by their SHA-256: the same content is kept once, within a limit for each file and one for a run."""

from __future__ import annotations

import hashlib
import os
import typing as t

from ..core import boot_disk, modes
from ..core.host_io import is_there, names_in
from ..tables.places import MOST_OF_A_FILE, MOST_OF_A_RUN

CHUNK = 1 << 20
# What is no larger is held in memory too: alternatives, boot entries and the environment of GRUB are read there.
SMALL = 64 * 1024


class Contents:
    """Contents that were read, as far as they are small, and those that a folder keeps. C(keeping): it takes in what is read."""

    def __init__(self, folder: str = "", keeping: bool = False) -> None:
        self._folder = folder
        self._keeping = keeping
        self._small: dict[str, bytes] = {}
        self._bytes = sum(os.lstat(os.path.join(folder, name)).st_size for name in names_in(folder)) if keeping else 0
        self._took = False

    def read(self, handle: int) -> str:
        """Read an open file and return its digest."""
        size = os.fstat(handle).st_size
        room = size <= MOST_OF_A_FILE and self._bytes + size <= MOST_OF_A_RUN
        if size > SMALL:
            return self._copied(handle) if self._keeping and room else _digest(handle)
        data = b"".join(_chunks(handle))
        digest = self.hold(data)
        if self._keeping and room:
            self._take(digest, data)
        return digest

    def hold(self, data: bytes) -> str:
        """Hold a content in memory and return its digest."""
        digest = hashlib.sha256(data).hexdigest()
        self._small[digest] = data
        return digest

    def of(self, digest: str) -> bytes | None:
        """Return the content of a digest, None where it was not kept or is not whole."""
        if digest in self._small:
            return self._small[digest]
        try:
            with open(os.path.join(self._folder, digest), "rb") as handle:
                data = handle.read()
        except FileNotFoundError:
            return None
        return data if hashlib.sha256(data).hexdigest() == digest else None

    def has(self, digest: str) -> bool:
        """Say whether the folder keeps the content of a digest."""
        return is_there(os.path.join(self._folder, digest))

    def sync(self) -> None:
        """Have what was taken in on the disk: all at once, since hundreds of small files are slow to be synced one by one."""
        if self._took:
            handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                boot_disk.syncfs(handle)
            finally:
                os.close(handle)
            self._took = False

    def _take(self, digest: str, data: bytes) -> None:
        if not is_there(os.path.join(self._folder, digest)):
            with self._beside() as out:
                out.write(data)
            self._keep(digest, len(data))

    def _copied(self, handle: int) -> str:
        known, size = hashlib.sha256(), 0
        with self._beside() as out:
            for chunk in _chunks(handle):
                known.update(chunk)
                size += len(chunk)
                out.write(chunk)
        self._keep(known.hexdigest(), size)
        return known.hexdigest()

    def _beside(self) -> t.BinaryIO:
        modes.make_folders(self._folder, modes.PRIVATE)
        return open(os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")

    @property
    def _new(self) -> str:
        return os.path.join(self._folder, ".new")

    def _keep(self, digest: str, size: int) -> None:
        """Give the content that was written its name. After a power cut before L(sync) it may hold something else, which L(of)
        sees."""
        place = os.path.join(self._folder, digest)
        self._bytes += 0 if is_there(place) else size
        os.rename(self._new, place)
        self._took = True


def _chunks(handle: int) -> t.Iterator[bytes]:
    while chunk := os.read(handle, CHUNK):
        yield chunk


def _digest(handle: int) -> str:
    known = hashlib.sha256()
    for chunk in _chunks(handle):
        known.update(chunk)
    return known.hexdigest()
