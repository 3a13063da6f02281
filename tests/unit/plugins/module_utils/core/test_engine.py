# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine and the ledger: every step is written before and after, stops at any point, and can be taken back."""

from __future__ import annotations

import getpass
import grp
import json
import os
import pathlib

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import (
    engine, errors, exchange, host_io, ledger, lock, recovery, undo,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.core.ledger_book import Book
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import Context
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import files

OWNER, GROUP = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
KINDS = dict(files.ACTIONS)


@pytest.fixture(name="target")
def fixture_target(tmp_path):
    (tmp_path / "tmp").mkdir()
    return host_io.Target(lambda argv: (0, "", ""), str(tmp_path / "tmp"), root=str(tmp_path / "host"))


def want(path, content, mode="0644"):
    return {"path": path, "content": content, "mode": mode, "owner": OWNER, "group": GROUP, "state": "present"}


def planned(target, *wants):
    return files.plan(wants, files.gather(target, wants), Context(9, False, [], [], [])).actions


def test_plan_is_empty_once_applied_and_undo_restores_what_was(target):
    target.write("/etc/a", host_io.FileState("old\n", "0600", OWNER, GROUP))
    wants = [want("/etc/a", "new\n"), want("/etc/b", "fresh\n")]
    engine.apply_all(target, "000001-a", planned(target, *wants))
    assert planned(target, *wants) == []
    assert engine.undo_all(target, "000002-a", ledger.standing(target), KINDS) == ([], [])
    assert target.read("/etc/a") == host_io.FileState("old\n", "0600", OWNER, GROUP)
    assert target.read("/etc/b") is None
    assert ledger.standing(target) == []


def test_a_way_back_begins_with_the_first_of_its_runs(target):
    engine.apply_all(target, "000001-a", planned(target, want("/etc/a", "1"), want("/etc/b", "2")))
    snapshot = ledger.read(target, "000001-a").began - 1
    assert undo.began(target, snapshot) == snapshot  # nothing was taken back since
    one, other = ledger.standing(target)
    engine.undo_all(target, "000002-a", [other], KINDS)
    engine.undo_all(target, "000003-a", [one], KINDS)
    assert undo.began(target, snapshot) == ledger.read(target, "000002-a").began
    engine.apply_all(target, "000004-a", planned(target, want("/etc/a", "3")))
    engine.undo_all(target, "000005-a", ledger.standing(target), KINDS)
    assert undo.began(target, snapshot) == ledger.read(target, "000005-a").began
    assert undo.began(target, ledger.read(target, "000005-a").last + 1) > ledger.read(target, "000005-a").last


def test_undo_of_one_failing_step_goes_on_with_the_rest(target, monkeypatch):
    engine.apply_all(target, "000001-a", planned(target, want("/etc/a", "1"), want("/etc/b", "2")))
    remove = exchange.remove

    def stubborn(where, path, now):
        if path == "/etc/b":
            raise PermissionError("no")
        return remove(where, path, now)

    monkeypatch.setattr(exchange, "remove", stubborn)
    failures = engine.undo_all(target, "000002-a", ledger.standing(target), KINDS).failures
    assert len(failures) == 1 and "/etc/b" in failures[0]
    assert target.read("/etc/a") is None
    assert [step.action["subject"] for step in ledger.standing(target)] == ["/etc/b"]


def test_what_follows_the_disk_is_taken_back_last(target, monkeypatch):
    class Follower(files.FileAction):
        kind = "follower"
        follows = True

    plan = planned(target, want("/etc/a", "1"))
    plan.append(Follower.between("/etc/z", "", None, host_io.FileState("z", "0644", OWNER, GROUP)))
    engine.apply_all(target, "000001-a", plan)
    order = []
    remove = exchange.remove
    monkeypatch.setattr(exchange, "remove", lambda where, path, now: (order.append(path), remove(where, path, now))[1])
    assert engine.undo_all(target, "000002-a", ledger.standing(target), {**KINDS, "follower": Follower}) == ([], [])
    assert order == ["/etc/a", "/etc/z"]


def test_a_step_that_writes_something_else_fails_its_verification(target, monkeypatch):
    monkeypatch.setattr(target, "write", lambda path, wanted: None)
    with pytest.raises(errors.Failed, match="not as it was written"):
        engine.apply_all(target, "000001-a", planned(target, want("/etc/a", "1")))
    run = ledger.read(target, "000001-a")
    assert [step.state for step in run.steps.values()] == ["dirty"] and run.ended
    # What it began was taken back at once.
    assert [(undoing.undoes, undoing.state) for undoing in run.undoings.values()] == [(("000001-a", 0), "verified")]
    assert ledger.standing(target) == []


@pytest.mark.parametrize("lines", range(1, 9))
def test_a_run_cut_after_any_line_is_found_and_settled(target, lines):
    engine.apply_all(target, "000001-a", planned(target, want("/etc/a", "1"), want("/etc/b", "2")))
    path = os.path.join(target.state_dir, "ledger", "000001-a.jsonl")
    with open(path, encoding="utf-8") as handle:
        kept = handle.readlines()[:lines]
    with open(path, "w", encoding="utf-8") as handle:
        handle.writelines(kept)
    assert recovery.look(target, KINDS)["run"] == "000001-a"
    story = recovery.settle(target, KINDS).story
    assert story["run"] == "000001-a"
    assert ledger.interrupted(target) is None
    # A step that had begun had happened: the files are there, so it counts as done.
    assert len(ledger.standing(target)) == (lines > 2) + (lines > 5)


def test_a_half_written_last_line_is_passed_over(target):
    engine.apply_all(target, "000001-a", planned(target, want("/etc/a", "1")))
    path = os.path.join(target.state_dir, "ledger", "000001-a.jsonl")
    with open(path, "a", encoding="utf-8") as handle:
        handle.write('{"event": "beg')
    assert len(ledger.standing(target)) == 1


def test_what_comes_after_a_half_written_line_is_read(target):
    book = Book(target, "000001-a")
    book.write(ledger.INTENT, 0, action=planned(target, want("/etc/a", "1"))[0].record())
    book.close()
    path = os.path.join(target.state_dir, "ledger", "000001-a.jsonl")
    with open(path, "a", encoding="utf-8") as handle:
        handle.write('{"event": "do')
    assert ledger.read(target, "000001-a").torn
    recovery.settle(target, KINDS)
    run = ledger.read(target, "000001-a")
    assert run.ended and not run.torn and ledger.interrupted(target) is None


def test_a_full_disk_leaves_no_half_line_and_says_so(target, monkeypatch):
    book = Book(target, "000001-a")
    book.write(ledger.RUN_BEGAN)
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, text: write(handle, text[:10]))
    with pytest.raises(errors.Failed, match=r"ledger, cannot be written: No space left"):
        book.write(ledger.RUN_ENDED)
    monkeypatch.undo()
    book.write(ledger.RUN_ENDED)
    run = ledger.read(target, "000001-a")
    assert run.ended and run.damage == [] and not run.torn


def test_a_begun_step_that_did_not_happen_is_settled_as_reverted(target):
    book = Book(target, "000001-a")
    book.write(ledger.INTENT, 0, action=planned(target, want("/etc/a", "1"))[0].record())
    book.close()
    assert "had not happened" in recovery.settle(target, KINDS).story["outcome"]
    assert ledger.standing(target) == []


def test_ledger_and_its_folder_are_private(target):
    engine.apply_all(target, "000001-a", planned(target, want("/etc/a", "secret")))
    folder = pathlib.Path(target.state_dir) / "ledger"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "000001-a.jsonl").stat().st_mode & 0o777 == 0o600
    assert all(json.loads(line) for line in (folder / "000001-a.jsonl").read_text().splitlines())


def test_second_run_is_refused_with_the_name_of_the_first(target):
    first = lock.exclusive(target, "ann on control1")
    first.__enter__()
    with pytest.raises(errors.Refused, match="ann on control1"), lock.exclusive(target, "bob on control2"):
        pass
    first.__exit__(None, None, None)
    with lock.exclusive(target, "bob on control2"):
        pass


def test_a_file_is_written_whole_or_not_at_all(target, monkeypatch):
    target.write("/etc/a", host_io.FileState("old", "0644", OWNER, GROUP))

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        target.write("/etc/a", host_io.FileState("new", "0644", OWNER, GROUP))
    assert target.read("/etc/a").content == "old"
    assert os.listdir(target.path("/etc")) == ["a"]


def test_unknown_kind_in_the_ledger_is_explained():
    record = {"kind": "teleport", "subject": "x", "why": "", "args": {}, "before": "", "after": ""}
    with pytest.raises(errors.Failed, match="does not know that kind"):
        engine.from_record(record, KINDS)


def test_a_run_notes_what_was_broken_before_and_the_proof_of_a_way_back_is_told_the_same(target):
    broken = {"failed": {"kdump.service": {}}}
    engine.apply_all(target, "000001-a", [], broken)
    assert ledger.read(target, "000001-a").baseline == broken
    engine.undo_all(target, "000002-b", [], {}, broken)
    assert ledger.read(target, "000002-b").baseline == broken
