# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds the locks of dnf and rpm, and waiting for them with a limit."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import time
import typing as t

from ..core.errors import Problem, Refused
from ..core.lock import FLOCK

try:
    import dnf.exceptions
    import dnf.lock
    import rpm
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    rpm = None

POLL_SECONDS = 0.5
PROC = "/proc"
INTERPRETER = re.compile(r"^(python|perl|bash|sh|ruby)[\d.]*$|^platform-python")

Answer = t.TypeVar("Answer")


def patiently(limit: float, act: t.Callable[[], Answer], waiting: t.Callable[[str], None] = lambda holder: None) -> Answer:
    """Do something that takes dnf's locks; while another process holds one, wait up to C(limit) seconds."""
    deadline = time.monotonic() + limit
    while True:
        try:
            return act()
        except dnf.exceptions.LockError as error:
            holder = process(getattr(error, "pid", 0))
        _wait_or_refuse(deadline, limit, "dnf", holder, waiting)


def wait_for_rpm(limit: float, waiting: t.Callable[[str], None] = lambda holder: None) -> None:
    """Wait until nobody holds rpm's transaction lock, which rpm itself would wait for without a limit."""
    deadline = time.monotonic() + limit
    while True:
        pid = _rpm_lock_holder()
        if pid is None:
            return
        _wait_or_refuse(deadline, limit, "rpm", process(pid), waiting)


def _wait_or_refuse(deadline: float, limit: float, what: str, holder: str, waiting: t.Callable[[str], None]) -> None:
    if time.monotonic() >= deadline:
        raise Refused(Problem(
            "package_manager.locked", f"the lock of {what} is held by {holder}", f"it was not free within {limit:g} seconds",
            "Let that finish, or stop it, and run again", subject=what,
        ))
    waiting(holder)
    time.sleep(POLL_SECONDS)


def process(pid: int) -> str:
    """Return a process in words: its id and its command, or why that is not known. Its arguments may be secret."""
    if pid <= 0:
        return "a process that the system does not name"
    try:
        with open(f"{PROC}/{pid}/cmdline", encoding="utf-8", errors="replace") as handle:
            words = handle.read().split("\0")
        command = _command(words) or "it has no command line"
    except (FileNotFoundError, ProcessLookupError):
        command = "already gone"
    except OSError as error:
        command = f"its command line cannot be read: {error.strerror or error}"
    return f"process {pid} ({command})"


def _command(words: t.Sequence[str]) -> str:
    """Return a program, and what it interprets: 'dnf' is /usr/bin/python3 -s /usr/bin/dnf."""
    program = words[0]
    scripts = [word for word in words[1:] if word and not word.startswith("-")]
    interprets = INTERPRETER.match(os.path.basename(program)) and scripts and scripts[0].startswith("/")
    return f"{program} {scripts[0]}" if interprets else program


def _rpm_lock_holder() -> int | None:
    """Return the process id of rpm's lock holder, None where there is none.

    The kernel is asked by fcntl(2), F_GETLK, which locks nothing. /proc/locks is not read: on an overlay its inode numbers
    are not those of stat(2). A process of another container is 0, and a lock of an open file description is -1. Closing a file
    gives up all locks that its process has on it: nobody asks here who holds that lock himself.
    """
    try:
        handle = os.open(rpm.expandMacro("%{_rpmlock_path}"), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # nobody has locked anything yet
        return None
    try:
        asked = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _whence, _start, _length, pid = struct.unpack(FLOCK, fcntl.fcntl(handle, fcntl.F_GETLK, asked))
    finally:
        os.close(handle)
    return None if kind == fcntl.F_UNLCK else pid
