# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts after role btrfs_progs: the tools, the file for boot, and a proof that tried btrfs out and left nothing."""

from __future__ import annotations

import json
import os
import pathlib

import pytest

REPORTS = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "reports"


@pytest.fixture(name="proof")
def fixture_proof(host):
    return json.loads((REPORTS / f"{host.backend.get_hostname()}.proof.json").read_text())


def test_the_tools_are_hyperscale_s(host):
    assert ".hs." in host.check_output("rpm -q btrfs-progs")
    assert host.run("btrfs --version").rc == 0


def test_the_kernel_s_part_is_there_and_no_package_of_modules_came(host):
    assert "btrfs" in host.file("/proc/filesystems").content_string
    assert not host.package("kmod-btrfs").is_installed
    assert host.file("/etc/modules-load.d/centos-hyperscale-btrfs.conf").content_string == "btrfs\n"


def test_the_proof_tried_btrfs_out(proof):
    check, = [check for check in proof["checks"] if check["id"] == "btrfs.trial"]
    assert (check["status"], check["reason"]) == ("ran", "")
    assert check["seconds"] > 0.1
    assert [finding for finding in proof["findings"] if finding["check"] == "btrfs.trial"] == []


def test_nothing_happened_that_was_not_predicted(proof):
    assert proof["verdict"] in ("drop_in", "drop_in_with_notes")
    assert proof["joined"]["not_predicted"] == []
    assert [check for check in proof["checks"] if check["status"] == "error"] == []


def test_the_trial_left_nothing(host):
    assert host.check_output("find /var/lib/centos-hyperscale/trials -mindepth 1") == "/var/lib/centos-hyperscale/trials/lock"
    assert " btrfs " not in host.file("/proc/self/mounts").content_string
    assert host.check_output("find /var/lib/btrfs -name 'scrub.*'") == ""
    assert "/var/lib/centos-hyperscale/" not in host.check_output("losetup --list --noheadings --output BACK-FILE")
