# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who uses btrfs, which kernels have it, and which packages of modules are for which kernel."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import btrfs, kernel_modules
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import kmods
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import packages

STOCK, OURS = "5.14.0-611.el9.x86_64", "6.12.1-0.hs1.hsx.el9.x86_64"
MOUNTINFO = """\
22 1 253:0 / / rw,relatime shared:1 - xfs /dev/vda1 rw
40 22 0:50 / /srv/with\\040blank rw - btrfs /dev/vdb rw
41 22 0:51 / /var/lib/centos-hyperscale/trials/btrfs-x/mount rw - btrfs /dev/loop3 rw
"""
FSTAB = """\
# /dev/vdx /comment btrfs defaults 0 0
/dev/vda1 / xfs defaults 0 0
UUID=1 /data btrfs noauto 0 0
/dev/vdb /srv/with\\040blank btrfs defaults 0 0
/dev/vdc none
"""
TOOLS = "btrfs-progs-0:6.14-1.hs.el9.x86_64"
KMOD = "kmod-btrfs-5.14.0.611-1.el9s.x86_64"
OUR_KERNEL = "kernel-modules-core-6.12.1-0.hs1.hsx.el9.x86_64"


def tree(root, release, *lines):
    """Give a kernel a list of modules."""
    folder = root / "lib/modules" / release
    folder.mkdir(parents=True)
    (folder / "modules.dep").write_text("".join(f"{line}:\n" for line in lines))


@pytest.fixture(name="root")
def fixture_root(tmp_path):
    """A host with btrfs in use, a stock kernel and one of ours."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "proc/self/mountinfo").write_text(MOUNTINFO)
    (tmp_path / "etc/fstab").write_text(FSTAB)
    tree(tmp_path, STOCK, "kernel/fs/xfs/xfs.ko.xz")
    tree(tmp_path, OURS, "kernel/fs/btrfs/btrfs.ko.xz")
    return tmp_path


def test_users_are_named_once_and_trials_are_none(root):
    found = btrfs.in_use(str(root))
    assert btrfs.words(found) == "/data (in /etc/fstab), /srv/with blank (mounted)"


def test_a_host_without_fstab_has_what_is_mounted(root):
    (root / "etc/fstab").unlink()
    assert [use.mountpoint for use in btrfs.in_use(str(root))] == ["/srv/with blank"]


def test_a_kernel_without_btrfs_must_not_be_next():
    use = [btrfs.Use("/data", "mounted")]
    problem = btrfs.kernel_problem(STOCK, [OURS], use)
    assert STOCK in problem.reason and "/data (mounted)" in problem.fact and problem.remedy
    assert btrfs.kernel_problem(OURS, [OURS], use) is None
    assert btrfs.kernel_problem(STOCK, [OURS], []) is None


@pytest.mark.parametrize(("before", "after", "says"), [
    ([TOOLS], [], ["btrfs-progs would leave"]),
    ([TOOLS], ["btrfs-progs-0:6.12-1.el9.x86_64"], []),
    ([OUR_KERNEL], [], ["no kernel with btrfs would be left"]),
    ([OUR_KERNEL, TOOLS], [], ["btrfs-progs would leave", "no kernel with btrfs would be left"]),
    (["zstd-1.5-1.hs.el9.x86_64"], [], []),
    ([KMOD], [], []),  # one of our kernels has it without that package
])
def test_what_a_transaction_would_take(root, before, after, says):
    problems = btrfs.lost_by(str(root), OURS, before, after)
    assert len(problems) == len(says)
    assert all(words in problem.reason for words, problem in zip(says, problems))
    assert all("/srv/with blank (mounted)" in problem.fact and "/data (in /etc/fstab)" in problem.fact for problem in problems)


def test_nothing_is_in_the_way_where_nothing_is_btrfs(root):
    (root / "proc/self/mountinfo").write_text(MOUNTINFO.replace("btrfs", "ext4"))
    (root / "etc/fstab").write_text("")
    assert btrfs.lost_by(str(root), OURS, [TOOLS, OUR_KERNEL, KMOD], []) == []


def test_without_its_package_a_stock_kernel_has_no_btrfs(root):
    (root / "lib/modules" / OURS / "modules.dep").write_text("")
    (root / "lib/modules" / STOCK / "modules.dep").write_text("extra/btrfs/btrfs.ko.xz:\n")
    problem, = btrfs.lost_by(str(root), STOCK, [KMOD], [])
    assert f"now {STOCK} has it" in problem.reason


def test_a_kernel_without_a_tree_has_what_it_can_mount(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/filesystems").write_text("nodev\tproc\n\tbtrfs\n")
    assert kernel_modules.offering(str(tmp_path), "6.1-cloud", "btrfs") == ["6.1-cloud"]
    assert kernel_modules.offering(str(tmp_path), "6.1-cloud", "xfs") == []
    tree(tmp_path, "6.1-cloud", "kernel/fs/xfs/xfs.ko")
    assert kernel_modules.offering(str(tmp_path), "6.1-cloud", "btrfs") == []


@pytest.mark.parametrize(("files", "requires", "releases"), [
    ([f"/lib/modules/{STOCK}/extra/btrfs/btrfs.ko.xz", "/etc/depmod.d/btrfs.conf"], ["kernel-uname-r = 1"], {STOCK}),
    ([f"/usr/lib/modules/{STOCK}/updates/btrfs.ko"], [], {STOCK}),
    (["/etc/depmod.d/btrfs.conf"], [f"kernel-core-uname-r = {STOCK}", "kernel(bio_put) = 0x1"], {STOCK}),
    ([], [f"kernel-uname-r >= {STOCK}"], set()),
])
def test_a_package_of_modules_says_for_which_kernel(files, requires, releases):
    assert kmods.built_for(files, requires) == releases


@pytest.mark.parametrize(("running", "default", "says"), [
    (STOCK, STOCK, None), (STOCK, None, None), (OURS, STOCK, [f"{OURS} runs"]), (STOCK, OURS, [f"{OURS} is to boot next"]),
    ("5.14.0-1", OURS, ["5.14.0-1 runs", f"{OURS} is to boot next"]),
])
def test_a_package_of_modules_for_another_kernel_is_refused(running, default, says):
    problem = kmods.problem(KMOD, {STOCK}, running, default)
    if says is None:
        assert problem is None
    else:
        assert STOCK in problem.fact and all(words in problem.reason for words in says)


def test_a_package_of_modules_that_does_not_say_for_which_kernel_is_refused():
    assert "name no kernel" in kmods.problem(KMOD, set(), STOCK, STOCK).reason


@pytest.mark.parametrize(("kernels", "others", "needless"), [
    ((STOCK,), [], False),
    ((STOCK, OURS), [], True),
    ((STOCK,), [{"family": None, "names": ["kernel"], "to": "hyperscale"}], True),
    ((STOCK,), [{"family": None, "names": ["kernel"], "to": "stock"}], False),
])
def test_a_package_of_modules_is_taken_only_for_want_of_the_module(tmp_path, kernels, others, needless):
    for release in kernels:
        tree(tmp_path, release, "kernel/fs/btrfs/btrfs.ko" if release == OURS else "kernel/fs/xfs/xfs.ko")
    target = host_io.Target(lambda argv: (0, STOCK, ""), str(tmp_path), root=str(tmp_path))
    want = {"family": None, "names": ["kmod-btrfs"], "to": "any", "where_no_module": "btrfs"}
    assert packages.needless(target, want, [want, *others]) is needless
    assert not packages.needless(target, {**want, "where_no_module": None}, [want, *others])


def codes(problems):
    return [problem.code for problem in problems]


@pytest.mark.parametrize(("code", "running", "before", "after"), [
    ("btrfs.tools_leave", OURS, [TOOLS], [TOOLS]), ("btrfs.last_kernel_leaves", OURS, [OUR_KERNEL], [OUR_KERNEL])])
@pytest.mark.parametrize("moved", [True, False], ids=["moved", "kept"])
def test_what_a_transaction_would_take_goes_once_nothing_is_btrfs_or_stays(root, code, running, before, after, moved):
    assert codes(btrfs.lost_by(str(root), running, before, [])) == [code]
    if moved:
        (root / "proc/self/mountinfo").write_text(MOUNTINFO.replace("btrfs", "ext4"))
        (root / "etc/fstab").write_text("")
    assert codes(btrfs.lost_by(str(root), running, before, [] if moved else after)) == []


@pytest.mark.parametrize(("release", "moved"), [(STOCK, True), (OURS, False)])
def test_a_kernel_boots_once_nothing_is_btrfs_or_it_has_it(root, release, moved):
    assert btrfs.kernel_problem(STOCK, [OURS], btrfs.in_use(str(root))).code == "btrfs.kernel_without"
    if moved:
        (root / "proc/self/mountinfo").write_text(MOUNTINFO.replace("btrfs", "ext4"))
        (root / "etc/fstab").write_text("")
    assert btrfs.kernel_problem(release, [OURS], btrfs.in_use(str(root))) is None


def test_a_package_of_modules_comes_for_the_kernel_that_the_host_is_brought_to():
    assert kmods.problem(KMOD, {STOCK}, OURS, OURS).code == "kernel_module.other_kernel"
    assert kmods.problem(KMOD, {STOCK}, STOCK, STOCK) is None
    assert kmods.problem(KMOD, {OURS}, OURS, OURS) is None


def test_a_build_that_says_for_which_kernel_it_is_comes():
    assert kmods.problem(KMOD, kmods.built_for([], []), STOCK, STOCK).code == "kernel_module.kernel_unknown"
    assert kmods.problem(KMOD, kmods.built_for([], [f"kernel-uname-r = {STOCK}"]), STOCK, STOCK) is None
