# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a path from one state to another while others may write it: what is not ours is left there, or handed on.

Not written, and told instead: what lies behind a link of a folder, mount points, files with several hard links, and paths
that are on another mount than when they were saved.
"""

from __future__ import annotations

import errno
import os
import stat
import typing as t

from ..core import boot_disk
from ..core.host_io import Target
from ..core.writable import mounts
from ..tables.places import is_never
from ..text.mountinfo import Mount
from . import parent as parents
from .contents import Contents
from .parent import NEW, OLD, Closed, Parent
from .states import FILE, FOLDER, LINK, PathState, dress, of_open, of_path, opened

# What others made of a path meanwhile: where it is, as an open folder and a name in it.
Aside = t.Callable[[int, str], None]
NOT_KEPT = "what it held was not kept, because it is no file or too large"


class Outcome(t.NamedTuple):
    """Whether a path was brought to the state; where not, why, in words, empty where it holds something else."""

    done: bool
    why: str = ""


DONE, CHANGED = Outcome(True), Outcome(False)


class Mounts:
    """The mounts of a host, and those that it had when paths were saved: C(before) as L(plain) returns them."""

    def __init__(self, target: Target, before: t.Mapping[str, t.Sequence[str]] | None = None) -> None:
        self._root = target.root
        self._now = mounts(target.root)
        self._before = before

    def plain(self) -> dict[str, list[str]]:
        """Return the mounts that saved paths may be on, as JSON carries them."""
        return {point: _identity(mount) for point, mount in sorted(self._now.items()) if not is_never(point)}

    @staticmethod
    def _of(known: t.Mapping[str, t.Any], path: str) -> str:
        """Return the mount point that a path is on, empty where that is not known."""
        return max((point for point in known if f"{path}/".startswith(point.rstrip("/") + "/")), key=len, default="")

    def in_the_way(self, path: str) -> str:
        """Return why a path is not written, in words; empty where it is."""
        path = parents.unmerged(self._root, path)
        point = self._of(self._now, path)
        if point == path:
            return "is a mount point"
        if self._before is None or not point:
            return ""
        before = self._of(self._before, path)
        if before != point or list(self._before[before]) != _identity(self._now[point]):
            return f"is on the mount {point}, and was on {before or 'another one'} when it was saved"
        return ""


def _identity(mount: Mount) -> list[str]:
    """Return what of a mount is the same after a boot. Names of devices may differ."""
    return [mount.fstype, mount.origin]


class Restorer:
    """Brings paths of a host to states. C(contents) has what files hold; C(aside) is given what must give way, and is
    somebody's."""

    def __init__(self, target: Target, contents: Contents, where: Mounts, aside: Aside) -> None:
        self._target = target
        self._contents = contents
        self._mounts = where
        self._aside = aside

    def exchange(self, path: str, expected: PathState | None, wanted: PathState | None) -> Outcome:
        """Bring a path from one state to another. A file is put in place whole or not at all; a folder that is not empty is
        never taken away."""
        why = self._mounts.in_the_way(path)
        if why:
            return Outcome(False, why)
        try:
            with Parent(self._target.root, path, make=wanted is not None) as parent:
                return self._exchanged(parent, path, expected, wanted)
        except Closed as error:
            return Outcome(False, f"cannot be written without following a link: {error}")
        except FileNotFoundError:
            return Outcome(expected is None and wanted is None)
        except OSError as error:
            if error.errno in (errno.EBUSY, errno.EXDEV):
                return Outcome(False, f"cannot be replaced: {error.strerror}")
            raise

    def _exchanged(self, parent: Parent, path: str, expected: PathState | None, wanted: PathState | None) -> Outcome:
        info = parent.status()
        if info is not None and info.st_dev != parent.device:
            return Outcome(False, "is a mount point")
        if self._state(parent.handle, parent.name) != expected:
            return CHANGED
        if info is not None and not stat.S_ISDIR(info.st_mode) and info.st_nlink > 1:
            return Outcome(False, f"has {info.st_nlink} hard links")
        if expected is not None and expected.kind == FOLDER and (wanted is None or wanted.kind != FOLDER):
            try:
                os.rmdir(parent.name, dir_fd=parent.handle)
            except OSError as error:
                if error.errno != errno.ENOTEMPTY:
                    raise
                return CHANGED
            expected = None
        if expected != wanted:
            outcome = self._put(parent, path, expected, wanted)
            parent.sync()
            return outcome
        parent.sync()
        return DONE

    def _put(self, parent: Parent, path: str, expected: PathState | None, wanted: PathState | None) -> Outcome:
        if wanted is None:
            with parent.scratch(self._target.scratch) as scratch:
                return self._taken_out(parent, scratch, expected)
        if wanted.kind == FOLDER:
            return self._folder(parent, path, expected, wanted)
        if expected is not None and expected.kind == wanted.kind == FILE and expected.content == wanted.content:
            return self._dressed(parent, expected, wanted)
        if wanted.kind == LINK:
            return self._replaced(parent, path, expected, wanted, b"")
        content = self._contents.of(wanted.content) if wanted.kind == FILE else None
        if content is None:
            return Outcome(False, f"cannot be brought back: {NOT_KEPT}")
        if path == boot_disk.ENVIRONMENT and expected is not None and expected.kind == FILE and parent.size() == len(content):
            boot_disk.overwrite(parent.name, content, parent.handle)
            return self._dressed(parent, None, wanted)
        return self._replaced(parent, path, expected, wanted, content)

    def _state(self, folder: int, name: str) -> PathState | None:
        try:
            return of_path(name, self._contents, folder)
        except FileNotFoundError:
            return None

    def _dressed(self, parent: Parent, expected: PathState | None, wanted: PathState) -> Outcome:
        """Give a file or folder another owner, mode and attributes. C(expected): only if it still holds that."""
        handle = opened(parent.name, parent.handle)
        try:
            if expected is not None and of_open(handle, self._contents) != expected:
                return CHANGED
            dress(handle, wanted)
            os.fsync(handle)
        finally:
            os.close(handle)
        return DONE

    def _folder(self, parent: Parent, path: str, expected: PathState | None, wanted: PathState) -> Outcome:
        if expected is not None and expected.kind != FOLDER:
            with parent.scratch(self._target.scratch) as scratch:
                outcome = self._taken_out(parent, scratch, expected)
            if not outcome.done:
                return outcome
            expected = None
        if expected is None:
            try:
                os.mkdir(parent.name, 0o700, dir_fd=parent.handle)
            except FileExistsError:
                return CHANGED
            self._target.label(path, f"/proc/self/fd/{parent.handle}/{parent.name}", stat.S_IFDIR)
        return self._dressed(parent, expected, wanted)

    def _taken_out(self, parent: Parent, scratch: int, expected: PathState | None) -> Outcome:
        """Take what is at the name away if it is what is expected; anything else goes back."""
        parent.take_out(scratch)
        if self._state(scratch, OLD) == expected:
            parents.drop(scratch, OLD)
            return DONE
        if not parent.put_in(scratch, OLD):
            self._aside(scratch, OLD)
        return CHANGED

    def _replaced(
        self, parent: Parent, path: str, expected: PathState | None, wanted: PathState, content: bytes,
    ) -> Outcome:
        """Put a file or link in place of what is there, if that is what is expected."""
        with parent.scratch(self._target.scratch) as scratch:
            ours = self._written(scratch, path, wanted, content)
            try:
                return self._in_place(parent, scratch, ours, expected)
            finally:
                left = parents.status(scratch, NEW)
                if left is not None and _inode(left) == ours:
                    parents.drop(scratch, NEW)

    def _in_place(self, parent: Parent, scratch: int, ours: tuple[int, int], expected: PathState | None) -> Outcome:
        if expected is None:
            return DONE if parent.put_in(scratch, NEW) else CHANGED
        if not parent.exchange(scratch):
            outcome = self._taken_out(parent, scratch, expected)
            return outcome if not outcome.done or parent.put_in(scratch, NEW) else CHANGED
        if self._state(scratch, OLD) == expected:
            parents.drop(scratch, OLD)
            return DONE
        parent.exchange_back(scratch)
        out = parents.status(scratch, NEW)
        if out is not None and _inode(out) != ours:
            # Somebody has put yet another one in the place of ours meanwhile: that is the newest.
            parent.exchange(scratch)
            self._aside(scratch, OLD)
        return CHANGED

    def _written(self, scratch: int, path: str, wanted: PathState, content: bytes) -> tuple[int, int]:
        """Write the new one into the scratch folder, and return what tells it from others."""
        if wanted.kind == LINK:
            os.symlink(wanted.content, NEW, dir_fd=scratch)
            os.chown(NEW, wanted.uid, wanted.gid, dir_fd=scratch, follow_symlinks=False)
        else:
            handle = os.open(NEW, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=scratch)
            with open(handle, "wb", closefd=True) as out:
                out.write(content)
                out.flush()
                dress(out.fileno(), wanted)
                os.fsync(out.fileno())
        self._target.label(path, f"/proc/self/fd/{scratch}/{NEW}", stat.S_IFLNK if wanted.kind == LINK else stat.S_IFREG)
        return _inode(t.cast(os.stat_result, parents.status(scratch, NEW)))


def _inode(info: os.stat_result) -> tuple[int, int]:
    return info.st_dev, info.st_ino
