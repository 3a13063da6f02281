# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wishes that are refused before any change, each with a fact, a reason and what to do."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb, wishes
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import files, packages, units
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.repositories import section

REPOSITORIES = {
    name: option.get("default") for name, option in section.OPTIONS.items()
} | {"flavours": ["main"]}
PACKAGES = {name: option.get("default") for name, option in packages.OPTIONS.items()} | {"family": "systemd"}
FILES = {"path": "/etc/x", "content": "x", "mode": "0644", "owner": "root", "group": "root", "state": "present"}
UNITS = {"name": "a.service", "enabled": None, "masked": None, "state": None}


@pytest.mark.parametrize(("stream", "changes", "says"), [
    (9, {"flavours": ["mian"]}, "no repository of that name"),
    (9, {"flavours": ["kernel"]}, "publishes it for Stream 10 only"),
    (10, {"flavours": ["hotfixes"]}, "publishes it for Stream 9 only"),
    (9, {"key_fingerprint": "EB3DAC40"}, "not 40 hex digits"),
    (9, {"key_fingerprint": "Z" * 40}, "not 40 hex digits"),
    (9, {"key": "ssh-rsa AAAA"}, "not an armoured OpenPGP public key"),
    (9, {"method": "definition", "baseurl": "mirror.example.com/x"}, "not an address that dnf can read"),
    (9, {"method": "definition", "baseurl": "https:///x"}, "not an address that dnf can read"),
    (9, {"method": "definition", "baseurl": "https://a b/x"}, "not an address that dnf can read"),
    (9, {"method": "definition", "baseurl": "gopher://a/x"}, "not an address that dnf can read"),
    (9, {"method": "definition", "baseurl": "https://a/", "metalink": "https://b/"}, "both are given"),
    (9, {"baseurl": "https://a/"}, "the release package brings the addresses"),
    (9, {"settings": {"spin": {"priority": 1}}}, "not among those wanted"),
    (9, {"settings": {"main": 5}}, "not a mapping"),
    (9, {"settings": {"main": {"prio": 5}}}, "is not known"),
    (9, {"settings": {"main": {"priority": 0}}}, "not a number from 1 to 99"),
    (9, {"settings": {"main": {"priority": "high"}}}, "not a number from 1 to 99"),
    (9, {"settings": {"main": {"priority": True}}}, "not a number from 1 to 99"),
    (9, {"settings": {"main": {"excludepkgs": "kernel"}}}, "not a list of package names"),
])
def test_bad_repositories(stream, changes, says):
    problems = section.validate([{**REPOSITORIES, **changes}], stream)
    assert any(says in problem.reason or says in problem.fact for problem in problems)
    assert all(problem.fact and problem.reason and problem.remedy for problem in problems)


@pytest.mark.parametrize(("stream", "flavour"), [
    (9, "main"), (9, "experimental"), (9, "facebook"), (9, "spin"), (9, "hotfixes"), (9, "intel"),
    (10, "main"), (10, "experimental"), (10, "kernel"), (10, "asahi"),
])
def test_good_repositories(stream, flavour):
    wants = {**REPOSITORIES, "flavours": [flavour], "settings": {flavour: {"priority": "50", "excludepkgs": ["a*"]}}}
    assert section.validate([wants], stream) == []


@pytest.mark.parametrize(("changes", "says"), [
    ({"family": None}, "neither a family nor packages"),
    ({"family": None, "names": ["systemd*"]}, "not the plain name"),
    ({"also": ["systemd-networkd = 262"]}, "not the plain name"),
    ({"erase": ["/usr/bin/x"]}, "not the plain name"),
    ({"also": ["a"], "erase": ["a"]}, "wanted and to be erased"),
    ({"set": "ethtool"}, "names both"),
    ({"family": None, "set": "selinux-policy"}, "for Stream 10 only"),
    ({"family": None, "set": "compression", "version": "1.5.7"}, "versions of their own"),
])
def test_bad_packages(changes, says):
    problems = packages.validate([{**PACKAGES, **changes}], 9)
    assert any(says in problem.reason for problem in problems)


def test_two_sides_at_once_are_refused():
    wants = [PACKAGES, {**PACKAGES, "family": None, "names": ["zstd"], "to": "stock"}]
    assert any("two runs" in problem.remedy for problem in packages.validate(wants, 9))
    assert packages.validate([PACKAGES], 9) == []
    assert packages.validate([PACKAGES, {**PACKAGES, "family": None, "names": ["kmod-btrfs"], "to": "any"}], 9) == []


@pytest.mark.parametrize(("changes", "says"), [
    ({"path": "etc/x"}, "not the absolute path"), ({"path": "/etc/../x"}, "not the absolute path"),
    ({"path": "/etc/"}, "not the absolute path"), ({"content": None}, "no content"),
    ({"mode": "rw"}, "not an octal mode"), ({"mode": "0889"}, "not an octal mode"), ({"mode": "-644"}, "not an octal mode"),
])
def test_bad_files(changes, says):
    assert any(says in problem.reason for problem in files.validate([{**FILES, **changes}], 9))


def test_any_build_goes_with_either_side_and_not_with_a_family():
    some = {**PACKAGES, "family": None, "names": ["iptables-legacy"], "to": "any"}
    assert packages.validate([PACKAGES, some], 9) == []
    assert any("fit only together" in problem.reason for problem in packages.validate([{**PACKAGES, "to": "any"}], 9))


@pytest.mark.parametrize("release", ["6.el9.2", "1.hs.el9"])
def test_any_build_that_is_installed_is_left(release):
    here = rpmdb.Package("iptables-legacy", 0, "1.8.8", release, "x86_64", "Fedora Project", "iptables-epel", None, 0)
    state = wishes.State([here], set(), [], set())
    want = {**PACKAGES, "family": None, "names": ["iptables-legacy"], "to": "any"}
    assert wishes.satisfied(want, state)
    assert not wishes.satisfied(want, state._replace(installed=[]))


def test_a_file_wanted_twice_is_refused():
    assert any("wanted twice" in problem.reason for problem in files.validate([FILES, FILES], 9))
    assert files.validate([FILES], 9) == []


@pytest.mark.parametrize("name", ["sshd", "a b.service", "../x.service", "x.unit", ""])
def test_bad_unit_names(name):
    assert units.validate([{**UNITS, "name": name}], 9)


def test_contradicting_unit_is_refused():
    assert units.validate([{**UNITS, "masked": True, "enabled": True}], 9)
    assert units.validate([{**UNITS, "masked": True, "enabled": False}], 9) == []
    assert units.validate([{**UNITS, "name": "getty@tty1.service", "state": "started"}], 9) == []
