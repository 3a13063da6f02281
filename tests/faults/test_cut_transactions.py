# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions that are cut in a scriptlet, and what the next run makes of them, whatever an operator did in between."""

from __future__ import annotations

import re

import pytest

from lab import hosts

from . import made
from .made import FAIL, SIG, STOCK, Row

RUNS, SAVED = "/var/lib/centos-hyperscale/runs", "/var/lib/centos-hyperscale/saved"
NAMES = ("alpha", "beta", "gamma")
WANT = {"packages": [{"names": list(NAMES)}]}
UNDO = {"state": "undone"}


class Swap:
    """A host with three stock packages, which come in this order, and Hyperscale builds of them on offer."""

    def __init__(self, live, folder):
        self.live = live
        needs = {"alpha": [], "beta": ["Requires: alpha"], "gamma": ["Requires: beta"]}
        made.offer(live, folder, [
            Row(name, version, vendor, needs[name]) for name in NAMES for version, vendor in ((1, STOCK), (2, SIG), (3, SIG))])
        live.command("dnf", "-y", "-q", "install", *self.builds(1))
        self.want = {"packages": [{"names": list(NAMES), "version": "2"}]}
        made.ran(live)

    def builds(self, version, *names):
        """Return builds as rpm prints them."""
        release = f"{'1' if version == 1 else '1.hs'}.el{self.live.stream}"
        return [f"{name}-{version}-{release}.noarch" for name in names or NAMES]

    def installed(self):
        """Return the builds that are installed."""
        return sorted(self.live.command("rpm", "-qa", *(f"{name}*" for name in NAMES)).split())

    def cut(self, hold, module="converge", more=None):
        """Cut the swap, or another job, in a scriptlet."""
        made.cut(self.live, module, more or self.want, hold)

    def files(self, version, *names):
        """Return the package files of the repository."""
        return [f"/srv/made/noarch/{build}.rpm" for build in self.builds(version, *names)]

    def lose_what_is_kept(self, *folders):
        """Take away what could complete or revert a transaction, and what is on offer."""
        for folder in folders:
            self.live.command("find", folder, "-name", "*.rpm", "-delete")
        self.live.command("sed", "-i", "s/^gpgcheck=0/gpgcheck=0\\nenabled=0/", "/etc/yum.repos.d/made.repo")
        self.live.command("sh", "-c", "rm -rf /var/cache/dnf/made*")

    def offer_again(self):
        """Have the builds on offer again."""
        self.live.command("sed", "-i", "/^enabled=0/d", "/etc/yum.repos.d/made.repo")

    def is_as_shipped(self):
        """Say whether rpm finds all files as it wrote them."""
        return hosts.command(self.live.host, ["rpm", "-V", "--nomtime", *NAMES]).stdout == ""

    def settled(self, more=None):
        """Run once more and return the result, which must not be a failure."""
        result = self.live.module("converge", more or self.want)
        assert "msg" not in result, result
        return result


@pytest.fixture(name="swap")
def fixture_swap(host, tmp_path):
    return Swap(host, tmp_path)


@pytest.fixture(name="swap9")
def fixture_swap9(host9, tmp_path):
    return Swap(host9, tmp_path)


@pytest.mark.parametrize("hold", [
    "pre-alpha-2", "post-alpha-2", "pre-gamma-2", "preun-alpha-1", "posttrans-alpha-2", "posttrans-gamma-2"])
def test_it_is_completed_and_all_scriptlets_have_run(swap, hold):
    swap.cut(hold)
    made.ran(swap.live)
    result = swap.settled()
    assert re.search("was (completed|finished)", result["interrupted"]["outcome"]), result
    assert swap.installed() == swap.builds(2) and swap.is_as_shipped() and result["left"] == []
    seen = made.ran(swap.live)
    assert {(slot, name) for slot, name, version, _count in seen if version == "2"} >= {
        (slot, name) for slot in ("pre", "post", "posttrans") for name in NAMES}
    assert swap.live.command("find", RUNS, "-name", "end.json") and not swap.live.command("find", RUNS, "-name", "*.rpm")
    assert swap.settled()["changed"] is False
    assert swap.settled(UNDO)["changed"] and swap.installed() == swap.builds(1)


def test_one_that_is_finished_is_no_more_than_checked_where_nothing_can_run_it_again(swap9):
    swap9.cut("posttrans-beta-2")
    swap9.lose_what_is_kept(RUNS, SAVED)
    result = swap9.settled()
    assert "was finished" in result["interrupted"]["outcome"] and swap9.installed() == swap9.builds(2)
    assert len(result["left"]) == 1 and "scriptlets" in result["left"][0] and "dnf reinstall" in result["left"][0]


def test_what_is_not_kept_is_downloaded(swap9):
    swap9.cut("pre-beta-2")
    swap9.live.command("find", RUNS, "-name", "*.rpm", "-delete")
    assert "was completed" in swap9.settled()["interrupted"]["outcome"] and swap9.installed() == swap9.builds(2)


@pytest.mark.parametrize("follow", ["rpm forward", "copies", "repository", "rpm back"])
def test_the_advice_works_as_it_is_given(swap, follow):
    swap.cut("pre-beta-2")
    swap.lose_what_is_kept(RUNS, SAVED)
    failed = swap.live.module("converge", swap.want)
    assert "was cut in its middle" in failed["msg"], failed
    places = re.findall(r"copy the package files of ([^;]*?) to (/\S+/packages);", failed["msg"])
    assert [place for _builds, place in places] and all("noarch" in builds for builds, _place in places), failed["msg"]
    again = swap.live.module("converge", swap.want)
    assert again["msg"] == failed["msg"]
    if follow == "copies":
        builds, place = places[0]
        swap.live.command("cp", *(f"/srv/made/noarch/{build}.rpm" for build in builds.split(", ")), place)
    elif follow == "repository":
        swap.offer_again()
    else:
        assert "rpm -U --oldpackage --replacepkgs FILES" in failed["msg"]
        swap.live.command("rpm", "-U", "--oldpackage", "--replacepkgs", *swap.files(2 if "forward" in follow else 1))
    if follow == "rpm back":
        result = swap.live.module("converge", UNDO)
        assert "msg" not in result and "taken back by somebody else" in result["interrupted"]["outcome"], result
        assert swap.installed() == swap.builds(1)
        swap.offer_again()
        assert swap.settled()["changed"]
    else:
        result = swap.settled()
        assert re.search("was (completed|finished)", result["interrupted"]["outcome"]), result
        assert result["left"] == []
    assert swap.installed() == swap.builds(2) and swap.is_as_shipped()


@pytest.mark.parametrize("way", ["newer", "removed", "older"])
def test_what_somebody_did_with_a_package_since_stays(swap, way):
    swap.cut("posttrans-alpha-2")
    if way == "newer":
        swap.live.command("dnf", "-y", "-q", "upgrade", "beta")
    elif way == "removed":
        swap.live.command("rpm", "-e", "gamma")
    else:
        swap.live.command("rpm", "-U", "--oldpackage", *swap.files(1, "beta"))
    there = swap.installed()
    # Another job settles it: the wish would bring the package back.
    result = swap.settled({"packages": []})
    assert re.search("was (completed|finished)", result["interrupted"]["outcome"]), result
    assert swap.installed() == there
    changed = "gamma-" if way == "removed" else "beta-"
    assert len(result["left"]) == 1 and changed in result["left"][0], result


def test_an_edit_of_a_file_that_is_written_over_is_kept(swap9):
    swap9.cut("posttrans-alpha-2")
    swap9.live.write("/usr/share/alpha/data", "edited\n")
    swap9.live.write("/etc/alpha.conf", "edited\n")
    result = swap9.settled()
    place = re.search(r"/usr/share/alpha/data .* is in (\S+)", "\n".join(result["left"])).group(1)
    assert swap9.live.command("cat", place) == "edited" and swap9.live.command("cat", "/usr/share/alpha/data") == "2"
    assert swap9.live.command("cat", "/etc/alpha.conf") == "edited"


def test_files_that_were_lost_are_written_again(swap9):
    swap9.cut("posttrans-alpha-2")
    swap9.live.command("sh", "-c", ": > /usr/share/alpha/data; rm /usr/share/beta/data /usr/share/doc/gamma/README")
    result = swap9.settled()
    assert result["left"] == [] and swap9.is_as_shipped()


def test_a_package_whose_scriptlet_fails_is_told_and_the_transaction_reverted(swap):
    swap.cut("pre-beta-2")
    swap.live.command("touch", f"{FAIL}/pre-beta-2")
    # Another job settles it: the wish would begin anew.
    result = swap.settled({"packages": []})
    outcome = result["interrupted"]["outcome"]
    assert "was taken back, because it cannot be completed" in outcome and "beta" in outcome, outcome
    assert swap.installed() == swap.builds(1) and swap.is_as_shipped()
    swap.live.command("rm", f"{FAIL}/pre-beta-2")
    assert swap.settled()["changed"] and swap.installed() == swap.builds(2)


def test_a_scriptlet_that_fails_on_both_ways_is_told_until_it_is_mended(swap9):
    swap9.cut("pre-beta-2")
    swap9.live.command("touch", f"{FAIL}/pre-beta-2", f"{FAIL}/pre-beta-1")
    failed = swap9.live.module("converge", swap9.want)
    assert "cannot be completed" in failed["msg"] and "cannot be reverted" in failed["msg"], failed
    swap9.live.command("rm", f"{FAIL}/pre-beta-2")
    assert "was completed" in swap9.settled()["interrupted"]["outcome"] and swap9.installed() == swap9.builds(2)


def test_an_old_build_that_does_not_go_is_told_with_the_command_that_removes_it(swap9):
    swap9.live.command("touch", f"{FAIL}/preun-alpha-1")
    failed = swap9.live.module("converge", swap9.want)
    old = swap9.builds(1, "alpha")[0]
    assert f"rpm -e --noscripts {old}" in failed["msg"], failed
    swap9.live.command("rpm", "-e", "--noscripts", old)
    assert swap9.settled()["interrupted"] and swap9.installed() == swap9.builds(2)


@pytest.mark.parametrize("completing", [False, True])
def test_a_disk_that_is_full_during_a_transaction_does_not_end_it(swap9, completing):
    live = swap9.live
    live.command("mkdir", "-p", "-m", "0700", "/var/lib/centos-hyperscale")
    live.command("mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "none", "/var/lib/centos-hyperscale")
    if completing:
        swap9.cut("pre-beta-2")
    process = made.start(live, "converge", swap9.want, "post-alpha-2")
    live.command("sh", "-c", "cat /dev/zero > /var/lib/centos-hyperscale/filler 2>/dev/null || :")
    assert hosts.command(live.host, ["sh", "-c", "echo x > /var/lib/centos-hyperscale/other"]).returncode
    live.command("rm", f"{made.HOLD}/post-alpha-2")
    print(process.communicate(timeout=180)[0])
    assert swap9.installed() == swap9.builds(2) and live.command("find", RUNS, "-name", "end.json")
    live.command("rm", "/var/lib/centos-hyperscale/filler")
    swap9.settled()
    assert swap9.settled()["changed"] is False and swap9.is_as_shipped()
    # The way back rests on what was saved, and on nothing else.
    swap9.lose_what_is_kept(RUNS)
    live.command("rm", "-rf", "/srv/made/noarch")
    assert swap9.settled(UNDO)["changed"] and swap9.installed() == swap9.builds(1)


def test_a_disk_without_room_for_the_end_is_refused_before_anything_changes(swap9):
    live = swap9.live
    live.command("mkdir", "-p", "-m", "0700", RUNS)
    live.command("chmod", "0700", "/var/lib/centos-hyperscale")
    live.command("mount", "-t", "tmpfs", "-o", "size=16k,mode=0700", "none", RUNS)
    failed = live.module("converge", swap9.want)
    assert failed["refused"] and f"the file system of {RUNS} is full" in failed["msg"], failed
    assert "Make room there" in failed["msg"] and swap9.installed() == swap9.builds(1)
    live.command("umount", RUNS)
    assert swap9.settled()["changed"]


def test_a_way_back_that_was_cut_goes_on(swap):
    assert swap.settled()["changed"]
    swap.cut("pre-beta-1", more=UNDO)
    result = swap.settled(UNDO)
    assert "was completed" in result["interrupted"]["outcome"], result
    assert swap.installed() == swap.builds(1) and swap.is_as_shipped()


KERNELS = ("kernel-core", "kernel-64k-core", "kernel-rt-core", "kernel-debug-core", "kernel-uki-virt")


def test_kernels_of_each_kind_stay_beside_each_other_when_a_transaction_is_completed(host, tmp_path):
    made.offer(host, tmp_path, [
        Row(name, version, vendor, ["Provides: installonlypkg(kernel)"], "kernel", beside=True)
        for name in KERNELS for version, vendor in (("5.14.0", STOCK), ("7.0.1", SIG))])
    host.command("dnf", "-y", "-q", "install", *(f"{name}-5.14.0" for name in KERNELS))
    want = {"packages": [{"family": "kernel", "also": list(KERNELS[1:])}]}
    made.cut(host, "converge", want, "pre-kernel-rt-core-7.0.1")
    result = host.module("converge", want)
    assert "was completed" in result["interrupted"]["outcome"], result
    assert len(host.command("rpm", "-q", *KERNELS).splitlines()) == 2 * len(KERNELS)
    undone = host.module("converge", UNDO)
    assert "msg" not in undone and len(host.command("rpm", "-q", *KERNELS).splitlines()) == len(KERNELS), undone


def test_what_dnf_conf_names_stays_beside_each_other(host, tmp_path):
    """A build that comes with others as their dependency, and that the host's own configuration never replaces."""
    made.offer(host, tmp_path, [
        Row("alpha", 1, STOCK, beside=True), Row("alpha", 2, SIG, beside=True), Row("beta", 1, STOCK),
        Row("beta", 2, SIG, ["Requires: alpha = 2"])])
    host.command("dnf", "-y", "-q", "install", "alpha-1", "beta-1")
    host.command("sed", "-i", r"s/^\[main\]/[main]\ninstallonlypkgs=alpha/", "/etc/dnf/dnf.conf")
    want = {"packages": [{"names": ["beta"]}]}
    made.cut(host, "converge", want, "pre-beta-2")
    assert "was completed" in host.module("converge", want)["interrupted"]["outcome"]
    assert len(host.command("rpm", "-q", "alpha").splitlines()) == 2
    named = host.module("converge", {"packages": [{"names": ["alpha"]}]})
    assert named["refused"] and "installonlypkgs" in named["msg"], named
