# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the paths that are to be written cannot be, and why. L(look) reads the host, L(judge) decides.

What is written is put beside its path and renamed, by rpm and by the collection alike, so the folder counts as much as the
file. What cannot be looked at is not known to be writable, and is told with the reason.

Room is judged by the file system and by the quotas that bind root, for a few small files: who knows sizes asks for more.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import stat
import typing as t

from ..text import mountinfo
from . import quota as quotas
from .host_io import NOWHERE, end_of_links, is_folder

# How rpm writes a path: a file or link takes its place, a folder is made where there is none, it is removed, or it is one of
# these and nobody knows which. CLEARED is a file for which a scriptlet takes a folder away first; NEW is a path of which nobody
# knows whether what is there is written at all, as a ghost is not.
FILE, FOLDER, GONE, ANY, CLEARED, NEW = "file", "folder", "gone", "any", "cleared", "new"
# How the collection writes a file of others: what a symbolic link at the path leads to, and the link stays. To take a file away
# is refused where there is a link.
WRITTEN, REMOVED = "written", "removed"

# What keeps a path from being written.
IMMUTABLE, APPEND_ONLY, READ_ONLY, MOUNTED = "immutable", "append-only", "read-only", "mounted"
FOLDER_IN_WAY, FILE_IN_WAY, FORBIDDEN, UNREADABLE = "folder in the way", "file in the way", "forbidden", "unreadable"
FULL, QUOTA = "full", "quota used up"
LEADS_NOWHERE, A_LINK, HARD_LINKS = "a link that leads nowhere", "a link", "hard links"
# These go where packages are taken away.
NO_ROOM = (FULL, QUOTA)

# linux/fs.h, for systems on which a long has 64 bits.
FS_IOC_GETFLAGS, FS_IMMUTABLE_FL, FS_APPEND_FL = 0x80086601, 0x10, 0x20
# What file systems say that have no such flags, or no such ioctl at all.
WITHOUT_FLAGS = (errno.ENOTTY, errno.EOPNOTSUPP, errno.EINVAL)
MOUNTINFO = "/proc/self/mountinfo"
# What a file system must have left for a few small files.
LEAST_BYTES = 64 * 1024


class Touch(t.NamedTuple):
    """A path that is going to be written, and how."""

    path: str
    how: str = FILE


class Flags(t.NamedTuple):
    """The flags of an inode that bind root as well (chattr(1))."""

    immutable: bool = False
    append_only: bool = False


NO_FLAGS = Flags()


class Folder(t.NamedTuple):
    """The folder that a path lies in, or the nearest above it that is there. C(mount) is its mount point; C(None) of what is
    free means that it is not counted; C(quota) names the quota whose room that is, empty for the file system's own."""

    path: str
    is_folder: bool
    flags: Flags
    read_only: bool
    forbidden: bool
    mount: str
    fstype: str
    free_bytes: int | None
    free_inodes: int | None
    quota: str = ""


class Seen(t.NamedTuple):
    """What is at a path: C(found) is empty, C(file), C(link), C(folder) or C(other). C(parent): its own folder is there.
    C(links) is how many names a file has."""

    place: str
    found: str
    mounted: bool
    flags: Flags
    folder: Folder
    parent: bool
    links: int = 1


class Obstacle(t.NamedTuple):
    """Why a path cannot be written. C(where) is what has to be changed; C(touched) is the path; C(said) is what the host
    answered where it could not be looked at."""

    kind: str
    where: str
    touched: str
    said: str = ""


def obstacles(root: str, touches: t.Iterable[Touch]) -> list[Obstacle]:
    """Return what keeps some paths from being written on a host."""
    reader = Reader(root)
    found: list[Obstacle] = []
    new: dict[tuple[str, str], list[str]] = {}
    folders: dict[tuple[str, str], list[Folder]] = {}
    for touch in sorted(set(touches)):
        try:
            seen = reader.look(touch)
        except OSError as error:
            found.append(Obstacle(UNREADABLE, touch.path, touch.path, error.strerror or str(error)))
            continue
        obstacle = judge(touch, seen)
        if obstacle is not None:
            found.append(obstacle)
        elif touch.how not in (GONE, REMOVED) and seen.found != "folder":
            room = seen.folder.mount, seen.folder.quota
            folders.setdefault(room, []).append(seen.folder)
            new.setdefault(room, []).extend([] if seen.found else [touch.path])
    return found + [
        _no_room(folders[room], paths) for room, paths in sorted(new.items()) if is_full(folders[room][-1], len(paths))]


def _no_room(folders: t.Sequence[Folder], new: t.Sequence[str]) -> Obstacle:
    """Return what is said of folders that share a room in which there is none."""
    touched = (new or [folders[0].path])[0]
    if not folders[0].quota:
        return Obstacle(FULL, folders[0].mount, touched)
    return Obstacle(QUOTA, os.path.commonpath([folder.path for folder in folders]), touched)


def is_full(folder: Folder, new: int) -> bool:
    """Say whether a folder has no room for some new files, and one more that is written beside."""
    no_room = folder.free_bytes is not None and folder.free_bytes < LEAST_BYTES
    return no_room or (folder.free_inodes is not None and folder.free_inodes < new + 1)


def judge(touch: Touch, seen: Seen) -> Obstacle | None:
    """Return what keeps a path from being written, None where nothing does."""
    if touch.how == NEW and seen.found:
        return None
    kind, where = _own(touch, seen) or _of_folder(touch, seen) or ("", "")
    return Obstacle(kind, where, touch.path) if kind else None


# What a link is that is still there once links were followed, and one that is not followed.
LINKS_IN_THE_WAY = {WRITTEN: LEADS_NOWHERE, REMOVED: A_LINK}


def _own(touch: Touch, seen: Seen) -> tuple[str, str] | None:
    """Return what is wrong with what is at the path."""
    if not seen.found:
        return None
    if seen.found == "folder":
        return (FOLDER_IN_WAY, seen.place) if touch.how in (FILE, WRITTEN, REMOVED) else None
    if touch.how == FOLDER:
        return FILE_IN_WAY, seen.place
    if seen.found == "link" and touch.how in LINKS_IN_THE_WAY:
        return LINKS_IN_THE_WAY[touch.how], seen.place
    if seen.links > 1 and touch.how in (WRITTEN, REMOVED):
        return HARD_LINKS, seen.place
    if seen.mounted:
        return MOUNTED, seen.place
    if seen.flags.immutable:
        return IMMUTABLE, seen.place
    return (APPEND_ONLY, seen.place) if seen.flags.append_only else None


def _of_folder(touch: Touch, seen: Seen) -> tuple[str, str] | None:
    """Return what is wrong with the folder that the path lies in. A folder that is there already needs nothing of it."""
    folder = seen.folder
    if seen.found == "folder" or (touch.how in (GONE, REMOVED) and not seen.found):
        return None
    if not folder.is_folder:
        return FILE_IN_WAY, folder.path
    if folder.read_only:
        return READ_ONLY, folder.mount
    if folder.flags.immutable:
        return IMMUTABLE, folder.path
    # Names can be added to an append-only folder, and not be replaced.
    if folder.flags.append_only and seen.parent and touch.how != FOLDER:
        return APPEND_ONLY, folder.path
    return (FORBIDDEN, folder.path) if folder.forbidden else None


class Reader:
    """Reads what is at paths of a host, each folder once."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._mounts = mounts(root)
        self._folders: dict[str, tuple[Folder, bool]] = {}

    def look(self, touch: Touch) -> Seen:
        """Return what is at a path, or at the end of the links there, where these are followed."""
        path = (end_of_links(self._root, touch.path) if touch.how == WRITTEN else None) or touch.path
        above, name = os.path.split(path.rstrip("/") or "/")
        if above not in self._folders:
            self._folders[above] = self._read(above)
        folder, parent = self._folders[above]
        place = os.path.join(folder.path, name) if parent else path
        real = self._real(place)
        found = _found(real, touch.how in (FOLDER, ANY, NEW)) if parent else ""
        # A folder that is there is not written, and chattr(1) sets no flags on links and special files.
        flags = flags_of(real) if found == "file" else NO_FLAGS
        links = os.lstat(real).st_nlink if found == "file" else 1
        return Seen(place, found, place in self._mounts, flags, folder, parent, links)

    def _read(self, above: str) -> tuple[Folder, bool]:
        """Return the nearest folder above a path that is there, and whether it is that very folder."""
        there = above
        while there != "/" and not _is_there(self._real(there)):
            there = os.path.dirname(there)
        real = os.path.realpath(self._real(there))
        path = real if self._root == "/" else "/" + os.path.relpath(real, os.path.realpath(self._root)).lstrip(".")
        return self._folder(path, real, there), there == above and is_folder(real)

    def _folder(self, path: str, real: str, link: str) -> Folder:
        points = [point for point in self._mounts if path == point or path.startswith(point.rstrip("/") + "/")]
        mount = max(points, key=len, default="/")
        fstype = self._mounts[mount].fstype if mount in self._mounts else "unknown"
        try:
            status = os.statvfs(real)
        except OSError as error:
            if error.errno not in NOWHERE:
                raise
            return Folder(link, False, NO_FLAGS, False, False, mount, fstype, 0, None)
        folder = is_folder(real)
        found = Folder(
            path, folder, flags_of(real) if folder else NO_FLAGS, bool(status.f_flag & os.ST_RDONLY),
            folder and not os.access(real, os.W_OK | os.X_OK), mount, fstype, *self._room(mount, status))
        quota = quotas.of_folder(self._root, real, fstype, self._real(mount)) if folder else None
        if quota is None or (found.free_bytes is not None and found.free_bytes < quota.free_bytes):
            return found
        return found._replace(free_bytes=quota.free_bytes, free_inodes=quota.free_inodes, quota=quota.name)

    def _room(self, mount: str, status: os.statvfs_result) -> tuple[int | None, int | None]:
        """Return the room of a file system. Below a folder with a quota, ext4 tells what that leaves, and root writes beyond."""
        whole = os.statvfs(self._real(mount)) if mount in self._mounts else status
        return whole.f_bfree * whole.f_frsize if whole.f_blocks else None, whole.f_ffree if whole.f_files else None

    def _real(self, path: str) -> str:
        return path if self._root == "/" else os.path.join(self._root, path.lstrip("/"))


def mounts(root: str) -> dict[str, mountinfo.Mount]:
    """Return the mounts of a host by their mount points; none of a root without /proc."""
    try:
        with open(os.path.join(root, MOUNTINFO.lstrip("/")), encoding="utf-8", errors="surrogateescape") as handle:
            return {mount.mountpoint: mount for mount in mountinfo.parse(handle.read())}
    except FileNotFoundError:
        return {}


def _is_there(real: str) -> bool:
    """Say whether there is something at a path. Raises OSError where that cannot be told."""
    try:
        os.lstat(real)
    except OSError as error:
        if error.errno not in NOWHERE:
            raise
        return False
    return True


def _found(real: str, follow: bool) -> str:
    """Return what is at a path. Where a folder may be meant, a link to one is one, as it is for rpm."""
    if not _is_there(real):
        return ""
    mode = os.lstat(real).st_mode
    if stat.S_ISLNK(mode):
        return "folder" if follow and is_folder(real) else "link"
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if stat.S_ISREG(mode) else "other"


def flags_of(real: str) -> Flags:
    """Return the flags of a file or folder; none where nothing is, and on a file system that has no such flags. Raises
    OSError where they cannot be read."""
    try:
        handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        return NO_FLAGS
    flags = array.array("l", [0])
    try:
        fcntl.ioctl(handle, FS_IOC_GETFLAGS, flags, True)
    except OSError as error:
        if error.errno not in WITHOUT_FLAGS:
            raise
        return NO_FLAGS
    finally:
        os.close(handle)
    return Flags(bool(flags[0] & FS_IMMUTABLE_FL), bool(flags[0] & FS_APPEND_FL))
