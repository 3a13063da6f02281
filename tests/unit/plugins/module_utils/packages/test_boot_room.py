# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The room on /boot for kernels that come, measured by those that are there."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import boot_room as facts
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import boot_room
from ansible_collections.centos.hyperscale.plugins.module_utils.packages.solver import Item

MIB = 1 << 20


def kernel(name="kernel-core", action="install"):
    return Item(action, name, "6.12-1.hs.el9", "x86_64", "r", 1, 1)


@pytest.fixture(name="root")
def fixture_root(tmp_path):
    (tmp_path / "boot").mkdir()
    for name, size in {
        "vmlinuz-5": 10 * MIB, "initramfs-5.img": 30 * MIB, "initramfs-4.img": 40 * MIB, "initramfs-5kdump.img": 20 * MIB,
        "initramfs-0-rescue-x.img": 200 * MIB, "config-5": MIB, "grub2": MIB,
    }.items():
        with open(tmp_path / "boot" / name, "wb") as handle:
            handle.truncate(size)
    return tmp_path


def free(monkeypatch, size, inodes=None):
    monkeypatch.setattr(facts, "free", lambda _root: facts.Room(size, inodes))


def test_a_kernel_takes_the_largest_of_each_kind_and_a_quarter_more(root):
    assert facts.per_kernel(str(root)) == (10 + 40 + 20 + 1) * MIB * 5 // 4


@pytest.mark.parametrize("name", ["initramfs-5.img", "none"])
def test_without_an_initramfs_to_measure_by_there_is_a_round_figure(tmp_path, name):
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot" / name).write_text("small")
    assert facts.per_kernel(str(tmp_path)) == facts.UNMEASURED


@pytest.mark.parametrize(("items", "size", "inodes", "says"), [
    ([kernel()], 88 * MIB, None, "/boot has 88 MiB free"),
    ([kernel()], 89 * MIB, None, ""),
    ([kernel(), kernel("kernel-64k-core")], 170 * MIB, None, "about 177 MiB"),
    ([kernel()], 900 * MIB, 7, "/boot has 7 inodes free"),
    ([kernel()], 900 * MIB, 8, ""),
    ([kernel("kernel-modules")], 0, 0, ""),
    ([kernel(action="erase")], 0, 0, ""),
])
def test_room(root, monkeypatch, items, size, inodes, says):
    free(monkeypatch, size, inodes)
    told = boot_room.problems(str(root), items)
    assert [says in str(problem) for problem in told] == ([True] if says else [])
    assert all("Make room" in problem.remedy for problem in told)


def test_a_root_without_boot_gets_no_kernel_there(tmp_path):
    assert boot_room.problems(str(tmp_path), [kernel()]) == []


@pytest.mark.parametrize(("code", "size", "inodes"), [("boot.no_space", 88 * MIB, 100), ("boot.no_inodes", 900 * MIB, 7)])
def test_a_kernel_comes_once_there_is_room(root, monkeypatch, code, size, inodes):
    free(monkeypatch, size, inodes)
    assert [problem.code for problem in boot_room.problems(str(root), [kernel()])] == [code]
    free(monkeypatch, 900 * MIB, 100)
    assert boot_room.problems(str(root), [kernel()]) == []
