# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The architecture of the lab's hosts: this machine's, or the one that HYPERSCALE_LAB_ARCH names, which is emulated."""

from __future__ import annotations

import os
import pathlib
import platform
import re
import subprocess
import sys
import typing as t

MACHINE = platform.machine()
ARCH = os.environ.get("HYPERSCALE_LAB_ARCH") or MACHINE
EMULATED = ARCH != MACHINE
EMULATOR = f"qemu-system-{ARCH}"


class Architecture(t.NamedTuple):
    """What an architecture is called by Debian; for QEMU, a computer of it, the processor that is emulated fastest, the console
    that the kernel has there, and the Debian package of the emulator."""

    debian: str
    computer: str
    processor: str
    console: str
    package: str


KNOWN = {
    "x86_64": Architecture("amd64", "q35", "max", "ttyS0", "qemu-system-x86"),
    "aarch64": Architecture("arm64", "virt", "cortex-a72", "ttyAMA0", "qemu-system-arm"),
}
if ARCH not in KNOWN:
    raise SystemExit(f"lab: no hosts of {ARCH} can be made: HYPERSCALE_LAB_ARCH may be {' or '.join(KNOWN)}")
HOSTS = KNOWN[ARCH]
# What starts programs of another architecture on this machine, and what mmdebstrap asks for that, with their Debian packages.
COMMANDS = {f"qemu-{ARCH}-static": "qemu-user-static", "arch-test": "arch-test"} if EMULATED else {}
FORMATS, RULES = pathlib.Path("/proc/sys/fs/binfmt_misc"), pathlib.Path("/usr/lib/binfmt.d")
# Commands that start programs of the hosts, in a root.
IN_ROOTS = {"chroot", "mmdebstrap"}
# Since then a user namespace may have a table of its own of what starts programs.
OWN_TABLES = (6, 7)


def own_tables() -> bool:
    """Say whether the kernel of this machine has more than one table of what starts programs."""
    return tuple(map(int, re.findall(r"\d+", platform.release())[:2])) >= OWN_TABLES


def rule() -> pathlib.Path:
    """Return what Debian's package says of programs of the hosts' architecture, which systemd-binfmt reads where systemd runs."""
    return next(path for path in (RULES / f"qemu-{ARCH}.conf", RULES / f"qemu-{ARCH}-static.conf") if path.exists())


def register() -> None:
    """Have this machine's kernel start programs of the hosts' architecture, where it has one table only."""
    if not EMULATED or own_tables():
        return
    if not (FORMATS / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", FORMATS], check=True)
    if not list(FORMATS.glob(f"qemu-{ARCH}*")):
        (FORMATS / "register").write_text(rule().read_text().strip())


def starting(argv: t.Sequence[str]) -> list[str]:
    """Return a command so that the programs of hosts start which it starts."""
    if EMULATED and own_tables() and not IN_ROOTS.isdisjoint(argv[:2]):
        return [sys.executable, str(pathlib.Path(__file__).with_name("foreign.py")), str(rule()), *argv]
    return [*argv]
