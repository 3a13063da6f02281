# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rpm will do to one path when a package is replaced: computed from both headers and the disk, before it happens.

Everything is about one path, one package that goes and one that comes. These may be two packages when a file moves
between them in one transaction. What other packages own the path too, what scriptlets do, file colours (which only
decide between builds of two architectures), C(%_netsharedpath) and the switches C(--allfiles), C(--excludeconfigs),
C(--excludedocs) and C(--force) are not considered.
"""

from __future__ import annotations

import typing as t

FILE, SYMLINK, DIRECTORY, OTHER = "file", "symlink", "directory", "other"

# create: nothing was there, the new one is put. keep: the content there stays. replace: the new one takes its place.
# skip: the new package owns it but rpm writes nothing. remove: taken away. leave: no package owns it any more, it
# stays. none: nothing is there and nothing comes. fail: rpm refuses the transaction or breaks off in this package.
ACTIONS = ("create", "keep", "replace", "skip", "remove", "leave", "none", "fail")

NEW, SAVE, ORIG = ".rpmnew", ".rpmsave", ".rpmorig"


class Entry(t.NamedTuple):
    """What a header says of a path.

    C(digest) is hexadecimal. Where there is none, as with a ghost, it is empty or what rpm's bindings make of that: zeros.
    """

    kind: str
    digest: str
    target: str
    config: bool
    noreplace: bool
    ghost: bool
    missingok: bool


class Disk(t.NamedTuple):
    """What is at a path now.

    C(digest) is made with the algorithm of the old header, or of the new one when there is no old entry. C(new_digest)
    is made with the algorithm of the new header, needed only where that is another one. C(empty) matters for
    directories: nothing is in it by the time rpm comes to remove it. C(to_directory) matters for links: it leads to a
    directory and belongs to root or to the owner of that.
    """

    kind: str
    digest: str
    target: str
    new_digest: str = ""
    empty: bool = False
    to_directory: bool = False


class Fate(t.NamedTuple):
    """What will happen. C(beside) is the suffix of the file that appears beside; C(edited): not as the old one shipped.

    With C(.rpmnew) the new content is beside; with C(.rpmsave) and C(.rpmorig) what is on the disk now.
    """

    action: str
    beside: str
    edited: bool
    reason: str


def fate(old: Entry | None, new: Entry | None, disk: Disk | None) -> Fate:
    """Say what rpm does to what is on the disk when the package of C(old) is replaced by that of C(new)."""
    edited = old is not None and not old.ghost and not _as_shipped(old, disk, disk.digest if disk else "")
    if new is None:
        action, beside, reason = _erased(old, disk)
    elif new.ghost:
        action, beside, reason = "skip", "", "a ghost of the new package: rpm does not touch what is there"
    else:
        action, beside, reason = _installed(old, new, disk)
    return Fate(action, beside, edited, reason)


def _as_shipped(entry: Entry, disk: Disk | None, digest: str) -> bool:
    """Say whether the disk has what a header describes; C(digest) is the disk's by the algorithm of that header."""
    if disk is None or disk.kind != entry.kind:
        return False
    if entry.kind == FILE:
        return entry.digest != "" and entry.digest == digest
    # Neither has a target where it is no link.
    return entry.target == disk.target


def _erased(old: Entry | None, disk: Disk | None) -> tuple[str, str, str]:
    """What becomes of a path that the new package does not have."""
    if disk is None:
        return "none", "", "nothing is there to remove"
    if old is None:
        return "none", "", "neither package has it"
    if old.config and old.kind in (FILE, SYMLINK):
        if old.ghost:
            return "leave", "", "a configuration file that is a ghost is never removed"
        if not _as_shipped(old, disk, disk.digest):
            return "remove", SAVE, "an edited configuration file is moved aside, not removed"
    # rpm goes by what is there, not by what it once put there.
    if disk.kind == DIRECTORY and not disk.empty:
        return "leave", "", "a directory that is not empty is not removed"
    return "remove", "", "the new package does not have it"


def _installed(old: Entry | None, new: Entry, disk: Disk | None) -> tuple[str, str, str]:
    """What becomes of a path that the new package brings."""
    if disk is None:
        # Without a configuration file on either side rpm does not look at missingok.
        if old is not None and new.missingok and (old.config or new.config):
            return "skip", "", "it was removed, and the new package says that it may be missing"
        return "create", "", "nothing is there"
    problem = _refused(old, new, disk)
    if problem:
        return "fail", "", problem
    digest = disk.new_digest or disk.digest
    backup, reason = "", "not a configuration file of either package"
    if old is None:
        if new.config and new.kind in (FILE, SYMLINK) and not _as_shipped(new, disk, digest):
            backup, reason = (NEW if new.noreplace else ORIG), "a configuration file that no package had is there already"
    elif old.config or new.config:
        decided = _compared(old, new, disk, digest)
        if isinstance(decided, str):
            return "keep", "", decided
        backup, reason = decided
    if backup == NEW:
        return "keep", NEW, reason
    if backup:
        return "replace", backup, reason
    return _put(new, disk, digest, reason)


def _refused(old: Entry | None, new: Entry, disk: Disk) -> str:
    """Return why rpm reports a conflict before it starts, or nothing. A ghost on either side never conflicts."""
    if old is None or old.ghost or disk.kind == new.kind:
        return ""
    if old.kind == DIRECTORY and new.kind != DIRECTORY:
        return "rpm cannot replace a directory by something else and refuses the transaction"
    if old.kind == SYMLINK and new.kind == DIRECTORY and disk.to_directory:
        return "rpm cannot replace a link to a directory by a directory and refuses the transaction"
    return ""


def _compared(old: Entry, new: Entry, disk: Disk, digest: str) -> tuple[str, str] | str:
    """Compare old, new and disk: why the disk stays, or the suffix of a backup (empty for none) and why."""
    if old.kind not in (FILE, SYMLINK):
        return "", "what was neither a file nor a link is not compared"
    # What is of another kind than the old package's is never compared with the new one.
    if old.kind == new.kind and _as_shipped(new, disk, digest):
        return "it is already what the new package brings"
    if _as_shipped(old, disk, disk.digest):
        return "", "it is as the old package shipped it"
    if not new.config:
        return SAVE, "edited, and no configuration file in the new package"
    if _same(old, new):
        return "edited, and the new package brings nothing new"
    if new.noreplace:
        return NEW, "edited, and the new package must not replace it"
    return SAVE, "edited, and the new package replaces it"


def _same(old: Entry, new: Entry) -> bool:
    """Say whether both packages have the same content. Digests of two algorithms are never the same."""
    if old.kind != new.kind:
        return False
    if old.kind == FILE:
        return old.digest != "" and old.digest == new.digest
    return old.target == new.target


def _put(new: Entry, disk: Disk, digest: str, reason: str) -> tuple[str, str, str]:
    """What comes of putting the new one over what is there, with no backup."""
    if new.kind == DIRECTORY:
        if disk.kind == DIRECTORY:
            return "keep", "", "the directory is there already"
        if disk.to_directory:
            return "keep", "", "a link to a directory stands for the directory"
        return "replace", "", reason
    if disk.kind == DIRECTORY:
        return "fail", "", "rpm cannot put it over a directory and breaks off in this package"
    # Whether rpm writes the same content anew is the matter of %_minimize_writes.
    if _as_shipped(new, disk, digest):
        return "keep", "", "it is already what the new package brings"
    return "replace", "", reason
