# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package transaction that a restart of the host cut in its middle is settled at boot, as the next run would settle it.

The guard is armed before a run with such a step, and acts at a boot only: while the host runs, the runner of the transaction
outlives the run. Where the ledger is gone or cannot be relied on, the guard goes by what it holds of the step itself.
"""

from __future__ import annotations

import contextlib
import typing as t

from . import code_tree, foreign, guard, health, ledger, recovery
from .engine import Action, from_record
from .errors import Failed, Refused
from .guard import Kind, Record
from .host_io import Target

# A step that may be left in its middle: its number in the run that guards it, whether it is the taking back of one, the run that
# did it, and its record.
Guarded = tuple[int, bool, str, dict[str, t.Any]]
# What the code of the guard does without: what needs Ansible, and what only reads.
WITHOUT = ("entry.", "verify.")


class CutGuard(Kind):
    """Completes or reverts what was cut, by the code that settles it in the next run."""

    name = "transaction"
    subject = "a package transaction that was cut"
    does = "settle {}"
    after = "multi-user.target"
    # What the ledger says of the step is written by its settlement.
    reverts = False

    def __init__(self, kinds: recovery.Kinds) -> None:
        self.kinds = kinds

    def changed_by_others(self, target: Target, record: Record, boot: str) -> str:
        # What somebody did with its packages since is found for each package, and not undone.
        return ""

    def put_back(self, target: Target, record: Record) -> str:
        if self._by_the_ledger(target, record):
            story, left = recovery.settle(target, self.kinds, tells=False)
            record.args.update(story=story, cut_left=left)
            return story["outcome"] if story else "nothing was left to do"
        words = []
        for job, undoing, action in self._steps(record):
            if action.is_half(target, job):
                target.job = job
                words.append(action.settle(target, job, undoing)[0])
        return "; ".join([*words, "the ledger does not have it or cannot be relied on"])

    def open_ends(self, target: Target, record: Record) -> tuple[list[str], list[str]]:
        half = [action.subject for job, _undoing, action in self._steps(record) if action.is_half(target, job)]
        return [f"the transaction ({subject}) is still in its middle" for subject in half], record.args.get("cut_left") or []

    def _by_the_ledger(self, target: Target, record: Record) -> bool:
        return record.step[0] in ledger.runs(target) and not health.problems(target, self.kinds)

    def _steps(self, record: Record) -> list[tuple[str, bool, Action]]:
        return [
            (ledger.job_name(record.step[0], number), undoing, from_record(action, self.kinds, run))
            for number, undoing, run, action in record.args["steps"]]


@contextlib.contextmanager
def watching(target: Target, kinds: recovery.Kinds, run: str, steps: t.Sequence[Guarded], entry: str) -> t.Iterator[None]:
    """Have the host settle at boot what of some steps is cut meanwhile. C(entry) is the module whose C(main) does so, if any.

    Where that cannot be had, the operator is told, and the next run settles it.
    """
    record = None
    if steps and entry:
        modules = [entry, *code_tree.loaded(WITHOUT)]
        record = guard.arm_if_possible(
            target, CutGuard(kinds), (run, steps[0][0]), {"steps": [list(step) for step in steps]}, None, entry, modules)
    try:
        yield
    finally:
        if record is not None:
            try:
                end(target, kinds)
            except (Failed, Refused, OSError) as error:
                target.warn(
                    f"The guard of {record.subject} could not be ended: {foreign.problem(error).reason}. It finds nothing to do "
                    "at the next boot, and the next run ends it")


def end(target: Target, kinds: recovery.Kinds) -> None:
    """End the guards of transactions, unless one is still in its middle."""
    armed = [one for one in guard.every(target) if one.kind == CutGuard.name and one.state == guard.ARMED]
    if armed and not recovery.half_done(target, kinds):
        for record in armed:
            guard.confirm(target, record.id)
