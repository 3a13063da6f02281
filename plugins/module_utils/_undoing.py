# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going back: which steps of earlier runs are taken back, in which order, and what the host is then compared with."""

from __future__ import annotations

import typing as t

from . import _journal, _kept, _section_network, _section_packages
from ._dropin import snapshot
from ._engine import Action
from ._target import Target


def taken(target: Target, sections: t.Container[str], kinds: t.Mapping[str, type[Action]]) -> list[_journal.Step]:
    """Return the steps that stand in some sections, as they were done, and those that make running things follow the disk and
    were never come to: taken back with the rest, they follow what is there then."""
    standing = [step for step in _journal.standing(target) if kinds[step.action["kind"]].stands]
    mine = [step for step in standing if kinds[step.action["kind"]].section in sections]
    runs = {step.run for step in mine}
    mine += [
        step for step in _journal.owed(target) if step.run in runs and kinds[step.action["kind"]].section in sections]
    return _section_network.straight(sorted(mine, key=lambda step: (step.run, step.number)))


def problems(target: Target, steps: t.Sequence[_journal.Step]) -> list[t.Any]:
    """Return what is in the way of taking steps back."""
    return _section_packages.undo_problems(target, steps)


def inverse(step: _journal.Step, kinds: t.Mapping[str, type[Action]]) -> Action:
    """Return a step as it is shown when it is taken back."""
    record = step.action
    return kinds[record["kind"]](
        record["subject"], f"run {step.run} did it", record["args"], record["after"], record["before"])


def snapshot_before(target: Target, steps: t.Sequence[_journal.Step]) -> str | None:
    """Return the snapshot that was taken before the first of some steps, with no other run in between; None without one.

    What the newest run took back counts as well, since it may be what was cut, or what failed in part, and now goes on.
    """
    known = _journal.runs(target)
    newest = _journal.steps(target, known[-1])[0] if known else []
    touched = {step.run for step in steps} | {step.action["undoes"][0] for step in newest if step.action.get("undoes")}
    if not touched:
        return None
    first = min(touched)
    earlier = [run for run in _journal.runs(target) if run < first]
    since = _journal.span(target, earlier[-1])[1] if earlier else 0.0
    return snapshot.newest_between(target, since, _journal.span(target, first)[0])


def start_again(target: Target) -> None:
    """Start the units that ran before transactions which are taken back by now."""
    standing = _with_transaction(target)
    for run in reversed(_kept.runs(target)):
        if run not in standing:
            _kept.Kept(target, run).start_again()


def tidy(target: Target, days: int) -> None:
    """Forget what was saved for runs that do not stand any more, or longer ago than it is to be kept."""
    _kept.prune(target, _with_transaction(target), days)


def _with_transaction(target: Target) -> set[str]:
    """Return the runs whose package transaction stands."""
    return {step.run for step in _journal.standing(target) if step.action["kind"] == _section_packages.TransactionAction.kind}
