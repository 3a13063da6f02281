# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a transaction against what is installed: five outcomes for each package, and what they make of the whole."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import outcomes
from ansible_collections.centos.hyperscale.plugins.module_utils.packages.solver import Item


def line(action, name, version, arch="x86_64", installonly=False):
    return Item(action, name, f"{version}-1", arch, "", 1, 1, name, installonly)


def swap(name, arch="x86_64"):
    return [line("upgrade", name, 2, arch), line("replaced", name, 1, arch)]


UPGRADE, DOWNGRADE = swap("a"), [line("downgrade", "a", 1), line("replaced", "a", 2)]
REINSTALL = [line("reinstall", "a", 1), line("replaced", "a", 1)]
INSTALL, ERASE, OBSOLETE = [line("install", "a", 2)], [line("erase", "a", 1)], [line("obsoleted", "a", 1)]
KERNEL = [line("install", "kernel-rt-core", 2, installonly=True)]
KERNEL_GOES = [line("erase", "kernel-rt-core", 1, installonly=True)]
MOVES = [line("upgrade", "a", 2, "noarch"), line("replaced", "a", 1)]
TWICE = [line("upgrade", "a", 2), line("replaced", "a", 1), line("obsoleted", "a", 0)]


def at(*names, when=1):
    return {name: when for name in names}


ONE, TWO, THREE = "a-1-1.x86_64", "a-2-1.x86_64", "a-3-1.x86_64"


@pytest.mark.parametrize(("items", "here", "expected"), [
    (UPGRADE, [ONE], "old"), (UPGRADE, [TWO], "new"), (UPGRADE, [ONE, TWO], "both"), (UPGRADE, [THREE], "other"),
    (UPGRADE, [], "none"), (UPGRADE, [ONE, THREE], "other"), (UPGRADE, [TWO, THREE], "other"),
    (UPGRADE, [TWO, "a-2-1.i686"], "new"), (UPGRADE, ["a-1-1.i686"], "none"),
    (DOWNGRADE, [TWO], "old"), (DOWNGRADE, [ONE], "new"), (DOWNGRADE, [], "none"), (DOWNGRADE, [THREE], "other"),
    (REINSTALL, [ONE], "new"), (REINSTALL, [TWO], "other"),
    (INSTALL, [], "old"), (INSTALL, [TWO], "new"), (INSTALL, [THREE], "other"),
    (ERASE, [ONE], "old"), (ERASE, [], "new"), (ERASE, [TWO], "other"), (OBSOLETE, [ONE], "old"), (OBSOLETE, [], "new"),
    (KERNEL, ["kernel-rt-core-1-1.x86_64"], "old"), (KERNEL, ["kernel-rt-core-1-1.x86_64", "kernel-rt-core-2-1.x86_64"], "new"),
    (KERNEL, ["kernel-rt-core-3-1.x86_64"], "old"), (KERNEL_GOES, ["kernel-rt-core-2-1.x86_64"], "new"),
    (KERNEL_GOES, ["kernel-rt-core-1-1.x86_64", "kernel-rt-core-2-1.x86_64"], "old"),
    (MOVES, [ONE], "old"), (MOVES, ["a-2-1.noarch"], "new"), (MOVES, [ONE, "a-2-1.noarch"], "both"), (MOVES, [], "none"),
    (TWICE, ["a-0-1.x86_64", ONE], "old"), (TWICE, ["a-0-1.x86_64"], "old"), (TWICE, ["a-0-1.x86_64", TWO], "both")])
def test_one_package(items, here, expected):
    part, = outcomes.compare(items, at(*here), {})
    assert part.outcome == expected


def test_each_build_that_lies_beside_others_is_compared_by_itself():
    parts = outcomes.compare(
        [line("install", "kernel-64k-core", 2, installonly=True), line("erase", "kernel-64k-core", 0, installonly=True)],
        at("kernel-64k-core-0-1.x86_64", "kernel-64k-core-1-1.x86_64", "kernel-64k-core-2-1.x86_64"), {})
    assert {part.key: part.outcome for part in parts} == {
        "kernel-64k-core-2-1.x86_64": "new", "kernel-64k-core-0-1.x86_64": "old"}


def test_the_same_package_of_two_architectures_is_two():
    parts = outcomes.compare([*swap("a"), *swap("a", "i686")], at(TWO, "a-1-1.i686"), {})
    assert {part.key: part.outcome for part in parts} == {"a.x86_64": "new", "a.i686": "old"}


PAIR = [*swap("a"), *swap("b")]
B_ONE, B_TWO, B_THREE = "b-1-1.x86_64", "b-2-1.x86_64", "b-3-1.x86_64"


@pytest.mark.parametrize(("here", "expected", "changed"), [
    (at(ONE, B_ONE), "untouched", 0), (at(TWO, B_TWO), "complete", 0), (at(TWO, B_ONE), "partial", 0),
    (at(ONE, TWO, B_ONE), "partial", 0), (at(ONE, TWO, B_TWO), "partial", 0),
    # Somebody changed a package since.
    (at(THREE, B_TWO), "complete", 1), (at(B_TWO), "complete", 1), (at(THREE, B_ONE), "untouched", 1), (at(), "complete", 2),
    (at(THREE, B_THREE), "complete", 2), (at(THREE, B_ONE, B_TWO), "partial", 1),
    # Somebody installed what had left once more.
    ({ONE: 9, B_ONE: 9}, "reverted", 2), ({ONE: 9, B_ONE: 1}, "reverted", 1), ({ONE: 9, B_TWO: 1}, "complete", 1),
    ({ONE: 9, B_THREE: 1}, "reverted", 2), ({ONE: 9, B_ONE: 1, B_TWO: 1}, "partial", 1)])
def test_the_whole(here, expected, changed):
    parts = outcomes.compare(PAIR, here, at(ONE, B_ONE))
    assert outcomes.judge(parts) == expected
    assert len(outcomes.superseded(parts)) == sum(part.superseded for part in parts) == changed


def test_when_it_was_installed_counts_only_against_what_was_recorded():
    parts = outcomes.compare(PAIR, {ONE: 9, B_ONE: 9}, {})
    assert outcomes.judge(parts) == "untouched" and not any(part.again for part in parts)
