# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What paths hold, whole enough to be put back: content, mode, owner and extended attributes (capabilities, SELinux label)."""

from __future__ import annotations

import base64
import os
import shutil
import stat
import tempfile
import typing as t

from ..core.host_io import SCRATCH, Target, sync_folder

FILE, LINK, FOLDER = "file", "link", "folder"
# What is larger is made by a program and not by hand: udev's hwdb.bin has 12 MB.
MOST_BYTES = 1024 * 1024
# Content that others change all the time, that a step of its own changes for the time of a transaction, or that must not be
# written back as it was.
LEFT_ALONE = ("/etc/resolv.conf", "/etc/udev/hwdb.bin", "/etc/sysconfig/kernel")


class PathState(t.NamedTuple):
    """What a path holds. C(content) is base64 for a file and the target of a link; C(attributes) are hex digits by name."""

    kind: str
    mode: int
    uid: int
    gid: int
    content: str
    attributes: dict[str, str]


# By path; None: nothing was there.
States = dict[str, t.Optional[PathState]]


def below(target: Target, tree: str) -> list[str]:
    """Return a path and, of a folder, all paths below it; links are named and not followed."""
    found = [tree] if os.path.lexists(target.path(tree)) else []
    for folder, folders, names in os.walk(target.path(tree)):
        inner = os.path.relpath(folder, target.path(tree))
        found += [os.path.normpath(os.path.join(tree, inner, name)) for name in [*folders, *names]]
    return found


def capture(target: Target, paths: t.Iterable[str]) -> States:
    """Return what some paths hold. Left out: what is neither file, link nor folder, what is too large, and LEFT_ALONE."""
    found: States = {}
    for path in sorted(set(paths)):
        if path in LEFT_ALONE:
            continue
        try:
            state = _state(target.path(path))
        except FileNotFoundError:
            found[path] = None
            continue
        if state is not None:
            found[path] = state
    return found


def _state(real: str) -> PathState | None:
    info = os.lstat(real)
    mode, uid, gid = stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid
    if stat.S_ISLNK(info.st_mode):
        return PathState(LINK, mode, uid, gid, os.readlink(real), {})
    if stat.S_ISDIR(info.st_mode):
        return PathState(FOLDER, mode, uid, gid, "", _attributes(real))
    if not stat.S_ISREG(info.st_mode) or info.st_size > MOST_BYTES:
        return None
    with open(real, "rb") as handle:
        content = base64.b64encode(handle.read()).decode("ascii")
    return PathState(FILE, mode, uid, gid, content, _attributes(real))


def _attributes(real: str) -> dict[str, str]:
    try:
        return {name: os.getxattr(real, name).hex() for name in sorted(os.listxattr(real))}
    except OSError:  # a file system without any
        return {}


def put(target: Target, path: str, wanted: PathState | None) -> None:
    """Bring a path to a state, a file whole or not at all. A folder that is not empty is never taken away."""
    real = target.path(path)
    if wanted is None:
        _remove(real)
    elif wanted.kind == FOLDER:
        if not os.path.isdir(real) or os.path.islink(real):
            _remove(real)
            os.makedirs(real)
        _dress(real, wanted)
    else:
        _replace(real, wanted)


def _remove(real: str) -> None:
    if not os.path.lexists(real):
        return
    if os.path.isdir(real) and not os.path.islink(real):
        if os.listdir(real):
            return
        os.rmdir(real)
    else:
        os.unlink(real)
    sync_folder(os.path.dirname(real))


def _replace(real: str, wanted: PathState) -> None:
    folder = os.path.dirname(real)
    os.makedirs(folder, exist_ok=True)
    scratch = tempfile.mkdtemp(dir=folder, prefix=SCRATCH)
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
        if os.path.isdir(real) and not os.path.islink(real):
            _remove(real)
        os.rename(beside, real)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    sync_folder(folder)


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
