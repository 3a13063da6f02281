# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write boot files for GRUB, which reads a file system without replaying its journal.

After a power cut GRUB sees only what is in its final place on the disk. fsync(2) guarantees less: that the journal has it.
Measured with GRUB's own drivers (C(tests/grub)), for a file that was replaced by rename(2):

- fsync: the old file on ext4, xfs and btrfs. A block overwritten in place is the new one on ext4 and xfs.
- syncfs(2): the new file on btrfs, which commits its transaction, and on vfat, which has no journal. The old one on xfs, and on
  ext4 wherever something else writes to it at that moment.
- ext4: EXT4_IOC_CHECKPOINT writes the whole journal to its final places and freezes nothing for other programs
  (Documentation/filesystems/ext4/journal.rst, "Journal Checkpoint"; commit 351a0a3fbc35 of 2021).
- xfs: only a freeze empties the log (fsfreeze(8): "all dirty data, metadata, and log information are written to disk").
  OSTree, bootupd and dracut freeze the file system of /boot for the same reason (ostreedev/ostree pull request 1049).

The file system of /boot may be the root file system. On ext4 nothing is frozen then. On xfs it is frozen for milliseconds: xfs
has no other call, and writes its log back by itself only within half a minute. A frozen file system blocks writers only; reads,
and with them the pages of running programs, go on, and QEMU's guest agent freezes the root file system for backups as well.
What must not happen is that it stays frozen: see L(_freeze_and_thaw). dracut and grubby do not freeze the root file system; GRUB
may read an old file then.

Detached code holds a copy of this module.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import signal
import struct
import time
import typing as t

from ..text import mountinfo
from .errors import Failed, Problem

BOOT = "/boot"
ENVIRONMENT = "/boot/grub2/grubenv"
MOUNTINFO = "/proc/self/mountinfo"
# linux/fs.h, linux/ext4.h
FIFREEZE, FITHAW, EXT4_IOC_CHECKPOINT = 0xC0045877, 0xC0045878, 0x4004662B
EXT, XFS = ("ext2", "ext3", "ext4"), "xfs"
# How long a freeze may take, and how long it is tried while another program keeps the file system frozen.
FREEZE_SECONDS, BUSY_SECONDS = 30.0, 10.0
POLL_SECONDS = 0.002

# What is at a path below /boot, as far as a change of it shows.
Contents = dict[str, tuple[int, ...]]


def overwrite(real: str, content: bytes, folder: int | None = None) -> None:
    """Write a file in place, as GRUB's own tools write the environment block: its blocks on the disk stay the same ones.

    C(folder): an open folder that the path begins at. Where writing fails, the file holds again what it did.
    """
    handle = os.open(real, os.O_RDWR | os.O_NOFOLLOW, dir_fd=folder)
    try:
        before = os.pread(handle, len(content), 0)
        try:
            if os.pwrite(handle, content, 0) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), real)
            os.fsync(handle)
        except OSError:
            os.pwrite(handle, before, 0)
            raise
    finally:
        os.close(handle)


def flush(path: str, root: str = "/") -> None:
    """Write the file system of a path out, so that GRUB sees there what programs see.

    Another root than / is not what this machine is started from: nothing is done there. A process that may not do it, as in a
    container, has no boot loader. Raises Failed or OSError when it cannot be done.
    """
    if root != "/":
        return
    handle = os.open(_folder(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Done first in any case: then little is left to write while the file system is frozen.
        syncfs(handle)
        fstype = _fstype(path)
        if fstype == XFS or (fstype in EXT and not _checkpoint(handle)):
            _emptied(handle, path)
    finally:
        os.close(handle)


def flush_each(paths: t.Iterable[str], root: str = "/") -> None:
    """Flush each file system that one of some paths is on."""
    if root == "/":
        for folder in {os.stat(folder).st_dev: folder for folder in map(_folder, paths)}.values():
            flush(folder)


def contents(folder: str = BOOT) -> Contents | None:
    """Return what is below a folder, to be compared with what is there later; nothing where there is no such folder, and None
    where it cannot be read."""
    found = {}
    try:
        for above, folders, files in os.walk(folder, onerror=_unless_gone):
            for path in [above, *(os.path.join(above, name) for name in [*folders, *files])]:
                with contextlib.suppress(FileNotFoundError):
                    info = os.lstat(path)
                    found[path] = (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
    except OSError:
        return None
    return found


def _unless_gone(error: OSError) -> None:
    """Raise what kept a folder from being read, unless it is gone by now."""
    if not isinstance(error, FileNotFoundError):
        raise error


def flush_changes(before: Contents | None, folder: str = BOOT) -> None:
    """Flush the file systems on which something below a folder is another than before, or may be: all where that is not known."""
    now = contents(folder)
    if now is None:
        flush(folder)
    elif before is None:
        flush_each(now)
    else:
        flush_each(sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path)))


def _folder(path: str) -> str:
    """Return a path, or the nearest folder above it."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _fstype(path: str) -> str:
    """Return the type of the file system that a path is on, empty where the mounts cannot be read."""
    real = os.path.realpath(path)
    try:
        with open(MOUNTINFO, encoding="utf-8", errors="surrogateescape") as handle:
            mounts = mountinfo.parse(handle.read())
    except FileNotFoundError:
        return ""
    above = [mount for mount in mounts if f"{real}/".startswith(mount.mountpoint.rstrip("/") + "/")]
    return max(above, key=lambda mount: len(mount.mountpoint)).fstype if above else ""


def syncfs(handle: int) -> None:
    """Write out the file system of an open file or folder. Raises OSError where the disk reports an error."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syncfs(handle):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _checkpoint(handle: int) -> bool:
    """Have ext4 write its journal to the final places, and say whether that is done: older kernels cannot."""
    try:
        fcntl.ioctl(handle, EXT4_IOC_CHECKPOINT, struct.pack("I", 0))
    except OSError as error:
        if error.errno in (errno.ENOTTY, errno.EOPNOTSUPP):
            return False
        # Without a journal nothing is to be done; without the capability nothing can be.
        if error.errno not in (errno.ENODEV, errno.EPERM):
            raise
    return True


def _emptied(handle: int, path: str) -> None:
    """Empty the log of a file system by a freeze; wait while another program has it frozen."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        number = _freeze_and_thaw(handle, path)
        if number != errno.EBUSY:
            break
        if time.monotonic() > deadline:
            raise Failed(Problem(
                "boot_disk.frozen",
                f"the file system of {path} is frozen by another program", f"it still was after {BUSY_SECONDS:g} seconds",
                "Let that program end, or thaw it with 'fsfreeze -u', and run again", subject=path))
        time.sleep(POLL_SECONDS * 50)
    if number and number not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTTY):
        raise OSError(number, os.strerror(number), path)


def _freeze_and_thaw(handle: int, path: str) -> int:
    """Freeze a file system and thaw it at once; return the error number of the freeze, 0 when it was done.

    A child does both, with all signals blocked, and in a session of its own. Where it is killed or stuck in between, this process
    thaws; where this process is killed, the child goes on. Only a kill of both within the same milliseconds leaves it frozen.
    """
    child = os.fork()
    if child == 0:
        _as_child(handle)
    status = None
    try:
        status = _waited(child, path)
    finally:
        if status is None or not os.WIFEXITED(status):
            _thaw(handle)
    if not os.WIFEXITED(status):
        raise Failed(Problem(
            "boot_disk.killed",
            f"the file system of {path} is to be written out for GRUB", f"the process that did it was killed: status {status}",
            "The file system is not frozen any more. Run again", subject=path))
    return os.WEXITSTATUS(status)


def _as_child(handle: int) -> t.NoReturn:
    """Freeze and thaw, and end the process with the error number as its status."""
    number = errno.EIO
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
        os.setsid()
        number = _cycle(handle)
    finally:
        os._exit(number)


def _cycle(handle: int) -> int:
    """Freeze and thaw, and return the error number of the freeze."""
    try:
        fcntl.ioctl(handle, FIFREEZE, 0)
    except OSError as error:
        # Not frozen by us: what somebody else froze stays so.
        return error.errno or errno.EIO
    _thaw(handle)
    return 0


def _thaw(handle: int) -> None:
    """Thaw a file system; one that is not frozen is fine."""
    try:
        fcntl.ioctl(handle, FITHAW, 0)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EPERM, errno.EOPNOTSUPP, errno.ENOTTY):
            raise


def _waited(child: int, path: str) -> int:
    """Wait for the child and return its status. Raises Failed when it takes too long."""
    deadline = time.monotonic() + FREEZE_SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(POLL_SECONDS)
    raise Failed(Problem(
        "boot_disk.slow",
        f"the file system of {path} is to be written out for GRUB", f"it takes more than {FREEZE_SECONDS:g} seconds",
        "Look at 'dmesg' for an error of the disk, and run again", subject=path))
