# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that were cut short or failed: what happened to them, found out and mended by the next run without being told to."""

from __future__ import annotations

import time
import typing as t

from ..backup import cut_writes
from . import foreign, guard_told, identity, ledger, lock, payload
from .engine import GOES_ON, Action, from_record, let_go
from .errors import Failed, Problem, Refused
from .host_io import Target
from .ledger_book import Book

POLL_SECONDS = 0.2
# The actions of all sections, by kind.
Kinds = t.Mapping[str, type[Action]]
# A step, or the taking back of one.
Open = t.Union[ledger.Step, ledger.Undoing]


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
        return _story(target, cut, "its package transaction is still running on the host")
    if half_done(target, kinds):
        return _story(target, cut, "its package transaction ended in its middle; the next run completes it")
    return _story(target, cut, "it was cut short; the next run settles it")


def half_done(target: Target, kinds: Kinds) -> bool:
    """Say whether the packages of this host are of a transaction that ended in its middle: nothing can be predicted then."""
    return any(
        not action.at_work(target, _job(step)) and action.is_half(target, _job(step))
        for step, action in _open_steps(target, kinds))


def let_finish(target: Target, limit: float, kinds: Kinds) -> None:
    """Wait up to C(limit) seconds for a run that is at work, be its controller lost: half-way nothing can be predicted."""
    deadline = time.monotonic() + limit
    while busy := lock.at_work(target) or _transaction_at_work(target, kinds):
        if time.monotonic() > deadline:
            raise Refused(Problem(
                "run.still_at_work",
                f"an earlier run is still at work after {limit:g} seconds", busy, "Wait until it has ended and run again"))
        time.sleep(POLL_SECONDS)


def _transaction_at_work(target: Target, kinds: Kinds) -> str:
    units = [action.at_work(target, _job(step)) for step, action in _open_steps(target, kinds)]
    return next((f"it is unit {unit}" for unit in units if unit), "")


class Cut(t.NamedTuple):
    """The newest run that has something to settle, and the last of its steps that has (None: it was between two steps)."""

    run: ledger.Run
    step: Open | None


def _at_work(target: Target, cut: Cut, kinds: Kinds) -> str:
    action = _action(target, cut.step, kinds) if cut.step else None
    return action.at_work(target, _job(t.cast(Open, cut.step))) if action else ""


def _cut(target: Target, kinds: Kinds) -> Cut | None:
    """Return the newest run if it was cut short, or else the newest that left a step in its middle."""
    newest = ledger.interrupted(target)
    unsettled = [step for step, _action in _open_steps(target, kinds)]
    if newest is not None:
        mine = [step for step in unsettled if step.run == newest.id]
        return Cut(newest, mine[-1] if mine else None)
    return Cut(ledger.read(target, unsettled[-1].run), unsettled[-1]) if unsettled else None


def _open_steps(target: Target, kinds: Kinds) -> list[tuple[Open, Action]]:
    """Return the steps that have not come to an end, oldest first, each with its action: of the newest run, if that was cut, and
    those that failed and were not taken back. Restarts of services are left to the plan."""
    found: list[tuple[Open, Action]] = []
    for run in ledger.every(target):
        for step in sorted([*run.steps.values(), *run.undoings.values()], key=lambda one: one.number):
            action = _action(target, step, kinds) if step.state in ledger.UNSETTLED else None
            if action is not None and (step.state != ledger.DIRTY or not _is_over(target, step, action)):
                found.append((step, action))
    return found


def _is_over(target: Target, step: Open, action: Action) -> bool:
    """Say whether nothing is to be done about a step that failed."""
    stands = {(one.run, one.number) for one in ledger.standing(target)}
    if isinstance(step, ledger.Undoing):
        # Where the step that it was to take back stands, that is taken back again; a transaction can be in its middle.
        return step.undoes not in stands or not action.is_half(target, _job(step))
    return action.follows or (step.run, step.number) not in stands


def settle(target: Target, kinds: Kinds, tells: bool = True) -> Settled:
    """Wait for what still runs of a cut-short run, make whole what it left in its middle, write down what became of each of its
    steps, and return what happened. What guards did since is told first, unless a guard does this: C(tells) is false then."""
    told = guard_told.tell(target) if tells else []
    cut = _cut(target, kinds)
    if cut is None:
        let_go(target, kinds)
        # A guard has settled it at boot.
        stories = [Settled(one.args["story"], one.args["cut_left"]) for one in told if one.args.get("story")]
        return stories[-1] if stories else Settled(None, [])
    payload.hold()
    outcome, left = "it was cut between two steps", []
    # A later step may rest on an earlier one.
    for step, action in reversed(_open_steps(target, kinds)):
        target.job = _job(step)
        cut_writes.sweep(target, target.job, action.subject)
        words = _settle(target, step, action, kinds)
        outcome = words if step == cut.step else outcome
        left += action.left
    let_go(target, kinds)
    if not cut.run.ended:
        cut_writes.sweep(target, ledger.job_name(cut.run.id, ledger.HEADER), identity.COOKIE)
        book = Book(target, cut.run.id)
        book.write(ledger.RUN_ENDED)
        book.close()
    return Settled(_story(target, cut, outcome), left)


def _settle(target: Target, step: Open, action: Action, kinds: Kinds) -> str:
    """Settle one step, write down what became of it, and return that in words. What cannot be settled and leaves the host in its
    middle is raised; anything else stays dirty, and the run goes on."""
    try:
        outcome, done = _settled(target, step, action, kinds)
    except (Failed, Refused) as failure:
        problem = failure.problems[0]
    except Exception as error:  # whatever a library raises, the step stays in the ledger, and the user gets a problem
        problem = foreign.problem(error, f"{action.kind} of {action.subject} cannot be settled", GOES_ON)
    else:
        _write(target, step, ledger.VERIFIED if done else ledger.REVERTED, left=action.left)
        return outcome
    if step.state != ledger.DIRTY:
        _write(target, step, ledger.DIRTY, error=str(problem))
    if action.settles_later:
        raise Failed(problem)
    return f"{action.kind} {action.subject} stays in the ledger as it could not be taken back: {problem}"


def _write(target: Target, step: Open, state: str, **more: t.Any) -> None:
    book = Book(target, step.run)
    try:
        book.write(state, step.number, **more)
    finally:
        book.close()


def _settled(target: Target, step: Open, action: Action, kinds: Kinds) -> tuple[str, bool]:
    """Settle a step, with what its run held for it in force: a transaction that is completed runs its scriptlets once more."""
    holds: list[Action] = []
    if action.is_half(target, _job(step)):
        others = ledger.read(target, step.run).steps.values()
        known = [from_record(other.action, kinds) for other in others if other.state == ledger.VERIFIED]
        holds = [other for other in known if other.holds]
    for hold in holds:
        hold.apply(target)
    try:
        return action.settle(target, _job(step), isinstance(step, ledger.Undoing))
    finally:
        for hold in reversed(holds):
            hold.undo(target)


def _action(target: Target, step: Open, kinds: Kinds) -> Action | None:
    """Return the action of a step; None of one that takes back what is not in the ledger any more."""
    record = _record(target, step)
    return from_record(record, kinds, step.run if isinstance(step, ledger.Step) else step.undoes[0]) if record else None


def _record(target: Target, step: Open) -> dict[str, t.Any] | None:
    if step.action is not None:
        return step.action
    original = ledger.step_of(target, *t.cast(ledger.Undoing, step).undoes)
    return original.action if original else None


def _job(step: Open) -> str:
    return ledger.job_name(step.run, step.number)


def _story(target: Target, cut: Cut, outcome: str) -> dict[str, t.Any]:
    record = _record(target, cut.step) if cut.step else None
    if cut.run.torn:
        outcome += ". The last line of its ledger was cut short, and counts as not written"
    return {"run": cut.run.id, "step": f"{record['kind']} {record['subject']}" if record else "", "outcome": outcome}
