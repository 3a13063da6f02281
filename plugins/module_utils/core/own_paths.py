# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths that a run writes for itself: ledger, cookie, lock, guards, and the folders where steps keep what they save."""

from __future__ import annotations

import os

from . import guard, guard_units, identity, ledger, lock, retention
from .host_io import DISPLACED, RUN_FOLDER, SCRATCH, Target
from .writable import APPENDED, FILE, FOLDER, GONE, LINKED, OVERWRITTEN, WRITTEN, Touch

# Below the state directory, beside those that this package names itself.
SAVED, SNAPSHOTS = "saved", "snapshots"
FOLDERS = (
    "", ledger.FOLDER, retention.CLOSED, retention.RUN_FOLDERS, DISPLACED, SAVED, SNAPSHOTS, guard.FOLDER, "alternatives",
    "cow", "rulesets")
# A unit of a guard is named by its run. It is looked whether such names can be made, and links to them.
OF_GUARD = f"{guard_units.PREFIX}new{guard_units.SERVICE}"


def of_lock(target: Target) -> list[Touch]:
    """Return what a run writes first."""
    return [Touch(target.state_path(lock.FILE), OVERWRITTEN)]


def of_folder(target: Target) -> list[Touch]:
    """Return the folder for a run's own files, which is made before there is a plan."""
    return [Touch(target.state_path(f"{RUN_FOLDER}new"), FOLDER)]


def touches(target: Target) -> list[Touch]:
    """Return what any run writes that changes something. Steps make new names in the folders of the state directory alone."""
    base = target.state_path()
    found = [Touch(os.path.join(base, folder, f"{SCRATCH}new"), FILE) for folder in FOLDERS]
    found += [*of_lock(target), Touch(identity.COOKIE, WRITTEN)]
    found += [
        Touch(f"{guard_units.UNITS}/{OF_GUARD}", WRITTEN),
        Touch(f"{guard_units.UNITS}/{guard_units.WANTED_BY}.wants/{OF_GUARD}", LINKED)]
    for run in ledger.runs(target):
        # Each may be closed, and the newest gets lines when it is settled.
        path = os.path.join(base, ledger.FOLDER, run + ledger.SUFFIX)
        found += [Touch(path, APPENDED), Touch(path, GONE)]
    return found
