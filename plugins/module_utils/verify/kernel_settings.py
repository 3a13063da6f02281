# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel settings: the values in force, and those that the files of sysctl.d(5) ask for. Read-only.

A key is written as a path below /proc/sys here, and with dots where a person reads it.
"""

from __future__ import annotations

import re

from ..facts.view import NOT_FOUND, View

PROC_SYS = "/proc/sys/"
NUMBERS = re.compile(r"^-?\d{1,20}( -?\d{1,20})*$")
WORDS = ("net/core/default_qdisc", "net/ipv4/tcp_congestion_control")
NOT_SHOWN = "not shown"
SYSCTL_FILES = ("/etc/sysctl.conf", *(
    f"{folder}/*.conf" for folder in ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")))
# Prints all files that are in force, in their order, each with its path.
PRINT_FILES = ("/usr/lib/systemd/systemd-sysctl", "--cat-config")
# What builds of systemd set, be it not the one that is installed: a swap changes these, and going back sets none of them again.
SET_BY_SYSTEMD = (
    "fs/protected_*", "fs/suid_dumpable", "kernel/core_*", "kernel/pid_max", "kernel/sysrq", "net/core/default_qdisc",
    "net/ipv4/ping_group_range", *(
        f"net/ipv4/conf/*/{name}" for name in ("accept_source_route", "promote_secondaries", "rp_filter")))
# Counters, and what the kernel, a router or the boot sets by itself.
VOLATILE = re.compile(
    r"^(kernel/(random/(boot_id|uuid|entropy_avail)|ns_last_pid|tainted|cad_pid|perf_event_max_sample_rate|\w+_next_id"
    r"|hung_task_detect_count|pty/nr)|fs/(dentry-state|inode-nr|inode-state|file-nr|aio-nr|quota/.*)"
    r"|net/netfilter/nf_conntrack_(count|buckets)|net/ipv6/conf/[^/]+/(mtu|hop_limit|stable_secret)|net/ipv[46]/route/flush)$")
# Keys of one network interface: they go with it.
OF_INTERFACE = re.compile(r"^net/ipv[46]/(conf|neigh)/(?!(all|default)/)")


def in_force(view: View) -> dict[str, str]:
    """Return the value of every key that a file of sysctl.d or systemd sets."""
    patterns = {*SET_BY_SYSTEMD}
    patterns |= {key for glob in SYSCTL_FILES for path in view.glob(glob) for key, _value in lines(view.text(path) or "")}
    keys = {path[len(PROC_SYS):] for pattern in patterns for path in view.glob(PROC_SYS + pattern)}
    found = {key: value(view, key) for key in sorted(keys) if not VOLATILE.match(key)}
    return {key: said for key, said in found.items() if said is not None}


def value(view: View, key: str) -> str | None:
    """Return the value of one key, None where it is not there or cannot be read."""
    said = view.text(PROC_SYS + key)
    return None if said is None else _plain(said)


def asked(view: View) -> dict[str, str]:
    """Return what the files ask for, by systemd-sysctl(8), of each key that there is.

    A later line replaces an earlier one with the same name. A name with wildcards does not count for a key that a line
    names in full, be it without a value.
    """
    status, out = view.said(*PRINT_FILES)
    if status not in (0, NOT_FOUND):
        view.unanswered(PRINT_FILES, status)
    if status != 0:
        return {}
    last: dict[str, str | None] = {}
    for key, wanted in lines(out):
        last.pop(key, None)
        last[key] = wanted
    found = {}
    for pattern, wanted in last.items():
        keys = [path[len(PROC_SYS):] for path in view.glob(PROC_SYS + pattern)]
        found.update({key: wanted for key in keys if wanted is not None and (key == pattern or key not in last)})
    return {key: wanted for key, wanted in found.items() if not VOLATILE.match(key)}


def shown(key: str, value: str | None) -> str | None:
    """Return a value as a report has it: numbers, and words of keys that have words of the kernel alone. Others may be secret,
    such as a command line or a key."""
    if value is None or NUMBERS.match(value) or key in WORDS:
        return value
    return NOT_SHOWN


def agree(one: str, other: str) -> bool:
    """Say whether two values are the same to the kernel, which prints numbers in its own way."""
    try:
        return int(one, 0) == int(other, 0)
    except ValueError:
        return one == other


def lines(text: str) -> list[tuple[str, str | None]]:
    """Return the keys of a file of sysctl.d(5), which may have wildcards, each with its value, or None without one."""
    found = []
    for line in map(str.strip, text.splitlines()):
        name, equals, wanted = line.partition("=")
        name = name.strip().lstrip("-").strip()
        if name and not line.startswith(("#", ";")) and ".." not in name.split("/"):
            found.append((_as_path(name), _plain(wanted) if equals else None))
    return found


def other_spelling(key: str) -> str:
    """Return a key with dots for one with slashes, and the other way round."""
    return key.translate(str.maketrans("./", "/."))


def _as_path(name: str) -> str:
    """A key is written with dots or with slashes; the first of either says which, and the other then stands for itself."""
    first = re.search(r"[./]", name)
    return other_spelling(name) if first and first.group() == "." else name


def _plain(said: str) -> str:
    return " ".join(said.split())
