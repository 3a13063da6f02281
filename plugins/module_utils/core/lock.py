# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time on a host: the second is refused with the name of the first.

The lock is one of an open file description (fcntl(2), F_OFD_SETLK): the kernel gives it up when its holder dies, and who only
looks asks with F_OFD_GETLK, which locks nothing and so keeps nobody from starting.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import struct
import time
import typing as t

from .errors import Problem, Refused
from .host_io import Target

FILE = "lock"
POLL_SECONDS = 0.5
# struct flock of fcntl(2) where off_t has 64 bits: type, whence, start, length, process.
FLOCK = "@hhqqi4x"
WHOLE_FILE = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
# What is said of a lock that another process holds.
TAKEN = (errno.EAGAIN, errno.EACCES)


@contextlib.contextmanager
def exclusive(target: Target, who: str, patience: float = 0.0, guards: bool = False) -> t.Iterator[None]:
    """Hold the host for one run. The kernel lets go of the lock when the holder dies.

    C(guards): a guard holds it. For that a run waits C(patience) seconds.
    """
    path = os.path.join(target.private_folder(), FILE)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(handle, time.monotonic() + patience)
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"who": who, "pid": os.getpid(), "since": time.time(), "guards": guards}).encode(), 0)
        yield
    finally:
        os.close(handle)


def _take(handle: int, deadline: float) -> None:
    """Take the lock; wait for a guard that has it, and for nobody else."""
    while True:
        try:
            fcntl.fcntl(handle, fcntl.F_OFD_SETLK, WHOLE_FILE)
            return
        except OSError as error:
            if error.errno not in TAKEN:
                raise
            if not _said(handle).get("guards") or time.monotonic() > deadline:
                raise Refused(Problem(
                    "run.locked", "another run of centos.hyperscale is at work on this host", _holder(handle),
                    "Wait until it has ended and run again",
                )) from error
        time.sleep(POLL_SECONDS)


def _said(handle: int) -> dict[str, t.Any]:
    """Return what the file of the lock says of who holds it, or held it last."""
    try:
        said = json.loads(os.pread(handle, 4096, 0).decode())
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def at_work(target: Target) -> str:
    """Return who holds the host for a run, empty when nobody does. Writes and locks nothing."""
    try:
        handle = os.open(os.path.join(target.state_dir, FILE), os.O_RDONLY)
    except FileNotFoundError:
        return ""
    try:
        return _holder(handle) if is_held(handle) else ""
    finally:
        os.close(handle)


def is_held(handle: int) -> bool:
    """Say whether somebody else holds the lock of an open file."""
    kind = struct.unpack(FLOCK, fcntl.fcntl(handle, fcntl.F_OFD_GETLK, WHOLE_FILE))[0]
    return kind != fcntl.F_UNLCK


def _holder(handle: int) -> str:
    """Return in words who holds the lock. What an earlier holder left in the file counts for nothing."""
    try:
        said = _said(handle)
        os.kill(said["pid"], 0)
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(said["since"]))
        return f"it was started by {said['who']} at {since} (process {said['pid']})"
    except (OSError, ValueError, KeyError):
        return "it began a moment ago"


def is_flocked(path: str) -> bool:
    """Say whether a process holds a file by flock(2). One that is not there nobody holds."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
