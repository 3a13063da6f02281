# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SELinux on a machine's disk: Debian's reference policy, which enforces, and what the policy of CentOS has besides.

Debian's is the policy that its maintainers ship, and no one tuned it to the builds of the lab: what it denies them is told by
the kernel alone.
"""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import typing as t

from .common import HERE, run

ARGUMENTS = "security=selinux selinux=1 enforcing=1 audit=1"
PACKAGES = ("selinux-policy-default", "policycoreutils", "selinux-utils", "auditd")
POLICY = "default"
CONFIG = f"SELINUX=enforcing\nSELINUXTYPE={POLICY}\n"
MODULE = HERE / "guest" / "lab.cil"
# Starts no service of what is installed: the root is no system that runs.
NO_STARTS = "#!/bin/sh\nexit 101\n"


def install(root: pathlib.Path) -> None:
    """Install policy and tools into a root through its own apt, and the lab's module of the policy."""
    with _usable(root):
        for argv in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES], ["clean"]):
            run(["chroot", root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *argv])
        shutil.copy(MODULE, root / "var/tmp/lab.cil")
        run(["chroot", root, "semodule", "--noreload", "--store", POLICY, "--install", "/var/tmp/lab.cil"])
        (root / "var/tmp/lab.cil").unlink()
        # As the preset of CentOS has it. Without auditd the kernel prints a few denials of many.
        run(["chroot", root, "systemctl", "enable", "auditd.service"])
    shutil.rmtree(root / "var/lib/apt/lists")
    (root / "etc/selinux/config").write_text(CONFIG)


def label(root: pathlib.Path) -> None:
    """Label all files of a mounted disk as its policy says."""
    with _usable(root):
        run(["chroot", root, "setfiles", "-F", "-e", "/proc", "-e", "/dev",
             f"/etc/selinux/{POLICY}/contexts/files/file_contexts", "/"])


@contextlib.contextmanager
def _usable(root: pathlib.Path) -> t.Iterator[None]:
    """Have in a root, for a while, what programs need there: /proc, /dev, names of the network, and no starts of services."""
    refuse = root / "usr/sbin/policy-rc.d"
    resolver = root / "etc/resolv.conf"
    kept = resolver.read_bytes() if resolver.is_file() else None
    resolver.unlink(missing_ok=True)
    shutil.copy("/etc/resolv.conf", resolver)
    refuse.write_text(NO_STARTS)
    refuse.chmod(0o755)
    run(["mount", "-t", "proc", "proc", root / "proc"])
    run(["mount", "--bind", "/dev", root / "dev"])
    try:
        yield
    finally:
        run(["umount", root / "dev"])
        run(["umount", root / "proc"])
        refuse.unlink()
        resolver.unlink()
        if kept is not None:
            resolver.write_bytes(kept)
