# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The capabilities of a file, as the kernel keeps them in an extended attribute and as a package header names them."""

from __future__ import annotations

import struct

ATTRIBUTE = "security.capability"
# linux/capability.h, in the order of their numbers.
NAMES = (
    "cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid", "cap_kill", "cap_setgid", "cap_setuid",
    "cap_setpcap", "cap_linux_immutable", "cap_net_bind_service", "cap_net_broadcast", "cap_net_admin", "cap_net_raw",
    "cap_ipc_lock", "cap_ipc_owner", "cap_sys_module", "cap_sys_rawio", "cap_sys_chroot", "cap_sys_ptrace", "cap_sys_pacct",
    "cap_sys_admin", "cap_sys_boot", "cap_sys_nice", "cap_sys_resource", "cap_sys_time", "cap_sys_tty_config", "cap_mknod",
    "cap_lease", "cap_audit_write", "cap_audit_control", "cap_setfcap", "cap_mac_override", "cap_mac_admin", "cap_syslog",
    "cap_wake_alarm", "cap_block_suspend", "cap_audit_read", "cap_perfmon", "cap_bpf", "cap_checkpoint_restore")
# The lowest bit of the first word says that all of them are effective at once.
EFFECTIVE = 1

Rights = frozenset[tuple[str, str]]


def of_text(text: str) -> Rights:
    """Return capabilities in cap_from_text(3)'s words as pairs of name and flag (e, i, p).

    Older libraries write C(= cap_a+ep) for what newer ones call C(cap_a=ep).
    """
    found: set[tuple[str, str]] = set()
    for clause in text.split():
        names, _sign, flags = clause.replace("+", "=").partition("=")
        found.update((name, flag) for name in names.split(",") if name for flag in flags)
    return frozenset(found)


def of_attribute(value: bytes) -> Rights:
    """Return what the attribute holds (struct vfs_cap_data), the same way; what is no such attribute has none."""
    if len(value) < 12:
        return frozenset()
    pairs = min((len(value) - 4) // 8, 2)
    head, *words = struct.unpack_from(f"<{1 + 2 * pairs}I", value)
    permitted, inheritable = (sum(words[2 * place + kind] << (32 * place) for place in range(pairs)) for kind in (0, 1))
    effective = permitted | inheritable if head & EFFECTIVE else 0
    return frozenset(
        (_name(number), flag) for flag, bits in (("p", permitted), ("i", inheritable), ("e", effective))
        for number in range(64) if bits >> number & 1)


def _name(number: int) -> str:
    return NAMES[number] if number < len(NAMES) else f"cap_{number}"
