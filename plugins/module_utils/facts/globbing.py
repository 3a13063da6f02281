# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths by a shell pattern, as glob(7) has them, except that a folder that cannot be read is told and not passed over."""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
import typing as t

MAGIC = re.compile(r"[*?[]")
GONE = (errno.ENOENT, errno.ESRCH)

Note = t.Callable[[str, OSError], None]


def matching(root: str, pattern: str, note: Note) -> list[str]:
    """Return the paths below C(root) that match an absolute pattern, as paths of the host, sorted.

    C(note) is called with each folder that could not be read and the trouble. A path that is not there is no trouble, and
    neither is something that a wildcard matched and that is no folder. A pattern that ends with a slash is for folders, which are
    returned with it.
    """
    found = [""]
    wild = False
    for part in pattern.strip("/").split("/"):
        found = [path for folder in found for path in _below(root, folder, part, wild, note)]
        wild = wild or bool(MAGIC.search(part))
    if pattern.endswith("/"):
        return sorted(f"{path}/" for path in found if _is_folder(root, path, note))
    return sorted(found)


def raising(_folder: str, trouble: OSError) -> t.NoReturn:
    """Raise the trouble: a note for those who cannot go on without the folder."""
    raise trouble


def _is_folder(root: str, path: str, note: Note) -> bool:
    try:
        return stat.S_ISDIR(os.stat(os.path.join(root, path.lstrip("/"))).st_mode)
    except OSError as error:
        if error.errno not in GONE:
            note(path, error)
        return False


def _below(root: str, folder: str, part: str, wild: bool, note: Note) -> t.Iterator[str]:
    """Yield what one part of a pattern matches in a folder. C(wild) says whether a wildcard found the folder."""
    real = os.path.join(root, folder.lstrip("/"))
    try:
        if not MAGIC.search(part):
            os.lstat(os.path.join(real, part))
            yield f"{folder}/{part}"
            return
        names = os.listdir(real)
    except OSError as error:
        if error.errno not in GONE and not (wild and error.errno == errno.ENOTDIR):
            note(folder or "/", error)
        return
    except ValueError:  # a name with a zero byte, which no path has
        return
    for name in names:
        if fnmatch.fnmatchcase(name, part) and (part.startswith(".") or not name.startswith(".")):
            yield f"{folder}/{name}"
