# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the state directory is kept and for how long, so that reading it does not grow with the number of runs.

A run that has no steps to roll back is moved from the ledger to C(closed/), which nothing reads. It is a record for people, and
the newest KEPT_RUNS of them are kept. The folders of transactions and the snapshots that no standing run needs are kept for the
newest KEPT_RUNS runs as well. Steps that stand are never merged or dropped. What was saved for a way back is pruned by
backup.manifest, and snapshots by verify.snapshot.
"""

from __future__ import annotations

import os
import shutil

from . import identity, ledger
from .host_io import Target, names_in, sync_folder

CLOSED = "closed"
RUN_FOLDERS = "runs"
KEPT_RUNS = 20


def close(target: Target) -> None:
    """Move the runs that have no steps to roll back out of the ledger, but not the newest, which says where the sequence is."""
    known = ledger.every(target)
    stands = {step.run for step in ledger.standing(target)}
    # What took steps of a standing run back says which of its steps do not stand.
    needed = {run.id for run in known if any(undoing.undoes[0] in stands for undoing in run.undoings.values())}
    going = [run.id for run in known[:-1] if run.ended and run.id not in stands | needed]
    if not going:
        return
    folder, closed = os.path.join(target.state_dir, ledger.FOLDER), target.private_folder(CLOSED)
    for run in going:
        os.rename(os.path.join(folder, run + ledger.SUFFIX), os.path.join(closed, run + ledger.SUFFIX))
    sync_folder(closed)
    sync_folder(folder)
    for name in names_in(closed)[:-KEPT_RUNS]:
        os.unlink(os.path.join(closed, name))


def prune(target: Target) -> None:
    """Take away the folders of transactions that nothing needs, and the cookie when there is no step to roll back."""
    oldest = oldest_needed(target)
    folder = os.path.join(target.state_dir, RUN_FOLDERS)
    for name in names_in(folder):
        if 0 < ledger.sequence_of(name) < oldest:
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
    if not ledger.standing(target):
        identity.forget(target)


def oldest_needed(target: Target) -> int:
    """Return the place in the sequence of the oldest run whose folders and snapshots are kept: the oldest that stands, and the
    newest KEPT_RUNS in any case."""
    stands = [ledger.sequence_of(step.run) for step in ledger.standing(target)]
    closed = names_in(os.path.join(target.state_dir, CLOSED))
    known = sorted({*map(ledger.sequence_of, ledger.runs(target)), *map(ledger.sequence_of, closed)})
    return min([*stands[:1], *known[-KEPT_RUNS:][:1]], default=0)
