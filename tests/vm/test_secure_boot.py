# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secure Boot on a machine whose firmware enforces it: what host_info says of it, and role kernel, which is refused.

Each test goes on where the one before it ended.
"""

from __future__ import annotations

import json
import subprocess
import time

import pytest
from lab import disks

from .conftest import TREE

pytestmark = pytest.mark.parametrize("machine", [(9, disks.Kind(boot=disks.SECURE_BOOT))], indirect=True, scope="module")

ROLES = ["repos", "kernel"]
FLAVOURS = ["main", "experimental"]
VARIABLES = "/sys/firmware/efi/efivars"
VARIABLE = f"{VARIABLES}/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
END_SECONDS = 300


def secure_boot(machine):
    """Return what host_info says of Secure Boot."""
    result = subprocess.run(
        ["ansible", machine.name, "-i", str(machine.inventory), "-m", "centos.hyperscale.host_info"], cwd=TREE, check=True,
        stdout=subprocess.PIPE, text=True)
    host = json.loads(result.stdout.partition("=>")[2])["host"]
    assert "secure_boot" not in host["unreadable"]
    return host["secure_boot"]


def refused(machine, folder):
    """Run the playbook that adopts the kernel, which must change nothing. Return what it printed and the prediction."""
    before = machine.fingerprint()
    boots = len(machine.boots())
    status, said = machine.adopt(ROLES, hyperscale_repos_flavours=FLAVOURS, hyperscale_reports=str(folder))
    assert status != 0 and "Nothing was changed." in said
    assert sorted(set(machine.fingerprint()) ^ set(before)) == []
    assert len(machine.boots()) == boots
    assert ".hs" not in machine.command("rpm", "-q", "kernel-core")
    return said, json.loads((folder / f"{machine.name}.prediction.json").read_text())


def test_the_firmware_enforces_it(machine):
    """As the firmware's variable and the kernel say."""
    assert machine.command("od", "-An", "-tu1", VARIABLE).split()[4:] == ["1"]
    assert "secureboot: Secure boot enabled" in machine.command("journalctl", "--dmesg", "--boot", "--no-pager")
    assert "[integrity]" in machine.read("/sys/kernel/security/lockdown")
    assert machine.command("findmnt", "--noheadings", "--output", "FSTYPE", "/boot/efi") == "vfat"


def test_it_is_told(machine):
    assert secure_boot(machine) == "enabled"


def test_a_kernel_that_it_would_refuse_is_refused_before_any_change(machine, tmp_path):
    said, prediction = refused(machine, tmp_path)
    (finding,) = (finding for finding in prediction["findings"] if finding["check"] == "kernel.secure_boot")
    assert finding["blocking"] and finding["subject"]["name"] == "kernel-core"
    assert "Secure Boot is enabled" in said and "is signed with a test certificate, which firmware does not trust." in said
    assert "Switch Secure Boot off or enroll a key, or stay with the stock kernel" in said
    assert prediction["verdict"] == "not_drop_in"


def test_variables_that_cannot_be_seen_are_not_taken_for_off(machine, tmp_path):
    machine.command("umount", VARIABLES)
    assert secure_boot(machine) == "unknown"
    said, prediction = refused(machine, tmp_path)
    (check,) = (check for check in prediction["checks"] if check["id"] == "kernel.secure_boot")
    assert check["status"] == "error" and "mount efivarfs there" in check["reason"]
    assert "no variable says whether Secure Boot is enabled" in said
    machine.command("mount", "-t", "efivarfs", "efivarfs", VARIABLES)
    assert secure_boot(machine) == "enabled"


def test_a_kernel_that_nobody_signed_is_not_started(machine):
    """The last of the tests, which ends the machine: one byte of the kernel is another, and shim refuses it."""
    release = machine.command("rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}.%{ARCH}", "kernel-core")
    image = f"/boot/vmlinuz-{release}"
    machine.command("sh", "-c", f"printf '\\001' | dd of={image} bs=1 seek=1000000 conv=notrunc,fsync status=none")
    machine.attempt("systemctl", "reboot")
    deadline = time.monotonic() + END_SECONDS
    while [boot.get("ended") for boot in machine.boots()] != ["guest-reset", "guest-shutdown"]:
        assert time.monotonic() < deadline, machine.console()[-2000:]
        time.sleep(1)
    assert "bad shim signature" in machine.console()
