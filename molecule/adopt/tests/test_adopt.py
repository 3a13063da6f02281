# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts after one adoption of every role that a container can show."""

from __future__ import annotations

import json
import os
import pathlib
import re

import pytest

FOLDER = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
MOST_CALLS = 5


@pytest.fixture(name="name")
def fixture_name(host):
    return host.backend.get_hostname()


def test_all_packages_came_in_one_transaction(host):
    rows = host.check_output("dnf history list --quiet").splitlines()
    before = int(host.file("/srv/transactions").content_string)
    assert len([row for row in rows if re.match(r" *\d+ ", row)]) == before + 1


def test_a_second_run_is_a_few_calls_at_most(name):
    calls = json.loads((FOLDER / "calls.json").read_text())[name]
    assert 1 <= sum(calls.values()) <= MOST_CALLS, calls


def test_the_proof_is_clean(name):
    proof = json.loads((FOLDER / "reports" / f"{name}.proof.json").read_text())
    assert proof["joined"]["not_predicted"] == []
    assert proof["joined"]["happened"]


@pytest.mark.parametrize("package", ["systemd", "kernel-core", "btrfs-progs", "iptables-legacy", "libzstd", "crun", "ethtool"])
def test_hyperscale_builds_are_there(host, package):
    assert ".hs" in host.check_output(f"rpm -q --qf '%{{RELEASE}}\\n' {package}")


def test_the_stock_kernel_is_still_there_and_the_other_is_tried(host):
    vendors = host.check_output("rpm -q --qf '%{VENDOR}\\n' kernel-core").splitlines()
    assert sorted(vendors) == ["CentOS", "CentOS Hyperscale SIG"]
    assert "next_entry=" in host.file("/boot/grub2/grubenv").content_string


def test_rules_are_in_the_legacy_backend(host):
    assert "(legacy)" in host.check_output("iptables -V")
    assert "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT" in host.check_output("iptables-save")


def test_oomd_is_set_up(host):
    assert host.file("/etc/systemd/system/system.slice.d/50-centos-hyperscale-oomd.conf").exists
    assert host.check_output("systemctl is-enabled systemd-oomd.service") == "enabled"


def test_nothing_failed(host):
    assert host.check_output("systemctl is-system-running") == "running"
    assert host.check_output("systemctl --failed --no-legend") == ""
