# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a ledger on purpose, by an operator's word: what stands is accepted for good, or the whole ledger is forgotten.

Neither changes anything of the host outside of the state directory and the cookie.
"""

from __future__ import annotations

import os
import time

from ..packages import launch
from . import health, identity, ledger, recovery, retention
from .errors import Problem, Refused
from .host_io import Target, names_in, sync_folder
from .ledger_book import Book
from .registry import Registry

# What a ledger that was forgotten is moved to, and the folders that go with it: nothing of them is deleted.
FORGOTTEN = "forgotten"
PARTS = (ledger.FOLDER, health.OLD_FOLDER, retention.CLOSED, retention.RUN_FOLDERS, "saved")


def accepting(target: Target, registry: Registry) -> list[ledger.Step]:
    """Return the steps that would be accepted. Raises Refused where the ledger cannot be relied on, or something still waits."""
    health.refuse(target, registry.kinds)
    waits = [pending for _name, waiting in registry.having("waiting") for pending in waiting(target)]
    if waits:
        raise Refused(*(
            Problem(
                "ledger.waits", f"{one.subject} waits for {one.waits_for}", one.why,
                "Run the roles or the playbook again until nothing is pending, then accept the host",
                subject=one.subject)
            for one in waits))
    return ledger.standing(target)


def accept(target: Target, registry: Registry) -> tuple[str | None, list[ledger.Step]]:
    """Have what stands be the host's own from now on: it is never taken back. Returns the run that says so, and the steps."""
    # A ledger that cannot be relied on says nothing of what is to be settled.
    health.refuse(target, registry.kinds)
    recovery.settle(target, registry.kinds)
    steps = accepting(target, registry)
    if not steps:
        return None, []
    book = Book(target, ledger.new_run_id(target))
    try:
        book.write(ledger.ACCEPTED, steps=[[step.run, step.number] for step in steps])
        book.write(ledger.RUN_ENDED)
    finally:
        book.close()
    return book.run, steps


def forgetting(target: Target, registry: Registry) -> list[str]:
    """Return the parts of the state directory that would be moved. Raises Refused where the ledger is whole and steps stand."""
    if not health.problems(target, registry.kinds) and ledger.standing(target):
        raise Refused(Problem(
            "ledger.whole",
            "the ledger of this host is whole, and it has steps to roll back",
            "forgetting it would end the way back without need",
            "Take the host back (playbook centos.hyperscale.rollback), or keep it as it is for good ('state: accepted')"))
    return [part for part in PARTS if names_in(os.path.join(target.state_dir, part))]


def forget(target: Target, registry: Registry) -> tuple[str | None, list[str]]:
    """Begin a ledger anew. All that belongs to the old one is moved aside, and nothing of it is deleted. Returns the run that
    says so, and the parts that were moved, in words."""
    parts = forgetting(target, registry)
    _refuse_at_work(target)
    if not parts and identity.cookie(target) is None:
        return None, []
    run = ledger.new_run_id(target)
    place = target.private_folder(FORGOTTEN, time.strftime(f"{ledger.sequence_of(run):06d}-{ledger.STAMP}", time.gmtime()))
    for part in parts:
        os.rename(os.path.join(target.state_dir, part), os.path.join(place, part))
    sync_folder(place)
    sync_folder(target.state_dir)
    book = Book(target, run)
    book.write(ledger.RUN_ENDED, forgot=place)
    book.close()
    identity.forget(target)
    return run, [f"{part} is in {place} now" for part in parts] or [f"{identity.COOKIE} is gone"]


def _refuse_at_work(target: Target) -> None:
    """Refuse while a transaction runs: the ledger may be too damaged to say so."""
    for job in names_in(os.path.join(target.state_dir, retention.RUN_FOLDERS)):
        if launch.alive(target, job):
            raise Refused(Problem(
                "transaction.at_work", "a package transaction is at work on this host", f"it is unit {launch.unit_name(job)}",
                "Wait until it has ended and run again"))
