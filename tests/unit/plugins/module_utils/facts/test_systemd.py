# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd and the network, from recorded systemctl output."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import systemd

BLOCK = "Id={0}\nLoadState={1}\nActiveState={2}\nUnitFileState={3}\n"
FAILED = "kdump.service loaded failed failed Crash recovery kernel arming\nabrtd.service loaded failed failed ABRT\n\n"


def network(nm="inactive", networkd="inactive"):
    return "\n".join(
        [
            BLOCK.format("NetworkManager.service", "loaded", nm, "enabled"),
            BLOCK.format("systemd-networkd.service", "loaded", networkd, "disabled"),
            BLOCK.format("network.service", "not-found", "inactive", ""),
            BLOCK.format("systemd-resolved.service", "masked", "inactive", "masked"),
        ]
    )


@pytest.mark.parametrize(
    ("nm", "networkd", "expected"),
    [
        ("active", "inactive", "NetworkManager"),
        ("inactive", "active", "systemd-networkd"),
        ("active", "active", "both"),
        ("failed", "inactive", "none"),
    ],
)
def test_network(host, nm, networkd, expected):
    host.answer("systemctl", network(nm, networkd))
    found = systemd.gather_network(host.run, host.note)
    assert found["in_charge"] == expected
    assert found["services"]["NetworkManager"] == {
        "load_state": "loaded",
        "active_state": nm,
        "unit_file_state": "enabled",
    }
    assert found["services"]["network"] == {
        "load_state": "not-found",
        "active_state": "inactive",
        "unit_file_state": None,
    }
    assert found["services"]["systemd-resolved"]["load_state"] == "masked"
    assert host.notes == []


def test_network_without_systemd_is_unknown(host):
    host.answer("systemctl", "", 1, "System has not been booted with systemd as init system (PID 1).\n")
    assert systemd.gather_network(host.run, host.note) == {"in_charge": "unknown", "services": None}
    assert host.notes[0][0] == "network" and "not been booted with systemd" in host.notes[0][1]


def test_gather(host):
    host.write("/proc/1/comm", "systemd\n")
    host.link("/proc/1/exe", "/usr/lib/systemd/systemd (deleted)")
    host.answer(" ".join(systemd.SHOW_MANAGER), "Version=252-51.el9\nSystemState=degraded\n")
    host.answer(" ".join(systemd.LIST_FAILED), FAILED)
    assert systemd.gather(host.root, host.run, host.note, "260.2-1.hs.el9") == {
        "pid1": "systemd",
        "running_version": "252-51.el9",
        "package_version": "260.2-1.hs.el9",
        "state": "degraded",
        "failed_units": ["abrtd.service", "kdump.service"],
        "pid1_binary_replaced": True,
    }
    assert host.notes == []


def test_an_older_systemctl_does_not_show_the_state_and_upstream_tags_begin_with_v(host):
    host.write("/proc/1/comm", "systemd\n")
    host.link("/proc/1/exe", "/usr/lib/systemd/systemd")
    host.answer(" ".join(systemd.SHOW_MANAGER), "Version=v260.2\n")
    host.answer("systemctl is-system-running", "maintenance\n", 1)
    host.answer(" ".join(systemd.LIST_FAILED), "")
    found = systemd.gather(host.root, host.run, host.note, None)
    assert (found["running_version"], found["state"]) == ("260.2", "maintenance")
    assert (found["failed_units"], found["pid1_binary_replaced"]) == ([], False)


def test_a_host_without_systemd_keeps_what_can_be_read(host):
    host.write("/proc/1/comm", "bash\n")
    found = systemd.gather(host.root, host.run, host.note, "252-51.el9")
    assert found == {
        "pid1": "bash",
        "running_version": None,
        "package_version": "252-51.el9",
        "state": None,
        "failed_units": None,
        "pid1_binary_replaced": None,
    }
    assert [what for what, _reason in host.notes] == ["systemd.pid1", "systemd"]
