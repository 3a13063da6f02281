# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order the runner ends: the disk, the mark, what could complete the transaction, the result."""

from __future__ import annotations

import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import jobfile, solver, worker
from ansible_collections.centos.hyperscale.plugins.module_utils.packages.store import Store

JOB = jobfile.Job("run-1.0", [], [], [], None, False, 1.0, [])
DONE = worker.Done([], ["said"], 7, ["/usr/bin"])


class Crash(BaseException):
    """The power goes."""


@pytest.fixture(name="order")
def fixture_order(tmp_path, monkeypatch):
    """Run a job whose transaction went well; note what happens in which order, and cut the power right before a step."""
    class Order(list):
        cut_before = ""

        def __init__(self):
            super().__init__()
            self.folder = jobfile.Folder(str(tmp_path / "run-1.0"))
            self.cut = self.folder

        def start(self, job=JOB, outcome=DONE):
            os.makedirs(self.folder.path, exist_ok=True)
            self.folder.reserve()
            self.folder.write(jobfile.JOB, jobfile.to_json(job))
            self.folder.runs(1)
            (tmp_path / "a.rpm").write_text("x")
            Store(os.path.join(self.cut.path, jobfile.CARRIED)).put({"a-1-1.noarch": str(tmp_path / "a.rpm")})

            def run(folder, _job):
                folder.touched = True
                if isinstance(outcome, Exception):
                    raise outcome
                return outcome

            monkeypatch.setattr(worker, "run", run)
            return worker.main(self.folder.path)

        def step(self, name):
            if self.cut_before == name:
                raise Crash
            self.append(name)

    order = Order()

    def noted(owner, name, word):
        act = getattr(owner, name)

        def wrapped(*args, **more):
            order.step(word)
            return act(*args, **more)

        monkeypatch.setattr(owner, name, wrapped)

    monkeypatch.setattr(worker, "write_out", lambda folders: order.step("disk"))
    monkeypatch.setattr(worker.boot_disk, "contents", lambda: {})
    monkeypatch.setattr(worker.boot_disk, "flush_changes", lambda before: order.step("boot"))
    noted(jobfile.Folder, "mark", "mark")
    noted(Store, "clear", "clear")
    noted(worker, "write_result", "result")
    return order


def test_the_result_comes_last_and_what_could_complete_goes_after_the_mark(order):
    assert order.start() == 0
    assert order == ["boot", "disk", "mark", "clear", "result"]
    result = order.folder.read(jobfile.RESULT)
    assert result["ok"] and result["touched"] and (result["output"], result["history"]) == (["said"], 7)
    assert order.folder.read(jobfile.MARK) == {"done": True}


@pytest.mark.parametrize(("cut", "marked", "carried"), [
    ("boot", False, True), ("disk", False, True), ("mark", False, True), ("clear", True, True), ("result", True, False)])
def test_a_power_cut_between_two_of_them_leaves_what_tells_it(order, cut, marked, carried):
    order.cut_before = cut
    with pytest.raises(Crash):
        order.start()
    assert (order.folder.read(jobfile.MARK) is not None) is marked
    assert bool(Store(os.path.join(order.folder.path, jobfile.CARRIED)).whole()) is carried
    assert order.folder.read(jobfile.RESULT) is None


@pytest.mark.parametrize("reverts", [True, False])
def test_a_job_that_completes_another_marks_that_one(order, reverts):
    order.cut = jobfile.Folder(os.path.join(os.path.dirname(order.folder.path), "run-0.0"))
    os.makedirs(order.cut.path)
    order.cut.reserve()
    assert order.start(JOB._replace(completes="run-0.0", reverts=reverts)) == 0
    assert order.cut.read(jobfile.MARK) == {"done": not reverts} and order.folder.read(jobfile.MARK) is None
    # What came with one that was reverted is still needed: it says which files that had changed.
    assert bool(Store(os.path.join(order.cut.path, jobfile.CARRIED)).whole()) is reverts


@pytest.mark.parametrize(
    "error", [errors.Failed(errors.Problem("a.b", "f", "r", "m")), OSError(5, "Input/output error"), KeyError("x")])
def test_what_did_not_go_well_has_no_mark(order, error):
    assert order.start(outcome=error) == 1
    assert order == ["boot", "result"] and order.folder.read(jobfile.MARK) is None
    result = order.folder.read(jobfile.RESULT)
    assert not result["ok"] and not result["refused"] and result["problems"]
    assert ("traceback" in result) is not isinstance(error, errors.Failed)


def test_a_disk_that_does_not_take_it_has_no_mark(order, monkeypatch):
    def broken(_folders):
        raise errors.Failed(errors.Problem("a.b", "disk", "Input/output error", "Mend it"))

    monkeypatch.setattr(worker, "write_out", broken)
    assert order.start() == 1
    assert order.folder.read(jobfile.MARK) is None
    result = order.folder.read(jobfile.RESULT)
    assert not result["ok"] and result["touched"] and result["output"] == ["said"]
    assert Store(os.path.join(order.folder.path, jobfile.CARRIED)).whole()


def test_a_plan_that_is_made_anew_is_carried_out():
    planned = [solver.Item("install", "a", "1-1", "noarch", "main", 0, 0)]
    now = [solver.Item("install", "a", "2-1", "noarch", "main", 0, 0)]
    with pytest.raises(errors.Refused) as refused:
        worker._refuse_drift(planned, now)
    assert [problem.code for problem in refused.value.problems] == ["transaction.drifted"]
    assert worker._refuse_drift(now, now) is None
