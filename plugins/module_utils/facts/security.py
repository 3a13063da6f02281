# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SELinux and Secure Boot."""

from __future__ import annotations

import json
import typing as t

from . import read

ENFORCE = "/sys/fs/selinux/enforce"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
# The note of a run that has the kernel log and not deny until the host was proven.
RELAXED = "/var/lib/centos-hyperscale/selinux.json"
EFI = "/sys/firmware/efi"
VARIABLES = EFI + "/efivars"
# Four bytes of attributes stand before the value of an EFI variable.
EFI_VALUE_OFFSET = 4


def judge_selinux(enforce: str | None, config: str | None) -> dict[str, t.Any]:
    """Return the C(selinux) group from the kernel's own switch and from the configuration file."""
    said = read.assignments(config or "")
    mode = "disabled" if enforce is None else {"1": "enforcing", "0": "permissive"}.get(enforce.strip())
    return {"mode": mode, "configured": said.get("SELINUX"), "policy": said.get("SELINUXTYPE")}


def relaxed_since(enforce: str | None, boot_id: str, note: str | None) -> float | None:
    """Return since when a run of this collection has the kernel permissive; None where it has not, in this boot."""
    if enforce is None or enforce.strip() != "0":
        return None
    try:
        said = json.loads(note or "{}")
        return float(said["since"]) if said.get("boot_id") == boot_id.strip() else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def gather_selinux(root: str, runs: bool = True) -> dict[str, t.Any]:
    """Return the C(selinux) group; C(runs) says whether the kernel that runs is this root's. Raises OSError."""
    enforce = read.optional_text(root, ENFORCE) if runs else None
    found = judge_selinux(enforce, read.optional_text(root, "/etc/selinux/config"))
    if not runs:
        return {**found, "mode": None, "relaxed_since": None}
    boot_id = read.optional_text(root, BOOT_ID) or ""
    return {**found, "relaxed_since": relaxed_since(enforce, boot_id, read.optional_text(root, RELAXED))}


def judge_secure_boot(efi: bool, variables: int, value: bytes | None) -> str:
    """Say what the SecureBoot variable means; without any variable at all the file system is not mounted."""
    if not efi:
        return "not_efi"
    if value is None:
        return "disabled" if variables else "unknown"
    if len(value) <= EFI_VALUE_OFFSET:
        return "unknown"
    return "enabled" if value[EFI_VALUE_OFFSET] == 1 else "disabled"


def gather_secure_boot(root: str) -> str:
    """Return the C(secure_boot) fact from efivars themselves. Raises OSError."""
    efi = read.status(root, EFI) is not None
    variables = [name for name in read.names(root, VARIABLES) if "-" in name]
    value = None
    for name in variables:
        if name.startswith("SecureBoot-"):
            with open(read.below(root, f"{VARIABLES}/{name}"), "rb") as stream:
                value = stream.read()
    return judge_secure_boot(efi, len(variables), value)
