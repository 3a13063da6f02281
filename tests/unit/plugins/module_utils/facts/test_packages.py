# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages group, from packages as the database gives them."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import packages as host_packages
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb
from ansible_collections.centos.hyperscale.plugins.module_utils.tables import keys

SIG = "CentOS Hyperscale SIG"
KEY = "2a01fa2aeb3dac40"
FINGERPRINTS = [keys.HYPERSCALE_KEY.fingerprint]


def package(name, release="1.el9", vendor="CentOS", key="05b555b38483c65d", source=None, arch="x86_64", provides=()):
    return rpmdb.Package(name, 0, "1", release, arch, vendor, source or name, key, 100, (name, *provides))


@pytest.mark.parametrize(
    ("fingerprint", "expected"),
    [
        ("9B04530E0ED6ABC4B2C358DD2A01FA2AEB3DAC40", KEY),
        ("9B04 530E 0ED6 ABC4 B2C3 58DD 2A01 FA2A EB3D AC40", KEY),
    ],
)
def test_key_ids(fingerprint, expected):
    assert host_packages.key_ids([fingerprint]) == [expected]


def test_summary_names_hyperscale_packages_and_those_whose_witnesses_disagree():
    stock = package("bash")
    ours = package("tar", "1.hs.el9", SIG, KEY)
    unsigned = package("tmux", "1.hsx.el9", SIG, None)
    impostor = package("evil", "1.hs.el9", "Someone", None)

    found = host_packages.summarise([stock, ours, unsigned, impostor], FINGERPRINTS)

    assert found["total"] == 4
    assert [(item["name"], item["flavour"]) for item in found["hyperscale"]] == [
        ("tar", "main"),
        ("tmux", "experimental"),
    ]
    assert [(item["name"], item["hyperscale"], item["disagreement"]) for item in found["disagreements"]] == [
        ("tmux", True, ["signature"]),
        ("evil", False, ["release"]),
    ]


def test_a_described_package_has_every_key():
    assert host_packages.describe(package("tar", "1.hs.el9", SIG, KEY), [KEY]) == {
        "name": "tar",
        "epoch": 0,
        "version": "1",
        "release": "1.hs.el9",
        "evr": "1-1.hs.el9",
        "arch": "x86_64",
        "nevra": "tar-1-1.hs.el9.x86_64",
        "vendor": SIG,
        "signing_key": KEY,
        "source": "tar",
        "hyperscale": True,
        "flavour": "main",
        "witnesses": {"release": True, "vendor": True, "signature": True},
        "disagreement": [],
    }


def test_families_follow_the_source_package_whoever_built_it():
    packages = [
        package("systemd"),
        package("systemd-libs", source="systemd"),
        package("systemd-networkd", vendor="Fedora Project", source="systemd-extras"),
        package("bash"),
    ]
    family = host_packages.summarise(packages, FINGERPRINTS)["families"]["systemd"]
    assert [item["name"] for item in family] == ["systemd", "systemd-libs", "systemd-networkd"]


def test_duplicates_are_two_versions_for_one_architecture_and_not_kernels():
    packages = [
        package("glibc"),
        package("glibc", "2.el9"),
        package("zlib"),
        package("zlib", arch="i686"),
        package("kernel-core", provides=["installonlypkg(kernel)"]),
        package("kernel-core", "2.el9", provides=["installonlypkg(kernel)"]),
        package("kmod-btrfs", provides=["installonlypkg(kernel-module)"]),
        package("kmod-btrfs", "2.el9", provides=["installonlypkg(kernel-module)"]),
        package("kernel-tools-libs"),
        package("kernel-tools-libs", "2.el9"),
        package("kernelshark"),
        package("kernelshark", "2.el9"),
    ]
    assert host_packages.duplicates(packages) == ["glibc", "kernel-tools-libs", "kernelshark"]


def test_keys_are_plain_data():
    key = rpmdb.PublicKey(KEY, "9b04" * 10, "gpg-pubkey-eb3dac40-60053dd1", "CentOS HyperScale SIG", 1610956241)
    assert host_packages.summarise_keys([key]) == [
        {
            "key_id": KEY,
            "fingerprint": "9b04" * 10,
            "nevra": "gpg-pubkey-eb3dac40-60053dd1",
            "summary": "CentOS HyperScale SIG",
            "created": 1610956241,
        }
    ]
