# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which host and which root file system a ledger is of, and the cookie on that root which says that there is a ledger.

/var may be a disk of its own: it can be lost, moved to another machine, or set back to an earlier time while the root is not.
"""

from __future__ import annotations

import json
import os
import typing as t

from ..text import mountinfo
from .host_io import FileState, Target, names_in

# On the root file system, so that it does not share the fate of /var. It is there while a step of the ledger stands.
COOKIE = "/etc/centos-hyperscale.ledger"
BY_UUID = "/dev/disk/by-uuid"
MOUNTS = "/proc/self/mountinfo"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
MACHINE_ID = "/etc/machine-id"


class Identity(t.NamedTuple):
    """The host that a ledger is of. An empty part is not known and differs from none."""

    machine: str
    root: str


class Cookie(t.NamedTuple):
    """What the root file system knows of the ledger: the host, and the place of the newest run in the sequence."""

    machine: str
    root: str
    sequence: int


def of(target: Target) -> Identity:
    """Return the identity of this host."""
    found = target.read(MACHINE_ID)
    return Identity(found.content.strip() if found else "", root_uuid(target))


def boot_id(target: Target) -> str:
    """Return the id of this boot; empty where the kernel does not tell."""
    found = target.read(BOOT_ID)
    return found.content.strip() if found else ""


def root_uuid(target: Target) -> str:
    """Return the UUID of the root file system as udev names it; empty where its device has no such name."""
    table = target.read(MOUNTS)
    source = next((mount.device for mount in mountinfo.parse(table.content) if mount.mountpoint == "/"), "") if table else ""
    try:
        device = os.stat(target.path(source)).st_rdev if source.startswith("/dev/") else 0
    except OSError:
        return ""
    for name in names_in(target.path(BY_UUID)) if device else ():
        try:
            if os.stat(os.path.join(target.path(BY_UUID), name)).st_rdev == device:
                return name
        except FileNotFoundError:  # a link whose device has gone
            continue
    return ""


def differences(there: Identity, here: Identity) -> list[str]:
    """Return in words how two identities differ, as far as both are known."""
    found = []
    if there.machine and here.machine and there.machine != here.machine:
        found.append(f"it was written on the machine {there.machine}, and this one is {here.machine}")
    if there.root and here.root and there.root != here.root:
        found.append(f"it was written with the root file system {there.root}, and this one is {here.root}")
    return found


def cookie(target: Target) -> Cookie | None:
    """Return what the root file system knows of the ledger; None where it knows of none. A damaged cookie has sequence 0."""
    found = target.read(COOKIE)
    if found is None:
        return None
    try:
        said = json.loads(found.content)
        return Cookie(str(said["machine"]), str(said["root"]), int(said["sequence"]))
    except (ValueError, KeyError, TypeError):
        return Cookie("", "", 0)


def noted_sequence(target: Target) -> int:
    """Return the place of the newest run that the root file system knows of."""
    found = cookie(target)
    return found.sequence if found else 0


def note(target: Target, sequence: int) -> None:
    """Have the root file system know of the newest run."""
    content = json.dumps(Cookie(*of(target), sequence)._asdict(), sort_keys=True) + "\n"
    target.write(COOKIE, FileState(content, "0600", str(os.geteuid()), str(os.getegid())))


def forget(target: Target) -> None:
    """Have the root file system know of no ledger."""
    target.remove(COOKIE)
