# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What paths hold, whole enough to be put back: content, mode, owner and extended attributes (capabilities, SELinux label)."""

from __future__ import annotations

import base64
import errno
import os
import shutil
import stat
import tempfile
import typing as t

from ..core import boot_disk
from ..core.host_io import SCRATCH, Target, is_there, sync_folder
from ..packages.store import digest

FILE, LINK, FOLDER = "file", "link", "folder"
# What is known to be there, and neither kept nor put back.
OTHER = "other"
# What is larger is made by a program and not by hand: udev's hwdb.bin has 12 MB.
MOST_BYTES = 1024 * 1024
# Content that others change all the time, that a step of its own changes for the time of a transaction, or that must not be
# written back as it was.
LEFT_ALONE = ("/etc/resolv.conf", "/etc/udev/hwdb.bin", "/etc/sysconfig/kernel")


class PathState(t.NamedTuple):
    """What a path holds. C(content) is base64 for a file, the target of a link, and the size of what is OTHER, of a file with
    the digest of all that is in it; C(attributes) are hex digits by name."""

    kind: str
    mode: int
    uid: int
    gid: int
    content: str
    attributes: dict[str, str]


def text_of(state: PathState) -> str:
    """Return the text of a file."""
    return base64.b64decode(state.content).decode("utf-8", "surrogateescape")


# By path; None: nothing was there.
States = dict[str, t.Optional[PathState]]


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


def capture(target: Target, paths: t.Iterable[str]) -> States:
    """Return what some paths hold, but for LEFT_ALONE. What is neither file, link nor folder, or too large, is OTHER."""
    found: States = {}
    for path in sorted(set(paths)):
        if path in LEFT_ALONE:
            continue
        try:
            found[path] = _state(target.path(path))
        except (FileNotFoundError, NotADirectoryError):
            found[path] = None
    return found


def _state(real: str) -> PathState:
    info = os.lstat(real)
    mode, uid, gid = stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid
    if stat.S_ISLNK(info.st_mode):
        return PathState(LINK, mode, uid, gid, os.readlink(real), {})
    if stat.S_ISDIR(info.st_mode):
        return PathState(FOLDER, mode, uid, gid, "", _attributes(real))
    if not stat.S_ISREG(info.st_mode):
        return PathState(OTHER, mode, uid, gid, str(info.st_size), {})
    if info.st_size > MOST_BYTES:
        return PathState(OTHER, mode, uid, gid, f"{info.st_size} sha256 {digest(real)}", _attributes(real))
    with open(real, "rb") as handle:
        content = base64.b64encode(handle.read()).decode("ascii")
    return PathState(FILE, mode, uid, gid, content, _attributes(real))


def _attributes(real: str) -> dict[str, str]:
    try:
        return {name: os.getxattr(real, name).hex() for name in sorted(os.listxattr(real))}
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        return {}  # a file system without any


def exchange(target: Target, path: str, expected: PathState | None, wanted: PathState | None) -> bool:
    """Bring a path from one state to another, and say whether that was done: not where it holds something else by now.

    A file is put in place whole or not at all. A folder that is not empty is never taken away.
    """
    real = target.path(path)
    if _now(real) != expected:
        return False
    if wanted is None:
        return _remove(real)
    if wanted.kind == FOLDER:
        if not os.path.isdir(real) or os.path.islink(real):
            _remove(real)
            os.makedirs(real)
        _dress(real, wanted)
        return True
    if path == boot_disk.ENVIRONMENT and _fits(wanted, expected):
        boot_disk.overwrite(real, base64.b64decode(wanted.content))
        _dress(real, wanted)
        return True
    return _replace(real, wanted, target.scratch, expected)


def _fits(wanted: PathState, there: PathState | None) -> bool:
    """Say whether a file can be written in the place of another."""
    return there is not None and (wanted.kind, there.kind) == (FILE, FILE) and (
        len(base64.b64decode(wanted.content)) == len(base64.b64decode(there.content)))


def put_at(place: str, state: PathState) -> None:
    """Lay a state down at a place of our own."""
    os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
    _replace(place, state, SCRATCH, _now(place))


def _now(real: str) -> PathState | None:
    try:
        return _state(real)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _remove(real: str) -> bool:
    """Take a path away and say whether it is gone."""
    if os.path.isdir(real) and not os.path.islink(real):
        if os.listdir(real):
            return False
        os.rmdir(real)
    elif os.path.lexists(real):
        os.unlink(real)
    sync_folder(os.path.dirname(real))
    return True


def _replace(real: str, wanted: PathState, prefix: str, expected: PathState | None) -> bool:
    folder = os.path.dirname(real)
    os.makedirs(folder, exist_ok=True)
    scratch = tempfile.mkdtemp(dir=folder, prefix=prefix)
    try:
        beside = os.path.join(scratch, "new")
        if wanted.kind == LINK:
            os.symlink(wanted.content, beside)
            os.lchown(beside, wanted.uid, wanted.gid)
        else:
            with open(beside, "wb") as out:
                out.write(base64.b64decode(wanted.content))
                out.flush()
                os.fsync(out.fileno())
            _dress(beside, wanted)
        # Looked at again, because the new content has been synced to disk meanwhile.
        if _now(real) != expected or (os.path.isdir(real) and not os.path.islink(real) and not _remove(real)):
            return False
        os.rename(beside, real)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    sync_folder(folder)
    return True


def _dress(real: str, wanted: PathState) -> None:
    """Give a path owner, mode and attributes; the owner first, because its change takes mode bits and capabilities away."""
    os.chown(real, wanted.uid, wanted.gid)
    os.chmod(real, wanted.mode)
    now = _attributes(real)
    for name in now.keys() - wanted.attributes.keys():
        os.removexattr(real, name)
    for name, value in wanted.attributes.items():
        if now.get(name) != value:
            os.setxattr(real, name, bytes.fromhex(value))
