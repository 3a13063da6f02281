# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print a line for all that a host holds: every path with its attributes and content, the rpmdb, the units.

Runs on the host with nothing but the standard library. What a live host writes by itself is left out. What cannot be read or
asked ends it with an error: two that lack the same would compare as equal.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess

# Kernel file systems, scratch space, logs, and what ssh and Ansible themselves leave when a task runs.
VOLATILE = (
    "/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp", "/var/log", os.path.expanduser("~/.ansible"), "/var/lib/systemd/timers",
    "/var/lib/systemd/random-seed", "/var/lib/NetworkManager", "/var/lib/private", "/etc/resolv.conf", "/etc/hostname",
    "/etc/hosts",
)
# rpm's database is compared by its content: reading it touches the index files beside it.
RPMDB_SIDE_FILES = ("rpmdb.sqlite-shm", "rpmdb.sqlite-wal", ".rpm.lock")
# How long a command may take.
SECONDS = 300


def entries(top: str = "/") -> list[str]:
    """Return a line for each path. Raises OSError for what cannot be read."""
    lines = []
    for folder, folders, files in os.walk(top, onerror=unless_gone):
        folders[:] = sorted(name for name in folders if os.path.join(folder, name) not in VOLATILE)
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            if path in VOLATILE or name in RPMDB_SIDE_FILES:
                continue
            info = os.lstat(path)
            content = ""
            if stat.S_ISLNK(info.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(info.st_mode):
                with open(path, "rb") as handle:
                    content = hashlib.sha256(handle.read()).hexdigest()[:16]
            # The time of a folder changes when a program makes and takes a scratch file in it.
            when = "" if stat.S_ISDIR(info.st_mode) else str(info.st_mtime_ns)
            lines.append(f"{path} {info.st_mode:o} {info.st_uid}:{info.st_gid} {when} {content}")
    return lines


def unless_gone(error: OSError) -> None:
    """Raise what kept a folder from being read. One that went in the meantime has a line already."""
    if not isinstance(error, FileNotFoundError):
        raise error


def output(*argv: str) -> list[str]:
    """Return the lines of a command. Raises RuntimeError where it says nothing, and what subprocess raises where it fails."""
    lines = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True, timeout=SECONDS).stdout.splitlines()
    if not lines:
        raise RuntimeError(f"{' '.join(argv)} said nothing")
    return lines


if __name__ == "__main__":
    print("\n".join(entries()))
    print("\n".join(sorted(output("rpm", "-qa", "--qf", "rpm %{NEVRA} %{INSTALLTIME}\n"))))
    units = output("systemctl", "list-unit-files", "--no-legend", "--no-pager")
    # Transient units are the ssh sessions of this very look.
    print("\n".join(line for line in units if line.split()[1] != "transient"))
