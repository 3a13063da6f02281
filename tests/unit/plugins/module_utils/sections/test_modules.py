# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel modules: loaded, built in, of another kernel, of no kernel."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import BOOT, Context, Planned
from ansible_collections.centos.hyperscale.plugins.module_utils.packages.solver import Item
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import modules

CONTEXT = Context(9, False, [], [], [])
OLD, NEW = "5.14.0-1.el9.x86_64", "6.12.1-0.hs1.hsx.el9.x86_64"


@pytest.fixture(name="host")
def fixture_host(tmp_path):
    """A host that runs the old kernel, and modprobe as the kernel would carry it out."""
    for kernel, loadable, built_in in ((OLD, "ip_tables", "ext4"), (NEW, "btrfs", "xfs")):
        tree = tmp_path / "lib/modules" / kernel
        tree.mkdir(parents=True)
        (tree / "modules.dep").write_text(f"kernel/fs/{loadable}.ko.xz: kernel/lib/xor.ko.xz\nkernel/dash-ed.ko:\n")
        (tree / "modules.builtin").write_text(f"kernel/fs/{built_in}.ko\n")
    (tmp_path / "sys/module").mkdir(parents=True)

    def run(argv):
        if argv[:2] == ["modprobe", "--"]:
            (tmp_path / "sys/module" / argv[2].replace("-", "_")).mkdir(exist_ok=True)
        if argv[:2] == ["modprobe", "--remove"]:
            (tmp_path / "sys/module" / argv[3]).rmdir()
        return 0, OLD + "\n" if argv[0] == "uname" else "", ""

    return host_io.Target(run, str(tmp_path), root=str(tmp_path))


def planned(host, context=CONTEXT, **want):
    wants = [{"loaded": True, "at_boot": False, **want}]
    return modules.plan(wants, modules.gather(host, wants), context)


def test_a_module_is_loaded_and_taken_out_again(host):
    action, = planned(host, name="ip_tables").actions
    action.apply(host)
    action.verify(host)
    assert planned(host, name="ip_tables").actions == []
    action.undo(host)
    assert planned(host, name="ip_tables").actions


@pytest.mark.parametrize("name", ["ext4", "dash_ed", "dash-ed"])
def test_built_in_and_dashed_names_are_known(host, name):
    assert planned(host, name=name).problems == []


def test_built_in_needs_no_loading(host):
    assert planned(host, name="ext4").actions == []


def test_a_module_of_another_kernel_waits_for_a_boot(host):
    found = planned(host, name="btrfs")
    assert (found.actions, found.problems) == ([], [])
    assert [(pending.subject, pending.waits_for) for pending in found.pending] == [("btrfs", BOOT)]


@pytest.mark.parametrize(("name", "waits"), [
    ("kernel-core", True), ("kernel-modules-core", True), ("kernel-64k-modules-extra", True), ("btrfs-progs", False),
    ("kernel-tools", False),
])
def test_only_a_kernel_that_comes_is_waited_for(host, name, waits):
    coming = CONTEXT._replace(items=[Item("install", name, "1-1", "x86_64", "main", 1, 1)])
    found = planned(host, coming, name="zfs")
    assert (bool(found.pending), bool(found.problems)) == (waits, not waits)


def test_a_package_of_the_module_that_comes_lets_it_be_loaded_in_the_same_run(host):
    coming = CONTEXT._replace(items=[Item("install", "kmod-btrfs", "1-1", "x86_64", "kmods", 1, 1)])
    assert [action.subject for action in planned(host, coming, name="btrfs").actions] == ["btrfs"]


def test_a_file_system_of_the_running_kernel_needs_no_loading(host, tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/filesystems").write_text("nodev\tproc\n\tbtrfs\n")
    assert planned(host, name="btrfs") == Planned([])


def test_a_module_that_no_kernel_has_is_refused(host):
    problem, = planned(host, name="zfs").problems
    assert OLD in problem.reason


def test_a_module_that_verify_does_not_find_is_a_failure(host):
    action, = planned(host, name="ip_tables").actions
    with pytest.raises(modules.Failed):
        action.verify(host)


def test_the_file_for_boot_comes_and_goes(host):
    state = modules.gather(host, [{"name": "ip_tables", "loaded": False, "at_boot": True}])
    action, = modules.plan([{"name": "ip_tables", "loaded": False, "at_boot": True}], state, CONTEXT).actions
    assert (action.kind, action.subject) == ("module-at-boot", "/etc/modules-load.d/centos-hyperscale-ip_tables.conf")
    assert action.after.endswith("ip_tables\n")


@pytest.mark.parametrize("name", ["../x", "Ext4", "", "a b", "-r"])
def test_bad_names_are_refused(name):
    assert modules.validate([{"name": name}], 9)


@pytest.mark.parametrize("name", ["zfs", "ip_tables"])
def test_a_module_is_had_by_a_kernel_that_has_it_or_left(host, tmp_path, name):
    assert [problem.code for problem in planned(host, name="zfs").problems] == ["kernel_module.unknown"]
    if name == "zfs":
        with open(tmp_path / "lib/modules" / OLD / "modules.dep", "a", encoding="utf-8") as handle:
            handle.write("extra/zfs.ko.xz:\n")
    assert planned(host, name=name).problems == []
