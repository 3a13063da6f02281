# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command that starts programs of another architecture: C(foreign.py RULE COMMAND...), where RULE is a file of binfmt.d(5).

The kernel has a table of what starts such programs. systemd clears the one of the machine wherever a container boots that may
write to it, as hosts of the lab may. So the command gets a table of its own, which belongs to a user namespace (Linux 6.7). The
users of that are those of the machine: files keep their owners.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
import signal
import subprocess
import sys

TABLE = "/proc/sys/fs/binfmt_misc"
# Of sched.h and prctl.h; os.unshare is of Python 3.12.
NEW_MOUNTS, NEW_USERS, NEW_PROCESSES = 0x20000, 0x10000000, 0x20000000
SIGNAL_OF_PARENT = 1
USERS = "0 0 65536"

LIBC = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave some namespaces for new ones."""
    if LIBC.unshare(flags):
        error = ctypes.get_errno()
        raise OSError(error, f"unshare: {os.strerror(error)}")


def end_with_parent() -> None:
    """Have the kernel end this process when its parent ends."""
    LIBC.prctl(SIGNAL_OF_PARENT, signal.SIGKILL)


def with_users(pid: int) -> None:
    """Give the namespace of a process the users of this machine."""
    for name in ("uid_map", "gid_map"):
        pathlib.Path(f"/proc/{pid}/{name}").write_text(USERS)


def start(rule: pathlib.Path, argv: list[str]) -> None:
    """Become a command that has a table with one rule; this is the first process of its namespace."""
    os.setgid(0)
    os.setuid(0)
    for words in (["--make-rprivate", "/"], ["-t", "proc", "proc", "/proc"], ["-t", "binfmt_misc", "binfmt_misc", TABLE]):
        subprocess.run(["mount", *words], check=True)
    pathlib.Path(TABLE, "register").write_text(rule.read_text().strip())
    os.execvp(argv[0], argv)


def waited(pid: int) -> int:
    """Wait for a process and return its status as a shell has it."""
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status if status >= 0 else 128 - status


def between(ready: int, go: int, rule: pathlib.Path, argv: list[str]) -> int:
    """Make the namespaces, wait until they have users, and run the command in them."""
    end_with_parent()
    unshare(NEW_USERS | NEW_MOUNTS | NEW_PROCESSES)
    os.write(ready, b"x")
    if not os.read(go, 1):
        return 1
    child = os.fork()
    if not child:
        end_with_parent()
        start(rule, argv)
    return waited(child)


def main() -> int:
    """Run the command that was given, and return its status."""
    rule, argv = pathlib.Path(sys.argv[1]), sys.argv[2:]
    (is_ready, ready), (may_go, go) = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        os.close(go)
        os._exit(between(ready, may_go, rule, argv))
    os.close(ready)
    if os.read(is_ready, 1):
        with_users(child)
        os.write(go, b"x")
    os.close(go)
    return waited(child)


if __name__ == "__main__":
    sys.exit(main())
