# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts after role iptables_legacy: the same rules as before, in the other backend."""

from __future__ import annotations

import os
import pathlib
import re

import pytest

FILES = pathlib.Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]) / "files"
FAMILIES = ("iptables", "ip6tables")
FOLLOWERS = ("ip6tables", "ip6tables-restore", "ip6tables-save", "iptables-restore", "iptables-save")


def lines(text):
    """Return rules and policies without counters, sorted by table and chain as far as they do anything."""
    found = []
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line
        elif line.startswith((":", "-A")):
            plain = re.sub(r" ?\[\d+:\d+\]", "", line).strip()
            if not re.fullmatch(r":[A-Z]+ ACCEPT", plain):
                found.append((table, plain.split()[1] if plain.startswith("-A") else plain[1:].split()[0], plain))
    # Stable: the order of rules within a chain stays.
    return sorted(found, key=lambda row: row[:2])


@pytest.mark.parametrize("family", FAMILIES)
def test_rules_are_those_that_were_there(host, family):
    wanted = lines((FILES / f"{family}.rules").read_text())
    assert len(wanted) >= 3
    assert lines(host.check_output(f"{family}-legacy-save")) == wanted
    # The plain command shows the same: it speaks to that backend.
    assert lines(host.check_output(f"{family}-save")) == wanted


@pytest.mark.parametrize("family", FAMILIES)
def test_the_old_backend_has_none(host, family):
    assert lines(host.check_output(f"{family}-nft-save")) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_the_command_says_legacy(host, family):
    assert "(legacy)" in host.check_output(f"{family} -V")


def test_family_and_followers_point_to_it(host):
    assert host.check_output("readlink /etc/alternatives/iptables") == "/usr/sbin/iptables-legacy"
    for follower in FOLLOWERS:
        target = host.check_output(f"readlink /etc/alternatives/{follower}")
        assert target == f"/usr/sbin/{follower.replace('tables', 'tables-legacy')}"
        assert host.check_output(f"readlink /usr/sbin/{follower}") == f"/etc/alternatives/{follower}"


def test_package_is_the_sigs(host):
    assert ".hs." in host.check_output("rpm -q iptables-legacy")


def test_modules_are_loaded_at_boot(host):
    for name in ("ip_tables", "iptable_filter", "iptable_nat", "iptable_mangle", "iptable_raw", "ip6_tables", "ip6table_filter"):
        assert host.file(f"/etc/modules-load.d/centos-hyperscale-{name}.conf").content_string == f"{name}\n"


def test_what_was_carried_is_kept_for_root_alone(host):
    kept = host.check_output("find /var/lib/centos-hyperscale/rulesets -name '*.nft'").split()
    assert {path.rsplit(".", 2)[1] for path in kept} == {"ip", "ip6"}
    assert host.check_output("find /var/lib/centos-hyperscale/rulesets -perm /077") == ""
