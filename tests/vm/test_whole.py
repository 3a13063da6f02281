# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole adoptions on machines of both streams and file systems: there, proven, through reboots, and back.

Each test goes on where the one before it ended. What a host is like is told by rpm, systemd and the kernel.
"""

from __future__ import annotations

import json

import pytest
from lab import disks

pytestmark = pytest.mark.parametrize("machine", [
    pytest.param((9, disks.Kind("ext4")), id="stream9-ext4"), pytest.param((10, disks.Kind("xfs")), id="stream10-xfs"),
], indirect=True, scope="module")

ROLES = ["repos", "systemd", "kernel", "oomd", "cgroup2"]
FLAVOURS = {9: ["main", "experimental"], 10: ["main", "kernel"]}
# What the SIG's kernels and daemons need, and what stays after a way back on purpose: the host had it before as well.
UNITS = [{"name": "user.slice", "memory_pressure": "kill", "memory_pressure_limit": "80%"}]


def variables(machine, folder):
    """Return what the playbooks are told."""
    return {
        "hyperscale_adopt": ROLES, "hyperscale_repos_flavours": FLAVOURS[machine.stream], "hyperscale_reports": str(folder),
        "hyperscale_oomd_units": UNITS, "hyperscale_reboot_ok": True}


def packages(machine):
    """Return all installed packages."""
    return sorted(machine.command("rpm", "-qa", "--qf", "%{NEVRA}\\n").split())


def damage(machine):
    """Return what rpm finds changed of all files of all packages: its words, without those of files that vary by themselves."""
    said = machine.attempt("rpm", "-Va", "--nomtime", "--noghost").stdout
    return sorted(said.splitlines())


def failed(machine):
    """Return the failed units."""
    return machine.command("systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager")


def about(said, severity):
    """Return what the findings of a severity are about, but for those of before."""
    return {(finding["check"], finding["subject"]["name"]) for finding in said["findings"]
            if finding["severity"] == severity and not finding["baseline"]}


def report(folder, machine, name):
    """Return the report of that name, as the controller keeps it."""
    return json.loads((folder / f"{machine.name}.{name}.json").read_text())


@pytest.fixture(name="stock", scope="module")
def fixture_stock(machine):
    """What the machine is before: an admin keeps /tmp as a plain folder where it is one."""
    if machine.attempt("findmnt", "/tmp").returncode:
        machine.command("systemctl", "mask", "tmp.mount")
    return {
        "packages": packages(machine), "damage": damage(machine), "kernel": machine.command("uname", "-r"),
        "arguments": machine.read("/proc/cmdline").split(), "default": machine.read("/boot/grub2/grubenv")}


@pytest.fixture(name="folder", scope="module")
def fixture_folder(tmp_path_factory):
    """Where the reports lie."""
    return tmp_path_factory.mktemp("reports")


def test_the_whole_is_adopted(machine, stock, folder):
    boots = len(machine.boots())
    status, said = machine.play("adopt", variables(machine, folder))
    assert status == 0 and "failed=0" in said
    assert len(machine.boots()) == boots + 1 and machine.boots()[-1]["reason"] == "next_entry"
    assert ".hs" in machine.command("uname", "-r") and machine.command("uname", "-r") != stock["kernel"]
    assert ".hs" in machine.command("rpm", "-q", "systemd")
    assert machine.command("systemctl", "is-active", "systemd-oomd.service") == "active"
    assert failed(machine) == ""
    proof = report(folder, machine, "proof")
    assert proof["joined"]["not_predicted"] == []
    assert about(proof, "high") <= about(report(folder, machine, "prediction"), "high")


def test_it_verifies_and_a_second_run_changes_nothing(machine, folder):
    status, said = machine.play("verify", variables(machine, folder))
    assert status == 0 and "changed=0" in said
    status, said = machine.play("adopt", variables(machine, folder))
    assert status == 0 and "changed=0" in said


def test_it_stays_after_another_boot(machine, stock, folder):
    kernel = machine.command("uname", "-r")
    machine.reboot()
    assert machine.command("uname", "-r") == kernel and machine.boots()[-1]["reason"] == "saved_entry"
    assert "panic=10" not in machine.read("/proc/cmdline").split()
    assert failed(machine) == ""
    status, said = machine.play("verify", variables(machine, folder))
    assert status == 0 and "changed=0" in said


def test_a_running_kernel_is_told_on_the_way_back(machine, stock, folder):
    """The default goes back at once, and the kernel's packages after the boot."""
    status, said = machine.play("rollback", {"hyperscale_reports": str(folder)})
    assert status != 0 and "reboot" in said.lower()
    machine.reboot()
    assert machine.command("uname", "-r") == stock["kernel"]


def test_the_machine_is_what_it_was(machine, stock, folder):
    status, said = machine.play("rollback", {"hyperscale_reports": str(folder), "hyperscale_reboot_ok": True})
    assert status == 0 and "failed=0" in said
    assert packages(machine) == stock["packages"]
    assert damage(machine) == stock["damage"]
    assert machine.read("/boot/grub2/grubenv").strip("#\n") == stock["default"].strip("#\n")
    machine.reboot()
    assert machine.command("uname", "-r") == stock["kernel"]
    assert sorted(machine.read("/proc/cmdline").split()) == sorted(stock["arguments"])
    assert failed(machine) == ""
