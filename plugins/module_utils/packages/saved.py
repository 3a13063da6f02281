# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages that runs saved for their way back, as a later run can use them."""

from __future__ import annotations

from ..backup import manifest
from ..core import ledger
from ..core.host_io import Target
from . import builds
from .transaction import TransactionAction


def names(target: Target) -> set[str]:
    """Return the NEVRAs of all saved packages, without reading the packages."""
    return {nevra for run in manifest.runs(target) for nevra in manifest.Kept(target, run).packages.index()}


def stock_builds(target: Target) -> list[str]:
    """Return the saved package files of the stock builds that this host had before it first left them."""
    found: dict[tuple[str, str], str] = {}
    for step in ledger.standing(target):
        if step.action["kind"] == TransactionAction.kind:
            saved = manifest.Kept(target, step.run).packages.whole()
            action = TransactionAction("", "", step.action["args"])
            for item in action.leaving:
                if item.nevra in saved and builds.release_segment(item.evr.rpartition("-")[2]) is None:
                    found.setdefault((item.name, item.arch), saved[item.nevra])
    return sorted(found.values())
