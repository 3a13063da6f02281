# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door to the host: commands, files and the state directory.

Everything that writes goes through a Target, so that tests can hand in a root of their own and a recorder
in place of the command runner.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import functools
import os
import pwd
import grp
import shutil
import stat
import tempfile
import time
import typing as t

from . import modes
from .errors import CannotRead, Failed, Problem, Refused

try:
    import selinux
except ImportError:  # a host without SELinux userland has no labels to keep
    selinux = None

# Begins the name of what is written beside a path before it takes its place.
SCRATCH = ".hyperscale-"
STATE_DIR = "/var/lib/centos-hyperscale"
# What has to give way and is somebody's, or cannot come back, by run; below the state directory.
DISPLACED = "displaced"
# Begins the name of the folder with what a run needs for itself. Nothing that a swap starts is mounted over the state directory.
RUN_FOLDER = "scratch-"
RUN_FOLDER_SECONDS = 24 * 3600
# Where a look that changes nothing has its own files. A swap may have a tmpfs mounted over /tmp.
TEMPORARY = "/var/tmp"

# The exit status of a command that is not there, and of one that is and could not be started.
NOT_THERE, NOT_STARTED = 127, 126
# The errors of a path that leads nowhere, which is known then; any other leaves it unknown.
NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)

# A path that leads over more links than the kernel follows leads in a circle.
MOST_LINKS = 40
# Attributes that are part of a file as its owner made it: ACLs and what users note. A new file in its place gets them too.
ACLS, USERS = ("system.posix_acl_access", "system.posix_acl_default"), "user."

# What a path leads to that is to be read as an empty file.
NULL_DEVICE = os.makedev(1, 3)

Run = t.Callable[[t.Sequence[str]], tuple[int, str, str]]


class FileState(t.NamedTuple):
    """What a path holds: text, mode (octal string), owner and group. An absent path has no FileState."""

    content: str
    mode: str
    owner: str
    group: str


def status_of(error: OSError) -> int:
    """Return the exit status that a shell has for a command that could not be started: 127 where there is none."""
    return NOT_THERE if isinstance(error, FileNotFoundError) else NOT_STARTED


def looking_folder(_target: Target) -> str:
    """Make a folder for a run that changes nothing, not even the state directory, and return it. It goes with the process."""
    return _going(tempfile.mkdtemp(prefix="centos-hyperscale-", dir=TEMPORARY))


def changing_folder(target: Target) -> str:
    """Make a folder below the state directory and return it. It goes with the process; those of killed ones go after a day."""
    parent = target.private_folder()
    for name in os.listdir(parent):
        left = os.path.join(parent, name)
        if name.startswith(RUN_FOLDER) and os.lstat(left).st_mtime < time.time() - RUN_FOLDER_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    return _going(tempfile.mkdtemp(dir=parent, prefix=RUN_FOLDER))


def _going(folder: str) -> str:
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Target:
    """A host as seen from the module that runs on it. C(tmpdir) is made when it is first asked for, where a function does so.

    C(warn) tells the operator something, however the run ends.
    """

    def __init__(
        self, run: Run, tmpdir: str | t.Callable[[Target], str], root: str = "/", state_dir: str = STATE_DIR,
        warn: t.Callable[[str], None] = lambda words: None,
    ) -> None:
        self._run = run
        self.warn = warn
        self._tmpdir = tmpdir
        self.root = root
        self.state_dir = self.path(state_dir)
        self.job = ""  # names what the current step keeps on disk; set by the engine
        # Called by a step that prepares something first, right before it changes the host; set by the engine.
        self.begins: t.Callable[[], None] = lambda: None

    @property
    def scratch(self) -> str:
        """What begins the names that are written beside a path: it names the step, so that nobody else has such names."""
        return scratch_of(self.job) if self.job else SCRATCH

    @functools.cached_property
    def tmpdir(self) -> str:
        """The folder for files that only this run needs."""
        return self._tmpdir if isinstance(self._tmpdir, str) else self._tmpdir(self)

    def path(self, path: str) -> str:
        """Return where an absolute path of the host really lies."""
        return _below(self.root, path)

    def run(self, argv: t.Sequence[str], okay: t.Container[int] = (0,)) -> str:
        """Run a command and return its standard output; an unexpected exit status is a failure."""
        try:
            status, out, err = self._run(list(argv))
        except OSError as error:
            status, out, err = status_of(error), "", str(error)
        if status not in okay:
            said = (err or out).strip() or "nothing"
            raise Failed(Problem(
                "command.failed", f"{' '.join(argv)} ended with status {status}", f"it said: {said}",
                "Mend that on the host and run again: the next run goes on from here", subject=argv[0],
            ))
        return out

    def probe(self, argv: t.Sequence[str]) -> tuple[int, str]:
        """Run a read-only command; return exit status and standard output. A missing command is NOT_THERE, and one that cannot be
        started NOT_STARTED."""
        try:
            status, out, _err = self._run(list(argv))
        except OSError as error:
            return status_of(error), ""
        return status, out

    def read(self, path: str, newline: str | None = None) -> FileState | None:
        """Return what a regular file holds, or None when there is none. C(newline) is that of open()."""
        return state_at(self._read_at(path), newline)

    def read_bytes(self, path: str) -> bytes | None:
        """Return the bytes of a regular file, or None when there is none."""
        try:
            with open(self._read_at(path), "rb", opener=regular) as handle:
                return handle.read()
        except FileNotFoundError:
            return None

    def _read_at(self, path: str) -> str:
        """Return where what a path leads to is read; the path itself where it leads nowhere."""
        return self.path(end_of_links(self.root, path) or path)

    def final(self, path: str) -> str:
        """Return the path that a chain of symbolic links at a path ends at, or the path itself. Raises Refused where it leads
        nowhere."""
        end = end_of_links(self.root, path)
        if end is None:
            raise Refused(Problem(
                "path.dangling_link",
                f"{path} is a symbolic link that leads nowhere", "this run writes what a link leads to, and the link stays",
                f"Look with 'namei -l {path}'; mend the link or remove it, and run again", subject=path))
        return end

    def is_link(self, path: str) -> bool:
        """Say whether there is a symbolic link at a path."""
        return os.path.islink(self.path(path))

    def write(self, path: str, wanted: FileState) -> None:
        """Put a file in place whole or not at all: written beside, synced, labelled, renamed. A symbolic link at the path stays,
        and what it leads to is written. ACLs and attributes of users stay."""
        real = self.path(self.final(path))
        with self.beside(path, wanted) as beside:
            os.rename(beside, real)
        sync_folder(os.path.dirname(real))

    @contextlib.contextmanager
    def beside(self, path: str, wanted: FileState) -> t.Iterator[str]:
        """Have a file written and synced beside the end of a path. What is there at the end of it all goes."""
        end = self.final(path)
        real = self.path(end)
        self.make_folders(os.path.dirname(end))
        handle, beside = tempfile.mkstemp(dir=os.path.dirname(real), prefix=self.scratch)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as out:
                out.write(wanted.content)
                out.flush()
                os.fchown(out.fileno(), _uid(wanted.owner), _gid(wanted.group))
                _copy_attributes(real, out.fileno())
                # Last: the change of the owner takes bits away, and an ACL sets those of the group.
                os.fchmod(out.fileno(), int(wanted.mode, 8))
                os.fsync(out.fileno())
            self.label(end, beside, stat.S_IFREG)
            yield beside
        finally:
            if os.path.lexists(beside):
                os.unlink(beside)

    def remove(self, path: str) -> None:
        """Take a file away; one that is already gone is fine. A symbolic link is refused: it is somebody's, and what it leads to
        is as well."""
        if self.is_link(path):
            raise Refused(Problem(
                "path.is_a_link",
                f"{path} is a symbolic link",
                "a file is to be taken away there, and nobody told whether that is the link or what "
                "it leads to", f"Remove what should go by hand ('ls -l {path}' shows where it leads), and run again",
                subject=path))
        real = self.path(path)
        try:
            os.unlink(real)
        except FileNotFoundError:
            return
        sync_folder(os.path.dirname(real))

    def remove_link(self, path: str) -> None:
        """Take a symbolic link away, whatever it leads to."""
        real = self.path(path)
        os.unlink(real)
        sync_folder(os.path.dirname(real))

    def clear_scratch(self, folder: str, job: str) -> None:
        """Take away what the writes of a step that was cut left beside the paths of a folder."""
        real = self.path(folder)
        for name in os.listdir(real) if is_folder(real) else ():
            path = os.path.join(real, name)
            if name.startswith(scratch_of(job)):
                shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)

    def missing_folders(self, path: str) -> list[str]:
        """Return the folders above a path that are not there, outermost first."""
        found = []
        folder = os.path.dirname(path)
        while folder != os.path.dirname(folder) and not is_folder(self.path(folder)):
            found.append(folder)
            folder = os.path.dirname(folder)
        return found[::-1]

    def remove_empty(self, folders: t.Sequence[str]) -> None:
        """Take those of some folders away, given outermost first, that hold nothing."""
        for folder in reversed(folders):
            real = self.path(folder)
            if is_folder(real) and not os.path.islink(real) and not os.listdir(real):
                os.rmdir(real)
                sync_folder(os.path.dirname(real))

    def private_folder(self, *parts: str) -> str:
        """Return a folder below the state directory, made with mode 0700 if it was not there."""
        modes.make_folders(os.path.dirname(self.state_dir), modes.PUBLIC)
        modes.make_folders(self.state_dir, modes.PRIVATE)
        folder = os.path.join(self.state_dir, *parts)
        modes.make_folders(folder, modes.PRIVATE)
        return folder

    def state_path(self, *parts: str) -> str:
        """Return a path below the state directory as a path of the host."""
        return os.path.join("/", os.path.relpath(os.path.join(self.state_dir, *parts), self.root))

    def make_folders(self, path: str) -> None:
        """Make a folder of the host and those above it that are missing, with the modes that the distribution gives them and the
        labels of the policy."""
        for real in modes.make_folders(self.path(path), lambda made: modes.of_folder(_within(self.root, made))):
            self.label(_within(self.root, real), real, stat.S_IFDIR)

    def label(self, path: str, real: str, kind: int) -> None:
        """Give what is at C(real) the SELinux context that the policy names for a path and a kind of file (S_IFMT)."""
        if selinux is None or self.root != "/" or not selinux.is_selinux_enabled():
            return
        found, context = selinux.matchpathcon(path, kind)
        if found == 0:
            try:
                selinux.lsetfilecon(real, context)
            except OSError as error:
                # vfat, as of the EFI system partition, has no labels of its own.
                if error.errno != errno.ENOTSUP:
                    raise


def regular(real: str, flags: int) -> int:
    """Open a regular file, a folder or /dev/null, for C(opener) of open(). Raises CannotRead for any other device, a FIFO and a
    socket: these keep a reader waiting, or have no end."""
    handle = os.open(real, flags | os.O_CLOEXEC | os.O_NONBLOCK)
    info = os.fstat(handle)
    if stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode) or info.st_rdev == NULL_DEVICE:
        return handle
    os.close(handle)
    raise CannotRead(Problem(
        "file.not_regular", f"{real} cannot be read", "it is a FIFO, a socket or a device, and a regular file is expected there",
        "Look at it with 'ls -l', move it away, and run again", subject=real))


def state_at(real: str, newline: str | None = None) -> FileState | None:
    """Return what a regular file holds, or None when there is none. C(newline) is that of open()."""
    try:
        info = os.stat(real)
        with open(real, encoding="utf-8", errors="surrogateescape", newline=newline, opener=regular) as handle:
            content = handle.read()
    except FileNotFoundError:
        return None
    return FileState(content, f"{stat.S_IMODE(info.st_mode):04o}", _user(info.st_uid), _group(info.st_gid))


def end_of_links(root: str, path: str) -> str | None:
    """Return the path that a chain of symbolic links at a path of a host ends at, or the path itself; None where a link leads
    nowhere. Folders on the way may be links as well."""
    end = path
    for _number in range(MOST_LINKS):
        real = _below(root, end)
        try:
            led = os.readlink(real)
        except FileNotFoundError:
            return end if end == path else None
        except OSError as error:
            if error.errno == errno.EINVAL:
                return end
            if error.errno in NOWHERE:
                return end if end == path else None
            raise
        # A relative link begins where its folder really is, be that behind a link itself.
        folder = _within(root, os.path.realpath(os.path.dirname(real)))
        end = os.path.normpath(os.path.join(folder, led))
    return None


def _below(root: str, path: str) -> str:
    return path if root == "/" else os.path.join(root, path.lstrip("/"))


def _within(root: str, real: str) -> str:
    """Return a path of this machine as a path of a host, whose root it lies below."""
    return real if root == "/" else "/" + os.path.relpath(real, os.path.realpath(root)).lstrip(".")


def _copy_attributes(real: str, handle: int) -> None:
    """Give an open file the ACL and the attributes of users of the one that it takes the place of."""
    try:
        for name in os.listxattr(real):
            if name in ACLS or name.startswith(USERS):
                os.setxattr(handle, name, os.getxattr(real, name))
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise


def is_there(real: str) -> bool:
    """Say whether there is something at a path, be it a link that leads nowhere. Raises OSError where that cannot be told."""
    try:
        os.lstat(real)
    except FileNotFoundError:
        return False
    return True


def is_folder(real: str) -> bool:
    """Say whether a path leads to a folder. Raises OSError where that cannot be told."""
    return _leads_to(real, stat.S_ISDIR)


def is_file(real: str) -> bool:
    """Say whether a path leads to a regular file. Raises OSError where that cannot be told."""
    return _leads_to(real, stat.S_ISREG)


def leads_somewhere(real: str) -> bool:
    """Say whether a path leads to anything. Raises OSError where that cannot be told."""
    return _leads_to(real, lambda mode: True)


def _leads_to(real: str, kind: t.Callable[[int], bool]) -> bool:
    """Say what a path leads to. Nothing, a file in the place of a folder, and a circle of links lead nowhere."""
    try:
        return kind(os.stat(real).st_mode)
    except OSError as error:
        if error.errno not in NOWHERE:
            raise
        return False


def names_in(real: str) -> list[str]:
    """Return the names in a folder, sorted; none where there is no folder. Raises OSError where it cannot be read."""
    try:
        return sorted(os.listdir(real))
    except FileNotFoundError:
        return []


def scratch_of(job: str) -> str:
    """Return what begins the names of what the step of a run writes beside paths."""
    return f"{SCRATCH}{job}-"


def sync_folder(folder: str) -> None:
    """Sync a folder, so that a rename or removal in it outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _uid(name: str) -> int:
    return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid


def _gid(name: str) -> int:
    return int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
