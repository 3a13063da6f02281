# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time of the boot, on a host and in a container, and what waits for the next one."""

from __future__ import annotations

import os

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import boot, read
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb

BTIME = 1700000000
BOOT = BTIME + 100
STOCK = "5.14.0-503.el9.x86_64"
NEWER = "6.16.4-0.hs1.hsk.el10.x86_64"


def package(name, install_time, version="1", release="1.el9"):
    return rpmdb.Package(name, 0, version, release, "x86_64", "CentOS", name, None, install_time)


def kernel(running=STOCK, default=STOCK):
    return {"running": running, "default": default}


def following(release=NEWER, once=True, waiting=(), tried=None, running=STOCK):
    """What is known where GRUB's files say what the next boot starts."""
    starts = {"release": release, "once": once}
    return {"running": running, "default": STOCK, "next": starts, "waiting": list(waiting), "tried": tried}


def systemd(running="252-51.el9", installed="252-51.el9", replaced=False):
    return {"running_version": running, "package_version": installed, "pid1_binary_replaced": replaced}


def stat_of_pid_1(ticks, name="systemd"):
    return f"1 ({name}) S " + " ".join(["0"] * 18 + [str(ticks), "99"]) + "\n"


@pytest.mark.parametrize("name", ["systemd", "my (odd) init"])
def test_boot_is_the_start_of_pid_1(host, name):
    host.write("/proc/stat", f"cpu  1 2 3\nbtime {BTIME}\nprocesses 5\n")
    host.write("/proc/1/stat", stat_of_pid_1(100 * os.sysconf("SC_CLK_TCK"), name))
    host.write("/proc/sys/kernel/random/boot_id", "205dc8d1-3eed-4e49-bad0-b176eba01bb9\n")
    assert boot.gather(host.root) == {"id": "205dc8d1-3eed-4e49-bad0-b176eba01bb9", "time": BOOT}


def test_no_btime():
    with pytest.raises(read.Unreadable, match="btime"):
        boot.parse_btime("cpu 1 2 3\n")


@pytest.mark.parametrize(
    ("packages", "kernel_group", "systemd_group", "expected"),
    [
        ([], kernel(), systemd(), []),
        ([package("glibc", BOOT - 1), package("bash", BOOT + 1)], kernel(), systemd(), []),
        ([package("glibc", BOOT + 1)], kernel(), systemd(), [("glibc", "1-1.el9", None, BOOT + 1)]),
        (
            [package("kernel-core", BOOT + 5, "6.16.4", "0.hs1.hsk.el10")],
            kernel(default=NEWER),
            systemd(),
            [("kernel", NEWER, STOCK, BOOT + 5)],
        ),
        ([], kernel(default=NEWER), systemd(), [("kernel", NEWER, STOCK, None)]),
        # Installed since, but the boot loader keeps to the running one.
        ([package("kernel-core", BOOT + 5, "6.16.4", "0.hs1.hsk.el10")], kernel(), systemd(), []),
        (
            [package("kernel-core", BOOT + 5, "6.16.4", "0.hs1.hsk.el10"), package("kernel-core", 1, "5.14.0")],
            kernel(default=None),
            systemd(),
            [("kernel", NEWER, STOCK, BOOT + 5)],
        ),
        ([package("kernel-core", BOOT - 5)], kernel(default=None), systemd(), []),
        ([], following(), systemd(), [("kernel to try", NEWER, STOCK, None)]),
        ([], following(once=False), systemd(), [("kernel", NEWER, STOCK, None)]),
        # What was tried and runs waits for a proof; a reboot would end it.
        ([], following(STOCK, once=False, tried=NEWER, running=NEWER), systemd(), []),
        ([], following(STOCK, once=False, tried=NEWER), systemd(), []),
        ([], following(STOCK, once=False, waiting=["psi=1", "no quiet"]), systemd(),
         [("kernel arguments", "psi=1 no quiet", None, None)]),
        ([], kernel(), systemd(installed="260.2-1.hs.el9"), [("PID 1", "260.2-1.hs.el9", "252-51.el9", None)]),
        ([], kernel(), systemd(running="260.2", installed="260.2-1.hs.el9"), []),
        ([], kernel(), systemd(installed="1:252-51.el9"), []),
        ([], kernel(), systemd(running="261-rc1-1.hs.el9", installed="261~rc1-1.hs.el9"), []),
        ([], kernel(), systemd(replaced=True), [("PID 1", "252-51.el9", "252-51.el9", None)]),
        ([], kernel(), systemd(running=None, replaced=None), []),
        (None, None, None, []),
    ],
)
def test_reboot_reasons(packages, kernel_group, systemd_group, expected):
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    reasons = boot.reboot_reasons(BOOT, packages, kernel_group, systemd_group)
    assert [tuple(reason.values()) for reason in reasons] == expected
    assert all(list(reason) == ["what", "installed", "running", "since"] for reason in reasons)


def test_without_a_boot_time_packages_give_no_reason():
    assert boot.reboot_reasons(None, [package("glibc", BOOT)], None, None) == []
