# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that fail: whatever they raise, the ledger has them, what they began is taken back, and the user gets a problem."""

from __future__ import annotations

import errno
import getpass
import grp
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import (
    engine, errors, exchange, host_io, ledger, recovery, undo,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.core.registry import Registry
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import files

OWNER, GROUP = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
OLD, NEW = (host_io.FileState(content, "0644", OWNER, GROUP) for content in ("old\n", "new\n"))


def raised_by_libraries():
    """Return errors of the libraries that steps use, as far as they are on this machine, and of Python itself."""
    found = [
        KeyError("name"), IsADirectoryError(errno.EISDIR, "Is a directory", "/etc/a"),
        UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "x"),
        UnicodeEncodeError("ascii", "é", 0, 1, "x"), RecursionError("maximum recursion depth exceeded"), MemoryError(),
        AttributeError("'NoneType' object has no attribute 'split'"), OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError(), StopIteration(), AssertionError()]
    try:
        import dnf.exceptions
        import hawkey
        import libdnf.error
        import rpm
    except ImportError:
        return found
    return [
        *found, rpm.error("error reading package header"), dnf.exceptions.Error("dnf says no"),
        dnf.exceptions.MarkingError("x", "y"),
        libdnf.error.Error("libdnf says no"), hawkey.ValueException("a bad value"), hawkey.Exception("hawkey says no")]


class Failing(files.FileAction):
    """Writes its file, and fails in one of its parts as a test says."""

    kind = "failing"
    errors: list[Exception] = []
    fails_in = "apply"
    stays_broken = False

    def apply(self, target):
        super().apply(target)
        self._fail("apply")

    def verify(self, target):
        super().verify(target)
        self._fail("verify")

    def undo(self, target):
        if Failing.stays_broken:
            raise OSError(errno.EROFS, "Read-only file system", self.subject)
        super().undo(target)

    def _fail(self, part):
        for error in Failing.errors if Failing.fails_in == part else ():
            raise error


class Following(Failing):
    """One that makes running things follow the disk."""

    kind = "following"
    follows = True


class Late(Failing):
    """One that may end in its middle, and that the next run settles."""

    kind = "late"
    settles_later = True
    half = False

    def is_half(self, _target, _job):
        return Late.half


KINDS = {**files.ACTIONS, **{one.kind: one for one in (Failing, Following, Late)}}


@pytest.fixture(name="target")
def fixture_target(tmp_path, monkeypatch):
    (tmp_path / "host" / "etc").mkdir(parents=True)
    for name, value in (("errors", []), ("fails_in", "apply"), ("stays_broken", False)):
        monkeypatch.setattr(Failing, name, value)
    monkeypatch.setattr(Late, "half", False)
    target = host_io.Target(lambda argv: (0, "", ""), str(tmp_path), root=str(tmp_path / "host"))
    target.write("/etc/a", OLD)
    return target


def fail(target, error, action=Failing, part="apply", **more):
    """Apply a plan whose second step fails, and return the problem that the user gets."""
    Failing.errors, Failing.fails_in = [error], part
    for name, value in more.items():
        setattr(Failing, name, value)
    plan = [files.FileAction.between("/etc/first", "", None, NEW), action.between("/etc/a", "", OLD, NEW)]
    with pytest.raises(errors.Failed) as failed:
        engine.apply_all(target, ledger.new_run_id(target), plan)
    Failing.errors = []
    return failed.value.problems[0]


def states(target, run=-1):
    """Return the states of the steps of a run, and of what took steps back within it."""
    found = ledger.every(target)[run]
    return ([found.steps[number].state for number in sorted(found.steps)],
            [found.undoings[number].state for number in sorted(found.undoings)])


@pytest.mark.parametrize("part", ["apply", "verify"])
@pytest.mark.parametrize("error", raised_by_libraries(), ids=lambda error: type(error).__name__)
def test_whatever_a_step_raises_is_a_problem_and_is_taken_back(target, error, part):
    problem = fail(target, error, part=part)
    assert problem.fact == "failing of /etc/a failed" and problem.reason and problem.remedy
    assert "Traceback" not in str(problem) and "(None)" not in str(problem)
    assert target.read("/etc/a") == OLD and target.read("/etc/first") == NEW
    assert states(target) == (["verified", "dirty"], ["verified"])
    assert [step.action["subject"] for step in ledger.standing(target)] == ["/etc/first"]
    assert recovery.settle(target, KINDS).story is None


@pytest.mark.parametrize("part", ["apply", "verify"])
def test_what_cannot_be_taken_back_at_once_belongs_to_the_ledger_until_it_can(target, part):
    problem = fail(target, errors.Failed(errors.Problem("a.b", "a fact", "a reason", "A remedy")), part=part, stays_broken=True)
    assert "could not be taken back at once" in problem.reason and "Read-only file system" in problem.reason
    assert problem.fact == "a fact" and target.read("/etc/a") == NEW
    assert [step.action["subject"] for step in ledger.standing(target)] == ["/etc/first", "/etc/a"]
    # What it wrote is as it was to be, so that it can be verified now.
    assert recovery.settle(target, KINDS).story["outcome"] == "its last step had happened"
    assert [step.state for step in ledger.standing(target)] == ["verified", "verified"]


def test_one_that_is_neither_done_nor_taken_back_is_tried_again_by_each_run(target):
    fail(target, OSError(errno.EIO, "Input/output error"), stays_broken=True)
    target.write("/etc/a", NEW._replace(content="of somebody\n"))
    for _time in range(2):
        story = recovery.settle(target, KINDS).story
        assert "stays in the ledger" in story["outcome"] and "Read-only file system" in story["outcome"]
        assert [step.state for step in ledger.standing(target)] == ["verified", "dirty"]
    Failing.stays_broken = False
    recovery.settle(target, KINDS)
    assert [step.action["subject"] for step in ledger.standing(target)] == ["/etc/first"]
    assert recovery.settle(target, KINDS).story is None


def test_a_dirty_step_is_taken_back_with_the_others(target):
    fail(target, OSError(errno.EIO, "Input/output error"), stays_broken=True)
    Failing.stays_broken = False
    registry = Registry({"files": type("section", (), {"ACTIONS": KINDS, "OPTIONS": {}})})
    taken = undo.taken(target, {"files"}, registry)
    assert engine.undo_all(target, ledger.new_run_id(target), taken, KINDS) == ([], [])
    assert target.read("/etc/a") == OLD and target.read("/etc/first") is None and ledger.standing(target) == []


def test_one_that_follows_the_disk_is_not_taken_back_at_once(target):
    fail(target, OSError(errno.EIO, "Input/output error"), Following)
    assert states(target) == (["verified", "dirty"], [])
    assert recovery.settle(target, KINDS).story is None  # the plan looks after it
    assert [step.state for step in ledger.standing(target)] == ["verified", "dirty"]


def test_one_that_may_end_in_its_middle_is_settled_by_the_next_run(target):
    fail(target, OSError(errno.ENOSPC, "No space left on device"), Late)
    assert states(target) == (["verified", "dirty"], []) and target.read("/etc/a") == NEW
    assert recovery.look(target, KINDS)["step"] == "late /etc/a"
    assert recovery.settle(target, KINDS).story["outcome"] == "its last step had happened"
    assert [step.state for step in ledger.standing(target)] == ["verified", "verified"]


def test_one_that_cannot_be_settled_stops_the_run_with_its_problem_each_time(target):
    fail(target, OSError(errno.ENOSPC, "No space left on device"), Late)
    target.write("/etc/a", NEW._replace(content="of somebody\n"))
    Late.half, Failing.stays_broken = True, True
    for _time in range(2):
        with pytest.raises(errors.Failed, match="late of /etc/a cannot be settled: /etc/a cannot be written: its file "):
            recovery.settle(target, KINDS)
        assert recovery.half_done(target, KINDS)
    Late.half, Failing.stays_broken = False, False
    recovery.settle(target, KINDS)
    assert [step.action["subject"] for step in ledger.standing(target)] == ["/etc/first"]


def test_a_refusal_changed_nothing_and_belongs_to_nobody(target):
    class Refusing(Failing):
        def apply(self, _target):
            raise errors.Refused(errors.Problem("a.b", "a fact", "a reason", "A remedy"))

    with pytest.raises(errors.Refused):
        engine.apply_all(target, ledger.new_run_id(target), [Refusing.between("/etc/a", "", OLD, NEW)])
    assert states(target) == (["reverted"], []) and ledger.standing(target) == []


def test_a_step_is_taken_back_only_with_later_ones_that_share_its_path(target):
    class Elsewhere(files.FileAction):
        kind, section = "elsewhere", "elsewhere"

    registry = Registry({
        "files": files, "elsewhere": type("section", (), {"ACTIONS": {"elsewhere": Elsewhere}, "OPTIONS": {}})})
    engine.apply_all(target, ledger.new_run_id(target), [files.FileAction.between("/etc/a", "", OLD, NEW)])
    engine.apply_all(target, ledger.new_run_id(target), [
        Elsewhere.between("/etc/a", "", NEW, OLD), Elsewhere.between("/etc/b", "", None, NEW)])
    (problem,) = undo.problems(target, undo.taken(target, {"files"}, registry), registry)
    assert problem.fact == "file /etc/a cannot be taken back alone" and "elsewhere /etc/a of run 000002" in problem.reason
    assert problem.remedy.endswith(": elsewhere")
    # As the remedy says.
    assert undo.problems(target, undo.taken(target, {"files", "elsewhere"}, registry), registry) == []
    assert undo.problems(target, undo.taken(target, {"elsewhere"}, registry), registry) == []


def test_what_shares_a_path_with_one_that_stays_is_not_tried(target, monkeypatch):
    for content in ("1\n", "2\n"):
        now = target.read("/etc/a")
        engine.apply_all(target, ledger.new_run_id(target), [
            files.FileAction.between("/etc/a", "", now, now._replace(content=content)),
            files.FileAction.between(f"/etc/{content[0]}", "", None, NEW)])
    write = exchange.write

    def stubborn(where, path, now, wanted):
        if path == "/etc/a" and wanted.content == "1\n":
            raise OSError(errno.EIO, "Input/output error", path)
        return write(where, path, now, wanted)

    monkeypatch.setattr(exchange, "write", stubborn)
    undone = engine.undo_all(target, ledger.new_run_id(target), ledger.standing(target), KINDS)
    assert [words.split(":")[0] for words in undone.failures] == ["file /etc/a", "file /etc/a"]
    assert "not tried" in undone.failures[1]
    assert target.read("/etc/a").content == "2\n" and target.read("/etc/1") is None and target.read("/etc/2") is None


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), RuntimeError("killed")])
def test_what_follows_the_disk_waits_for_a_step_that_stays_in_its_middle(target, error, monkeypatch):
    plan = [Late.between("/etc/a", "", OLD, NEW), Following.between("/etc/b", "", None, NEW)]
    engine.apply_all(target, ledger.new_run_id(target), plan)

    def cut(_self, _target):
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(Late, "undo", cut)
        undone = engine.undo_all(target, ledger.new_run_id(target), ledger.standing(target), KINDS)
    assert undone.failures[1] == "following /etc/b: not tried, because late /etc/a is to be settled first"
    assert [step.action["kind"] for step in ledger.standing(target)] == ["late", "following"]
    undone = engine.undo_all(target, ledger.new_run_id(target), ledger.standing(target), KINDS)
    assert undone == ([], []) and ledger.standing(target) == []
    assert target.read("/etc/a") == OLD and target.read("/etc/b") is None


@pytest.mark.parametrize(("kind", "error"), [
    (Failing, OSError(errno.EIO, "Input/output error")),
    (Late, errors.Refused(errors.Problem("a.b", "a fact", "a reason", "A remedy")))])
def test_what_follows_the_disk_does_not_wait_for_other_failures(target, kind, error, monkeypatch):
    plan = [kind.between("/etc/a", "", OLD, NEW), Following.between("/etc/b", "", None, NEW)]
    engine.apply_all(target, ledger.new_run_id(target), plan)

    def refuse(_self, _target):
        raise error

    monkeypatch.setattr(kind, "undo", refuse)
    if kind is Failing:
        monkeypatch.setattr(Following, "undo", files.FileAction.undo)
    engine.undo_all(target, ledger.new_run_id(target), ledger.standing(target), KINDS)
    assert [step.action["kind"] for step in ledger.standing(target)] == [kind.kind]
