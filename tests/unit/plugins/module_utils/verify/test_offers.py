# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What repositories offer beside a swap: on plain data, and as a real dnf reads it from real repositories."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.verify import fetch
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.predicted import offers
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.predicted.offers import Offer, Offers, Policy
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify import hostlab
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.hostlab import ARCH, fired, silent


@pytest.fixture
def lab(tmp_path, workshop):
    return hostlab.Lab(tmp_path, workshop)


def told(chosen=(), others=(), limit=3, protected=()):
    return Offers(list(chosen), list(others), Policy(limit, list(protected), True))


SIG = Offer("tool", "x86_64", "2-2.hs.el9", "hyperscale", 99)


def stock(evr="2-3.el9", priority=99, arch="x86_64", **more):
    return Offer("tool", arch, evr, "baseos", priority, **more)


@pytest.mark.usefixtures("workshop")
class TestOrder:
    @pytest.mark.parametrize(("other", "check"), [
        (stock(), "evr.stock_wins"),
        (stock("1:1-1.el9"), "evr.stock_wins"),
        (stock(priority=1), "evr.stock_wins"),
        (stock(arch="noarch"), "evr.stock_wins"),
        (stock(priority=100), "evr.held_back"),
        (stock(excluded=True), "evr.held_back"),
        (stock("2-2.el9"), None),
        (stock("1-9.el9"), None),
        (stock(arch="i686"), None),
        (Offer("tool", "x86_64", "3-1.hs.el9", "hyperscale", 99), None),
        (Offer("other", "x86_64", "9-1.el9", "baseos", 99), None),
    ])
    def test_stock_above_the_chosen_build(self, other, check):
        findings = list(offers.order(told([SIG], [other])))
        if check is None:
            silent(findings, "evr.stock_wins")
            silent(findings, "evr.held_back")
            return
        finding = fired(findings, check, "tool", consumers=[])
        assert (finding.before, finding.after, len(findings)) == ("2-2.hs.el9", other.evr, 1)
        assert ("exclude" in finding.diagnosis) == other.excluded

    def test_each_architecture_is_looked_at(self):
        mine = [SIG, SIG._replace(arch="i686", evr="2-9.hs.el9")]
        findings = list(offers.order(told(mine, [stock(), stock(arch="i686")])))
        assert [(f.check, f.subject.arch) for f in findings] == [("evr.stock_wins", "x86_64")]

    def test_on_the_way_back_the_words_are_the_other_way_round(self):
        back = Offer("tool", "x86_64", "1-1.el9", "baseos", 99)
        (finding,) = offers.order(told([back], [SIG]))
        assert finding.title == "A Hyperscale build of tool sorts above the stock one"


def test_the_way_back(lab, workshop):
    lab.have("tool", "1")
    swap = lab.swap([workshop.rpm("tool", "2")])
    fired(offers.way_back(swap, told()), "return.unavailable", "tool", consumers=[])
    silent(offers.way_back(swap, told(others=[Offer("tool", "noarch", "1-1.el9", "baseos", 99, True)])), "return.unavailable")
    fired(offers.way_back(swap, told(others=[Offer("tool", "noarch", "1-2.el9", "baseos", 99)])), "return.unavailable", "tool")


def test_the_way_back_to_an_epoch(lab, workshop):
    lab.have("tool", "1", epoch=1)
    lab.have("plain", "1", epoch=0)
    swap = lab.swap([workshop.rpm("tool", "2", epoch=1), workshop.rpm("plain", "2")])
    there = [Offer("tool", "noarch", "1:1-1.el9", "baseos", 99), Offer("plain", "noarch", "1-1.el9", "baseos", 99)]
    silent(offers.way_back(swap, told(others=there)), "return.unavailable")


def test_protected_packages(lab, workshop):
    lab.have("guarded")
    lab.have("tool")
    leaving = lab.swap([workshop.rpm("tool", "2")], going=["guarded"])
    finding = fired(
        offers.protected(leaving, told(protected=["guarded"]), ""), "protected.removed", "guarded",
        consumers=[("package", "guarded-1-1.el9.noarch")])
    assert finding.blocking
    silent(offers.protected(leaving, told(protected=["tool"]), ""), "protected.removed")
    silent(offers.protected(leaving, told(), ""), "protected.removed")


@pytest.mark.parametrize(("running", "fires"), [
    (f"5-1.el9.{ARCH}", True), (f"5-1.el9.{ARCH}+debug", True), (f"5-1.el9_2.{ARCH}", False), (f"6-1.el9.{ARCH}", False),
    ("", False)])
def test_the_running_kernel(lab, workshop, running, fires):
    lab.have("kernel-core", "5", arch=ARCH)
    lab.have("kernel-core", "6", arch=ARCH)
    coming = workshop.rpm("kernel-core", "7", arch=ARCH)
    swap = lab.swap([coming], going=["kernel-core"])
    swap.old = [build for build in swap.old if build.evr == "5-1.el9"]
    findings = list(offers.protected(swap, told(), running))
    if fires:
        assert "running kernel" in fired(findings, "protected.removed", "kernel-core").diagnosis
    else:
        silent(findings, "protected.removed")


@pytest.mark.parametrize(("here", "limit", "running", "coming", "fires"), [
    (["5-1.el9"], 2, "", "9-1.hs.el9", False),
    (["5-1.el9", "6-1.hs.el9"], 2, "", "9-1.hs.el9", True),
    (["5-1.el9", "6-1.hs.el9"], 3, "", "9-1.hs.el9", False),
    (["5-1.el9", "6-1.hs.el9", "7-1.hs.el9"], 3, "", "9-1.hs.el9", True),
    (["5-1.el9", "6-1.el9", "7-1.hs.el9"], 3, "", "9-1.hs.el9", False),
    (["5-1.el9", "6-1.el9", "7-1.hs.el9"], 2, "", "9-1.hs.el9", True),
    (["5-1.el9", "6-1.hs.el9"], 2, "5-1.el9", "9-1.hs.el9", False),
    (["5-1.el9", "6-1.hs.el9"], 0, "", "9-1.hs.el9", False),
    (["5-1.el9", "6-1.hs.el9"], 2, "", "9-1.el9", False),
    (["5-1.hs.el9", "6-1.hs.el9"], 2, "", "9-1.hs.el9", False),
], ids=["one and 2", "two and 2", "two and 3", "three and 3", "the older of two stock ones", "both stock ones", "it runs",
        "no limit", "a stock one comes", "none was there"])
def test_the_last_stock_kernel(lab, workshop, here, limit, running, coming, fires):
    for label in here:
        version, _dash, release = label.partition("-")
        lab.have("kernel-core", version, release, arch=ARCH)
    version, _dash, release = coming.partition("-")
    swap = lab.swap([workshop.rpm("kernel-core", version, release, arch=ARCH)])
    findings = list(offers.evicted(swap, told(limit=limit), f"{running}.{ARCH}" if running else ""))
    if fires:
        finding = fired(findings, "kernel.last_stock_evicted", "kernel-core")
        assert {c.name for c in finding.consumers} == {f"kernel-core-{label}.{ARCH}" for label in here if ".hs." not in label}
    else:
        silent(findings, "kernel.last_stock_evicted")


def test_what_dnf_decided_to_remove_counts(lab, workshop):
    lab.have("kernel-core", "5", arch=ARCH)
    lab.have("kernel-core", "6", "1.hs.el9", arch=ARCH)
    coming = workshop.rpm("kernel-core", "9", "1.hs.el9", arch=ARCH)
    swap = lab.swap([coming], going=["kernel-core"])
    swap.old = [build for build in swap.old if build.evr == "5-1.el9"]
    swap.installed._going = {build.nevra for build in swap.old}
    fired(offers.evicted(swap, told(limit=3)), "kernel.last_stock_evicted", "kernel-core")


def test_on_real_repositories(lab, workshop, tmp_path):
    hostlab.need("createrepo_c")
    pytest.importorskip("dnf", reason="python3-dnf is not importable by this interpreter")
    lab.have("tool", "1", source="tools")
    sig = hostlab.Repository(
        tmp_path / "sig", workshop.rpm("tool", "2", "1.hs.el9", source="tools"),
        workshop.rpm("tool-extra", "2", "1.hs.el9", source="tools"), workshop.rpm("tool-devel", "2", "1.hs.el9", source="tools"))
    base = hostlab.Repository(
        tmp_path / "base", workshop.rpm("tool", "1", source="tools"), workshop.rpm("tool", "3", source="tools"))

    def read(chosen_release="1.hs.el9", **options):
        opened = hostlab.open_base(
            lab, tmp_path / f"dnf{len(list(tmp_path.iterdir()))}", sig=(f"file://{sig.folder}", options.get("sig", {})),
            base=(f"file://{base.folder}", options.get("base", {})))
        chosen = [p for p in opened.sack.query().available().filter(name="tool") if p.release == chosen_release][:1]
        return opened, chosen

    opened, chosen = read()
    found = offers.gather(opened, chosen, ["tool"])
    assert found.chosen == [Offer("tool", "noarch", "2-1.hs.el9", "sig", 99)]
    assert sorted(offer.evr for offer in found.others) == ["1-1.el9", "3-1.el9"]
    assert found.policy.installonly_limit == 3
    fired(offers.order(found), "evr.stock_wins", "tool")
    swap = lab.swap([workshop.rpm("tool", "2", "1.hs.el9", source="tools")])
    silent(offers.way_back(swap, found), "return.unavailable")
    # What is in the same source and does not come along, but for what no file moves into.
    assert [package.name for package in offers.beside(opened, chosen)] == ["tool-extra"]
    opened.close()

    opened, chosen = read(sig={"priority": 10})
    fired(offers.order(offers.gather(opened, chosen, ["tool"])), "evr.held_back", "tool")
    opened.close()

    # An exclude hides stock from the next update, and not from the way back.
    opened, chosen = read(base={"excludepkgs": ["tool"]})
    found = offers.gather(opened, chosen, ["tool"])
    fired(offers.order(found), "evr.held_back", "tool")
    silent(offers.order(found), "evr.stock_wins")
    silent(offers.way_back(swap, found), "return.unavailable")
    opened.close()


def test_a_build_that_was_saved_on_the_host(lab, workshop, tmp_path):
    hostlab.need("createrepo_c")
    pytest.importorskip("dnf", reason="python3-dnf is not importable by this interpreter")
    lab.have("tool", "2", "1.hs.el9", source="tools")
    saved = workshop.rpm("tool", "1", source="tools")
    base = hostlab.Repository(tmp_path / "base", workshop.rpm("tool", "3", source="tools"))
    opened = hostlab.open_base(lab, tmp_path / "dnf", base=(f"file://{base.folder}", {}))
    chosen = opened.add_remote_rpms([str(saved)])
    found = offers.gather(opened, chosen, ["tool"])
    assert found.chosen == [Offer("tool", "noarch", "1-1.el9", offers.SAVED, offers.DEFAULT_PRIORITY)]
    assert [offer.evr for offer in found.others] == ["3-1.el9"]
    fetched = fetch.fetch(opened, chosen, str(tmp_path), None)
    assert [entry.build.nevra for entry in fetched.incoming] == ["tool-1-1.el9.noarch"] and fetched.findings == []
    opened.close()
