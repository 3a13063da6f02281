# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of another kernel do and ask on a machine, whatever starts it."""

from __future__ import annotations

ROLES = ["repos", "kernel"]
VARIABLES = {"hyperscale_repos_flavours": ["main", "experimental"], "hyperscale_kernel_args": ["psi=1"]}
BREAKS_INITRDS = """\
#!/bin/sh
[ "$1" != add ] || head -c 1048576 /dev/zero > "/boot/initramfs-$2.img"
"""
BREAKER = "/etc/kernel/install.d/95-break.install"


def release(machine, side):
    """Return the release of the installed kernel of a side."""
    found = machine.command("rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}.%{ARCH}\n", "kernel-core").split()
    return next(name for name in found if (".hs" in name) == (side == "hyperscale"))


def environment(machine):
    """Return the variables of GRUB's environment block."""
    lines = machine.read("/boot/grub2/grubenv").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def arguments(machine):
    """Return the words that the running kernel was started with."""
    return machine.read("/proc/cmdline").split()


def title(name):
    """Return the title of a kernel's entry."""
    return f"CentOS Stream ({name}) 9"


def started(machine, boots=1):
    """Return which kernels the last boots started, by GRUB's word; the kernel that runs by now says the same of itself."""
    starts = machine.starts()[-boots:]
    for start in starts:
        assert title(start.arguments[0].partition("vmlinuz-")[2]) == start.title
    assert arguments(machine) == starts[-1].arguments
    assert title(machine.command("uname", "-r")) == starts[-1].title
    return [start.title for start in starts]


def cut_power(machine):
    """Take the power away and wait for the machine."""
    before = machine.boot_id()
    machine.cut_power()
    machine.wait_for_boot(before)
