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
FILE, LINK, FOLDER, GONE, ANY, CLEARED, NEW = "file", "link", "folder", "gone", "any", "cleared", "new"
# How the collection and the tools that it calls write a path. WRITTEN: another file takes the place of what a symbolic link at
# the path leads to, and the link stays. REMOVED: a file is taken away, which is refused where there is a link. TAKEN_BACK: a file
# of ours is taken away, and a link that somebody put there since is left. OVERWRITTEN: what a link leads to is written in place,
# and made as for WRITTEN where nothing is. APPENDED: lines are added to a file. LINKED: a symbolic link of systemctl(1), which
# replaces links alone. EITHER: a file takes the place of a file or link, and what is mounted there is written in place. RESTORED:
# anything is put there as it was, but for mount points and files with several hard links, which are reported and left.
WRITTEN, REMOVED, TAKEN_BACK, OVERWRITTEN = "written", "removed", "taken back", "overwritten"
APPENDED, LINKED, EITHER, RESTORED = "appended", "linked", "either", "restored"

# What keeps a path from being written.
IMMUTABLE, APPEND_ONLY, READ_ONLY, MOUNTED = "immutable", "append-only", "read-only", "mounted"
FOLDER_IN_WAY, FILE_IN_WAY, FORBIDDEN, UNREADABLE = "folder in the way", "file in the way", "forbidden", "unreadable"
FULL, QUOTA = "full", "quota used up"
LEADS_NOWHERE, LEADS_ASTRAY = "a link that leads nowhere", "a link that leads to no file"
A_LINK, HARD_LINKS = "a link", "hard links"
SPECIAL, A_FILE, TOO_LONG, NO_LINKS = "a device, FIFO or socket", "a file", "name too long", "no symbolic links"
# These go where packages are taken away.
NO_ROOM = (FULL, QUOTA)


class Write(t.NamedTuple):
    """What a kind of write meets. C(folder), C(file), C(link) and C(special) say what is in the way as what, empty where it is
    not; C(hard_links) likewise. C(follows): a link is followed first. C(to_folders): a link to a folder is one. C(replaces):
    another file takes the name, so that nothing may be mounted there and the folder has to allow it. C(in_place): what is there
    is written itself. C(adds): names and lines are added and nothing is replaced, which append-only flags allow. C(makes): room
    is needed. C(leaves): what is there of these kinds needs nothing. C(beside) is how much longer the name is for a
    moment. C(needs_links): the file system has to have symbolic links."""

    folder: str = FOLDER_IN_WAY
    file: str = ""
    link: str = ""
    special: str = ""
    hard_links: str = ""
    follows: bool = False
    to_folders: bool = False
    replaces: bool = True
    in_place: bool = False
    adds: bool = False
    makes: bool = True
    leaves: t.Container[str] = ()
    beside: int = 0
    needs_links: bool = False


EVERYTHING = ("file", "link", "folder", "other")
# rpm writes NAME;12345678 and renames it.
RPM = Write(beside=9)
OURS = Write(link=LEADS_NOWHERE, special=SPECIAL, hard_links=HARD_LINKS, follows=True)
IN_PLACE = OURS._replace(hard_links="", replaces=False, in_place=True)
# The one table of what is tested for a kind of write. The words for what is found are in unwritable.py.
WRITES = {
    FILE: RPM,
    LINK: RPM._replace(needs_links=True),
    FOLDER: RPM._replace(
        folder="", file=FILE_IN_WAY, link=FILE_IN_WAY, special=FILE_IN_WAY, to_folders=True, adds=True,
        leaves=("folder",), beside=0),
    GONE: RPM._replace(folder="", makes=False, leaves=("folder",), beside=0),
    ANY: RPM._replace(folder="", to_folders=True, leaves=("folder",)),
    CLEARED: RPM._replace(folder="", leaves=("folder",)),
    NEW: RPM._replace(to_folders=True, leaves=EVERYTHING),
    WRITTEN: OURS,
    REMOVED: OURS._replace(link=A_LINK, follows=False, makes=False),
    TAKEN_BACK: OURS._replace(link="", hard_links="", follows=False, makes=False, leaves=("link",)),
    OVERWRITTEN: IN_PLACE,
    APPENDED: IN_PLACE._replace(adds=True),
    LINKED: Write(file=A_FILE, special=SPECIAL, needs_links=True),
    EITHER: Write(special=SPECIAL, in_place=True),
    RESTORED: Write(folder="", leaves=(MOUNTED, HARD_LINKS)),
}
# File systems that have no symbolic links.
WITHOUT_LINKS = ("vfat", "msdos", "exfat")

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
    longest_name: int = 255


class Seen(t.NamedTuple):
    """What is at a path: C(found) is empty, C(file), C(link), C(folder) or C(other). C(parent): its own folder is there.
    C(links) is how many names a file has; C(read_only) says it of the mount that a file itself is on; C(followed): a link at the
    path led there."""

    place: str
    found: str
    mounted: bool
    flags: Flags
    folder: Folder
    parent: bool
    links: int = 1
    read_only: bool = False
    followed: bool = False


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
            kind = TOO_LONG if error.errno == errno.ENAMETOOLONG else UNREADABLE
            found.append(Obstacle(kind, touch.path, touch.path, "" if kind == TOO_LONG else error.strerror or str(error)))
            continue
        obstacle = judge(touch, seen)
        if obstacle is not None:
            found.append(obstacle)
        elif _needs_room(WRITES[touch.how], seen):
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


def _needs_room(write: Write, seen: Seen) -> bool:
    """Say whether a write takes room: a file that is there is overwritten in its own."""
    overwrites = write.in_place and not write.replaces and not write.adds and seen.found == "file"
    return write.makes and seen.found != "folder" and not overwrites


def judge(touch: Touch, seen: Seen) -> Obstacle | None:
    """Return what keeps a path from being written, None where nothing does."""
    write = WRITES[touch.how]
    found = [kind for kind, there in (
        (seen.found, seen.found), (MOUNTED, seen.mounted), (HARD_LINKS, seen.links > 1)) if there]
    if any(kind in write.leaves for kind in found):
        return None
    kind, where = _own(write, seen) or _of_folder(write, seen) or ("", "")
    if seen.followed and where == seen.place and kind in (FOLDER_IN_WAY, SPECIAL):
        # It may be /dev/null, and is nobody's to move away: the link is what is wrong.
        kind, where = LEADS_ASTRAY, touch.path
    return Obstacle(kind, where, touch.path) if kind else None


def _own(write: Write, seen: Seen) -> tuple[str, str] | None:
    """Return what is wrong with the name, or with what is at the path."""
    if len(os.fsencode(os.path.basename(seen.place))) + write.beside > seen.folder.longest_name:
        return TOO_LONG, seen.place
    if not seen.found:
        return None
    in_way = {"folder": write.folder, "file": write.file, "link": write.link, "other": write.special}[seen.found]
    if in_way:
        return in_way, seen.place
    if write.hard_links and seen.links > 1:
        return write.hard_links, seen.place
    if seen.mounted and not write.in_place:
        return MOUNTED, seen.place
    if seen.flags.immutable:
        return IMMUTABLE, seen.place
    if seen.flags.append_only and not write.adds:
        return APPEND_ONLY, seen.place
    return (READ_ONLY, seen.place if seen.mounted else seen.folder.mount) if write.in_place and seen.read_only else None


def _of_folder(write: Write, seen: Seen) -> tuple[str, str] | None:
    """Return what is wrong with the folder that the path lies in. What is written in place, or is gone already, needs nothing of
    it."""
    folder = seen.folder
    in_place = write.in_place and seen.found and (not write.replaces or seen.mounted)
    if in_place or (not write.makes and not seen.found):
        return None
    if not folder.is_folder:
        return FILE_IN_WAY, folder.path
    if folder.read_only:
        return READ_ONLY, folder.mount
    if folder.flags.immutable:
        return IMMUTABLE, folder.path
    # Names can be added to an append-only folder, and not be replaced.
    if folder.flags.append_only and seen.parent and not write.adds:
        return APPEND_ONLY, folder.path
    if write.needs_links and folder.fstype in WITHOUT_LINKS:
        return NO_LINKS, folder.mount
    return (FORBIDDEN, folder.path) if folder.forbidden else None


class Reader:
    """Reads what is at paths of a host, each folder once."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._mounts = mounts(root)
        self._folders: dict[str, tuple[Folder, bool]] = {}

    def look(self, touch: Touch) -> Seen:
        """Return what is at a path, or at the end of the links there, where these are followed."""
        write = WRITES[touch.how]
        path = (end_of_links(self._root, touch.path) if write.follows else None) or touch.path
        above, name = os.path.split(path.rstrip("/") or "/")
        if above not in self._folders:
            self._folders[above] = self._read(above)
        folder, parent = self._folders[above]
        place = os.path.join(folder.path, name) if parent else path
        real = self._real(place)
        found = _found(real, write.to_folders) if parent else ""
        # A folder that is there is not written, and chattr(1) sets no flags on links and special files.
        flags = flags_of(real) if found == "file" else NO_FLAGS
        links = os.lstat(real).st_nlink if found == "file" else 1
        read_only = write.in_place and found == "file" and bool(os.statvfs(real).f_flag & os.ST_RDONLY)
        return Seen(place, found, place in self._mounts, flags, folder, parent, links, read_only, path != touch.path)

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
            folder and not os.access(real, os.W_OK | os.X_OK), mount, fstype, *self._room(mount, fstype, status),
            longest_name=status.f_namemax)
        quota = quotas.of_folder(self._root, real, fstype, self._real(mount)) if folder else None
        if quota is None or (found.free_bytes is not None and found.free_bytes < quota.free_bytes):
            return found
        return found._replace(free_bytes=quota.free_bytes, free_inodes=quota.free_inodes, quota=quota.name)

    def _room(self, mount: str, fstype: str, status: os.statvfs_result) -> tuple[int | None, int | None]:
        """Return the room of a file system. Below a folder with a quota, ext4 tells what that leaves, and root writes beyond."""
        whole = os.statvfs(self._real(mount)) if mount in self._mounts else status
        device = os.stat(self._real(mount)).st_dev
        kept = quotas.kept_by_ext4(self._root, device, whole.f_blocks) if fstype == quotas.EXT4 else 0
        return max(0, whole.f_bfree - kept) * whole.f_frsize if whole.f_blocks else None, whole.f_ffree if whole.f_files else None

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
