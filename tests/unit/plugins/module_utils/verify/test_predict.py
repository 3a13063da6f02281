# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole prediction on a host in a folder: every end it can come to, and that nothing unchecked passes."""

from __future__ import annotations

import os

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Problem
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import mounts
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import bugs, predict, report
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.checks import PREDICT, TABLE
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.groups import Group
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify import hostlab


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    hostlab.need("createrepo_c")
    pytest.importorskip("dnf", reason="python3-dnf is not importable by this interpreter")
    return hostlab.Workshop(tmp_path_factory.mktemp("builds"))


@pytest.fixture
def lab(tmp_path, workshop, monkeypatch):
    # The room of the machine that runs the tests is none of theirs.
    monkeypatch.setattr(mounts, "free_bytes", lambda _root, _path: 1 << 40)
    return hostlab.Lab(tmp_path / "host", workshop)


def seen(lab, folder, *coming, going=None, extra=()):
    """Let a witness look at a real Base whose repository has some packages."""
    repo = hostlab.Repository(folder / "repo", *coming, *extra)
    base = hostlab.open_base(lab, folder, repo=(f"file://{repo.folder}", {}))
    witness = predict.Witness(str(folder / "headers"))
    names = [hostlab.build_of(path).name for path in coming]
    witness.look(base, [], hostlab.available(base, *names), going)
    base.close()
    return witness


def outcome(result):
    return {check["id"]: (check["status"], check["reason"]) for check in result["checks"]}


def assert_whole(result):
    """Every check has an outcome, and those of this phase were carried out or say why not."""
    told = outcome(result)
    assert list(told) == [check.id for check in TABLE]
    assert all(reason for status, reason in told.values() if status != "ran")
    assert "nothing carried it out" not in {reason for _status, reason in told.values()}
    for finding in result["findings"]:
        assert len(finding["key"]) == 16 and finding["waiver"] is None


def test_nothing_to_change(lab, tmp_path):
    lab.have("tool")
    result = predict.predict(lab.view, predict.Witness(str(tmp_path / "headers")), [], [])
    assert_whole(result)
    assert (result["verdict"], result["findings"], result["packages"]) == (report.DROP_IN, [], [])
    of_phase = {check.id for check in TABLE if PREDICT in check.phases} - set(predict.OF_SOLVER) - {"waiver.expired"}
    told = outcome(result)
    assert {told[name] for name in of_phase} == {("skipped", report.NOTHING_TO_DO)}


def test_a_swap_without_trouble(lab, workshop, tmp_path):
    lab.have("tool", "1", files={"/usr/share/tool": "x"}, payload=True)
    coming = workshop.rpm("tool", "2", files={"/usr/share/tool": "y"})
    result = predict.predict(lab.view, seen(lab, tmp_path, coming, extra=[workshop.rpm("tool", "1", files={
        "/usr/share/tool": "x"})]), [], [])
    assert_whole(result)
    assert (result["verdict"], [f["check"] for f in result["findings"]]) == (report.DROP_IN, [])
    of_phase = {check.id for check in TABLE if PREDICT in check.phases}
    told = outcome(result)
    assert {name for name in of_phase if told[name][0] != "ran"} == set()
    (package,) = result["packages"]
    assert (package["from_nevra"], package["to_nevra"], package["to_repo"]) == (
        "tool-1-1.el9.noarch", "tool-2-1.el9.noarch", "repo")
    assert result["cost"]["headers"] == 1 and result["repos"] == ["repo"] and result["phase"] == "predict"


def test_a_swap_that_breaks_a_package_of_the_host(lab, workshop, tmp_path):
    lab.have("tool", "1", tags=["Provides: thing = 1"])
    lab.have("dependent", tags=["Requires: thing = 1"])
    witness = seen(lab, tmp_path, workshop.rpm("tool", "2"))
    result = predict.predict(lab.view, witness, [Problem(
        "transaction.unsolvable", "these packages cannot be brought together on this host", "nothing provides thing = 1",
        "Erase dependent")], [])
    assert_whole(result)
    assert result["verdict"] == report.NOT_DROP_IN
    found = {finding["check"] for finding in result["findings"]}
    assert {"transaction.unsolvable", "dependent.broken", "provides.lost"} <= found
    (told,) = [f for f in bugs.reports(result) if f["text"].startswith("tool: dependent would no longer")]
    for words in ("tool-1-1.el9.noarch -> tool-2-1.el9.noarch from repo", "thing = 1", "dnf install tool-2-1.el9.noarch",
                  "Repositories: repo", "Steps:", "dependent.broken"):
        assert words in told["text"]


@pytest.mark.parametrize(("problem", "check", "subject", "verdict"), [
    (Problem(
        "package.hidden", "tool is wanted", "its Hyperscale builds are hidden by an exclude or version lock: 2 (repo)", "Lift it",
        subject="tool"),
     "build.hidden", "tool", report.NOT_DROP_IN),
    (Problem(
        "package.not_offered", "tool is wanted", "no enabled repository offers a Hyperscale build of it", "Enable it",
        subject="tool"),
     "build.hidden", "tool", report.NOT_DROP_IN),
    (Problem(
        "transaction.protected", "these packages cannot be brought together on this host",
        "Problem: The operation would result in removing the following protected packages: systemd", "No", subject="systemd"),
     "protected.removed", "systemd", report.NOT_DROP_IN),
    (Problem(
        "transaction.unsolvable", "these packages cannot be brought together on this host", "Problem: conflicting requests",
        "Look"),
     "transaction.unsolvable", "this host", report.NOT_DROP_IN),
    (Problem(
        "transaction.erases_unnamed", "the transaction would erase tool-1-1.noarch", "nobody named these packages", "Name it"),
     "transaction.unsolvable", "this host", report.NOT_DROP_IN),
    (Problem("repository.unreadable", "a repository cannot be read", "404", "Mend it"),
     "plan.refused", "repository.unreadable", report.UNKNOWN),
])
@pytest.mark.parametrize("looked", [True, False])
def test_a_planner_that_refuses(lab, workshop, tmp_path, problem, check, subject, verdict, looked):
    lab.have("tool", "1")
    witness = seen(lab, tmp_path, workshop.rpm("tool", "2")) if looked else predict.Witness(str(tmp_path / "headers"))
    result = predict.predict(lab.view, witness, [problem], [])
    assert_whole(result)
    (finding,) = [finding for finding in result["findings"] if finding["check"] == check]
    assert finding["subject"]["name"] == subject and finding["blocking"] and finding["severity"] == "high"
    assert finding["remediations"] == [{"type": "hint", "content": problem.remedy}]
    assert result["verdict"] == verdict
    if not looked:
        # Nothing was read, and nothing claims that it was.
        assert outcome(result)["package.unreadable"][0] == outcome(result)["signature.invalid"][0] == "skipped"


def test_a_check_that_fails_makes_the_verdict_unknown(lab, workshop, tmp_path, monkeypatch):
    lab.have("tool", "1")

    def broken(_swap):
        raise KeyError("nobody foresaw\nthis")

    monkeypatch.setattr(predict, "OF_HOST", [*predict.OF_HOST, Group(("mount.read_only",), broken)])
    result = predict.predict(lab.view, seen(lab, tmp_path, workshop.rpm("tool", "2"), extra=[workshop.rpm("tool", "1")]), [], [])
    assert_whole(result)
    assert outcome(result)["mount.read_only"] == ("error", "KeyError: 'nobody foresaw\\nthis'")
    assert outcome(result)["mount.noexec"][0] == "ran"
    assert result["verdict"] == report.UNKNOWN
    assert "could not check mount.read_only" in report.text(result)


def test_an_error_counts_whichever_function_comes_last(lab, workshop, tmp_path, monkeypatch):
    lab.have("tool", "1")
    monkeypatch.setattr(mounts, "free_bytes", lambda _root, _path: 1 / 0)
    coming = workshop.rpm("tool", "2", files={"/usr/share/tool": "y"})
    result = predict.predict(lab.view, seen(lab, tmp_path, coming), [], [])
    # rpm's own look at the room ran afterwards.
    assert outcome(result)["disk.space"][0] == "error" and result["verdict"] == report.UNKNOWN


def test_a_package_that_cannot_be_read(lab, workshop, tmp_path):
    lab.have("tool", "1")
    repo = hostlab.Repository(tmp_path / "repo", workshop.rpm("tool", "2"))
    base = hostlab.open_base(lab, tmp_path, repo=(f"file://{repo.folder}", {}))
    repo.package("tool").write_bytes(b"no package at all" * 1000)
    witness = predict.Witness(str(tmp_path / "headers"))
    witness.look(base, [], hostlab.available(base, "tool"), None)
    base.close()
    result = predict.predict(lab.view, witness, [], [])
    assert_whole(result)
    assert result["verdict"] == report.UNKNOWN
    assert [finding["check"] for finding in result["findings"]] == ["package.unreadable"]
    status, reason = outcome(result)["provides.lost"]
    assert status == "skipped" and "could not be read" in reason
    # Nobody can waive what is not known.
    waiver = {"key": result["findings"][0]["key"], "by": "me", "reason": "why", "until": "2999-01-01"}
    assert predict.predict(lab.view, witness, [], [waiver])["verdict"] == report.UNKNOWN


@pytest.mark.parametrize("problems", [[], [Problem(
    "rpm.database_unreadable", "the packages of this host cannot be read", "it is spoilt", "Mend it")]])
def test_a_database_that_cannot_be_read(lab, tmp_path, problems):
    lab.have("tool")
    folder = rpmdb.database_path(lab.root)
    if not os.path.exists(os.path.join(folder, "rpmdb.sqlite")):
        pytest.skip("this rpm keeps its packages in no sqlite database")
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    with open(os.path.join(folder, "rpmdb.sqlite"), "w", encoding="ascii") as handle:
        handle.write("garbage" * 1000)
    result = predict.predict(lab.view, predict.Witness(str(tmp_path / "headers")), problems, [])
    assert_whole(result)
    (finding,) = result["findings"]
    assert (finding["check"], result["verdict"]) == ("plan.refused", report.UNKNOWN)


def test_what_a_function_sees_beyond_its_own_checks_is_kept():
    recorder = predict.Recorder(PREDICT)
    beyond = predict.found("file.needs_subpackage", predict.Subject("unit", "a.service", "", "tool-extra"), None, None, "So.")
    recorder.run(("unit.vanished",), lambda: [beyond])
    assert recorder.findings == [beyond]
