# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the ledger can be relied on: it is whole, of this host and this root file system, and of a format that is known.

Where it cannot, nothing is changed on the host, since nobody could tell any more what is to be taken back. An operator has three
ways on, each by name: state V(accepted), state V(forgotten), and going to the distribution's packages without the ledger.
"""

from __future__ import annotations

import os
import typing as t

from . import identity, ledger
from .errors import Problem, Refused
from .host_io import Target, names_in

# Of release 0.5.0 and older.
OLD_FOLDER = "journal"
WAYS_ON = (
    "run playbook centos.hyperscale.ledger on this host with hyperscale_ledger: stock (the packages of the distribution, without "
    "the ledger) or hyperscale_ledger: forgotten (the host stays as it is, and the ledger begins anew)")
MOST_NAMED = 5


def refuse(target: Target, kinds: t.Container[str]) -> None:
    """Raise Refused where the ledger cannot be relied on."""
    found = problems(target, kinds)
    if found:
        raise Refused(*found)


def problems(target: Target, kinds: t.Container[str]) -> list[Problem]:
    """Return why the ledger cannot be relied on."""
    found = [*_old_state(target), *_damage(target, kinds)]
    return found or _another_host(target)


def _old_state(target: Target) -> list[Problem]:
    if not names_in(os.path.join(target.state_dir, OLD_FOLDER)):
        return []
    return [Problem(
        "ledger.older_format",
        f"{os.path.join(target.state_dir, OLD_FOLDER)} has the journal of release 0.5.0 of this collection or an older one",
        "this release does not read it, so it cannot take back what that release did",
        f"Take this host back with the release that it was adopted with. Then, or to leave that as it is, {WAYS_ON}")]


def _damage(target: Target, kinds: t.Container[str]) -> list[Problem]:
    damage = ledger.problems_of(target, kinds)
    if not damage:
        return []
    more = f"; and {len(damage) - MOST_NAMED} more" if len(damage) > MOST_NAMED else ""
    return [Problem(
        "ledger.unreadable", "the ledger of this host cannot be read in full", "; ".join(damage[:MOST_NAMED]) + more,
        "Put the file back from a backup of the same time, use the release of the collection that wrote it, or "
        f"{WAYS_ON}")]


def _another_host(target: Target) -> list[Problem]:
    """Return whether the ledger is of another machine or root file system, or of another time than the root file system."""
    known, cookie = ledger.every(target), identity.cookie(target)
    newest = known[-1] if known else None
    here = identity.of(target)
    # A run that was cut while its file was made has no first line yet; the cookie does not know of it either.
    differs = [
        f"the file of run {run.id} is empty" for run in known
        if not run.header and cookie and cookie.sequence >= run.sequence]
    if newest is not None and ledger.standing(target):
        differs += identity.differences(identity.Identity(**newest.header.get("host", here._asdict())), here)
        differs += _of_another_time(newest, cookie)
    elif cookie is not None and (newest is None or cookie.sequence > newest.sequence):
        differs.append(
            f"{identity.COOKIE} says that run {cookie.sequence} changed this host, and "
            f"{os.path.join(target.state_dir, ledger.FOLDER)} has "
            f"{f'run {newest.sequence} as its newest' if newest else 'no run'}")
    if not differs:
        return []
    return [Problem(
        "ledger.not_of_this_host", "the ledger of this host is lost, of another time, or of another host", "; ".join(differs),
        f"Put {target.state_dir} of this host and of the same time back, or {WAYS_ON}")]


def _of_another_time(newest: ledger.Run, cookie: identity.Cookie | None) -> list[str]:
    """Return in words how ledger and root file system do not belong together: one was set back to an earlier time."""
    if cookie is None:
        return [f"{identity.COOKIE} is missing, which the collection keeps on the root file system beside the ledger"]
    if cookie.sequence > newest.sequence:
        return [f"{identity.COOKIE} knows of run {cookie.sequence}, and the newest run of the ledger is {newest.sequence}"]
    # The cookie is written after the first line of a run and before its first step.
    if cookie.sequence < newest.sequence and newest.numbers:
        return [
            f"{identity.COOKIE} knows of no run after {cookie.sequence}, and the newest run of the ledger is {newest.sequence}"]
    return []
