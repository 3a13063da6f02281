# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a power cut right after a transaction leaves.

The page cache of a container survives such a cut; that of a machine does not. rpm syncs its database and not the files that it
unpacks. Each test goes on where the one before it ended.
"""

from __future__ import annotations

import json

import pytest
from lab import disks

pytestmark = pytest.mark.parametrize("machine", [
    pytest.param((9, disks.Kind("ext4")), id="ext4"), pytest.param((9, disks.Kind("xfs")), id="xfs"),
], indirect=True, scope="module")

# Packages with many files, which the stock machine has not.
BY_HAND = ["nftables", "dnsmasq", "openssh-clients"]
SETS = {
    "hyperscale_adopt": ["repos", "packages"],
    "hyperscale_packages_sets": ["compression", "container-tools", "e2fsprogs", "ethtool"]}


def damage(machine, *names):
    """Return what rpm finds wrong with files of packages, and how many of them are empty though they should not be."""
    lines = machine.attempt("rpm", "-V", "--nomtime", *names).stdout.splitlines()
    return [line for line in lines if line.startswith(("missing", "S"))]


def test_files_of_a_transaction_by_hand_are_lost(machine, record_property):
    """This is the case to guard against: the database has the packages, and their files have no content."""
    machine.command("dnf", "-y", "install", *BY_HAND)
    before = machine.boot_id()
    machine.cut_power()
    machine.wait_for_boot(before)
    machine.command("rpm", "-q", *BY_HAND)
    lost = damage(machine, *BY_HAND)
    record_property("lost", len(lost))
    assert lost, "all files were on the disk, so the test shows nothing"
    machine.command("rpm", "-e", *BY_HAND)


def test_files_of_a_transaction_of_the_collection_are_there(machine, tmp_path):
    status, said = machine.play("adopt", {**SETS, "hyperscale_reports": str(tmp_path)})
    before = machine.boot_id()
    machine.cut_power()
    assert status == 0 and "failed=0" in said
    names = sorted(
        package["name"] for package in json.loads((tmp_path / f"{machine.name}.prediction.json").read_text())["packages"])
    machine.wait_for_boot(before)
    assert names and damage(machine, *names) == []
    assert all(".hs" in line for line in machine.command("rpm", "-q", *names).splitlines())
    status, said = machine.play("adopt", {**SETS, "hyperscale_reports": str(tmp_path)})
    assert status == 0 and "changed=0" in said
