# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that were cut short: what happened to them, found out and mended on the next run without being told to."""

from __future__ import annotations

import time
import typing as t

from ..backup import manifest
from . import ledger, lock, payload
from .engine import Action, from_record, let_go
from .errors import Problem, Refused
from .host_io import Target

POLL_SECONDS = 0.2
# The actions of all sections, by kind.
Kinds = t.Mapping[str, type[Action]]


class Settled(t.NamedTuple):
    """What became of a run that was cut short, None where none was, and what was left as it is when its step was taken back,
    in words."""

    story: dict[str, t.Any] | None
    left: list[str]


def look(target: Target, kinds: Kinds) -> dict[str, t.Any] | None:
    """Return what a run that was cut short was at, without waiting or writing."""
    cut = _cut(target, kinds)
    if cut is None:
        return None
    if _at_work(target, cut, kinds):
        return _story(cut, "its package transaction is still running on the host")
    if half_done(target, kinds):
        return _story(cut, "its package transaction ended in its middle; the next run makes it whole")
    return _story(cut, "it was cut short; the next run settles it")


def half_done(target: Target, kinds: Kinds) -> bool:
    """Say whether the packages of this host are those of a transaction that ended in its middle: nothing can be foretold then."""
    cut = _cut(target, kinds)
    return (
        cut is not None and cut.step is not None and not _at_work(target, cut, kinds)
        and _action(cut.step, kinds).is_half(target, _job(cut.step)))


def let_finish(target: Target, limit: float, kinds: Kinds) -> None:
    """Wait up to C(limit) seconds for a run that is at work, be its controller lost: half-way nothing can be foretold."""
    deadline = time.monotonic() + limit
    while busy := lock.at_work(target) or _transaction_at_work(target, kinds):
        if time.monotonic() > deadline:
            raise Refused(Problem(
                f"an earlier run is still at work after {limit:g} seconds", busy, "Wait until it has ended and run again"))
        time.sleep(POLL_SECONDS)


def _transaction_at_work(target: Target, kinds: Kinds) -> str:
    cut = _cut(target, kinds)
    unit = _at_work(target, cut, kinds) if cut else ""
    return f"it is unit {unit}" if unit else ""


def _at_work(target: Target, cut: ledger.Interrupted, kinds: Kinds) -> str:
    return _action(cut.step, kinds).at_work(target, _job(cut.step)) if cut.step else ""


def _cut(target: Target, kinds: Kinds) -> ledger.Interrupted | None:
    """Return the newest run if it was cut short, or if it ended by itself and left a step in its middle."""
    cut = ledger.interrupted(target)
    known = ledger.runs(target)
    if cut is not None or not known:
        return cut
    failed = [step for step in ledger.steps(target, known[-1])[0] if step.status == ledger.FAILED]
    half = [step for step in failed if _action(step, kinds).is_half(target, _job(step))]
    return ledger.Interrupted(known[-1], half[-1]) if half else None


def settle(target: Target, kinds: Kinds) -> Settled:
    """Wait for what still runs of a cut-short run, make whole what it left in its middle, write its end into its journal, and
    return what happened."""
    cut = _cut(target, kinds)
    if cut is None:
        let_go(target, kinds)
        return Settled(None, [])
    payload.hold()
    outcome, done = "it was cut between two steps", False
    left: list[str] = []
    if cut.step:
        target.job = _job(cut.step)
        manifest.sweep(target, target.job, cut.step.action["subject"])
        outcome, done, left = _settled(target, cut, cut.step, kinds)
    book = ledger.Journal(target, cut.run)
    if cut.step is not None:
        book.write(ledger.DONE if done else ledger.FAILED, cut.step.number, error=None if done else outcome, left=left)
    let_go(target, kinds)
    book.write(ledger.RUN_ENDED)
    book.close()
    return Settled(_story(cut, outcome), left)


def _settled(target: Target, cut: ledger.Interrupted, step: ledger.Step, kinds: Kinds) -> tuple[str, bool, list[str]]:
    """Settle a step, with what its run held for it in force: a transaction that is made whole runs its scriptlets once more."""
    known = [other for other in ledger.steps(target, cut.run)[0] if not other.action.get("undoes")]
    holds = [_action(other, kinds) for other in known if kinds[other.action["kind"]].holds and other.status == ledger.DONE]
    action, job = _action(step, kinds), _job(step)
    if not action.is_half(target, job):
        holds = []
    for hold in holds:
        hold.apply(target)
    try:
        return (*action.settle(target, job, bool(step.action.get("undoes"))), action.left)
    finally:
        for hold in reversed(holds):
            hold.undo(target)


def _action(step: ledger.Step, kinds: Kinds) -> Action:
    undoes = step.action.get("undoes")
    return from_record(step.action, kinds, undoes[0] if undoes else step.run)


def _job(step: ledger.Step) -> str:
    return ledger.job_name(step.run, step.number)


def _story(cut: ledger.Interrupted, outcome: str) -> dict[str, t.Any]:
    step = f"{cut.step.action['kind']} {cut.step.action['subject']}" if cut.step else ""
    return {"run": cut.run, "step": step, "outcome": outcome}
