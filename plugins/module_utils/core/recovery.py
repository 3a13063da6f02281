# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that were cut short: what happened to them, found out and mended on the next run without being told to."""

from __future__ import annotations

import time
import typing as t

from ..backup import manifest
from ..packages import launch, transaction
from . import ledger, lock
from .engine import Action, from_record
from .errors import Failed, Problem, Refused
from .host_io import Target

TRANSACTION = transaction.TransactionAction.kind


def look(target: Target) -> dict[str, t.Any] | None:
    """Return what a run that was cut short was at, without waiting or writing."""
    cut = _cut(target)
    if cut is None:
        return None
    if _unit_at_work(target, cut):
        return _story(cut, "its package transaction is still running on the host")
    if half_done(target):
        return _story(cut, "its package transaction ended in its middle; the next run makes it whole")
    return _story(cut, "it was cut short; the next run settles it")


def half_done(target: Target) -> bool:
    """Say whether the packages of this host are those of a transaction that ended in its middle: nothing can be foretold then."""
    cut = _cut(target)
    return cut is not None and _is_transaction(cut.step) and not _unit_at_work(target, cut) and transaction.is_half(
        target, _job(t.cast(ledger.Step, cut.step)))


def let_finish(target: Target, limit: float) -> None:
    """Wait up to C(limit) seconds for a run that is at work, be its controller lost: half-way nothing can be foretold."""
    deadline = time.monotonic() + limit
    while busy := lock.at_work(target) or _transaction_at_work(target):
        if time.monotonic() > deadline:
            raise Refused(Problem(
                f"an earlier run is still at work after {limit:g} seconds", busy, "Wait until it has ended and run again"))
        time.sleep(launch.POLL_SECONDS)


def _transaction_at_work(target: Target) -> str:
    cut = _cut(target)
    unit = _unit_at_work(target, cut) if cut else ""
    return f"it is unit {unit}" if unit else ""


def _unit_at_work(target: Target, cut: ledger.Interrupted) -> str:
    return transaction.at_work(target, _job(t.cast(ledger.Step, cut.step))) if _is_transaction(cut.step) else ""


def _is_transaction(step: ledger.Step | None) -> bool:
    return step is not None and step.action["kind"] == TRANSACTION


def _cut(target: Target) -> ledger.Interrupted | None:
    """Return the newest run if it was cut short, or if it ended by itself and left a package transaction in its middle."""
    cut = ledger.interrupted(target)
    known = ledger.runs(target)
    if cut is not None or not known:
        return cut
    failed = [step for step in ledger.steps(target, known[-1])[0] if step.status == ledger.FAILED and _is_transaction(step)]
    half = [step for step in failed if transaction.is_half(target, _job(step))]
    return ledger.Interrupted(known[-1], half[-1]) if half else None


def settle(target: Target, kinds: dict[str, type[Action]]) -> dict[str, t.Any] | None:
    """Wait for what still runs of a cut-short run, make whole what it left in its middle, write its end into its journal, and
    return what happened."""
    cut = _cut(target)
    if cut is None:
        return None
    manifest.sweep(target, *([cut.step.action["subject"]] if cut.step else []))
    outcome, done = _outcome(target, cut.step, kinds) if cut.step else ("it was cut between two steps", False)
    book = ledger.Journal(target, cut.run)
    if cut.step is not None:
        book.write(ledger.DONE if done else ledger.FAILED, cut.step.number, error=None if done else outcome)
    book.write(ledger.RUN_ENDED)
    book.close()
    return _story(cut, outcome)


def _outcome(target: Target, step: ledger.Step, kinds: dict[str, type[Action]]) -> tuple[str, bool]:
    """Return how the step that had begun ended, in words, and whether it was done."""
    undoes = step.action.get("undoes")
    action = from_record(step.action, kinds, undoes[0] if undoes else step.run)
    if isinstance(action, transaction.TransactionAction):
        return action.settle(target, _job(step), bool(undoes))
    if undoes:
        # Nobody can tell whether it was taken back; what is gone already can be taken back once more.
        return "it was cut while it took this step back", False
    try:
        action.verify(target)
    except (Failed, OSError) as failure:
        return f"its last step had not happened: {failure}", False
    return "its last step had happened", True


def _job(step: ledger.Step) -> str:
    return ledger.job_name(step.run, step.number)


def _story(cut: ledger.Interrupted, outcome: str) -> dict[str, t.Any]:
    step = f"{cut.step.action['kind']} {cut.step.action['subject']}" if cut.step else ""
    return {"run": cut.run, "step": step, "outcome": outcome}
