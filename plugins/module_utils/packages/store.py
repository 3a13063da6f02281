# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of package files with a list of what is in it, by which each is known again: kept for a way back or for going on.

Used by the modules and by the detached runner, so it rests on the standard library alone. The list is written last: a
file that it does not name was cut short, and one whose digest differs from it is as good as missing.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import typing as t

from ..core import modes
from ..core.host_io import is_file

INDEX = "packages.json"
BLOCK = 1024 * 1024


class Store:
    """Package files below one folder, by NEVRA."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def index(self) -> dict[str, dict[str, str]]:
        """Return what is in it: NEVRA -> C(file), its name, and C(sha256)."""
        try:
            with open(os.path.join(self.folder, INDEX), encoding="utf-8") as handle:
                return json.load(handle)
        except (FileNotFoundError, ValueError):
            return {}

    def put(self, packages: t.Mapping[str, str]) -> None:
        """Take package files in (NEVRA -> path), synced, beside those that are there."""
        modes.make_folders(self.folder, modes.PRIVATE)
        index = self.index()
        for nevra, path in sorted(packages.items()):
            name = os.path.basename(path)
            _place(path, os.path.join(self.folder, name))
            index[nevra] = {"file": name, "sha256": digest(os.path.join(self.folder, name))}
        beside = os.path.join(self.folder, f".{INDEX}")
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
            json.dump(index, handle, sort_keys=True)
            handle.flush()
            os.fsync(handle.fileno())
        os.rename(beside, os.path.join(self.folder, INDEX))
        _sync(self.folder)

    def whole(self) -> dict[str, str]:
        """Return the packages that can be used, NEVRA -> path: those whose file is still what was taken in."""
        found = {}
        for nevra, entry in self.index().items():
            path = os.path.join(self.folder, os.path.basename(entry["file"]))
            if is_file(path) and digest(path) == entry["sha256"]:
                found[nevra] = path
        return found

    def clear(self) -> None:
        """Take all of it away."""
        shutil.rmtree(self.folder, ignore_errors=True)


def digest(path: str) -> str:
    """Return the SHA-256 of a file."""
    known = hashlib.sha256()
    with open(path, "rb") as handle:
        while block := handle.read(BLOCK):
            known.update(block)
    return known.hexdigest()


def _place(path: str, place: str) -> None:
    """Have a file in another place as well: as a second name, or as a copy.

    A second name has the SELinux label of the first. Where the folder's type is another one, a copy takes that of the folder.
    """
    if os.path.exists(place):
        os.unlink(place)
    try:
        if _selinux_type(path) != _selinux_type(os.path.dirname(place)):
            _copy(path, place)
        else:
            os.link(path, place)
    except OSError:
        _copy(path, place)
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _copy(path: str, place: str) -> None:
    with open(path, "rb") as source, open(place, "wb", opener=modes.private) as copy:
        shutil.copyfileobj(source, copy)


def _selinux_type(path: str) -> str:
    """Return the type of a path's SELinux label, empty where it has none."""
    try:
        label = os.getxattr(path, "security.selinux").decode("ascii", "replace")
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.EOPNOTSUPP):
            return ""
        raise
    return (label.rstrip("\0").split(":") + ["", "", ""])[2]


def _sync(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
