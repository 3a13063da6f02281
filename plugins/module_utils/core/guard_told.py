# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What guards did since the last run, told by the run that comes next: to the operator, and to the ledger."""

from __future__ import annotations

from . import guard, ledger
from .guard import Record
from .host_io import Target
from .ledger_book import Book


def tell(target: Target) -> list[Record]:
    """Tell the operator what guards did, have the ledger say which steps they reverted, and take away what nobody needs any more.
    Returns the guards that were told.

    Only a run that holds the host does this: it alone writes the ledger.
    """
    for ident in guard.damaged(target):
        folder = guard.folder_of(target, ident)
        target.warn(
            f"The record of the guard {ident} is damaged: the host puts nothing back by it. Look whether the host is as you want "
            f"it, and remove {folder}")
    told = guard.untold(target)
    for record in told:
        target.warn(record.words)
        if record.state == guard.BACK and record.reverts:
            _revert(target, record)
        guard.mark_told(target, record)
    guard.prune(target)
    return told


def _revert(target: Target, record: Record) -> None:
    """Have the ledger say that a guard reverted a step, be it one that took another back. A step that is not in it is none."""
    run, number = record.step
    if run not in ledger.runs(target):
        return
    found = ledger.read(target, run)
    step = found.steps.get(number) or found.undoings.get(number)
    if step is None or step.state not in ledger.BELONGING:
        return
    book = Book(target, run)
    try:
        book.write(ledger.REVERTED, number, by=f"guard {record.id}", error=record.why)
    finally:
        book.close()
