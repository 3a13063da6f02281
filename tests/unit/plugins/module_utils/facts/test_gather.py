# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole of a host: every key always there, trouble in one group alone, and nothing written."""

from __future__ import annotations

import os

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import gather
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb
from ansible_collections.centos.hyperscale.plugins.module_utils.tables import keys as table_of_keys

KEYS = {
    "kind",
    "supported", "refusal", "os", "arch", "repos", "signing_keys", "packages", "kernel", "cgroup", "psi", "selinux",
    "secure_boot", "root_filesystem", "filesystems", "boot_free_bytes", "var_free_bytes", "root_free_bytes",
    "network", "iptables", "sysv", "systemd", "boot", "reboot", "ledger", "unreadable",
}  # fmt: skip
FINGERPRINTS = [table_of_keys.HYPERSCALE_KEY.fingerprint]
MISSING = {"what": "packages", "reason": "the Python bindings of rpm (package python3-rpm) are missing"}


def tree(root):
    return sorted(os.path.join(folder, name) for folder, _dirs, files in os.walk(root) for name in files)


def test_an_empty_host_has_every_key_and_is_refused(host):
    found = gather.gather(host.run, FINGERPRINTS, root=host.root)
    assert set(found) == KEYS
    assert found["supported"] is False and "unknown system" in found["refusal"]
    assert [found[key] for key in ("packages", "signing_keys", "kernel", "psi", "boot")] == [None] * 5
    assert set(found["systemd"].values()) == {None}
    assert found["secure_boot"] == "not_efi" and found["cgroup"] == {"mode": "unknown"}
    assert found["network"] == {"in_charge": "unknown", "services": None}
    assert found["reboot"] == {"required": None, "reasons": []}
    said = {entry["what"] for entry in found["unreadable"]}
    assert {"os", "arch", "packages", "keys", "kernel", "filesystems", "network", "systemd", "boot"} <= said
    assert all(entry["reason"] for entry in found["unreadable"])
    assert tree(host.root) == []


def test_groups_that_were_not_asked_for_are_absent_and_not_read(host):
    host.write("/etc/os-release", 'NAME="CentOS Stream"\nID=centos\nVERSION_ID=10\n')
    host.answer("uname -m", "aarch64\n")
    found = gather.gather(host.run, FINGERPRINTS, ["ledger"], host.root)
    assert set(found) == KEYS
    assert (found["supported"], found["refusal"], found["arch"]) == (True, None, "aarch64")
    assert found["os"]["stream"] == 10
    assert found["ledger"] == {"present": False, "path": "/var/lib/centos-hyperscale/ledger", "guards": []}
    assert found["unreadable"] == []
    host.write(found["ledger"]["path"])
    assert gather.gather(host.run, FINGERPRINTS, ["ledger"], host.root)["ledger"]["present"] is True


def test_the_architecture_is_refused_too(host):
    host.write("/etc/os-release", 'NAME="CentOS Stream"\nID=centos\nVERSION_ID=10\n')
    host.answer("uname -m", "s390x\n")
    found = gather.gather(host.run, FINGERPRINTS, [], host.root)
    assert found["supported"] is False and "s390x" in found["refusal"]


def test_without_the_bindings_only_what_needs_them_is_unreadable(host, monkeypatch):
    monkeypatch.setattr(rpmdb, "rpm", None)
    found = gather.gather(host.run, FINGERPRINTS, ["packages", "keys", "repos"], host.root)
    assert (found["packages"], found["signing_keys"], found["repos"]) == (None, None, [])
    assert found["unreadable"][-2:] == [dict(MISSING, what="keys"), MISSING]


def test_an_unforeseen_error_costs_its_group_alone(host, monkeypatch):
    def fails(root, runs):
        raise ValueError("odd")

    monkeypatch.setattr(gather.security, "gather_selinux", fails)
    found = gather.gather(host.run, FINGERPRINTS, ["selinux", "sysv"], host.root)
    assert found["selinux"] is None
    assert found["sysv"] == {"init_scripts": [], "rc_local": False}
    assert {"what": "selinux", "reason": "ValueError: odd"} in found["unreadable"]


def test_a_real_database_feeds_packages_kernels_systemd_and_reboot(rpm_root, host):
    fingerprint = rpm_root.make_key("Test SIG <sig@example.org>")
    sig = "CentOS Hyperscale SIG"
    rpm_root.install("systemd", "260.2", "1.hs.el9", vendor=sig, subpackages=("libs",), sign=True)
    for release in ("9.el9", "10.el9"):
        rpm_root.install("kernel-core", "5.14.0", release, provides="installonlypkg(kernel)")
    host.root, host.folder = rpm_root.root, type(host.folder)(rpm_root.root)
    host.write("/proc/sys/kernel/osrelease", "5.14.0-10.el9.noarch\n")
    host.write("/proc/cmdline", "ro\n")
    host.write("/proc/stat", "btime 1000\n")
    host.write("/proc/1/stat", "1 (systemd) S " + "0 " * 19)
    host.write("/proc/sys/kernel/random/boot_id", "x\n")
    host.answer("grubby", "/boot/vmlinuz-5.14.0-10.el9.noarch\n")

    found = gather.gather(host.run, [fingerprint.upper()], ["packages", "keys", "kernel", "reboot"], host.root)

    assert found["packages"]["total"] == 4
    assert [item["name"] for item in found["packages"]["hyperscale"]] == ["systemd", "systemd-libs"]
    assert found["packages"]["disagreements"] == []
    assert found["packages"]["duplicates"] == []
    assert [item["evr"] for item in found["packages"]["families"]["systemd"]] == ["260.2-1.hs.el9"] * 2
    assert [key["fingerprint"] for key in found["signing_keys"]] == [fingerprint]
    assert found["kernel"]["installed"] == ["kernel-core-5.14.0-10.el9.noarch", "kernel-core-5.14.0-9.el9.noarch"]
    assert found["kernel"]["hyperscale"] is False
    assert found["reboot"]["required"] is True
    assert [reason["what"] for reason in found["reboot"]["reasons"]] == ["systemd"]


@pytest.mark.parametrize("group", sorted(gather.GROUPS))
def test_each_group_alone_survives_an_empty_host(host, group):
    assert set(gather.gather(host.run, FINGERPRINTS, [group], host.root)) == KEYS
