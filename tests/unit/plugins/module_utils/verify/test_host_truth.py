# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rpm itself says of a transaction: real packages, a real database, and neighbours that differ in one thing."""

from __future__ import annotations

import subprocess
import types

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.predicted import relations, truth
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify import hostlab
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.hostlab import fired, silent


@pytest.fixture
def lab(tmp_path, workshop):
    return hostlab.Lab(tmp_path, workshop)


def asked(lab, *coming, going=()):
    return list(truth.problems(lab.swap(coming, going), lab.root, hostlab.incoming(*coming)))


@pytest.mark.parametrize("want", ["nowhere", "thing >= 3", "/usr/bin/nowhere", "rpmlib(NoSuchFeature) <= 9-1"])
def test_a_requirement_that_nothing_answers(lab, workshop, want):
    lab.have("lib", "1")
    lab.have("other", tags=["Provides: thing = 2"])
    findings = asked(lab, workshop.rpm("lib", "2", tags=[f"Requires: {want}"]))
    finding = fired(findings, "requires.unsatisfied", want, package="lib", consumers=[])
    assert finding.after == "lib-2-1.el9.noarch"
    assert finding.blocking


@pytest.mark.parametrize("want", [
    "other", "thing >= 1", "thing = 2", "/usr/bin/there", "rpmlib(CompressedFileNames) <= 3.0.4-1", "(other if nobody)"])
def test_a_requirement_that_the_host_answers(lab, workshop, want):
    lab.have("lib", "1")
    lab.have("other", tags=["Provides: thing = 2"], files={"/usr/bin/there": "x"})
    findings = asked(lab, workshop.rpm("lib", "2", tags=[f"Requires: {want}"]))
    silent(findings, "requires.unsatisfied")
    assert findings == []


def test_a_requirement_that_the_transaction_answers(lab, workshop):
    lab.have("lib", "1")
    coming = [workshop.rpm("lib", "2", tags=["Requires: brought"]), workshop.rpm("brought")]
    assert asked(lab, *coming) == []


def test_an_installed_package_loses_what_it_requires(lab, workshop):
    lab.have("lib", "1", tags=["Provides: thing = 1"])
    lab.have("dependent", tags=["Requires: thing = 1"], epoch=0)
    findings = asked(lab, workshop.rpm("lib", "2", tags=["Provides: thing = 2"]))
    finding = fired(findings, "dependent.broken", "dependent", consumers=[("package", "dependent-1-1.el9.noarch")])
    assert finding.before == "dependent-1-1.el9.noarch"
    assert "thing = 1" in finding.diagnosis and "lib-1-1.el9.noarch provides it now" in finding.diagnosis
    assert len(findings) == 1


def test_dependents_that_are_served_or_go_as_well(lab, workshop):
    lab.have("lib", "1", tags=["Provides: thing = 1"])
    lab.have("content", tags=["Requires: thing >= 1"])
    lab.have("leaving", tags=["Requires: thing = 1"])
    coming = workshop.rpm("lib", "2", tags=["Provides: thing = 2"])
    silent(asked(lab, coming, going=["leaving"]), "dependent.broken")
    fired(asked(lab, coming), "dependent.broken", "leaving")


def test_what_was_broken_before_is_no_matter_of_the_swap(lab, workshop):
    lab.have("lib", "1")
    lab.have("broken", tags=["Requires: nowhere"])
    coming = workshop.rpm("lib", "2")
    assert asked(lab, coming) == []
    finding = fired(
        truth.broken_already(lab.swap([coming])), "installed.broken", "broken", package="nowhere", consumers=[])
    assert finding.baseline and not finding.blocking and finding.confidence == "proven"


@pytest.mark.parametrize(("want", "broken"), [
    ("thing >= 3", True), ("thing = 2", False), ("thing < 3", False), ("/usr/bin/nowhere", True), ("/usr/bin/there", False),
    ("unversioned = 5", False), ("lib", False), ("rpmlib(NoSuchFeature) <= 9-1", False), ("(nowhere if nobody)", False)])
def test_broken_by_rpms_own_comparison(lab, workshop, want, broken):
    lab.have("lib", "1")
    lab.have("other", tags=["Provides: thing = 2", "Provides: unversioned"], files={"/usr/bin/there": "x"})
    lab.have("asking", tags=[f"Requires: {want}"])
    findings = list(truth.broken_already(lab.swap([workshop.rpm("lib", "2")])))
    if broken:
        fired(findings, "installed.broken", "asking", package=want.split()[0])
    else:
        silent(findings, "installed.broken")


def test_a_new_conflict_with_an_installed_package(lab, workshop):
    lab.have("lib", "1")
    lab.have("enemy", tags=["Provides: foe = 3"])
    swap = lab.swap([workshop.rpm("lib", "2", tags=["Conflicts: foe < 5"])])
    said = list(truth.problems(swap, lab.root, hostlab.incoming(workshop.rpm("lib", "2", tags=["Conflicts: foe < 5"]))))
    for findings in (said, list(relations.conflicts(swap))):
        finding = fired(
            findings, "conflict.gained", "foe", package="lib", consumers=[("package", "enemy-1-1.el9.noarch")])
        assert finding.after == "foe < 5"
    # Both see the same thing, and so share its key.
    assert {finding.key for finding in said} == {finding.key for finding in relations.conflicts(swap)}


@pytest.mark.parametrize("tag", ["Conflicts: foe < 3", "Conflicts: nobody"])
def test_a_conflict_with_nobody_here(lab, workshop, tag):
    lab.have("lib", "1")
    lab.have("enemy", tags=["Provides: foe = 3"])
    silent(asked(lab, workshop.rpm("lib", "2", tags=[tag])), "conflict.gained")


def test_an_installed_package_that_conflicts_with_the_new_build(lab, workshop):
    lab.have("lib", "1")
    lab.have("guard", tags=["Conflicts: lib >= 2"])
    finding = fired(
        asked(lab, workshop.rpm("lib", "2")), "conflict.gained", "lib", package="guard",
        consumers=[("package", "guard-1-1.el9.noarch")])
    assert finding.title == "guard-1-1.el9.noarch conflicts with the new build of lib"
    silent(asked(lab, workshop.rpm("lib", "1.5")), "conflict.gained")


def test_a_file_of_another_package(lab, workshop):
    lab.have("lib", "1")
    lab.have("owner", files={"/usr/share/thing": "mine"}, epoch=0)
    finding = fired(
        asked(lab, workshop.rpm("lib", "2", files={"/usr/share/thing": "yours"})), "file.conflict", "/usr/share/thing",
        consumers=[("package", "owner-1-1.el9.noarch")])
    assert (finding.before, finding.after) == ("owner-1-1.el9.noarch", "lib-2-1.el9.noarch")


def test_a_file_that_two_new_builds_bring(lab, workshop):
    lab.have("lib", "1")
    coming = [workshop.rpm("lib", "2", files={"/usr/share/thing": "a"}), workshop.rpm("brought", files={"/usr/share/thing": "b"})]
    assert {c.name for c in fired(asked(lab, *coming), "file.conflict", "/usr/share/thing").consumers} <= {
        "lib-2-1.el9.noarch", "brought-1-1.el9.noarch"}


@pytest.mark.parametrize("going", [False, True], ids=["same content", "other content, and its owner goes"])
def test_a_file_that_may_be_shared(lab, workshop, going):
    lab.have("lib", "1")
    lab.have("owner", files={"/usr/share/thing": "mine"})
    coming = workshop.rpm("lib", "2", files={"/usr/share/thing": "yours" if going else "mine"})
    silent(asked(lab, coming, going=["owner"] if going else []), "file.conflict")


@pytest.mark.parametrize(("kind", "unit"), [(truth.DISK_SPACE, "bytes"), (truth.DISK_NODES, "inodes")])
def test_room_as_rpm_says_it(lab, kind, unit):
    problem = types.SimpleNamespace(_str="/usr", pkgNEVR="lib-2-1.el9.noarch", altNEVR="", type=kind, _num=4096)
    finding = fired([truth._finding(lab.swap(), problem)], "disk.space", "/usr", consumers=[])
    assert finding.after == 4096 and unit in finding.diagnosis


def test_room_on_a_real_file_system(tmp_path, workshop):
    place = tmp_path / "root"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(place)], check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        lab = hostlab.Lab.__new__(hostlab.Lab)
        lab.folder, lab.root, lab.workshop, lab.answers = place, str(place), workshop, {}
        hostlab.call("rpm", "--root", lab.root, "--initdb")
        lab.install(workshop.rpm("lib", "1"))
        large = workshop.rpm("lib", "2", files={"/usr/share/large": "x" * (8 << 20)})
        assert fired(asked(lab, large), "disk.space", "/").after > 0
        silent(asked(lab, workshop.rpm("lib", "2", files={"/usr/share/large": "x" * 4096})), "disk.space")
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_build_for_another_architecture(lab, workshop):
    other = "aarch64" if hostlab.ARCH != "aarch64" else "x86_64"
    finding = fired(
        asked(lab, workshop.rpm("lib", "2", arch=other)), "cpu.baseline", "lib", consumers=[("processor", hostlab.ARCH)])
    assert finding.subject.arch == other
    silent(asked(lab, workshop.rpm("lib", "2", arch=hostlab.ARCH)), "cpu.baseline")


def test_what_rpm_refuses_for_a_reason_of_its_own_is_not_passed_over(lab, workshop):
    lab.have("successor", tags=["Obsoletes: lib < 5"])
    fired(asked(lab, workshop.rpm("lib", "2")), "transaction.unsolvable", "lib")
    silent(asked(lab, workshop.rpm("lib", "6")), "transaction.unsolvable")


def test_a_lower_version_is_no_problem_of_the_test_transaction(lab, workshop):
    lab.have("lib", "2")
    assert asked(lab, workshop.rpm("lib", "1")) == []


def test_a_test_transaction_that_ends_without_a_reason_is_an_error(lab, workshop, monkeypatch):
    lab.have("lib", "1")

    class Silent(truth.rpm.TransactionSet):
        def run(self, callback, data):
            return []

    monkeypatch.setattr(truth.rpm, "TransactionSet", Silent)
    with pytest.raises(OSError, match="no reason"):
        asked(lab, workshop.rpm("lib", "2"))


def test_the_test_transaction_changes_nothing(lab, workshop):
    lab.have("lib", "1", files={"/usr/share/a": "old"}, payload=True)
    asked(lab, workshop.rpm("lib", "2", files={"/usr/share/a": "new"}))
    assert [package.nevra for package in rpmdb.installed(lab.ts())] == ["lib-1-1.el9.noarch"]
    assert (lab.folder / "usr/share/a").read_text() == "old\n"


def test_an_evicted_kernel_goes_with_the_transaction(lab, workshop):
    lab.have("kernel-core", "5", arch=hostlab.ARCH, tags=["Provides: kernel-uname-r = 5"])
    lab.have("module", tags=["Requires: kernel-uname-r = 5"])
    coming = workshop.rpm("kernel-core", "6", arch=hostlab.ARCH, tags=["Provides: kernel-uname-r = 6"])
    silent(asked(lab, coming), "dependent.broken")
    fired(asked(lab, coming, going=["kernel-core"]), "dependent.broken", "module")
