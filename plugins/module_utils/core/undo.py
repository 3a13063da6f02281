# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going back: which steps of earlier runs are taken back, in which order, and which snapshot the host is then compared with."""

from __future__ import annotations

import typing as t

from ..backup import manifest
from . import ledger, retention
from .engine import Action, from_record
from .errors import Problem
from .host_io import Target
from .registry import Registry


def taken(target: Target, sections: t.Container[str], registry: Registry) -> list[ledger.Step]:
    """Return the steps that stand in some sections, as they were done, and those that restart services and were never come
    to: taken back with the rest, they restart by the files that are there then."""
    kinds = registry.kinds
    standing = [step for step in ledger.standing(target) if kinds[step.action["kind"]].stands]
    mine = [step for step in standing if kinds[step.action["kind"]].section in sections]
    runs = {step.run for step in mine}
    mine += [step for step in ledger.owed(target) if step.run in runs and kinds[step.action["kind"]].section in sections]
    mine.sort(key=lambda step: (ledger.sequence_of(step.run), step.number))
    for _name, straight in registry.having("straight"):
        mine = straight(mine)
    return mine


def problems(target: Target, steps: t.Sequence[ledger.Step], registry: Registry) -> list[Problem]:
    """Return what is in the way of taking steps back."""
    asked = [problem for _name, ask in registry.having("undo_problems") for problem in ask(target, steps)]
    return [*asked, *_rested_on(target, steps, registry.kinds)]


def _rested_on(target: Target, steps: t.Sequence[ledger.Step], kinds: t.Mapping[str, type[Action]]) -> list[Problem]:
    """Return the steps that cannot be taken back because a later one, which stays, has a path or object in common with it."""
    mine = {(step.run, step.number) for step in steps}
    staying: dict[str, list[ledger.Step]] = {}
    found = []
    for step in reversed(ledger.standing(target)):
        shares = from_record(step.action, kinds, step.run).shares()
        if (step.run, step.number) not in mine:
            for name in shares:
                staying.setdefault(name, []).append(step)
            continue
        later = [other for name in sorted(shares) for other in staying.get(name, ())]
        if later:
            found.append(Problem(
                "rollback.needed_by_later", f"{step.action['kind']} {step.action['subject']} cannot be taken back alone",
                "later steps rest on it: " + ", ".join(
                    f"{other.action['kind']} {other.action['subject']} of run {other.run}" for other in later),
                "Take the sections of these steps back with it: " + ", ".join(
                    sorted({kinds[other.action["kind"]].section for other in later})),
                subject=f"{step.action['kind']} {step.action['subject']}"))
    return found


def inverse(step: ledger.Step, kinds: t.Mapping[str, type[Action]]) -> Action:
    """Return a step as it is shown when it is taken back."""
    record = step.action
    return kinds[record["kind"]](
        record["subject"], f"run {step.run} did it", record["args"], record["after"], record["before"])


def before(target: Target, steps: t.Sequence[ledger.Step]) -> tuple[int, int] | None:
    """Return which snapshots show the host as it was before the first of some steps; None without steps.

    A snapshot has the place of the run that was the newest when it was taken, in the sequence of runs. Returned are the lowest
    and the highest place that will do: runs that changed nothing do not count. What the newest run took back counts as well,
    since it may be what was cut, or what failed in part, and now goes on.
    """
    known = ledger.every(target)
    newest = known[-1] if known else None
    touched = {ledger.sequence_of(step.run) for step in steps}
    touched |= {ledger.sequence_of(undoing.undoes[0]) for undoing in newest.undoings.values()} if newest else set()
    if not touched:
        return None
    first = min(touched)
    lowest = first - 1
    for run in reversed([run for run in known if run.sequence < first]):
        if run.changed or run.sequence < lowest:
            break
        lowest = run.sequence - 1
    return lowest, first - 1


def began(target: Target, snapshot: float) -> float:
    """Return when the way back to a snapshot began, in seconds since the epoch: with the first of the newest runs that took
    something back. The time of the snapshot, where none did since."""
    start = snapshot
    for run in reversed(ledger.every(target)):
        if run.began < snapshot:
            break
        if run.goes_back:
            start = run.began
        elif start != snapshot:
            break
    return start


def start_again(target: Target, registry: Registry) -> None:
    """Start the units that ran before transactions which are taken back by now."""
    standing = _saving(target, registry)
    for run in reversed(manifest.runs(target)):
        if run not in standing:
            manifest.Kept(target, run).start_again()


def tidy(target: Target, days: int, registry: Registry) -> None:
    """Forget what was saved for runs that do not stand any more, or longer ago than it is to be kept, and what else of the state
    directory nothing needs any more."""
    manifest.prune(target, _saving(target, registry), days)
    retention.prune(target)


def _saving(target: Target, registry: Registry) -> set[str]:
    """Return the runs of which a step stands that saved something for its way back."""
    return {step.run for step in ledger.standing(target) if registry.kinds[step.action["kind"]].saves}
