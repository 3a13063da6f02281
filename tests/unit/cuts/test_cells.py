# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which jobs are cut, how a host is judged after it, and what is written of it."""

from __future__ import annotations

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from cuts import cells, document, judgement  # noqa: E402

KEY = cells.Step("rpm-key", "39DD", 0.02)
SWAP = cells.Step("transaction", "14 packages in, 6 out", 1.4)
ONLY_9 = cells.Step("file", "/etc/nine", 0.001)
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


def test_every_step_is_cut_every_way_and_a_stream_only_where_it_has_the_step():
    chosen = cells.choose(STEPS)
    assert len(set(chosen)) == len(chosen)
    assert {(cell.way, cell.label) for cell in chosen} == {
        (way, step.label) for way in cells.WAYS for step in (KEY, SWAP, ONLY_9)}
    assert {cell.stream for cell in chosen if cell.label == ONLY_9.label} == {9}
    assert {cell.stream for cell in chosen if cell.label == SWAP.label} == {9, 10}


@pytest.mark.parametrize("way", cells.WAYS)
def test_a_transaction_gets_all_faults_at_all_depths(way):
    found = cells.faults_of(way, cells.TRANSACTION, 0)
    assert {(fault, moment) for fault in cells.FAULTS[:4] for moment in cells.DEPTHS} <= set(found)
    assert (cells.TRANSACTION_KILLED, cells.BEGAN) not in found


def test_only_a_transaction_is_cut_at_a_depth():
    cut = [moment for way in cells.WAYS for place in range(6) for _fault, moment in cells.faults_of(way, KEY.label, place)]
    assert {cells.depth(moment) for moment in cut} == {None}
    assert [cells.depth(moment) for moment in cells.DEPTHS] == [0.1, 0.5, 0.9]


def test_delays_are_within_the_step_and_the_same_in_every_run():
    cell = cells.Cell(cells.ADOPT, KEY.label, cells.KILLED, cells.MIDDLE, 9)
    assert 0.1 < cell.delay(1) < 0.9
    assert cell.delay(1) == cells.Cell(*cell).delay(1) != cell._replace(stream=10).delay(1)


def test_cells_follow_each_other_as_they_leave_the_host():
    chosen = [cell for cell in cells.choose(STEPS) if cell.stream == 9]
    ordered = cells.in_order(chosen)
    assert sorted(ordered) == sorted(chosen)
    state, moves = cells.STOCK, 0
    for cell in ordered:
        moves += cells.STARTS[cell.way] != state
        state = cells.ENDS[cell.way]
    adopting, back = (sum(cell.way == way for cell in chosen) for way in (cells.ADOPT, cells.ROLLBACK))
    assert moves <= abs(adopting - back) + 1


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


def test_findings_of_high_severity_that_an_uncut_run_has_not():
    finding = {"check": "unit.stopped", "diagnosis": "it is gone", "severity": "high", "key": "k"}
    proof = {"verdict": "not_drop_in", "findings": [finding, {**finding, "severity": "low", "key": "l"}]}
    assert judgement.of_proof(proof, set()) == ["proof: unit.stopped: it is gone"]
    assert judgement.of_proof(proof, {"k"}) == []
    assert judgement.of_proof({"verdict": "unknown", "findings": []}, set()) == ["proof: the verdict is unknown"]
    assert judgement.of_proof({"msg": "no snapshot"}, set()) == ["the proof failed: no snapshot"]


def test_the_page_has_a_row_a_step_and_names_every_exception():
    chosen = cells.choose(STEPS)
    bad = chosen[3]
    records = [record(cell, cell != bad, ["it broke"] if cell == bad else []) for cell in chosen]
    text = document.page(records, {9: ["a rest"], 10: []}, "2026-11-22")
    assert f"{len(chosen)} jobs cut" in text and "1 of them with an exception" in text
    assert text.count("| package transaction |") == len(cells.WAYS)
    assert f"- {bad.name}: it broke" in text and text.count("**failed**") == 1
    assert "- Stream 9: a rest" in text and "2026-11-22" in text
    for line in text.splitlines():
        if line.startswith("| rpm-key"):
            assert "7 s" in line


def test_a_page_without_exceptions_says_so():
    text = document.page([record(cells.choose(STEPS)[0])], {9: [], 10: []}, "2026-11-22")
    assert "without an exception" in text and "None." in text and "leaves without any cut" not in text
