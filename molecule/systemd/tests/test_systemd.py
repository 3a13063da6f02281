# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts after role systemd: the packages, what PID 1 runs, and that nothing broke."""

from __future__ import annotations

import re


def family(host):
    """Return the installed packages of the source systemd: name to (version, release)."""
    rows = host.check_output("rpm -qa --qf '%{NAME} %{VERSION} %{RELEASE} %{SOURCERPM}\\n'").splitlines()
    parts = [row.split() for row in rows]
    return {name: (version, release) for name, version, release, source in parts if re.match(r"systemd-\d", source)}


def test_the_whole_family_is_one_hyperscale_build(host):
    found = family(host)
    assert {"systemd", "systemd-libs", "systemd-pam", "systemd-udev", "systemd-resolved"} <= set(found)
    assert len(set(found.values())) == 1
    assert ".hs." in found["systemd"][1]


def test_the_jump_is_the_true_one(host):
    assert int(family(host)["systemd"][0].split(".")[0]) >= 260


def test_pid_1_runs_what_is_installed(host):
    says = host.check_output(
        "busctl get-property org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager Version")
    assert family(host)["systemd"][0] in says
    assert not host.check_output("readlink /proc/1/exe").endswith("(deleted)")


def test_nothing_failed(host):
    assert host.check_output("systemctl is-system-running") == "running"
    assert host.check_output("systemctl --failed --no-legend") == ""


def test_a_new_login_gets_a_user_manager(host):
    # An old logind refuses the session class that the new pam_systemd asks for.
    host.check_output("systemctl restart user@0.service")
    assert host.check_output("systemctl is-active user@0.service") == "active"
    assert host.check_output("systemctl is-system-running") == "running"


def test_dracut_came_along_where_the_build_conflicts_with_the_stock_one(host):
    assert ".hs." in host.check_output("rpm -q dracut")


def test_what_nobody_asked_for_is_not_there(host):
    assert not host.package("systemd-networkd").is_installed
