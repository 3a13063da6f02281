# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a transaction that was cut is taken for, and what the next run does about it."""

from __future__ import annotations

import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.backup import manifest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors, host_io, ledger, recovery
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import jobfile, launch, solver, transaction
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


def began(target, run="run-1", undoes=None):
    """Write the journal of a run that was cut in its transaction."""
    args = {"items": ITEMS, "specs": [], "weak_deps": False, "lock_timeout": 1, "install": [NEW], "erase": []}
    action = transaction.TransactionAction("1 packages in, 1 out", "", args)
    book = ledger.Journal(target, run)
    book.write(ledger.BEGAN, 0, action=dict(action.record(), undoes=undoes))
    book.close()


def left(target, status, result=None, job="run-1.0"):
    """Have a runner leave its last word, and maybe a result."""
    folder = jobfile.Folder(target.private_folder(launch.FOLDER, job))
    folder.write(jobfile.JOB, {})
    if status:
        folder.write(jobfile.STATUS, status)
    if result:
        folder.write(jobfile.RESULT, result)
    return folder


def store(target, where, *nevras):
    for nevra in nevras:
        path = os.path.join(target.tmpdir, nevra)
        with open(path, "w", encoding="utf-8") as out:
            out.write(nevra)
        Store(where).put({nevra: path})


@pytest.fixture(name="jobs")
def fixture_jobs(monkeypatch):
    """Keep the jobs that would be carried out; those that install a build named in C(fails) fail."""
    class Jobs(list):
        fails = ""

    jobs = Jobs()

    def carry_out(host_io, job):
        jobs.append(job)
        problem = errors.Problem("rpm", "said no", "")
        return {"ok": jobs.fails not in job.install, "refused": False, "problems": [problem]}

    monkeypatch.setattr(launch, "carry_out", carry_out)
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
    assert transaction.TransactionAction("", "", {}).is_half(target, "run-1.0") is half


def test_a_cut_transaction_is_made_whole_with_what_lies_on_the_host(target, jobs):
    began(target)
    folder = left(target, DIED)
    store(target, os.path.join(folder.path, jobfile.CARRIED), NEW)
    assert "ended in its middle" in recovery.look(target, KINDS)["outcome"] and recovery.half_done(target, KINDS)
    assert "was made whole" in recovery.settle(target, KINDS).story["outcome"]
    job, = jobs
    assert (job.whole, job.offline, job.install, job.erase) == (True, True, [NEW], [OLD])
    assert [os.path.basename(path) for path in job.local] == [NEW]
    assert len(ledger.standing(target)) == 1
    assert recovery.settle(target, KINDS).story is None and not recovery.half_done(target, KINDS)


WARNING = errors.Problem("what was changed below /boot", "it was not written out", "Reboot cleanly")


@pytest.mark.parametrize(("result", "done"), [
    ({"ok": True}, "by itself"), ({"ok": False, "refused": False, "touched": False, "problems": [["rpm", "no", ""]]}, "rpm: no")])
def test_what_a_runner_warned_of_after_its_module_was_lost_is_told(target, monkeypatch, result, done):
    warned = []
    monkeypatch.setattr(target, "warn", warned.append)
    began(target)
    left(target, {"phase": "done"}, dict(result, warnings=[WARNING]))
    assert done in recovery.settle(target, KINDS).story["outcome"]
    assert warned == [str(WARNING)]


def test_where_that_cannot_be_it_goes_back_to_what_was_saved(target, jobs):
    began(target)
    left(target, DIED)
    kept = manifest.Kept(target, "run-1")
    store(target, kept.packages.folder, OLD)
    outcome = recovery.settle(target, KINDS).story["outcome"]
    assert "was taken back, because" in outcome and NEW in outcome
    job, = jobs
    assert (job.install, job.erase) == ([OLD], [NEW])
    assert ledger.standing(target) == [] and manifest.runs(target) == []


def test_where_neither_can_be_the_run_says_which_packages_are_missing(target, jobs):
    began(target)
    left(target, DIED)
    with pytest.raises(errors.Failed, match=OLD):
        recovery.settle(target, KINDS)
    assert list(jobs) == [] and recovery.half_done(target, KINDS)


def test_one_that_is_taken_back_goes_on_back(target, jobs):
    began(target, "run-0")
    book = ledger.Journal(target, "run-0")
    book.write(ledger.DONE, 0)
    book.write(ledger.RUN_ENDED)
    book.close()
    began(target, "run-1", undoes=["run-0", 0])
    folder = left(target, DIED)
    folder.write(jobfile.ITEMS, [
        solver.Item("downgrade", "a", "1-1.el9", "noarch", "", 1, 1, "a"),
        solver.Item("replaced", "a", "2-1.hs.el9", "noarch", "", 1, 1, "a")])
    store(target, os.path.join(folder.path, jobfile.CARRIED), OLD)
    assert "was made whole" in recovery.settle(target, KINDS).story["outcome"]
    assert (jobs[0].install, jobs[0].erase) == ([OLD], [NEW])
    assert ledger.standing(target) == []


def test_one_that_failed_in_its_middle_is_found_although_its_run_ended(target, jobs):
    began(target)
    book = ledger.Journal(target, "run-1")
    book.write(ledger.FAILED, 0, error="no space")
    book.write(ledger.RUN_ENDED)
    book.close()
    folder = left(target, DIED, {"ok": False, "refused": False, "touched": True, "problems": []})
    store(target, os.path.join(folder.path, jobfile.CARRIED), NEW)
    assert "was made whole" in recovery.settle(target, KINDS).story["outcome"]
    assert len(ledger.standing(target)) == 1 and len(jobs) == 1


@pytest.mark.parametrize(("status", "says"), [
    ({"phase": "downloading"}, "it ended while downloading"), (None, "it had not begun")])
def test_one_that_rpm_had_not_begun_with_changed_nothing(target, jobs, status, says):
    began(target)
    left(target, status)
    os.makedirs(manifest.Kept(target, "run-1").folder)
    assert says in recovery.settle(target, KINDS).story["outcome"]
    assert ledger.standing(target) == [] and list(jobs) == [] and manifest.runs(target) == []


def test_a_step_that_was_being_taken_back_still_stands(target, tmp_path):
    began(target, "run-0")
    book = ledger.Journal(target, "run-0")
    book.write(ledger.DONE, 0)
    book.write(ledger.RUN_ENDED)
    book.close()
    began(target, "run-1", undoes=["run-0", 0])
    recovery.settle(target, KINDS)
    assert [step.run for step in ledger.standing(target)] == ["run-0"]


def test_builds_that_took_the_place_of_what_came_go_as_well(target):
    def package(name, version):
        return Package(name, 0, version, "1.hs.el9", "noarch", None, name, None, 0)

    items = [*ITEMS, solver.Item("install", "b", "2-1.hs.el9", "noarch", "hs", 1, 1, "b"),
             solver.Item("install", "kernel-core", "6-1.hs.el9", "noarch", "hs", 1, 1, "kernel")]
    action = transaction.TransactionAction("", "", {"items": items})
    here = [package("a", "3"), package("b", "3"), package("kernel-core", "6"), package("kernel-core", "7"), package("c", "1")]
    assert action._brought_alone(here) == ["b-3-1.hs.el9.noarch", "kernel-core-6-1.hs.el9.noarch"]
