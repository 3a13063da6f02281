# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts after role networkd: who sets the network up, and that every value is as it was."""

from __future__ import annotations

import json
import os
import pathlib

import pytest

HERE = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
VALUES = (pathlib.Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]) / "tests" / "tools" / "network_values.py").read_text()
# networkd adds a way to the DHCP server's gateway itself; packets went there before as well.
TO_THE_GATEWAY = "route 198.18.1.1 via None dev lan1 "


@pytest.fixture(name="before")
def fixture_before(host):
    return set((HERE / f"network-{host.backend.get_hostname()}").read_text().splitlines())


@pytest.fixture(name="now")
def fixture_now(host):
    host.run(f"cat > /run/values.py <<'END'\n{VALUES}\nEND")
    return set(host.check_output("/usr/bin/python3 /run/values.py").splitlines())


def test_every_value_is_as_before(before, now):
    assert len(before) > 25, before
    assert sorted(before - now) == []
    assert [line for line in sorted(now - before) if not line.startswith(TO_THE_GATEWAY)] == []


def test_networkd_sets_the_network_up_and_networkmanager_does_not(host):
    assert host.check_output("systemctl is-active systemd-networkd.service") == "active"
    assert host.check_output("systemctl is-enabled systemd-networkd.service") == "enabled"
    assert host.run("systemctl is-active NetworkManager.service").stdout.strip() == "inactive"
    assert host.run("systemctl is-enabled NetworkManager.service").stdout.strip() == "masked"
    links = [line.split() for line in host.check_output("networkctl list --no-legend --no-pager").splitlines()]
    assert {line[1]: line[-1] for line in links} == {
        "lo": "unmanaged", "eth0": "configured", "lan1": "configured", "lan2": "configured", "br0": "configured"}


def test_networkd_is_the_hyperscale_build(host):
    assert ".hs." in host.check_output("rpm -q systemd-networkd")
    assert len(set(host.check_output("rpm -q --qf '%{EVR}\\n' systemd systemd-networkd systemd-resolved").splitlines())) == 1


def test_resolved_resolves(host):
    assert host.check_output("systemctl is-active systemd-resolved.service") == "active"
    assert host.check_output("readlink /etc/resolv.conf") == "../run/systemd/resolve/stub-resolv.conf"


def test_hand_over_is_confirmed_and_nothing_of_the_switch_is_left(host):
    assert '"state": "armed"' not in host.check_output("cat /var/lib/centos-hyperscale/guards/*/record.json")
    assert not host.file("/etc/systemd/system/centos-hyperscale-network-back.service").exists
    assert "centos-hyperscale" not in host.check_output("systemctl list-timers --all --no-legend")


def test_nothing_failed(host):
    assert host.check_output("systemctl is-system-running") == "running"
    assert host.check_output("systemctl --failed --no-legend") == ""


def test_nothing_happened_that_was_not_predicted(host):
    proof = json.loads((HERE / "reports" / f"{host.backend.get_hostname()}.proof.json").read_text())
    by_key = {entry["key"]: entry for entry in proof["findings"]}
    assert [by_key[key]["diagnosis"] for key in proof["joined"]["not_predicted"]] == []


def test_networkd_ignored_nothing_of_the_files(host):
    said = host.check_output("journalctl -b --identifier=systemd-networkd --no-pager")
    assert "Configuring with /etc/systemd/network/50-centos-hyperscale-eth0.network" in said
    assert "Unknown" not in said and "ignoring" not in said
