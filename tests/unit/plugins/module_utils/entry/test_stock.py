# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wishes that bring every Hyperscale build of a host to stock: whole families, the rest by name, and what goes with them."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.entry import stock
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.registry import REGISTRY


def build(name, source=None):
    return {"name": name, "source": source or name}


@pytest.mark.parametrize(("builds", "erase", "packages", "others"), [
    ([], [], [], (0, 0)),
    ([build("systemd"), build("systemd-libs", "systemd")], [], [("systemd", [])], (0, 1)),
    ([build("systemd-networkd", "systemd-extras")], [], [("systemd", [])], (0, 1)),
    ([build("kernel-core", "kernel"), build("perf")], [], [("kernel", [])], (1, 0)),
    ([build("zstd"), build("libzstd", "zstd"), build("rpm-libs", "rpm")], [], [("rpm", []), (None, ["libzstd", "zstd"])], (0, 0)),
    ([build("only-hs"), build("ethtool")], ["only-hs"], [(None, ["ethtool"])], (0, 0)),
    ([build("only-hs")], ["only-hs"], [], (0, 0))])
def test_each_build_has_a_wish(builds, erase, packages, others):
    wanted = stock.wishes(REGISTRY, builds, erase)
    assert [(want["family"], want["names"]) for want in wanted["packages"]] == packages
    assert {want["to"] for want in wanted["packages"]} <= {"stock"}
    assert all(want["erase"] == erase for want in wanted["packages"])
    assert (len(wanted["boot"]), len(wanted["manager"])) == others
    assert [name for name, wants in wanted.items() if wants and name not in ("packages", "boot", "manager")] == []


def test_what_a_newer_build_split_off_goes():
    builds = [build("systemd"), build("systemd-shared", "systemd"), build("zstd")]
    wanted = stock.wishes(REGISTRY, builds, ["x"])["packages"]
    assert [(want["family"], want["erase"]) for want in wanted] == [("systemd", ["systemd-shared", "x"]), (None, ["x"])]


def test_the_wishes_are_valid_ones():
    wanted = stock.wishes(REGISTRY, [build("kernel-core", "kernel"), build("systemd"), build("zstd")], ["x"])
    for name, section in REGISTRY.sections.items():
        assert list(section.validate(wanted[name], 9)) == []
