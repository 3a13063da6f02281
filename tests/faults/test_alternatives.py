# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Families of alternatives on a live host: choices, the way back, and states in which alternatives itself fails."""

from __future__ import annotations

import pytest

from lab import hosts


REGISTER = (
    "cp /usr/bin/true /usr/bin/edit-a && cp /usr/bin/true /usr/bin/edit-b && "
    "alternatives --install /usr/bin/edit edit /usr/bin/edit-a 20 {} --slave /usr/bin/edit.cfg edit.cfg /usr/bin/edit-a && "
    "alternatives --install /usr/bin/edit edit /usr/bin/edit-b 10 {}")
CHOICE = {"name": "edit", "path": "/usr/bin/edit-b"}
UNIT = "[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
LEFT = "/var/lib/alternatives/edit.new"


@pytest.mark.parametrize(("wish", "says"), [
    ({"name": "nosuch", "path": "/usr/bin/true"}, "no package of this host registers it"),
    ({"name": "iptables", "path": "/usr/bin/true"}, "registered are: /usr/sbin/iptables-nft"),
    ({"name": "iptables", "path": "iptables-nft"}, "is not an absolute path"),
    ({"name": "iptables"}, "either a path or auto"),
    ({"name": "../iptables", "auto": True}, "not the name of a family"),
])
def test_choices_that_are_refused(host9, refused, wish, says):
    refused(host9, lambda: host9.module("alternative", wish), says)


def test_an_alternative_is_set_with_its_followers_and_goes_back(host9):
    host9.command("sh", "-c", REGISTER.format("", ""))
    foretold = host9.module("alternative", CHOICE, check=True)
    assert foretold["changed"] and host9.command("readlink", "-f", "/usr/bin/edit") == "/usr/bin/edit-a"
    assert host9.module("alternative", CHOICE)["changed"]
    assert host9.command("readlink", "-f", "/usr/bin/edit") == "/usr/bin/edit-b"
    assert hosts.command(host9.host, ["test", "-e", "/usr/bin/edit.cfg"]).returncode == 1
    assert host9.module("alternative", CHOICE)["changed"] is False
    # Somebody took a link away and put another in its place.
    host9.command("ln", "-sf", "/usr/bin/true", "/usr/bin/edit")
    assert host9.module("alternative", CHOICE)["changed"]
    assert host9.command("readlink", "/usr/bin/edit") == "/etc/alternatives/edit"
    assert host9.module("converge", {"state": "undone", "undo": ["alternatives"]})["changed"]
    assert "auto  \t/usr/bin/edit-a" in host9.command("alternatives", "--list")
    assert host9.command("readlink", "-f", "/usr/bin/edit.cfg") == "/usr/bin/edit-a"


def fails(live, *argv):
    """Say whether alternatives itself fails."""
    return hosts.command(live.host, ["alternatives", *argv]).returncode == 2


@pytest.mark.parametrize(("harm", "wish", "leads"), [
    (["rm", "/etc/alternatives/edit"], CHOICE, "/usr/bin/edit-b"),
    (["rm", "/etc/alternatives/edit"], {"name": "edit", "auto": True}, "/usr/bin/edit-a"),
    (["cp", "/var/lib/alternatives/edit", LEFT], CHOICE, "/usr/bin/edit-b"),
    (["touch", LEFT], {"name": "edit", "auto": True}, "/usr/bin/edit-a"),
], ids=["link missing", "link missing, auto", "write cut", "write cut, auto"])
def test_a_family_that_alternatives_refuses_comes_to_what_is_wanted(host9, harm, wish, leads):
    host9.command("sh", "-c", REGISTER.format("", ""))
    host9.command(*harm)
    assert fails(host9, "--set", "edit", "/usr/bin/edit-b") and fails(host9, "--auto", "edit")
    assert host9.module("alternative", wish)["changed"]
    assert host9.command("readlink", "-f", "/usr/bin/edit") == leads
    assert host9.module("alternative", wish)["changed"] is False
    assert not fails(host9, "--set", "edit", "/usr/bin/edit-a")


def test_units_that_alternatives_switches_are_as_before_on_the_way_back(host9):
    for name in ("one", "two"):
        host9.write(f"/etc/systemd/system/{name}.service", UNIT)
    host9.command("mkdir", "-p", "/etc/systemd/system-preset")
    host9.write("/etc/systemd/system-preset/00-edit.preset", "disable one.service\nenable two.service\n")
    host9.command("systemctl", "daemon-reload")
    host9.command("sh", "-c", REGISTER.format("--initscript one", "--initscript two"))
    host9.command("systemctl", "enable", "one.service")

    def enabled():
        return hosts.command(host9.host, ["systemctl", "is-enabled", "one.service", "two.service"]).stdout.split()
    assert enabled() == ["enabled", "disabled"]
    assert host9.module("alternative", CHOICE)["changed"] and enabled() == ["disabled", "enabled"]
    assert host9.module("converge", {"state": "undone", "undo": ["alternatives"]})["changed"]
    # The preset alone would have left it disabled.
    assert enabled() == ["enabled", "disabled"] and host9.command("readlink", "-f", "/usr/bin/edit") == "/usr/bin/edit-a"
