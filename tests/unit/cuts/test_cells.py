# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which jobs are cut, how a host is judged after it, and what is written of it."""

from __future__ import annotations

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from cuts import admin, cells, document, judgement  # noqa: E402

KEY = cells.Step("rpm-key", "39DD", 0.02)
SWAP = cells.Step("transaction", "14 packages in, 6 out", 1.4)
ONLY_9 = cells.Step("file", "/etc/nine", 0.001)
# Enough of them for each work to meet each fault and way.
MORE = [cells.Step("file", f"/etc/{number}", 0.001) for number in range(6)]
MANY = {9: {cells.ADOPT: [KEY, SWAP, *MORE], cells.ROLLBACK: [*MORE, SWAP, KEY]}}
STEPS = {
    9: {cells.ADOPT: [KEY, SWAP, ONLY_9], cells.ROLLBACK: [ONLY_9, SWAP._replace(subject="6 packages in, 14 out"), KEY]},
    10: {cells.ADOPT: [KEY, SWAP], cells.ROLLBACK: [SWAP, KEY]},
}
LOOK = {
    "packages": ["a-1", "b-1"], "manager": ["252"], "reasons": {"a": "user"}, "configuration": {"/etc/a": "1"}, "units": {},
    "twice": [], "verify": [], "rests": [], "failed": [], "checked": [],
}
GOOD = {"changed": False, "interrupted": None, "actions": []}


def record(cell, good=True, words=()):
    return cells.Record(*cell, good, 7.4, "", "", list(words))


def test_a_transaction_is_the_same_step_whatever_its_numbers():
    assert SWAP.label == STEPS[9][cells.ROLLBACK][1].label == "transaction"
    assert KEY.label == "rpm-key 39DD"


def test_every_step_is_cut_in_both_jobs_and_a_stream_only_where_it_has_the_step():
    chosen = cells.choose(STEPS, admin.GROUPS)
    assert len(set(chosen)) == len(chosen)
    assert {(cell.job, cell.label) for cell in chosen} == {
        (job, label) for job in cells.JOBS for label in (cells.LEDGER, *(step.label for step in (KEY, SWAP, ONLY_9)))}
    assert {cell.stream for cell in chosen if cell.label == ONLY_9.label} == {9}
    assert {cell.stream for cell in chosen if cell.label == SWAP.label} == {9, 10}


@pytest.mark.parametrize("job", cells.JOBS)
def test_a_transaction_gets_all_faults_at_all_depths(job):
    found = cells.faults_of(job, cells.TRANSACTION, 0)
    assert {(fault, moment) for fault in cells.FAULTS[:4] for moment in (*cells.DEPTHS, cells.LAST)} <= set(found)
    assert (cells.TRANSACTION_KILLED, cells.BEGAN) not in found


def test_a_transaction_that_is_struck_in_its_middle_meets_two_ways():
    chosen = [cell for cell in cells.choose(STEPS, admin.GROUPS) if cells.depth(cell.moment) is not None]
    met = {}
    for cell in chosen:
        met.setdefault((cell.job, cell.fault, cell.moment), set()).add(cell.way)
    assert {len(ways) for ways in met.values()} == {2}


@pytest.mark.parametrize("job", cells.JOBS)
def test_the_disk_is_full_before_each_line_of_the_ledger(job):
    lines = {moment for fault, moment in cells.faults_of(job, KEY.label, 1) if fault == cells.DISK_FULL}
    lines |= {moment for _fault, moment in cells.faults_of(job, cells.LEDGER, 0)}
    states = ("intent", "verified") if job == cells.ROLLBACK else ("intent", "applied", "verified")
    assert lines == {f"before {line}" for line in (*states, "header", "run-began", "run-ended")}


def test_only_what_is_adopted_is_verified():
    failing = {job for job in cells.JOBS for fault, _moment in cells.faults_of(job, KEY.label, 0) if fault == cells.UNVERIFIED}
    assert failing == {cells.ADOPT}


def test_only_a_transaction_is_cut_at_a_depth():
    cut = [moment for job in cells.JOBS for place in range(6) for _fault, moment in cells.faults_of(job, KEY.label, place)]
    assert {cells.depth(moment) for moment in cut} == {None}
    assert [cells.depth(moment) for moment in (*cells.DEPTHS, cells.LAST)] == [0.1, 0.5, 0.9, 0.95, 1.0]


@pytest.mark.parametrize(("moment", "line"), [
    (cells.BEGAN, ("intent", False)), (cells.MIDDLE, ("intent", False)), (cells.DONE, ("verified", False)),
    ("50 %", ("intent", False)), (cells.LAST, ("intent", False)), (cells.APPLIED, ("applied", False)),
    ("before intent", ("intent", True)), ("before run-ended", ("run-ended", True)),
])
def test_the_line_that_a_moment_goes_by(moment, line):
    assert cells.line_of(moment) == line


def test_every_fault_meets_every_way_that_it_can():
    met = {(cell.fault, cell.way) for cell in cells.choose(MANY, admin.GROUPS)}
    assert met == {
        (fault, way) for fault in cells.FAULTS for way in cells.WAYS
        if fault != cells.UNVERIFIED or cells.job_of(way) == cells.ADOPT}


def test_every_work_meets_every_fault_and_every_way():
    chosen = cells.choose(MANY, admin.GROUPS)
    works = {work for group in admin.GROUPS for work in group}
    assert {(work, cell.fault) for cell in chosen for work in cell.works} == {
        (work, fault) for work in works for fault in cells.FAULTS}
    assert {(work, cell.way) for cell in chosen for work in cell.works} == {(work, way) for work in works for way in cells.WAYS}


def test_a_cell_has_one_work_of_each_group_and_the_same_in_every_choice():
    chosen = cells.choose(STEPS, admin.GROUPS)
    assert all(work in group for cell in chosen for work, group in zip(cell.works, admin.GROUPS))
    assert chosen == cells.choose(STEPS, admin.GROUPS)
    assert len({cell.name for cell in chosen}) == len(chosen)


def test_the_wishes_of_each_role_come_alone():
    alone = {cell.role: cell.way for cell in cells.choose(MANY, admin.GROUPS)}
    assert set(alone) == {"", *cells.ROLES}
    assert {alone[role] for role in cells.ROLES} <= {cells.ADOPT_ROLE, cells.ROLLBACK_ROLE}


def test_delays_are_within_the_step_and_the_same_in_every_run():
    cell = cells.Cell(cells.ADOPT, KEY.label, cells.KILLED, cells.MIDDLE, 9)
    assert 0.1 < cell.delay(1) < 0.9
    assert cell.delay(1) == cells.Cell(*cell).delay(1) != cell._replace(stream=10).delay(1)


def test_cells_follow_each_other_as_they_leave_the_host():
    chosen = [cell for cell in cells.choose(STEPS, admin.GROUPS) if cell.stream == 9]
    ordered = cells.in_order(chosen)
    assert sorted(ordered) == sorted(chosen)
    state, moves = cells.STOCK, 0
    for cell in ordered:
        moves += cells.STARTS[cell.way] != state
        state = cells.ENDS[cell.way]
    through = [(cells.STARTS[cell.way], cells.ENDS[cell.way]) for cell in chosen]
    there, back = (sum(ends == pair for ends in through) for pair in (("stock", "adopted"), ("adopted", "stock")))
    assert moves <= abs(there - back) + 1


@pytest.mark.parametrize(("change", "says"), [
    ({}, []),
    ({"packages": ["a-1", "b-2"]}, ["packages: no b-1, b-2"]),
    ({"packages": ["a-1"]}, ["packages: no b-1"]),
    ({"manager": ["262"]}, ["manager: no 252, 262"]),
    ({"reasons": {"a": "dependency"}}, ["reasons: a is dependency, was user"]),
    ({"configuration": {"/etc/a": "1", "/etc/.hyperscale-x": "2"}}, ["configuration: /etc/.hyperscale-x is 2, was absent"]),
    ({"configuration": {}}, ["configuration: /etc/a is absent, was 1"]),
    ({"twice": ["a.x86_64"], "failed": ["a.service"]}, ["twice: a.x86_64", "failed: a.service"]),
])
def test_a_host_that_is_not_as_it_was(change, says):
    assert judgement.differences([LOOK], {**LOOK, **change}) == says


def test_what_an_uncut_run_leaves_is_known():
    left = {**LOOK, "configuration": {"/etc/a": "1", "/etc/a.rpmnew": "2"}, "verify": [".......T. c /etc/a"]}
    assert judgement.differences([LOOK, left], left) == []
    assert judgement.differences([LOOK, left], LOOK) == []


@pytest.mark.parametrize(("first", "second", "says"), [
    ({**GOOD, "changed": True}, GOOD, []),
    ({"failed": True, "msg": "no\n  way"}, None, ["the next run failed: no way"]),
    ({**GOOD, "msg": "refused"}, GOOD, ["the next run failed: refused"]),
    (GOOD, {"failed": True, "msg": "no"}, ["the second run failed: no"]),
    (GOOD, {**GOOD, "changed": True, "actions": [{"kind": "file", "subject": "/etc/a"}]},
     ["the second run changed something: file /etc/a"]),
    (GOOD, {**GOOD, "interrupted": {"outcome": "cut"}}, ["the second run still speaks of the cut: cut"]),
])
def test_runs_after_a_cut(first, second, says):
    assert judgement.of_runs(first, second) == says


@pytest.mark.parametrize(("touched", "change"), [
    (judgement.Touched(paths=["/etc/a"]), {"configuration": {}}),
    (judgement.Touched(paths=["/usr/lib/a"]), {"verify": ["S.5....T.    /usr/lib/a"]}),
    (judgement.Touched(units=["a.service"]), {"units": {"a.service": "masked"}, "failed": ["a.service"]}),
    (judgement.Touched(packages=["b"]), {"packages": ["a-1-1.x86_64"], "reasons": {"a.x86_64": "user"}}),
    (judgement.Touched(packages=["b"]), {"twice": ["b.x86_64"]}),
    (judgement.Touched(reasons=["a"]), {"reasons": {"a.x86_64": "unknown", "b.x86_64": "user"}}),
])
def test_what_an_admin_changed_is_left_out_and_nothing_else(touched, change):
    look = {**LOOK, "packages": ["a-1-1.x86_64", "b-1-1.x86_64"], "reasons": {"a.x86_64": "user", "b.x86_64": "user"}}
    assert judgement.differences([look], {**look, **change}) != []
    assert judgement.differences([look], {**look, **change}, touched) == []
    others = judgement.Touched(["/etc/b"], ["b.service"], ["c"])
    assert judgement.differences([look], {**look, **change}, others) == judgement.differences([look], {**look, **change})


@pytest.mark.parametrize(("subject", "diagnosis", "left"), [
    ("/etc/a", "it is gone", []), ("a.service", "it is gone", []), ("pack", "it is gone", []), ("fam", "it is gone", []),
    ("x", "/etc/a is gone", []),
    ("/etc/a/b", "it is gone", ["proof: file.gone: it is gone"]), ("packer", "it is gone", ["proof: file.gone: it is gone"]),
])
def test_a_finding_about_what_an_admin_changed_is_not_held_against_a_cut(subject, diagnosis, left):
    finding = {
        "check": "file.gone", "diagnosis": diagnosis, "severity": "high", "key": "k", "subject": {"type": "any", "name": subject}}
    touched = judgement.Touched(["/etc/a"], ["a.service"], ["pack"], ["fam"], ["x", "packer"])
    assert judgement.of_proof({"verdict": "x", "findings": [finding]}, set(), touched) == left


def test_findings_of_high_severity_that_an_uncut_run_has_not():
    finding = {"check": "unit.stopped", "diagnosis": "it is gone", "severity": "high", "key": "k", "subject": {"name": "a"}}
    proof = {"verdict": "not_drop_in", "findings": [finding, {**finding, "severity": "low", "key": "l"}]}
    assert judgement.of_proof(proof, set()) == ["proof: unit.stopped: it is gone"]
    assert judgement.of_proof(proof, {"k"}) == []
    assert judgement.of_proof({"verdict": "unknown", "findings": []}, set()) == ["proof: the verdict is unknown"]
    assert judgement.of_proof({"msg": "no snapshot"}, set()) == ["the proof failed: no snapshot"]


def test_the_page_has_a_row_a_step_and_names_every_exception():
    chosen = cells.choose(STEPS, admin.GROUPS)
    bad = chosen[3]
    records = [record(cell, cell != bad, ["it broke"] if cell == bad else []) for cell in chosen]
    text = document.page(records, {9: ["a rest"], 10: []}, "2026-11-22", admin.GROUPS)
    assert f"{len(chosen)} jobs cut" in text and "1 of them with an exception" in text
    assert text.count("| package transaction |") == len(cells.WAYS)
    assert "| killed | `kill -9` of the module's process; a transaction goes on by itself |" in text and "| 7 s | 7 s |" in text
    assert f"- {bad.name}: it broke" in text and text.count("**failed**") == 1
    assert "- Stream 9: a rest" in text and "2026-11-22" in text
    for line in text.splitlines():
        if line.startswith("| rpm-key"):
            assert "7 s" in line


def test_a_page_without_exceptions_says_so():
    text = document.page([record(cells.choose(STEPS, admin.GROUPS)[0])], {9: [], 10: []}, "2026-11-22", admin.GROUPS)
    assert "without an exception" in text and "None." in text and "leaves without any cut" not in text
