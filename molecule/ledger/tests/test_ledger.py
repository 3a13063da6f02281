# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that lost their ledger and went to the distribution's packages without it."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("package", ["systemd", "systemd-libs", "ethtool"])
def test_packages_are_those_of_the_distribution(host, package):
    assert ".hs" not in host.check_output(f"rpm -q {package}")


def test_pid_1_runs_what_is_installed(host):
    installed = host.check_output("rpm -q --qf '%{VERSION}' systemd")
    assert host.check_output("systemctl show --property=Version --value").startswith(installed.split(".")[0])
    assert host.check_output("systemctl is-system-running") == "running"


def test_nothing_stands_and_nothing_of_the_old_ledger_is_lost(host):
    assert not host.file("/etc/centos-hyperscale.ledger").exists
    assert host.check_output("find /var/lib/centos-hyperscale/forgotten -mindepth 2 -maxdepth 2 -name saved -type d")
