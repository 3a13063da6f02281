# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernels beside each other: what comes, what moves along, what stays, what may go."""

from __future__ import annotations

import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import (
    builds as package_builds, choose, kernels, rpmdb, wishes,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import packages

KEY = "2a01fa2aeb3dac40"
STOCK, HS, NEWER = ("5.14.0", "611.el9"), ("6.12.95", "0.hs1.hsx.el9"), ("6.13.1", "0.hs1.hsx.el9")
HSK, PERF = ("7.2.12", "0.hs1.hsk.el10"), ("7.3~rc1", "1.hs.el10")
CORE = ("kernel", "kernel-core", "kernel-modules", "kernel-modules-core")
WANT = {name: option.get("default") for name, option in packages.OPTIONS.items()} | {"family": "kernel"}


def package(name, build, source="kernel", arch="x86_64"):
    ours = package_builds.release_segment(build[1]) is not None
    provides = (name, "installonlypkg(kernel)") if name in (*CORE, "kernel-modules-extra") else (name,)
    return rpmdb.Package(
        name, 0, *build, arch, package_builds.VENDOR if ours else "CentOS", source, KEY if ours else "05b555b38483c65d", 0,
        provides)


def builds(build, *names):
    return [package(name, build) for name in names]


def state(installed, idle=(), brought=()):
    return wishes.State(list(installed), set(), [KEY], set(brought), idle_kernels=set(idle))


def chosen(installed, offered, idle=(), brought=(), **changes):
    """What would be done: NEVRAs to bring, NEVRAs to erase, names without an offer."""
    want = {**WANT, **changes}
    here = kernels.members(want, installed, lambda p: p.vendor == package_builds.VENDOR)
    side = [p for p in offered if (p.vendor == package_builds.VENDOR) == (want["to"] == "hyperscale")]
    found = kernels.choose(want, here, side, wishes.has_version, idle, brought)
    return sorted(p.nevra for p in found.install), sorted(found.erase), found.missing


def nevras(*groups):
    return sorted(p.nevra for group in groups for p in group)


def test_kernels_come_beside_and_tools_move():
    installed = [*builds(STOCK, *CORE, "perf", "kernel-headers"), package("bash", ("5", "1.el9"), "bash")]
    offered = builds(HS, *CORE, "kernel-modules-extra", "perf", "bpftool", "kernel-headers")
    assert chosen(installed, offered) == (nevras(builds(HS, *CORE, "perf", "kernel-headers")), [], [])
    assert chosen(installed, offered, also=["kernel-modules-extra"])[0] == nevras(
        builds(HS, *CORE, "kernel-modules-extra", "perf", "kernel-headers"))


def test_what_is_there_is_found_so_without_a_repository():
    both = [*builds(STOCK, *CORE), *builds(HS, *CORE, "perf")]
    assert wishes.satisfied(WANT, state(both))
    assert not wishes.satisfied(WANT, state(builds(STOCK, *CORE)))
    assert not wishes.satisfied(WANT, state([*both, package("bpftool", STOCK)]))
    assert not wishes.satisfied({**WANT, "version": "latest"}, state(both))
    assert not wishes.satisfied({**WANT, "also": ["kernel-modules-extra"]}, state(both))
    assert not wishes.satisfied({**WANT, "erase": ["perf"]}, state(both))
    assert wishes.satisfied({**WANT, "version": "6.12.95"}, state(both))
    assert not wishes.satisfied({**WANT, "version": "6.13.1"}, state(both))


def test_firmware_moves_where_the_sig_rebuilds_it():
    firmware = package("linux-firmware", ("20250101", "1.el9"), "linux-firmware", "noarch")
    newer = package("linux-firmware", ("20260601", "1.hs.el9"), "linux-firmware", "noarch")
    assert newer.nevra in chosen([*builds(STOCK, *CORE), firmware], [*builds(HS, *CORE), newer])[0]
    assert not wishes.satisfied(WANT, state([*builds(HS, *CORE), firmware]))
    assert wishes.satisfied(WANT, state([*builds(HSK, *CORE), firmware]))


def test_tools_that_are_built_apart_come_in_their_own_version():
    offered = [*builds(HSK, *CORE, "kernel-tools"), package("perf", PERF, "perf"), package("perf", PERF, "perf", "i686")]
    found = chosen(builds(("6.12.0", "124.el10"), *CORE, "perf", "kernel-tools"), offered)
    assert found[0] == nevras(builds(HSK, *CORE, "kernel-tools"), [package("perf", PERF, "perf")])


def test_the_same_build_is_taken_of_tools_that_have_it():
    offered = [*builds(HS, *CORE, "perf"), *builds(NEWER, "perf")]
    assert f"perf-{'-'.join(HS)}.x86_64" in chosen(builds(STOCK, *CORE, "perf"), offered)[0]


def test_what_the_sig_does_not_build_stays_and_what_is_asked_for_is_missed():
    installed = builds(STOCK, *CORE, "kernel-uki-virt", "bpftool")
    assert chosen(installed, builds(HS, *CORE))[1:] == ([], [])
    assert chosen(installed, builds(HS, *CORE), also=["kernel-modules-extra", "perf"])[2] == ["kernel-modules-extra", "perf"]
    assert chosen(installed, []) == ([], [], ["kernel-core"])


@pytest.mark.parametrize(("version", "build"), [
    ("present", NEWER), ("latest", NEWER), ("6.12.95", HS), ("6.13.1-0.hs1.hsx.el9", NEWER)])
def test_the_wanted_version_comes_as_a_whole(version, build):
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    offered = [*builds(HS, *CORE), *builds(NEWER, *CORE)]
    assert chosen(builds(STOCK, *CORE), offered, version=version)[0] == nevras(builds(build, *CORE))


def test_a_newer_one_comes_only_when_it_is_asked_for():
    installed, offered = [*builds(STOCK, *CORE), *builds(HS, *CORE, "perf")], builds(NEWER, *CORE, "perf")
    assert chosen(installed, offered) == ([], [], [])
    assert chosen(installed, offered, version="latest") == (nevras(builds(NEWER, *CORE, "perf")), [], [])


def test_kernels_that_nothing_starts_go_on_the_way_back():
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    installed = [*builds(STOCK, *CORE), *builds(HS, *CORE, "perf"), *builds(NEWER, *CORE)]
    offered = builds(STOCK, *CORE, "perf")
    assert chosen(installed, offered, to="stock") == (nevras(builds(STOCK, "perf")), [], [])
    idle = [f"{'-'.join(HS)}.x86_64"]
    assert chosen(installed, offered, idle, to="stock")[1] == nevras(builds(HS, *CORE))
    assert chosen(installed, offered, idle)[1] == []
    stock = {**WANT, "to": "stock"}
    assert wishes.satisfied(stock, state([*builds(STOCK, *CORE), *builds(HS, *CORE)]))
    assert not wishes.satisfied(stock, state([*builds(STOCK, *CORE), *builds(HS, *CORE)], idle))


def test_a_host_without_a_stock_kernel_gets_one_on_the_way_back():
    assert chosen(builds(HS, *CORE), builds(STOCK, *CORE), to="stock") == (nevras(builds(STOCK, *CORE)), [], [])


def test_a_tool_without_a_stock_build_goes_if_it_came_by_us():
    installed = [*builds(STOCK, *CORE), *builds(HS, "bpftool")]
    assert chosen(installed, [], to="stock")[2] == ["bpftool"]
    assert chosen(installed, [], brought=["bpftool"], to="stock")[1] == nevras(builds(HS, "bpftool"))


def test_kernels_stay_out_of_other_wishes():
    want = {**WANT, "family": None, "names": ["bpftool"]}
    moving = wishes.members(want, builds(STOCK, *CORE, "perf", "bpftool"))
    assert sorted(p.name for p in moving) == ["bpftool", "perf"]


@pytest.mark.parametrize("name", ["kernel-core", "kernel-64k-core", "kernel-rt-core", "kernel-uki-virt"])
def test_a_kernel_that_is_named_is_refused(monkeypatch, name):
    offered = rpmdb.Package(name, 0, *HS, "x86_64", None, "kernel", None, 0, (name, "installonlypkg(kernel)"))
    query = types.SimpleNamespace(filter=lambda name: [offered] if offered.name in name else [])
    base = types.SimpleNamespace(sack=types.SimpleNamespace(query=lambda: query))
    found = choose.jobs(base, [{**WANT, "family": None, "names": [name]}], state(builds(STOCK, *CORE)))
    assert not found.install and ["family kernel" in problem.remedy for problem in found.problems] == [True]
    assert packages.validate([{**WANT, "also": ["kernel-modules-extra"]}], 9) == []


# Which kernels nothing starts

MACHINE = "0123456789abcdef0123456789abcdef"
RELEASES = tuple(f"{'-'.join(build)}.x86_64" for build in (STOCK, HS, NEWER))


@pytest.fixture(name="root")
def fixture_root(tmp_path):
    (tmp_path / "boot/loader/entries").mkdir(parents=True)
    (tmp_path / "boot/grub2").mkdir()
    (tmp_path / "var/lib/centos-hyperscale").mkdir(parents=True)
    for release in RELEASES:
        (tmp_path / f"boot/loader/entries/{MACHINE}-{release}.conf").write_text(f"linux /vmlinuz-{release}\n")
    (tmp_path / "boot/grub2/grub.cfg").write_text("set default=${saved_entry}\nblscfg\n")
    return tmp_path


@pytest.mark.parametrize(("saved", "extra", "running", "note", "idle"), [
    (0, "", 0, "", {1, 2}), (1, "", 0, "", set()), (0, "", 1, "", set()),
    (0, f"next_entry={MACHINE}-{RELEASES[1]}\n", 0, "", set()),
    (0, "", 0, '{"tried": {"release": "x"}}', set()), (1, "", 1, "", {0, 2}),
])
def test_idle_kernels(root, saved, extra, running, note, idle):
    block = f"# GRUB Environment Block\nsaved_entry={MACHINE}-{RELEASES[saved]}\n{extra}"
    (root / "boot/grub2/grubenv").write_text(block.ljust(1024, "#"))
    (root / "var/lib/centos-hyperscale/boot.json").write_text(note)
    assert kernels.idle_kernels(str(root), RELEASES[running]) == {RELEASES[number] for number in idle}


def test_a_kernel_of_the_family_is_taken_in_place_of_one_that_is_named():
    offered = [rpmdb.Package(name, 0, *HS, "x86_64", None, "kernel", None, 0, (name, "installonlypkg(kernel)")) for name in CORE]
    query = types.SimpleNamespace(filter=lambda name: [one for one in offered if one.name in name])
    base = types.SimpleNamespace(sack=types.SimpleNamespace(query=lambda: query))
    found = choose.jobs(base, [{**WANT, "family": None, "names": ["kernel-core"]}], state(builds(STOCK, *CORE)))
    assert [problem.code for problem in found.problems] == ["package.installonly"]
    assert chosen(builds(STOCK, *CORE), builds(HS, *CORE))[0] == nevras(builds(HS, *CORE))
