# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What paths hold: kind, mode, owner, content by digest, link target, capabilities, ACLs and the attributes of users.

Never times, and never the attributes of IMA and EVM. A SELinux label is no part of a state: it is the policy's default.
"""

from __future__ import annotations

import errno
import os
import stat
import typing as t

from ..core.host_io import ACLS, USERS, Target, is_there
from ..tables.places import is_never
from ..text.file_capabilities import ATTRIBUTE
from .contents import Contents

FILE, LINK, FOLDER = "file", "link", "folder"
# What is known to be there, and neither kept nor put back: devices, sockets, named pipes.
OTHER = "other"
# A file that is too large to be read: what it holds is not known, only when it was written last.
HUGE = "huge"
MOST_READ = 1 << 30
# O_NONBLOCK: a named pipe that took the place of a file would hold the reader for ever.
READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class PathState(t.NamedTuple):
    """What a path holds. C(content) is the SHA-256 of a file, the target of a link, and the device number of what is OTHER;
    C(attributes) are hex digits by name."""

    kind: str
    mode: int
    uid: int
    gid: int
    content: str
    attributes: dict[str, str]


# By path; None: nothing was there.
States = dict[str, t.Optional[PathState]]


def text_of(contents: Contents, state: PathState) -> str | None:
    """Return the text of a file, None where its content was not kept."""
    data = contents.of(state.content)
    return None if data is None else data.decode("utf-8", "surrogateescape")


def below(target: Target, tree: str) -> list[str]:
    """Return a path and, of a folder, all paths below it; links are named and not followed."""
    if not is_there(target.path(tree)):
        return []
    found = [tree]
    for folder, folders, names in os.walk(target.path(tree), onerror=_unless_gone):
        inner = os.path.relpath(folder, target.path(tree))
        found += [os.path.normpath(os.path.join(tree, inner, name)) for name in [*folders, *names]]
    return found


def _unless_gone(error: OSError) -> None:
    """Raise what kept a folder from being read: what is below it is not absent. What is no folder, or gone by now, has nothing
    below it."""
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise error


def capture(target: Target, paths: t.Iterable[str], contents: Contents) -> States:
    """Return what some paths hold, but for those that are never restored as files. C(contents) is given what is read."""
    found: States = {}
    for path in sorted(set(paths)):
        if is_never(path):
            continue
        try:
            found[path] = of_path(target.path(path), contents)
        except (FileNotFoundError, NotADirectoryError):
            found[path] = None
    return found


def of_path(name: str, contents: Contents, folder: int | None = None) -> PathState:
    """Return what a path holds, or a name in an open folder."""
    info = os.stat(name, dir_fd=folder, follow_symlinks=False)
    mode, uid, gid = stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid
    if stat.S_ISLNK(info.st_mode):
        return PathState(LINK, mode, uid, gid, os.readlink(name, dir_fd=folder), {})
    if not (stat.S_ISDIR(info.st_mode) or stat.S_ISREG(info.st_mode)):
        return PathState(OTHER, mode, uid, gid, f"{stat.S_IFMT(info.st_mode):o} {info.st_rdev}", {})
    if stat.S_ISREG(info.st_mode) and info.st_size > MOST_READ:
        return PathState(HUGE, mode, uid, gid, f"{info.st_size} bytes of {info.st_mtime_ns}", {})
    handle = opened(name, folder)
    try:
        return of_open(handle, contents)
    finally:
        os.close(handle)


def opened(name: str, folder: int | None = None) -> int:
    """Open a file or folder for reading, and follow no link. Raises FileNotFoundError where it has become a link."""
    try:
        return os.open(name, READING, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _became_another(name) from error
        raise


def _became_another(name: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "it became something else while it was read", name)


def of_open(handle: int, contents: Contents) -> PathState:
    """Return what an open file or folder holds. Raises FileNotFoundError where it is neither."""
    info = os.fstat(handle)
    is_file = stat.S_ISREG(info.st_mode)
    if not (is_file or stat.S_ISDIR(info.st_mode)):
        raise _became_another("")
    content = contents.read(handle) if is_file else ""
    return PathState(
        FILE if is_file else FOLDER, stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid, content, attributes(handle))


def attributes(handle: int) -> dict[str, str]:
    """Return the extended attributes of an open file or folder that belong to its state."""
    try:
        return {name: os.getxattr(handle, name).hex() for name in sorted(os.listxattr(handle)) if _is_kept(name)}
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        return {}  # a file system without any


def _is_kept(name: str) -> bool:
    return name == ATTRIBUTE or name in ACLS or name.startswith(USERS)


def dress(handle: int, wanted: PathState) -> None:
    """Give an open file or folder owner, mode and attributes; the owner first, because its change takes mode bits and
    capabilities away."""
    os.fchown(handle, wanted.uid, wanted.gid)
    os.fchmod(handle, wanted.mode)
    now = attributes(handle)
    for name in now.keys() - wanted.attributes.keys():
        os.removexattr(handle, name)
    for name, value in wanted.attributes.items():
        if now.get(name) != value:
            os.setxattr(handle, name, bytes.fromhex(value))
