# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the host was booted, and what was installed since that only a reboot brings into use."""

from __future__ import annotations

import os
import typing as t

from ..packages import rpmdb
from . import kernel as host_kernel, read, systemd as host_systemd

# What every process or the kernel itself holds on to; after needs-restarting of dnf-plugins-core, which asks
# for a reboot for these, and with the kernel left to the default boot entry.
CORE_PACKAGES = (
    "dbus",
    "dbus-broker",
    "dbus-daemon",
    "glibc",
    "gnutls",
    "linux-firmware",
    "microcode_ctl",
    "openssl-libs",
    "systemd",
)
START_TIME_FIELD = 22


def parse_btime(stat: str) -> int:
    """Return the C(btime) of /proc/stat. Raises Unreadable."""
    for line in stat.splitlines():
        if line.startswith("btime "):
            return int(line.split()[1])
    raise read.Unreadable("/proc/stat has no btime")


def parse_start_ticks(stat: str) -> int:
    """Return the start time of a process from its stat file; its name may hold blanks and brackets."""
    # The name is field 2, and fields are counted from 1.
    return int(stat.rpartition(")")[2].split()[START_TIME_FIELD - 3])


def gather(root: str) -> dict[str, t.Any]:
    """Return the C(boot) group. Raises OSError or Unreadable.

    In a container btime is the machine's, so the start of PID 1 is the boot everywhere.
    """
    btime = parse_btime(read.text(root, "/proc/stat"))
    ticks = parse_start_ticks(read.text(root, "/proc/1/stat"))
    return {
        "id": read.text(root, "/proc/sys/kernel/random/boot_id").strip(),
        "time": btime + ticks // os.sysconf("SC_CLK_TCK"),
    }


def reboot_reasons(
    boot_time: int | None,
    packages: list[rpmdb.Package] | None,
    kernel: t.Mapping[str, t.Any] | None,
    systemd: t.Mapping[str, t.Any] | None,
) -> list[dict[str, t.Any]]:
    """Return what is installed or configured and not yet in use. What could not be read gives no reason."""
    known = packages or []
    return _kernel_reason(boot_time, known, kernel) + _package_reasons(boot_time, known) + _pid1_reason(systemd)


def _reason(what: str, installed: str | None, running: str | None, since: int | None) -> dict[str, t.Any]:
    return {"what": what, "installed": installed, "running": running, "since": since}


def _kernel_reason(
    boot_time: int | None, packages: list[rpmdb.Package], kernel: t.Mapping[str, t.Any] | None
) -> list[dict[str, t.Any]]:
    if kernel is None:
        return []
    following = kernel.get("next") or {}
    release = following.get("release") or kernel["default"]
    if release is not None:
        # A kernel that was tried and runs waits for a proof, and not for a boot that would end it.
        if release != kernel["running"] and kernel.get("tried") != kernel["running"]:
            package = host_kernel.owner(release, packages)
            what = "kernel to try" if following.get("once") else "kernel"
            return [_reason(what, release, kernel["running"], package.install_time if package else None)]
        waiting = kernel.get("waiting")
        return [_reason("kernel arguments", " ".join(waiting), None, None)] if waiting else []
    # Where the default is not known, a newer kernel installed since the boot is the one dnf made the default.
    for package in host_kernel.core_packages(packages)[:1]:
        if boot_time is not None and package.install_time > boot_time:
            return [_reason("kernel", host_kernel.kernel_release(package), kernel["running"], package.install_time)]
    return []


def _package_reasons(boot_time: int | None, packages: list[rpmdb.Package]) -> list[dict[str, t.Any]]:
    return [
        _reason(package.name, package.evr, None, package.install_time)
        for package in packages
        if boot_time is not None and package.name in CORE_PACKAGES and package.install_time > boot_time
    ]


def _pid1_reason(systemd: t.Mapping[str, t.Any] | None) -> list[dict[str, t.Any]]:
    if systemd is None:
        return []
    running, installed = systemd["running_version"], systemd["package_version"]
    differs = False
    if running and installed:
        differs = not host_systemd.runs_version(running, installed.rpartition(":")[2].rpartition("-")[0])
    return [_reason("PID 1", installed, running, None)] if differs or systemd["pid1_binary_replaced"] else []
