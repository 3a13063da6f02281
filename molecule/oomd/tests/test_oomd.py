# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts after role oomd: the package of their build, what PID 1 made of the drop-ins, the daemon, the boot entry."""

from __future__ import annotations

import re

import pytest

UINT32_MAX = 0xFFFFFFFF


def properties(host, unit):
    """Return what PID 1 says of a unit."""
    shown = host.check_output(f"systemctl show {unit} -p ManagedOOMSwap,ManagedOOMMemoryPressure,ManagedOOMMemoryPressureLimit,"
                              "ManagedOOMPreference,NeedDaemonReload,ActiveState")
    return dict(line.split("=", 1) for line in shown.splitlines())


def is_hyperscale(host):
    return ".hs." in host.check_output("rpm -q systemd")


def test_the_package_is_that_of_the_build(host):
    wanted, other = "systemd-oomd", "systemd-oomd-defaults"
    if is_hyperscale(host):
        wanted, other = other, wanted
    version = host.check_output("rpm -q --qf '%{VERSION}-%{RELEASE}' systemd")
    assert host.check_output(f"rpm -q --qf '%{{VERSION}}-%{{RELEASE}}' {wanted}") == version
    assert not host.package(other).is_installed


def test_both_builds_are_here(host):
    # The scenario's hosts differ in it; without that the test above says half as much.
    assert is_hyperscale(host) == host.backend.get_hostname().endswith("-10")


@pytest.mark.parametrize(("unit", "swap", "pressure", "limit", "preference"), [
    ("lab.slice", "kill", "kill", 0.15, "none"), ("user@0.service", "auto", "kill", 0.45, "none"),
])
def test_pid_1_has_taken_the_drop_ins_over(host, unit, swap, pressure, limit, preference):
    found = properties(host, unit)
    assert [found[f"ManagedOOM{key}"] for key in ("Swap", "MemoryPressure", "Preference")] == [swap, pressure, preference]
    assert int(found["ManagedOOMMemoryPressureLimit"]) / UINT32_MAX == pytest.approx(limit, abs=1e-4)
    assert found["NeedDaemonReload"] == "no"


def test_a_preference_reaches_the_control_group(host):
    assert properties(host, "system.slice")["ManagedOOMPreference"] == "avoid"
    listing = "python3 -c 'import os; print(os.listxattr(\"/sys/fs/cgroup/system.slice\"))'"
    assert "user.oomd_avoid" in host.check_output(listing)


def test_the_daemon_is_enabled_and_runs_where_it_can(host):
    assert host.service("systemd-oomd").is_enabled
    controllers = host.check_output("cat /sys/fs/cgroup/cgroup.controllers").split()
    assert host.service("systemd-oomd").is_running == ("memory" in controllers and host.file("/proc/pressure/memory").exists)


def test_the_daemon_watches_what_is_wanted_where_it_runs(host):
    if not host.service("systemd-oomd").is_running:
        # It says by which condition it was skipped: a daemon that failed would be none of ours.
        assert host.check_output("systemctl show systemd-oomd -p ConditionResult --value") == "no"
        assert host.check_output("systemctl is-failed systemd-oomd || true") == "inactive"
        return
    says = host.check_output("oomctl dump")
    assert "Swap Used Limit: 80.00%" in says
    assert "Default Memory Pressure Limit: 51.50%" in says
    assert re.search(r"Path: /user\.slice/user-0\.slice/user@0\.service\n\s+Memory Pressure Limit: 45\.00%", says)


def test_settings_are_read_from_our_file(host):
    # The daemon's own parser: what it would read when it starts.
    shown = host.check_output("systemd-analyze cat-config systemd/oomd.conf")
    ours = shown.split("# /etc/systemd/oomd.conf.d/50-centos-hyperscale.conf\n")[1]
    wanted = {"SwapUsedLimit=80%", "DefaultMemoryPressureLimit=51.5%", "DefaultMemoryPressureDurationSec=2s"}
    assert wanted <= set(ours.splitlines())


def test_a_file_that_is_not_ours_stays(host):
    assert host.file("/etc/systemd/system/other.slice.d/50-centos-hyperscale-oomd.conf").exists


def test_psi_is_an_argument_where_the_kernel_needs_it(host):
    needed = "psi=" in host.check_output("cat /proc/cmdline") or not host.file("/proc/pressure/memory").exists
    entry = host.file("/boot/loader/entries/1f2e3d-5.14.0-1.el9.x86_64.conf").content_string
    options = re.search("^options (.*)$", entry, re.MULTILINE).group(1).split()
    assert ("psi=1" in options) == needed
    assert options[:2] == ["root=/dev/vda1", "ro"]
    assert ("psi=1" in host.file("/etc/kernel/cmdline").content_string.split()) == needed


def test_nothing_failed(host):
    assert host.check_output("systemctl is-system-running") == "running"
