# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of paths that cannot be written: the fact, the reason, and what helps."""

from __future__ import annotations

import os
import shlex
import typing as t

from . import writable
from .errors import Problem, Refused
from .writable import Obstacle, Touch

# How many paths one message names.
MOST = 40

# By kind of obstacle, for a path itself: what it is, why that is in the way, and what helps.
OF_PATH = {
    writable.IMMUTABLE: Problem(
        "path.immutable",
        "{paths}: immutable", "with that flag not even root can replace, change or remove it, and this run does",
        "Run 'chattr -i {quoted}', run again, and set the flag anew afterwards"),
    writable.APPEND_ONLY: Problem(
        "path.append_only",
        "{paths}: append-only", "with that flag not even root can replace or remove it, and this run does",
        "Run 'chattr -a {quoted}', run again, and set the flag anew afterwards"),
    writable.MOUNTED: Problem(
        "path.mount_point",
        "{paths}: a mount point", "nothing can be renamed over what is mounted, and this run puts a file there",
        "Run 'umount {quoted}' for the time of the run, and look at what mounts it"),
    writable.LEADS_NOWHERE: Problem(
        "path.dangling_link",
        "{paths}: a symbolic link that leads nowhere", "this run writes what a link leads to, and the link stays",
        "Look with 'namei -l {quoted}'; mend the link or remove it, and run again"),
    writable.LEADS_ASTRAY: Problem(
        "path.leads_to_no_file",
        "{paths}: a symbolic link to what is no file", "this run writes what a link leads to, and that is a folder, device, FIFO "
        "or socket, such as /dev/null", "Look with 'ls -l {quoted}', remove the link with 'rm -- {quoted}', and run again"),
    writable.SPECIAL: Problem(
        "path.special_in_way",
        "{paths}: a device, FIFO or socket", "a file is to be there, and what is there would be lost",
        "Move it away with 'mv -- PATH PATH.away' and run again"),
    writable.A_FILE: Problem(
        "path.is_a_file",
        "{paths}: a file", "systemctl puts a symbolic link there, and replaces nothing but such a link",
        "Move it away with 'mv -- PATH PATH.away' and run again"),
    writable.TOO_LONG: Problem(
        "path.too_long",
        "{paths}: a name that is too long", "its file system, or the kernel, does not take names of that length",
        "Ask for a shorter name there, and run again"),
    writable.A_LINK: Problem(
        "path.is_a_link",
        "{paths}: a symbolic link",
        "a file is to be taken away there, and nobody told whether that is the link or what it leads to",
        "Look with 'ls -l {quoted}', remove what should go by hand, and run again"),
    writable.HARD_LINKS: Problem(
        "path.hard_links",
        "{paths}: a file with several hard links",
        "this run puts a new file in its place, and its other names would stay with the old one",
        "Find its other names with 'find / -xdev -samefile PATH', make the path a file of its own ('cp -a PATH PATH.new' and "
        "'mv PATH.new PATH') or a symbolic link, and run again"),
    writable.FOLDER_IN_WAY: Problem(
        "path.folder_in_way",
        "{paths}: a folder", "a file or link is to be put there, which cannot take the place of a folder",
        "Move it away with 'mv -- PATH PATH.away' and run again"),
    writable.FILE_IN_WAY: Problem(
        "path.file_in_way",
        "{paths}: not a folder", "a folder is to be there, and what is there would be lost or is in the way",
        "Move it away with 'mv -- PATH PATH.away' and run again"),
    writable.UNREADABLE: Problem(
        "path.cannot_be_looked_at",
        "{paths}: cannot be looked at", "the host said: {said}; so nobody knows whether this run can write there",
        "Look with 'ls -ld' and 'lsattr -d' at each of them and at the folders above it, mend what is named (the file system, or "
        "root's right to read there), and run again"),
}

# The same for a folder, of what lies in it.
OF_FOLDER = {
    writable.IMMUTABLE: Problem(
        "folder.immutable",
        "folder {where}: immutable", "with that flag nothing can be made, renamed or removed in it, and this run writes {paths}",
        "Run 'chattr -i {quoted}', run again, and set the flag anew afterwards"),
    writable.APPEND_ONLY: Problem(
        "folder.append_only",
        "folder {where}: append-only", "with that flag nothing can be replaced or removed in it, and this run writes {paths}",
        "Run 'chattr -a {quoted}', run again, and set the flag anew afterwards"),
    writable.READ_ONLY: Problem(
        "folder.read_only",
        "{where} is mounted read-only", "this run writes {paths}",
        "Run 'mount -o remount,bind,rw {quoted}' where the mount alone is read-only, and 'mount -o remount,rw {quoted}' where "
        "its file system is; then run again"),
    writable.FORBIDDEN: Problem(
        "folder.forbidden",
        "folder {where} cannot be written by root", "its file system refuses it, and this run writes {paths}",
        "Give root the right to write there: on NFS by the server's option no_root_squash, on a read-only subvolume of btrfs "
        "with 'btrfs property set {quoted} ro false'; then run again"),
    writable.NO_LINKS: Problem(
        "folder.no_links",
        "the file system of {where} has no symbolic links", "this run puts some there: {paths}",
        "Have these folders on a file system with symbolic links, such as xfs or ext4, and run again"),
    writable.FULL: Problem(
        "folder.full",
        "the file system of {where} is full", "it has no room or no inode left, and this run writes {paths}",
        "Make room there ('df -h', 'df -i'), and run again"),
    writable.QUOTA: Problem(
        "folder.quota",
        "the quota that folder {where} counts against is used up",
        "its file system holds root to it as well, and this run writes {paths}",
        "Make room there, or raise the limit: of a project on XFS with xfs_quota(8), of a subvolume on btrfs with "
        "'btrfs qgroup limit'; then run again"),
    writable.FILE_IN_WAY: Problem(
        "folder.file_in_way",
        "{where}: not a folder", "this run writes {paths}", "Move it away with 'mv -- PATH PATH.away' and run again"),
}


def problems(obstacles: t.Iterable[Obstacle]) -> list[Problem]:
    """Return what is to be said: one problem for all paths of a kind, and one for each folder or mount."""
    paths: dict[tuple[str, str], list[str]] = {}
    folders: dict[tuple[str, str], list[str]] = {}
    for obstacle in obstacles:
        if is_of_path(obstacle):
            paths.setdefault((obstacle.kind, obstacle.said), []).append(obstacle.where)
        else:
            folders.setdefault((obstacle.kind, obstacle.where), []).append(obstacle.touched)
    return [_worded(OF_PATH[kind], found, "", found, said) for (kind, said), found in sorted(paths.items())] + [
        _worded(OF_FOLDER[kind], found, where, [where]) for (kind, where), found in sorted(folders.items())]


def refuse(root: str, touches: t.Iterable[Touch]) -> None:
    """Raise Refused with all that keeps some paths of a host from being written."""
    found = problems(writable.obstacles(root, touches))
    if found:
        raise Refused(*found)


def is_of_path(obstacle: Obstacle) -> bool:
    """Say whether the path itself is in the way, and not the folder or mount that it lies in."""
    same = os.path.basename(obstacle.where) == os.path.basename(obstacle.touched)
    return obstacle.kind in OF_PATH and (same or obstacle.kind not in OF_FOLDER)


def _worded(words: Problem, paths: t.Sequence[str], where: str, named: t.Sequence[str], said: str = "") -> Problem:
    known = sorted(set(paths))
    more = f" and {len(known) - MOST} more" if len(known) > MOST else ""
    given = {
        "where": where, "said": said, "paths": ", ".join(known[:MOST]) + more,
        "quoted": " ".join(shlex.quote(path) for path in sorted(set(named))[:MOST])}
    return words._replace(
        fact=words.fact.format(**given), reason=words.reason.format(**given), remedy=words.remedy.format(**given),
        subject=where or (known[0] if len(known) == 1 else ""))
