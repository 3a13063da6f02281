# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package database moves to another folder, and a link to it stays in the old place.

rpm of both sides then finds one database before, while and after it is itself replaced: a macro of ours names the folder to
every process from then on, because rpm takes the link away when it removes a package that owned the old folder. The new folder
is a whole copy before the old one gives way, by one exchange of names.
"""

from __future__ import annotations

import fcntl
import filecmp
import os
import shutil
import tempfile
import typing as t

from ...core import modes
from ...core.errors import Failed, Problem
from ...core.host_io import SCRATCH, FileState, Target, is_file, is_folder, is_there, sync_folder
from ...core.renames import AT_FDCWD, RENAME_EXCHANGE, renameat2
from ...core.writable import APPENDED, CLEARED, WRITTEN, Touch
from ...packages.rpmdb import DATABASE_FILES

try:
    import rpm
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    rpm = None

# Of the files in /etc/rpm the last one that sets a macro wins.
MACROS = "/etc/rpm/macros.zz-centos-hyperscale"
LOCK = ".rpm.lock"


class Place(t.NamedTuple):
    """What a folder for the database is: C(link) is where a symbolic link leads, C(database) whether it has one itself."""

    link: str | None
    database: bool


def look(target: Target, path: str) -> Place:
    """Return what is at a place for the database."""
    real = target.path(path)
    if os.path.islink(real):
        return Place(os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(real))), False)
    return Place(None, any(is_file(os.path.join(real, name)) for name in DATABASE_FILES))


def same(target: Target, one: str, other: str) -> bool:
    """Say whether two folders hold the very same database, as a move that was cut short leaves them."""
    names = [name for name in DATABASE_FILES if is_file(os.path.join(target.path(one), name))]
    _match, mismatch, errors = filecmp.cmpfiles(target.path(one), target.path(other), names, shallow=False)
    return bool(names) and not mismatch and not errors


def listed(target: Target, folder: str) -> list[str]:
    """Return what rpm, as it is installed now, lists of the database in a folder."""
    out = target.run(["rpm", "--dbpath", folder, "-qa", "--qf", "%{NEVRA}\\n"])
    return sorted(out.split())


def name_to_rpm(target: Target, folder: str | None) -> None:
    """Have every rpm look for the database in a folder, also the one in this process; None leaves it to rpm again."""
    if folder is None:
        target.remove(MACROS)
    else:
        target.write(MACROS, FileState(f"%_dbpath {folder}\n", "0644", "root", "root"))
    if rpm is not None:
        rpm.reloadConfig()


def linked(target: Target, source: str, destination: str) -> None:
    """Have a link lead from one place to the other, where nothing else is but perhaps an empty folder."""
    real = target.path(source)
    if is_folder(real) and not os.path.islink(real) and not os.listdir(real):
        os.rmdir(real)
    if not is_there(real):
        os.symlink(os.path.relpath(destination, os.path.dirname(source)), real)


def touches(source: str, destination: str) -> list[Touch]:
    """Return what a move of the database writes: both places are exchanged for what was made beside them."""
    # The lock of rpm is the one file of the old place that is written there.
    return [
        Touch(source, CLEARED), Touch(destination, CLEARED), Touch(f"{source}/{LOCK}", APPENDED), Touch(MACROS, WRITTEN),
        Touch(f"{os.path.dirname(source)}/{SCRATCH}new"), Touch(f"{os.path.dirname(destination)}/{SCRATCH}new")]


def move(target: Target, source: str, destination: str) -> None:
    """Move the database; one that has moved already is left alone."""
    if not look(target, source).database and look(target, destination).database:
        return
    before = listed(target, source)
    real_source, real_destination = target.path(source), target.path(destination)
    target.make_folders(os.path.dirname(destination))
    with open(os.path.join(real_source, LOCK), "a", encoding="ascii", opener=modes.public) as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise Failed(Problem(
                "cow.database_in_use", f"the package database in {source} is in use", "another process holds rpm's lock",
                "Let that finish and run again", subject=source)) from error
        copy = _copied(real_source, os.path.dirname(real_destination), target.scratch)
        _put(copy, real_destination)
        name_to_rpm(target, destination)
        link = tempfile.mkdtemp(prefix=target.scratch, dir=os.path.dirname(real_source))
        name = os.path.join(link, "link")
        os.symlink(os.path.relpath(destination, os.path.dirname(source)), name)
        try:
            exchange(name, real_source)
        finally:
            # What is there now is the old folder, or the link where names could not be swapped.
            shutil.rmtree(link)
            sync_folder(os.path.dirname(real_source))
    after = listed(target, destination)
    if after != before:
        raise Failed(Problem(
            "cow.database_incomplete",
            f"the package database that moved to {destination} lists {len(after)} packages", f"before it listed {len(before)}",
            "Look at 'rpm -qa' on the host, and bring the database back from a backup", subject=destination))


def _copied(source: str, parent: str, prefix: str) -> str:
    """Return a synced copy of a folder, beside where it is to be. C(prefix) begins the name of the folder that holds it."""
    holder = tempfile.mkdtemp(prefix=prefix, dir=parent)
    copy = os.path.join(holder, "rpm")
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns(LOCK))
    for name in os.listdir(copy):
        with open(os.path.join(copy, name), "rb") as handle:
            os.fsync(handle.fileno())
    sync_folder(copy)
    return copy


def _put(copy: str, destination: str) -> None:
    """Put a copied folder in its place, of a link or of a folder that is no other database."""
    if is_there(destination):
        exchange(copy, destination)
    else:
        os.rename(copy, destination)
    shutil.rmtree(os.path.dirname(copy))
    sync_folder(os.path.dirname(destination))


def exchange(one: str, other: str) -> None:
    """Swap two names of one file system in one step."""
    try:
        renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE)
    except OSError as error:
        raise Failed(Problem(
            "cow.cannot_exchange", f"{other} cannot be exchanged for what was prepared beside it", str(error.strerror),
            "The folder is as it was. Move the package database by hand, or stay with the rpm that is installed",
            subject=other)) from error
