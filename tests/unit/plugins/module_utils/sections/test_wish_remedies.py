# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wishes that a section refuses by themselves: each gives exactly one code, and none once it is mended as the remedy says."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors
from ansible_collections.centos.hyperscale.plugins.module_utils.entry import engine
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.registry import REGISTRY
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import report, snapshot

MATCH = "[Match]\nName=eth0\n"
NETWORK = {"renderer": "networkd", "source": "definitions"}
DEFINITION = {"name": "10-a.network", "content": MATCH}
SLICE = {"name": "user.slice", "memory_pressure": "kill"}
MAIN = {"flavours": ["main"]}
OWN = {**MAIN, "method": "definition"}
FINGERPRINT = "9B04530E0ED6ABC4B2C358DD2A01FA2AEB3DAC40"
SYSTEMD = {"family": "systemd"}


def settings(**given):
    return [{**MAIN, "settings": {"main": given}}]


# By code: the section, what is wished for, and each way to mend it that the remedy names.
WISHES = {
    "alternatives.name": ("alternatives", [{"name": "ip tables", "auto": True}], [[{"name": "iptables", "auto": True}]]),
    "alternatives.path_or_auto": (
        "alternatives", [{"name": "iptables"}],
        [[{"name": "iptables", "path": "/usr/sbin/iptables-nft"}], [{"name": "iptables", "auto": True}]]),
    "alternatives.relative_path": (
        "alternatives", [{"name": "iptables", "path": "iptables-nft"}],
        [[{"name": "iptables", "path": "/usr/sbin/iptables-nft"}]]),
    "alternatives.twice": (
        "alternatives", [{"name": "iptables", "auto": True}, {"name": "iptables", "path": "/usr/sbin/iptables-nft"}],
        [[{"name": "iptables", "auto": True}], [{"name": "iptables", "path": "/usr/sbin/iptables-nft"}]]),
    "boot.argument": (
        "boot", [{"args": ["quiet splash"]}, {"args": ["a=$HOME"]}],
        [[{"args": ["quiet", "splash"]}, {"args": ["a=HOME"]}], [{"args": ['quiet="a splash"']}]]),
    "boot.argument_psi": (
        "boot", [{"psi": True, "args": ["psi=0"]}], [[{"psi": True}], [{"args": ["psi=0"]}]]),
    "boot.argument_twice": (
        "boot", [{"args": ["loglevel=3"]}, {"args": ["loglevel=4"]}], [[{"args": ["loglevel=3"]}], [{"args": ["loglevel=4"]}]]),
    "boot.argument_wanted_and_absent": (
        "boot", [{"args": ["quiet"], "args_absent": ["quiet"]}], [[{"args": ["quiet"]}], [{"args_absent": ["quiet"]}]]),
    "boot.keep": ("boot", [{"keep": 1}], [[{"keep": 2}], [{"keep": 3}], [{"keep": 0}]]),
    "boot.kernel_release": (
        "boot", [{"kernel": "6.12 hs"}],
        [[{"kernel": "hyperscale"}], [{"kernel": "stock"}], [{"kernel": "6.12.0-1.hs.el10.x86_64"}]]),
    "boot.option_twice": (
        "boot", [{"kernel": "stock"}, {"kernel": "hyperscale"}],
        [[{"kernel": "stock"}, {"kernel": "stock"}], [{"kernel": "hyperscale"}, {"kernel": "hyperscale"}]]),
    "cgroup2.empty_name": ("cgroup2", [{"accept": ["docker", " "]}], [[{"accept": ["docker"]}], [{"accept": []}]]),
    "cow.denylist_name": ("cow", [{"denylist": ["kernel = 6.12", "kernel*"]}], [[{"denylist": ["kernel"]}]]),
    "cow.twice": ("cow", [{"enabled": True}, {"enabled": False}], [[{"enabled": True}], [{"enabled": False}]]),
    "file.mode": (
        "files", [{"path": "/etc/a", "content": "x", "mode": "rw"}], [[{"path": "/etc/a", "content": "x", "mode": "0644"}]]),
    "file.no_content": (
        "files", [{"path": "/etc/a"}], [[{"path": "/etc/a", "content": "x"}], [{"path": "/etc/a", "state": "absent"}]]),
    "file.path": ("files", [{"path": "/etc/../a", "content": "x"}], [[{"path": "/a", "content": "x"}]]),
    "file.path, a slash": ("files", [{"path": "/etc/a/", "content": "x"}], [[{"path": "/etc/a", "content": "x"}]]),
    "file.twice": (
        "files", [{"path": "/etc/a", "content": "x"}, {"path": "/etc/a", "state": "absent"}],
        [[{"path": "/etc/a", "content": "x"}], [{"path": "/etc/a", "state": "absent"}]]),
    "kernel_module.name": ("modules", [{"name": "ip tables"}], [[{"name": "ip_tables"}]]),
    "lock.empty": (
        "locks", [{}], [[SYSTEMD], [{"set": "compression"}], [{"names": ["zstd"]}], [{"vendor": True}]]),
    "lock.vendors_contradict": (
        "locks", [{"vendor": True}, {"vendor": False}], [[{"vendor": True}], [{"vendor": False}]]),
    "network.confirm_seconds": (
        "network", [{"renderer": "networkd", "confirm_seconds": 5}],
        [[{"renderer": "networkd", "confirm_seconds": 20}], [{"renderer": "networkd", "confirm_seconds": 3600}]]),
    "network.definition": (
        "network", [{**NETWORK, "definitions": [{"name": "10-a.network", "content": f"{MATCH}[Network]\ndhcp=yes\n"}]}],
        [[{**NETWORK, "definitions": [{"name": "10-a.network", "content": f"{MATCH}[Network]\nDHCP=yes\n"}]}]]),
    "network.definition_name": (
        "network", [{**NETWORK, "definitions": [{"name": "10-a.conf", "content": MATCH}]}],
        [[{**NETWORK, "definitions": [DEFINITION]}]]),
    "network.definition_twice": (
        "network", [{**NETWORK, "definitions": [DEFINITION, DEFINITION]}], [[{**NETWORK, "definitions": [DEFINITION]}]]),
    "network.definitions_and_source": (
        "network", [NETWORK], [[{**NETWORK, "definitions": [DEFINITION]}], [{"renderer": "networkd"}]]),
    "network.interface_name": (
        "network", [{"renderer": "networkd", "unmanaged": ["eth 0"]}], [[{"renderer": "networkd", "unmanaged": ["eth0"]}]]),
    "network.twice": (
        "network", [{"renderer": "networkd"}, {"renderer": "networkmanager"}],
        [[{"renderer": "networkd"}], [{"renderer": "networkmanager"}]]),
    "oomd.duration": (
        "oomd", [{"units": [{**SLICE, "memory_pressure_duration": "a while"}]}],
        [[{"units": [{**SLICE, "memory_pressure_duration": "20s"}]}],
         [{"units": [{**SLICE, "memory_pressure_duration": "1min 30s"}]}]]),
    "oomd.limit": (
        "oomd", [{"settings": {"swap_used_limit": "ninety"}}],
        [[{"settings": {"swap_used_limit": "60%"}}], [{"settings": {"swap_used_limit": "60.25%"}}]]),
    "oomd.setting_ignored": (
        "oomd", [{"units": [{"name": "user.slice", "swap": "kill", "memory_pressure_limit": "60%"}]}],
        [[{"units": [{**SLICE, "swap": "kill", "memory_pressure_limit": "60%"}]}],
         [{"units": [{"name": "user.slice", "swap": "kill"}]}]]),
    "oomd.twice": ("oomd", [{"units": [SLICE]}, {}], [[{"units": [SLICE]}]]),
    "oomd.unit_name": ("oomd", [{"units": [{**SLICE, "name": "user"}]}], [[{"units": [SLICE]}]]),
    "oomd.unit_name, another type": ("oomd", [{"units": [{**SLICE, "name": "dbus.socket"}]}], [[{"units": [SLICE]}]]),
    "oomd.unit_twice": ("oomd", [{"units": [SLICE, SLICE]}], [[{"units": [SLICE]}]]),
    "oomd.unit_without_wish": ("oomd", [{"units": [{"name": "user.slice"}]}], [[{"units": [SLICE]}], [{"units": []}]]),
    "package.both_sides": (
        "packages", [SYSTEMD, {"names": ["zstd"], "to": "stock"}], [[SYSTEMD], [{"names": ["zstd"], "to": "stock"}]]),
    "package.capability_unknown": (
        "packages", [{"family": "kernel", "capabilities": ["systemd-oomd-defaults"]}],
        [[{"family": "kernel"}], [{**SYSTEMD, "capabilities": ["systemd-oomd-defaults"]}]]),
    "package.capability_without_family": (
        "packages", [{"names": ["systemd"], "capabilities": ["systemd-oomd-defaults"]}],
        [[{**SYSTEMD, "capabilities": ["systemd-oomd-defaults"]}]]),
    "package.family_and_set": (
        "packages", [{**SYSTEMD, "set": "compression"}], [[SYSTEMD, {"set": "compression"}]]),
    "package.family_of_any_build": (
        "packages", [{**SYSTEMD, "to": "any"}], [[{**SYSTEMD, "to": "hyperscale"}], [{**SYSTEMD, "to": "stock"}]]),
    "package.family_stays": (
        "packages", [{**SYSTEMD, "to": "installed", "capabilities": ["systemd-oomd-defaults"], "also": ["systemd-networkd"]}],
        [[{**SYSTEMD, "to": "installed", "capabilities": ["systemd-oomd-defaults"]},
          {**SYSTEMD, "to": "hyperscale", "also": ["systemd-networkd"]}]]),
    "package.family_without_wish": (
        "packages", [{**SYSTEMD, "to": "installed"}],
        [[], [{**SYSTEMD, "to": "installed", "capabilities": ["systemd-oomd-defaults"]}]]),
    "package.name": (
        "packages", [{"names": ["zstd-1.5*"]}], [[{"names": ["zstd"]}], [{"names": ["zstd"], "version": "1.5"}]]),
    "package.no_wish": (
        "packages", [{}], [[SYSTEMD], [{"set": "compression"}], [{"names": ["zstd"]}]]),
    "package.set_of_other_stream": ("packages", [SYSTEMD, {"set": "selinux-policy"}], [[SYSTEMD]]),
    "package.set_with_version": (
        "packages", [{"set": "compression", "version": "1.5.7"}],
        [[{"names": ["zstd"], "version": "1.5.7"}, {"names": ["lz4"], "version": "1.10.0"}]]),
    "package.wanted_and_erased": (
        "packages", [{"names": ["zstd"], "erase": ["zstd"]}], [[{"names": ["zstd"]}], [{**SYSTEMD, "erase": ["zstd"]}]]),
    "repository.address": (
        "repositories", [{**OWN, "baseurl": "mirror.example.com/x"}], [[{**OWN, "baseurl": "https://mirror.example.com/x"}]]),
    "repository.address, a blank": (
        "repositories", [{**OWN, "baseurl": "https://a.example.com/x y"}], [[{**OWN, "baseurl": "https://a.example.com/x%20y"}]]),
    "repository.address_with_release_package": (
        "repositories", [{**MAIN, "baseurl": "https://a.example.com/"}], [[{**OWN, "baseurl": "https://a.example.com/"}]]),
    "repository.baseurl_and_metalink": (
        "repositories", [{**OWN, "baseurl": "https://a.example.com/", "metalink": "https://b.example.com/"}],
        [[{**OWN, "baseurl": "https://a.example.com/"}], [{**OWN, "metalink": "https://b.example.com/"}]]),
    "repository.flavour": ("repositories", [{"flavours": ["mian"]}], [[MAIN]]),
    "repository.flavour_of_other_stream": ("repositories", [{"flavours": ["main", "kernel"]}], [[MAIN]]),
    "repository.key_fingerprint": (
        "repositories", [{**MAIN, "key_fingerprint": "EB3DAC40"}], [[{**MAIN, "key_fingerprint": FINGERPRINT}]]),
    "repository.setting_not_a_list": (
        "repositories", settings(excludepkgs="kernel"), [settings(excludepkgs=["kernel"])]),
    "repository.setting_out_of_range": ("repositories", settings(priority=0), [settings(priority=1), settings(priority="99")]),
    "repository.setting_unknown": (
        "repositories", settings(prio=5), [settings(priority=5), settings(cost=5), settings(includepkgs=["a"])]),
    "repository.settings_not_a_mapping": (
        "repositories", [{**MAIN, "settings": {"main": 5}}], [settings(cost=5)]),
    "repository.settings_without_flavour": (
        "repositories", [{**MAIN, "settings": {"spin": {"priority": 1}}}],
        [[{"flavours": ["main", "spin"], "settings": {"spin": {"priority": 1}}}], [MAIN]]),
    "rulesets.twice": ("rulesets", [{"backend": "nft"}, {"backend": "legacy"}], [[{"backend": "nft"}], [{"backend": "legacy"}]]),
    "selinux.permissive_minutes": (
        "selinux", [{"permissive_minutes": 0}], [[{"permissive_minutes": 10}], [{"permissive_minutes": 720}]]),
    "unit.masked_and_wanted": (
        "units", [{"name": "a.service", "masked": True, "enabled": True}],
        [[{"name": "a.service", "masked": True}], [{"name": "a.service", "enabled": True}]]),
    "unit.name": ("units", [{"name": "sshd"}], [[{"name": "sshd.service"}]]),
}


def codes_of(section, wishes):
    """Return the codes of what a section says of wishes, with the defaults and types of its options."""
    spec = ArgumentSpecValidator({"wishes": {"type": "list", "elements": "dict", "options": REGISTRY.options[section]}})
    # The validator fills in what it is given, and the wishes of this table share some parts.
    given = spec.validate({"wishes": json.loads(json.dumps(wishes))})
    assert given.error_messages == []
    return {problem.code for problem in REGISTRY.sections[section].validate(given.validated_parameters["wishes"], 9)}


@pytest.mark.parametrize("case", WISHES)
def test_a_wish_is_taken_once_it_is_mended(case):
    section, wishes, mended = WISHES[case]
    assert codes_of(section, wishes) == {case.partition(",")[0]}
    assert [codes_of(section, each) for each in mended] == [set()] * len(mended)


KEY = "0123456789abcdef"
WAIVER = {"key": KEY, "by": "me", "reason": "it is known", "until": "2026-12-31"}


class Module:
    """The options of a module that the code of a run asks for."""

    check_mode = True

    def __init__(self, **params):
        self.params = {
            "key_fingerprints": [], "lock_timeout": 1, "controller": "", "way_back": "exact", "saved_days": 30, **params}


# By code: what takes the options, what is given, and what the remedy says.
OPTIONS = {
    "option.key_fingerprints": (
        lambda given: engine.ways_of(Module(key_fingerprints=given), 9), [FINGERPRINT, "EB3DAC40"], [[FINGERPRINT], []]),
    "snapshot.id": (snapshot.checked_id, "../a", ["a", "2026-12-31_a.b", "a" * 100]),
    "snapshot.id, a dot": (snapshot.checked_id, ".a", ["a"]),
    "waiver.incomplete": (report.validate_waivers, [{"key": KEY, "by": "me"}], [[WAIVER]]),
    "waiver.key": (report.validate_waivers, [{**WAIVER, "key": "unit.failed"}], [[WAIVER]]),
    "waiver.not_a_list": (report.validate_waivers, "none", [[WAIVER], []]),
    "waiver.until": (report.validate_waivers, [{**WAIVER, "until": "next year"}], [[WAIVER]]),
}


def codes_raised(takes, given):
    try:
        takes(given)
    except errors.Refused as refused:
        return {problem.code for problem in refused.problems}
    return set()


@pytest.mark.parametrize("case", OPTIONS)
def test_an_option_is_taken_once_it_is_mended(case):
    takes, given, mended = OPTIONS[case]
    assert codes_raised(takes, given) == {case.partition(",")[0]}
    assert [codes_raised(takes, each) for each in mended] == [set()] * len(mended)
