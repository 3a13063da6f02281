# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a transaction that was cut is taken for, and what the next run does about it."""

from __future__ import annotations

import errno
import os
import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.backup import manifest, shipped
from ansible_collections.centos.hyperscale.plugins.module_utils.core import engine, errors, host_io, ledger, recovery
from ansible_collections.centos.hyperscale.plugins.module_utils.core.ledger_book import Book
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import cut, jobfile, launch, rpmdb, solver, transaction
from ansible_collections.centos.hyperscale.plugins.module_utils.packages.rpmdb import Package
from ansible_collections.centos.hyperscale.plugins.module_utils.packages.store import Store

OLD, NEW = "a-1-1.el9.noarch", "a-2-1.hs.el9.noarch"
ITEMS = [
    solver.Item("upgrade", "a", "2-1.hs.el9", "noarch", "hs", 1, 1, "a"),
    solver.Item("replaced", "a", "1-1.el9", "noarch", "", 1, 1, "a")]
KINDS = {transaction.TransactionAction.kind: transaction.TransactionAction}
DIED = {"phase": jobfile.RUNNING, "done": 1, "total": 2, "package": NEW}


@pytest.fixture(name="target")
def fixture_target(tmp_path):
    (tmp_path / "host").mkdir()
    return host_io.Target(lambda argv: (0, "inactive\n", ""), str(tmp_path), root=str(tmp_path / "host"))


def began(target, run="000002-a", undoes=None, begun=True, ends=""):
    """Write the ledger of a run that was cut in its transaction, or that ended and left that in the state C(ends)."""
    args = {"items": ITEMS, "specs": [], "weak_deps": False, "lock_timeout": 1, "install": [NEW], "erase": []}
    action = transaction.TransactionAction("1 packages in, 1 out", "", args)
    book = Book(target, run)
    intent = {"undoes": undoes} if undoes else {"action": action.record()}
    book.write(ledger.INTENT, 0, **intent)
    if begun:
        book.write(ledger.BEGUN, 0)
    if ends:
        book.write(ends, 0)
        book.write(ledger.RUN_ENDED)
    book.close()


def left(target, status, result=None, job="000002-a.0"):
    """Have a runner leave its last word, and maybe a result."""
    folder = jobfile.Folder(target.private_folder(launch.FOLDER, job))
    folder.write(jobfile.JOB, {})
    if status:
        folder.write(jobfile.STATUS, status)
    if result:
        folder.write(jobfile.RESULT, result)
    return folder


@pytest.fixture(name="here", autouse=True)
def fixture_here(monkeypatch):
    """Say what is installed: NEVRA -> when it was installed. At first, what was there before the transaction."""
    here = {OLD: 100}

    def installed(_ts=None):
        return [
            Package(
                nevra.rsplit("-", 2)[0], 0, *nevra.rpartition(".")[0].rsplit("-", 2)[1:], nevra.rpartition(".")[2],
                None, None, None, time)
            for nevra, time in sorted(here.items())]

    monkeypatch.setattr(rpmdb, "installed", installed)
    return here


def store(target, where, *nevras):
    for nevra in nevras:
        path = os.path.join(target.tmpdir, nevra)
        with open(path, "w", encoding="utf-8") as out:
            out.write(nevra)
        Store(where).put({nevra: path})


@pytest.fixture(name="jobs")
def fixture_jobs(monkeypatch):
    """Keep the jobs that would be carried out. Nothing is on offer, and no package of C(broken) can be installed."""
    class Jobs(list):
        broken = ()

    jobs = Jobs()

    def carry_out(host, job):
        jobs.append(job)
        problem = errors.Problem("a.b", "rpm", "said no", "")
        if len(job.local) < len(job.install):
            problem = errors.Problem("a.b", "a package", "it is not on offer", "")
        ok = len(job.local) == len(job.install) and not set(job.install).intersection(jobs.broken)
        if ok:
            jobfile.Folder(host.private_folder(launch.FOLDER, job.completes)).mark(not job.reverts)
        return {"ok": ok, "refused": False, "touched": False, "problems": [problem]}

    monkeypatch.setattr(launch, "carry_out", carry_out)
    monkeypatch.setattr(shipped, "of_package_files", lambda paths: shipped.NOTHING)
    return jobs


@pytest.mark.parametrize(("status", "result", "half"), [
    (DIED, None, True),
    ({"phase": "downloading"}, None, False),
    (None, None, False),
    (DIED, {"ok": False, "refused": False, "touched": True}, True),
    (DIED, {"ok": False, "refused": False, "touched": False}, False),
    (DIED, {"ok": False, "refused": True, "touched": False}, False),
    (DIED, {"ok": True, "refused": False, "touched": True}, False),
])
def test_only_what_rpm_had_begun_with_is_half(target, status, result, half):
    left(target, status, result)
    assert transaction.TransactionAction("", "", {"items": ITEMS}).is_half(target, "000002-a.0") is half


def test_a_cut_transaction_is_made_whole_with_what_lies_on_the_host(target, jobs):
    began(target)
    folder = left(target, DIED)
    store(target, os.path.join(folder.path, jobfile.CARRIED), NEW)
    assert "ended in its middle" in recovery.look(target, KINDS)["outcome"] and recovery.half_done(target, KINDS)
    assert "was completed" in recovery.settle(target, KINDS).story["outcome"]
    job, = jobs
    assert (job.completes, job.reverts, job.offline, job.install, job.erase) == ("000002-a.0", False, True, [NEW], [OLD])
    assert [os.path.basename(path) for path in job.local] == [NEW]
    assert len(ledger.standing(target)) == 1
    assert recovery.settle(target, KINDS).story is None and not recovery.half_done(target, KINDS)


WARNING = errors.Problem("a.b", "what was changed below /boot", "it was not written out", "Reboot cleanly")


@pytest.mark.parametrize(("result", "done"), [
    ({"ok": True}, "by itself"),
    ({"ok": False, "refused": False, "touched": False, "problems": [["a.b", "rpm", "no", ""]]}, "rpm: no")])
def test_what_a_runner_warned_of_after_its_module_was_lost_is_told(target, monkeypatch, result, done):
    warned = []
    monkeypatch.setattr(target, "warn", warned.append)
    began(target)
    left(target, {"phase": "done"}, dict(result, warnings=[WARNING]))
    assert done in recovery.settle(target, KINDS).story["outcome"]
    assert warned == [str(WARNING)]


def test_one_that_is_taken_back_goes_on_back(target, jobs, here):
    here.clear()
    here.update({NEW: 100})
    began(target, "000001-a")
    book = Book(target, "000001-a")
    book.write(ledger.VERIFIED, 0)
    book.write(ledger.RUN_ENDED)
    book.close()
    began(target, "000002-a", undoes=["000001-a", 0])
    folder = left(target, DIED)
    folder.write(jobfile.PLAN, {"before": {NEW: 100}, "tsflags": [], "items": [
        solver.Item("downgrade", "a", "1-1.el9", "noarch", "", 1, 1, "a"),
        solver.Item("replaced", "a", "2-1.hs.el9", "noarch", "", 1, 1, "a")]})
    store(target, os.path.join(folder.path, jobfile.CARRIED), OLD)
    assert "was completed" in recovery.settle(target, KINDS).story["outcome"]
    assert (jobs[0].install, jobs[0].erase) == ([OLD], [NEW])
    assert ledger.standing(target) == []


def test_one_that_failed_in_its_middle_is_found_although_its_run_ended(target, jobs):
    began(target)
    book = Book(target, "000002-a")
    book.write(ledger.DIRTY, 0, error="no space")
    book.write(ledger.RUN_ENDED)
    book.close()
    folder = left(target, DIED, {"ok": False, "refused": False, "touched": True, "problems": []})
    store(target, os.path.join(folder.path, jobfile.CARRIED), NEW)
    assert "was completed" in recovery.settle(target, KINDS).story["outcome"]
    assert len(ledger.standing(target)) == 1 and len(jobs) == 1


@pytest.mark.parametrize(("status", "says"), [
    ({"phase": "downloading"}, "it ended while downloading"), (None, "it had not begun")])
def test_one_that_rpm_had_not_begun_with_changed_nothing(target, jobs, status, says):
    began(target)
    left(target, status)
    os.makedirs(manifest.Kept(target, "000002-a").folder)
    assert says in recovery.settle(target, KINDS).story["outcome"]
    assert ledger.standing(target) == [] and list(jobs) == [] and manifest.runs(target) == []


def test_a_step_that_was_being_taken_back_still_stands(target, here):
    here.clear()
    here.update({NEW: 100})
    began(target, "000001-a")
    book = Book(target, "000001-a")
    book.write(ledger.VERIFIED, 0)
    book.write(ledger.RUN_ENDED)
    book.close()
    began(target, "000002-a", undoes=["000001-a", 0])
    recovery.settle(target, KINDS)
    assert [step.run for step in ledger.standing(target)] == ["000001-a"]


def test_builds_that_took_the_place_of_what_came_go_as_well(target):
    def package(name, version):
        return Package(name, 0, version, "1.hs.el9", "noarch", None, name, None, 0)

    items = [*ITEMS, solver.Item("install", "b", "2-1.hs.el9", "noarch", "hs", 1, 1, "b"),
             solver.Item("install", "kernel-core", "6-1.hs.el9", "noarch", "hs", 1, 1, "kernel", True)]
    action = transaction.TransactionAction("", "", {"items": items})
    here = [package("a", "3"), package("b", "3"), package("kernel-core", "6"), package("kernel-core", "7"), package("c", "1")]
    assert action._brought_alone(here) == ["b-3-1.hs.el9.noarch", "kernel-core-6-1.hs.el9.noarch"]


B_OLD, B_NEW, C_NEW = "b-1-1.el9.noarch", "b-2-1.hs.el9.noarch", "c-1-1.noarch"
TWO = [*ITEMS, solver.Item("upgrade", "b", "2-1.hs.el9", "noarch", "hs", 1, 1, "b"),
       solver.Item("replaced", "b", "1-1.el9", "noarch", "", 1, 1, "b")]
BEFORE = {OLD: 100, B_OLD: 100}


def cut_with(target, carried=(), saved=()):
    """Have a transaction of two packages cut, with some packages at hand."""
    began(target)
    folder = left(target, DIED)
    folder.write(jobfile.PLAN, {"items": TWO, "before": BEFORE, "tsflags": []})
    store(target, os.path.join(folder.path, jobfile.CARRIED), *carried)
    store(target, manifest.Kept(target, "000002-a").packages.folder, *saved)
    return folder


@pytest.mark.parametrize("marked", [True, False])
def test_the_end_mark_says_what_a_result_did_not_come_to_say(target, jobs, here, marked):
    here.clear()
    here.update({NEW: 200, B_NEW: 200})
    folder = cut_with(target)
    if marked:
        folder.mark(True)
    settled = recovery.settle(target, KINDS)
    said = "the host finished its package transaction by itself" if marked else "was cut in its middle and was finished"
    assert said in settled.story["outcome"] and len(ledger.standing(target)) == 1
    # Without the mark the files are checked, and the mark is written.
    assert [(job.install, job.erase) for job in jobs] == [] if marked else [([], [])]
    assert not recovery.half_done(target, KINDS)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_swap_whose_note_could_not_be_written_stands_and_can_be_taken_back(target, jobs, here, monkeypatch, code):
    """The transaction ended well and a full disk came after it: it is in the ledger, and what was saved stays."""
    def carry_out(host, job):
        here.clear()
        here.update({NEW: 200, B_NEW: 200})
        folder = left(host, {"phase": "done"}, {"ok": True}, job.run)
        folder.mark(True)
        store(host, job.keep_in, OLD, B_OLD)
        return {"ok": True, "refused": False, "touched": True, "problems": []}

    def full(_self, _coming):
        raise OSError(code, os.strerror(code), "after.json")

    noted = []
    monkeypatch.setattr(launch, "carry_out", carry_out)
    monkeypatch.setattr(manifest.Kept, "save", lambda self, _leaving, _comes: os.makedirs(self.folder))
    monkeypatch.setattr(manifest.Kept, "there", True)
    action = transaction.TransactionAction("2 packages in, 2 out", "", {
        "items": TWO, "specs": [], "weak_deps": False, "lock_timeout": 1, "install": [NEW, B_NEW], "erase": []})
    with monkeypatch.context() as patched, pytest.raises(errors.Failed, match=os.strerror(code)):
        patched.setattr(manifest.Kept, "note", full)
        engine.apply_all(target, ledger.new_run_id(target), [action])
    run, = (run.id for run in ledger.every(target))
    assert len(ledger.standing(target)) == 1
    monkeypatch.setattr(manifest.Kept, "note", lambda self, coming: noted.append(coming))
    assert "the host finished its package transaction by itself" in recovery.settle(target, KINDS).story["outcome"]
    assert noted == [[NEW, B_NEW]] and [step.run for step in ledger.standing(target)] == [run]
    assert sorted(manifest.Kept(target, run).packages.whole()) == [OLD, B_OLD]
    assert recovery.settle(target, KINDS).story is None


def test_a_mark_that_says_reverted_is_no_transaction_that_stands_and_its_files_are_brought_back(target, jobs, monkeypatch):
    cut_with(target, [NEW]).mark(False)
    revoked = []
    monkeypatch.setattr(manifest.Kept, "there", True)
    monkeypatch.setattr(manifest.Kept, "revoke", lambda self, coming: revoked.append(coming) or ["a file stays"])
    settled = recovery.settle(target, KINDS)
    assert settled.story["outcome"].endswith("was taken back") and settled.left == ["a file stays"]
    assert ledger.standing(target) == [] and list(jobs) == [] and revoked == [shipped.NOTHING]


@pytest.mark.parametrize(("now", "install", "erase", "done", "words"), [
    # The scriptlets of what had come may not have run: all come once more.
    ({NEW: 200, B_NEW: 200}, [NEW, B_NEW], [], True, []),
    ({NEW: 200, B_OLD: 100}, [NEW, B_NEW], [B_OLD], True, []),
    ({NEW: 200, OLD: 100, B_OLD: 100}, [NEW, B_NEW], [OLD, B_OLD], True, []),
    (BEFORE, [NEW, B_NEW], [OLD, B_OLD], True, []),
    # What somebody did since stays.
    ({"a-3-1.noarch": 300, B_OLD: 100}, [B_NEW], [B_OLD], True, ["a-3-1.noarch"]),
    ({B_OLD: 100}, [B_NEW], [B_OLD], True, [NEW]),
    ({OLD: 300, B_NEW: 200}, [B_NEW], [], True, [OLD]),
    ({"a-3-1.noarch": 300, "b-3-1.noarch": 300}, [], [], True, ["a-3-1.noarch", "b-3-1.noarch"]),
    ({C_NEW: 1}, [], [], True, [NEW, B_NEW]),
    ({OLD: 300, B_OLD: 300}, [], [], False, [OLD, B_OLD]),
    ({OLD: 300, B_OLD: 100}, [B_OLD], [], False, [OLD])])
def test_one_that_was_cut_is_completed_as_far_as_it_is_still_wanted(target, jobs, here, now, install, erase, done, words):
    here.clear()
    here.update(now)
    cut_with(target, [NEW, B_NEW], [OLD, B_OLD])
    settled = recovery.settle(target, KINDS)
    job, = jobs
    assert (job.install, job.erase, job.reverts) == (install, erase, not done)
    assert [len(settled.left)] == [len(words)] and all(word in line for word, line in zip(words, settled.left))
    assert len(ledger.standing(target)) == done and not recovery.half_done(target, KINDS)
    assert recovery.settle(target, KINDS).story is None


def test_where_that_cannot_be_it_goes_back_to_what_was_saved(target, jobs, here):
    here.clear()
    here.update({NEW: 200, B_OLD: 100})
    cut_with(target, saved=[OLD, B_OLD])
    outcome = recovery.settle(target, KINDS).story["outcome"]
    assert "was taken back, because" in outcome and "it is not on offer" in outcome
    fetching, job = jobs
    assert (fetching.install, fetching.local, fetching.offline) == ([NEW, B_NEW], [], False)
    assert (job.install, job.erase, job.reverts, job.offline) == ([OLD, B_OLD], [NEW], True, True)
    assert ledger.standing(target) == [] and manifest.runs(target) == []


def test_where_neither_can_be_the_run_says_which_packages_are_missing(target, jobs, here):
    here.clear()
    here.update({NEW: 200, B_OLD: 100})
    cut_with(target)
    with pytest.raises(errors.Failed) as failed:
        recovery.settle(target, KINDS)
    folder = os.path.join(target.state_dir, launch.FOLDER, "000002-a.0", jobfile.CARRIED)
    assert os.path.isdir(folder)
    for packages in (f"{NEW}, {B_NEW}", f"{OLD}, {B_OLD}"):
        assert f"copy the package files of {packages} to {folder}" in str(failed.value).replace("Copy", "copy")
    assert [job.reverts for job in jobs] == [False, True] and recovery.half_done(target, KINDS)


@pytest.mark.parametrize(("installed_at", "told"), [(200, [NEW]), (4e9, [])])
def test_scriptlets_that_may_not_have_run_are_told_where_nothing_can_run_them(target, jobs, here, installed_at, told):
    here.clear()
    here.update({NEW: installed_at, OLD: 100, "b-3-1.noarch": 300})
    cut_with(target)
    settled = recovery.settle(target, KINDS)
    assert (jobs[-1].install, jobs[-1].erase) == ([], [OLD]) and len(ledger.standing(target)) == 1
    assert [line for line in settled.left if "scriptlets" in line and NEW in line] == [
        f"the scriptlets of {', '.join(told)} may not have run to their end: 'dnf reinstall' of it runs them"][:len(told)]


@pytest.mark.parametrize(("now", "done"), [
    ({NEW: 300, B_NEW: 300}, True), ({"a-3-1.noarch": 300, "b-3-1.noarch": 300}, True), ({OLD: 300, B_OLD: 300}, False)])
def test_after_an_operator_brought_all_to_one_side_the_next_run_goes_on(target, jobs, here, now, done):
    here.clear()
    here.update({NEW: 200, B_OLD: 100})
    cut_with(target)
    with pytest.raises(errors.Failed) as failed:
        recovery.settle(target, KINDS)
    assert B_NEW in str(failed.value) and OLD in str(failed.value) and "--oldpackage --replacepkgs" in str(failed.value)
    here.clear()
    here.update(now)
    assert recovery.settle(target, KINDS).story is not None
    assert len(ledger.standing(target)) == done and jobs[-1].install == [] and jobs[-1].reverts is not done


def test_a_package_that_an_operator_copied_is_taken_where_it_is_the_very_file(target, jobs, here):
    here.clear()
    here.update({NEW: 200, B_OLD: 100})
    folder = cut_with(target, [NEW, B_NEW])
    path = os.path.join(folder.path, jobfile.CARRIED, B_NEW)
    os.unlink(path)
    with pytest.raises(errors.Failed):
        recovery.settle(target, KINDS)
    with open(path, "w", encoding="utf-8") as out:
        out.write(B_NEW)
    assert "was completed" in recovery.settle(target, KINDS).story["outcome"]
    assert jobs[-1].install == [NEW, B_NEW] and jobs[-1].offline


@pytest.mark.parametrize(("key", "fails", "says"), [
    ("05b555b38483c65d", None, None), (None, None, "it is not signed"),
    (None, "public key not available", "public key not available")])
def test_a_copy_that_is_not_the_very_file_counts_only_where_rpm_knows_its_key(
        target, jobs, here, monkeypatch, key, fails, says):
    rpm = pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    here.clear()
    here.update({NEW: 200, B_OLD: 100})
    folder = cut_with(target, [NEW])
    path = os.path.join(folder.path, jobfile.CARRIED, "b.rpm")
    with open(path, "w", encoding="utf-8") as out:
        out.write("x")

    def header_of(_ts, _path):
        if fails:
            raise rpm.error(fails)

    monkeypatch.setattr(cut, "header_of", header_of)
    monkeypatch.setattr(cut, "nevra_of", lambda header: B_NEW)
    monkeypatch.setattr(rpmdb, "of_header", lambda header: types.SimpleNamespace(signing_key=key))
    if says:
        with pytest.raises(errors.Failed, match=f"{path} does not count: {says}"):
            recovery.settle(target, KINDS)
    else:
        assert "was completed" in recovery.settle(target, KINDS).story["outcome"] and path in jobs[-1].local


def test_what_cannot_be_completed_is_reverted_without_what_somebody_changed(target, jobs, here):
    here.clear()
    here.update({"a-3-1.noarch": 300, B_NEW: 200, B_OLD: 100})
    cut_with(target, [NEW, B_NEW], [OLD, B_OLD])
    jobs.broken = [B_NEW]
    assert "was taken back, because it cannot be completed" in recovery.settle(target, KINDS).story["outcome"]
    assert (jobs[-1].install, jobs[-1].erase) == ([B_OLD], [B_NEW])
    assert ledger.standing(target) == []


def test_what_came_as_a_whole_is_not_reverted_where_it_cannot_be_installed_anew(target, jobs, here):
    here.clear()
    here.update({NEW: 200, B_NEW: 200})
    cut_with(target, [NEW, B_NEW], [OLD, B_OLD])
    jobs.broken = [B_NEW]
    settled = recovery.settle(target, KINDS)
    assert "was finished" in settled.story["outcome"] and [job.install for job in jobs] == [[NEW, B_NEW], []]
    assert len(settled.left) == 1 and "may not have run to their end" in settled.left[0] and len(ledger.standing(target)) == 1


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize(("now", "done"), [({OLD: 100}, False), ({NEW: 200}, True), ({OLD: 100, NEW: 200}, True)])
@pytest.mark.parametrize("undoing", [False, True])
def test_where_all_that_the_runner_left_is_gone_the_database_says_what_became_of_it(
        target, jobs, here, now, done, undoing, folder):
    here.clear()
    here.update(now)
    if folder:  # as a job that was to complete it has made it anew
        target.private_folder(launch.FOLDER, "000002-a.0")
    if undoing:
        began(target, "000001-a")
        book = Book(target, "000001-a")
        book.write(ledger.VERIFIED, 0)
        book.write(ledger.RUN_ENDED)
        book.close()
        here.clear()
        here.update({{OLD: NEW, NEW: OLD}[nevra]: time for nevra, time in now.items()})
    began(target, "000002-a", undoes=["000001-a", 0] if undoing else None)
    assert recovery.half_done(target, KINDS) is done
    recovery.settle(target, KINDS)
    assert len(ledger.standing(target)) == (done is not undoing) and all(job.install == [] for job in jobs)


def test_a_reversal_that_was_cut_is_not_taken_for_somebody_elses(target, jobs, here):
    here.clear()
    here.update({OLD: 300, B_NEW: 200})
    cut_with(target, [NEW, B_NEW], [OLD, B_OLD])
    left(target, DIED, job="000002-a.0.whole")
    recovery.settle(target, KINDS)
    assert (jobs[0].install, jobs[0].erase) == ([NEW, B_NEW], [OLD])


@pytest.mark.parametrize(("error", "says"), [
    (OSError(28, "No space left on device"), "No space left"), (UnicodeError("odd byte"), "odd byte"),
    (ValueError("x"), "ValueError: x")])
def test_what_others_raise_is_told_as_a_failure(target, monkeypatch, error, says):
    def raising(*_args):
        raise error

    monkeypatch.setattr(transaction, "installed", raising)
    action = transaction.TransactionAction("", "", {"items": ITEMS})
    for act in (action.undo, action.verify):
        with pytest.raises(errors.Failed, match=says) as failed:
            act(target)
        assert failed.value.problems[0].remedy


@pytest.mark.parametrize("ends", ["", ledger.DIRTY])
@pytest.mark.parametrize("now", [[NEW], [OLD, NEW]])
def test_what_somebody_does_before_a_runner_is_started_is_no_part_of_the_transaction(target, jobs, here, now, ends):
    """A module that died while it saved files, or whose disk was full: the same packages, brought by hand since, are not ours."""
    began(target, begun=False, ends=ends)
    here.clear()
    here.update(dict.fromkeys(now, 200))
    assert not recovery.half_done(target, KINDS)
    assert recovery.settle(target, KINDS).story is not None and jobs == [] and ledger.standing(target) == []
    assert recovery.settle(target, KINDS).story is None


def test_taking_back_that_failed_before_it_began_is_not_found_again_once_it_was_done(target, jobs, here):
    """Its run folder was never made, so the database alone would say that it is complete."""
    began(target, ends=ledger.VERIFIED)
    left(target, {"phase": "done"}).mark(True)
    began(target, "000003-a", ["000002-a", 0], begun=False, ends=ledger.DIRTY)
    assert recovery.settle(target, KINDS).story is None
    began(target, "000004-a", ["000002-a", 0], ends=ledger.VERIFIED)
    left(target, {"phase": "done"}, job="000004-a.0").mark(True)
    assert recovery.settle(target, KINDS).story is None and ledger.standing(target) == [] and jobs == []


def test_taking_back_that_was_cut_is_not_found_again_once_another_run_has_done_it(target, jobs, here):
    """Also where what its runner left is gone."""
    began(target, ends=ledger.VERIFIED)
    began(target, "000003-a", ["000002-a", 0], ends=ledger.DIRTY)
    began(target, "000004-a", ["000002-a", 0], ends=ledger.VERIFIED)
    assert recovery.settle(target, KINDS).story is None and not recovery.half_done(target, KINDS) and jobs == []


def test_a_transaction_that_the_database_does_not_show_is_told(monkeypatch):
    monkeypatch.setattr(transaction, "installed", lambda: [])
    with pytest.raises(errors.Failed) as failed:
        transaction.TransactionAction("", "", {"items": ITEMS}).verify(None)
    assert [problem.code for problem in failed.value.problems] == ["transaction.not_in_rpmdb"]
