# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time on a host: the second is refused with the name of the first."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
import typing as t

from .errors import Problem, Refused
from .host_io import Target

FILE = "lock"


@contextlib.contextmanager
def exclusive(target: Target, who: str) -> t.Iterator[None]:
    """Hold the host for one run. The kernel lets go of the lock when the holder dies."""
    path = os.path.join(target.private_folder(), FILE)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(Problem(
                "another run of centos.hyperscale is at work on this host", _holder(handle),
                "Wait until it has ended and run again",
            )) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"who": who, "pid": os.getpid(), "since": time.time()}).encode(), 0)
        yield
    finally:
        os.close(handle)


def at_work(target: Target) -> str:
    """Return who holds the host for a run, empty when nobody does. Writes nothing."""
    try:
        handle = os.open(os.path.join(target.state_dir, FILE), os.O_RDONLY)
    except FileNotFoundError:
        return ""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(handle)
    finally:
        os.close(handle)
    return ""


def _holder(handle: int) -> str:
    try:
        said = json.loads(os.pread(handle, 4096, 0).decode())
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(said["since"]))
        return f"it was started by {said['who']} at {since} (process {said['pid']})"
    except (ValueError, KeyError):
        return "it has only just begun"
