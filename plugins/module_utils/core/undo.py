# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going back: which steps of earlier runs are taken back, in which order, and which snapshot the host is then compared with."""

from __future__ import annotations

import typing as t

from ..backup import manifest
from . import ledger
from .engine import Action
from .host_io import Target
from .registry import Registry


def taken(target: Target, sections: t.Container[str], registry: Registry) -> list[ledger.Step]:
    """Return the steps that stand in some sections, as they were done, and those that make running things follow the disk and
    were never come to: taken back with the rest, they follow what is there then."""
    kinds = registry.kinds
    standing = [step for step in ledger.standing(target) if kinds[step.action["kind"]].stands]
    mine = [step for step in standing if kinds[step.action["kind"]].section in sections]
    runs = {step.run for step in mine}
    mine += [step for step in ledger.owed(target) if step.run in runs and kinds[step.action["kind"]].section in sections]
    mine.sort(key=lambda step: (step.run, step.number))
    for _name, straight in registry.having("straight"):
        mine = straight(mine)
    return mine


def problems(target: Target, steps: t.Sequence[ledger.Step], registry: Registry) -> list[t.Any]:
    """Return what is in the way of taking steps back."""
    return [problem for _name, ask in registry.having("undo_problems") for problem in ask(target, steps)]


def inverse(step: ledger.Step, kinds: t.Mapping[str, type[Action]]) -> Action:
    """Return a step as it is shown when it is taken back."""
    record = step.action
    return kinds[record["kind"]](
        record["subject"], f"run {step.run} did it", record["args"], record["after"], record["before"])


def time_before(target: Target, steps: t.Sequence[ledger.Step]) -> tuple[float, float] | None:
    """Return between which times a snapshot shows the host as it was before the first of some steps; None without steps.

    In seconds since the epoch: after the last run before these, and before the first of these began. What the newest run
    took back counts as well, since it may be what was cut, or what failed in part, and now goes on.
    """
    known = ledger.runs(target)
    newest = ledger.steps(target, known[-1])[0] if known else []
    touched = {step.run for step in steps} | {step.action["undoes"][0] for step in newest if step.action.get("undoes")}
    if not touched:
        return None
    first = min(touched)
    earlier = [run for run in known if run < first]
    since = ledger.span(target, earlier[-1])[1] if earlier else 0.0
    return since, ledger.span(target, first)[0]


def began(target: Target, snapshot: float) -> float:
    """Return when the way back to a snapshot began, in seconds since the epoch: with the first of the newest runs that took
    something back. The time of the snapshot, where none did since."""
    start = snapshot
    for run in reversed(ledger.runs(target)):
        first = ledger.span(target, run)[0]
        if first < snapshot:
            break
        if any(step.action.get("undoes") for step in ledger.steps(target, run)[0]):
            start = first
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
    """Forget what was saved for runs that do not stand any more, or longer ago than it is to be kept."""
    manifest.prune(target, _saving(target, registry), days)


def _saving(target: Target, registry: Registry) -> set[str]:
    """Return the runs of which a step stands that saved something for its way back."""
    return {step.run for step in ledger.standing(target) if registry.kinds[step.action["kind"]].saves}
