# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that were cut short: what happened to them, found out on the next run without being told to."""

from __future__ import annotations

import time
import typing as t

from . import _detached, _journal, _runlock
from ._engine import Action, from_record
from ._errors import Failed, Problem, Refused
from ._target import Target

TRANSACTION = "transaction"


def look(target: Target) -> dict[str, t.Any] | None:
    """Return what a run that was cut short was at, without waiting or writing."""
    cut = _journal.interrupted(target)
    if cut is None:
        return None
    if cut.step is not None and cut.step.action["kind"] == TRANSACTION and _detached.alive(target, _job(cut.step)):
        return _story(cut, "its package transaction is still running on the host")
    return _story(cut, "it was cut short; the next run settles it")


def let_finish(target: Target, limit: float) -> None:
    """Wait up to C(limit) seconds for a run that is at work, be its controller lost: half-way nothing can be foretold."""
    deadline = time.monotonic() + limit
    while busy := _runlock.at_work(target) or _transaction_at_work(target):
        if time.monotonic() > deadline:
            raise Refused(Problem(
                f"an earlier run is still at work after {limit:g} seconds", busy, "Wait until it has ended and run again"))
        time.sleep(_detached.POLL_SECONDS)


def _transaction_at_work(target: Target) -> str:
    cut = _journal.interrupted(target)
    if cut is None or cut.step is None or cut.step.action["kind"] != TRANSACTION or not _detached.alive(target, _job(cut.step)):
        return ""
    return f"it is unit {_detached.unit_name(_job(cut.step))}"


def settle(target: Target, kinds: dict[str, type[Action]]) -> dict[str, t.Any] | None:
    """Wait for what still runs of a cut-short run, write its end into its journal, and return what happened."""
    cut = _journal.interrupted(target)
    if cut is None:
        return None
    book = _journal.Journal(target, cut.run)
    outcome = "it was cut between two steps"
    if cut.step is not None:
        outcome, done = _outcome(target, cut.step, kinds)
        book.write(_journal.DONE if done else _journal.FAILED, cut.step.number, error=None if done else outcome)
    book.write(_journal.RUN_ENDED)
    book.close()
    return _story(cut, outcome)


def _outcome(target: Target, step: _journal.Step, kinds: dict[str, type[Action]]) -> tuple[str, bool]:
    """Return how the step that had begun ended, in words, and whether it was done."""
    if step.action["kind"] == TRANSACTION:
        try:
            _detached.raise_for(_detached.wait(target, _job(step)))
        except (Failed, Refused) as failure:
            return f"its package transaction did not succeed: {failure}", False
        return "the host finished its package transaction by itself", True
    try:
        from_record(step.action, kinds).verify(target)
    except (Failed, OSError) as failure:
        return f"its last step had not happened: {failure}", False
    return "its last step had happened", True


def _job(step: _journal.Step) -> str:
    return _journal.job_name(step.run, step.number)


def _story(cut: _journal.Interrupted, outcome: str) -> dict[str, t.Any]:
    step = f"{cut.step.action['kind']} {cut.step.action['subject']}" if cut.step else ""
    return {"run": cut.run, "step": step, "outcome": outcome}
