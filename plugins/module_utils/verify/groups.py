# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which function carries out which checks, and the loop that runs them: trouble in one leaves the others whole."""

from __future__ import annotations

import contextlib
import time
import typing as t

from ..facts.view import View
from .checks import CHECKS, PHASE_WORDS, TABLE
from .model import ERROR, RAN, SKIPPED, Coverage, Finding, Skipped
from .predicted import config, files, relations, scripts, units
from .swap import Swap

# So many paths that a check could not read are named with it; the report lists all.
NAMED = 5

Find = t.Callable[[], t.Iterable[Finding]]


class Group(t.NamedTuple):
    """Checks that one function carries out."""

    checks: tuple[str, ...]
    find: t.Callable[[Swap], t.Iterable[Finding]]


# What headers alone tell; with a host in the Swap these also say who is affected.
OF_HEADERS = (
    Group(
        ("provides.lost", "provides.lowered", "soname.lost", "symbol_version.lost", "file.needs_subpackage"), relations.provides),
    Group(("path.required_lost",), relations.required_paths),
    Group(("conflict.gained",), relations.conflicts),
    Group(("obsoletes.gained", "obsoletes.blocks_return"), relations.obsoletes),
    Group(("weak_dependency.lost", "weak_dependency.gained"), relations.weak_dependencies),
    Group(("subpackage.vanished",), relations.vanished),
    Group(("evr.lowered",), relations.order),
    Group(("vendor.changed",), relations.vendors),
    Group(("signature.missing",), relations.signed),
    Group(("package_manager.replaced",), relations.package_manager),
    Group(("needed.changed", "interpreter.changed"), relations.needed),
    Group(("file.removed", "files.removed", "file.moved", "documentation.lost", "file.needs_subpackage"), files.removed),
    Group(("file.type_changed",), files.types),
    Group(("owner.changed", "mode.changed", "capabilities.changed"), files.attributes),
    Group(("file.emptied", "content.changed"), files.contents),
    Group(("config.flags_changed",), config.flags),
    Group(("config.default_changed",), config.defaults),
    Group(("unit.vanished", "file.needs_subpackage"), units.vanished),
    Group(("unit.new",), units.brought),
    Group(("activation.lost", "file.needs_subpackage"), units.activation),
    Group(("runtime_file.lost", "file.needs_subpackage"), units.runtime_files),
    Group(("udev.lost", "file.needs_subpackage"), units.device_rules),
    Group(("auth_module.lost", "file.needs_subpackage"), units.auth_modules),
    Group(("scriptlet.changed",), scripts.scriptlets),
    Group(("scriptlet.restart_order",), scripts.restart_order),
    Group(("trigger.changed",), scripts.triggers),
    Group(("alternatives.changed",), scripts.alternatives),
)

# What headers only hint at; after the swap the thing itself is looked at.
HINTS = (Group(("unit.install_changed",), units.rewritten),)


class Recorder:
    """Runs checks of one phase and keeps what they found and what became of each."""

    def __init__(self, phase: str, view: View | None = None) -> None:
        self.phase = phase
        self._view = view
        self.findings: list[Finding] = []
        self._coverage: dict[str, Coverage] = {}

    def run(self, checks: t.Sequence[str], find: Find) -> None:
        """Carry out the checks of one function, those that belong to the phase."""
        mine = [name for name in checks if self.phase in CHECKS[name].phases]
        if not mine:
            return
        began = time.monotonic()
        status, reason = RAN, ""
        found: list[Finding] = []
        met: dict[str, str] = {}
        try:
            with contextlib.nullcontext({}) if self._view is None else self._view.watched() as met:
                found = list(find())
        except Skipped as skipped:
            status, reason = SKIPPED, str(skipped)
        except Exception as error:  # a host in a state nobody foresaw must cost one check, and be seen
            status, reason = ERROR, f"{type(error).__name__}: {' '.join(str(error).split())}"
        if met and status == RAN:
            # What cannot be read is not absent: the check saw less than there is.
            status, reason = ERROR, "; ".join(f"{path} cannot be read: {why}" for path, why in sorted(met.items())[:NAMED])
            reason += f"; and {len(met) - NAMED} more paths" if len(met) > NAMED else ""
        # What a function sees beyond its own checks is kept: a finding that is dropped looks like a check that passed.
        self.findings += [finding for finding in found if self.phase in CHECKS[finding.check].phases]
        seconds = round(time.monotonic() - began, 4)
        for name in mine:
            self._note(Coverage(name, status, reason, seconds))

    def groups(self, groups: t.Iterable[Group], swap: Swap) -> None:
        """Carry out several groups."""
        for group in groups:
            self.run(group.checks, lambda group=group: group.find(swap))

    def _note(self, coverage: Coverage) -> None:
        """Keep the worst of what became of a check that several functions carry out, with its reasons, and the time of all."""
        known = self._coverage.get(coverage.id)
        if known is not None:
            worst = max(known, coverage, key=lambda one: (RAN, SKIPPED, ERROR).index(one.status))
            said = [one.reason for one in (known, coverage) if one.status == worst.status and one.reason]
            reasons = dict.fromkeys(reason for one in said for reason in one.split("; "))
            coverage = worst._replace(reason="; ".join(reasons), seconds=round(known.seconds + coverage.seconds, 4))
        self._coverage[coverage.id] = coverage

    def skip(self, checks: t.Sequence[str], reason: str) -> None:
        """Say why some checks were not carried out."""
        for name in checks:
            if self.phase in CHECKS[name].phases:
                self._coverage[name] = Coverage(name, SKIPPED, reason, 0.0)

    def skip_rest(self, reason: str) -> None:
        """Say why nothing more was carried out."""
        self.skip([check.id for check in TABLE if check.id not in self._coverage], reason)

    def coverage(self) -> list[Coverage]:
        """Return what became of every check of the table, in its order."""
        return [self._coverage.get(check.id) or self._absent(check.id) for check in TABLE]

    def _absent(self, name: str) -> Coverage:
        if self.phase in CHECKS[name].phases:
            # A check of this phase that no function claims would otherwise look as if it had passed.
            if name in SAID_BY_OTHERS:
                return Coverage(name, RAN, "", 0.0)
            return Coverage(name, ERROR, "nothing carried it out", 0.0)
        return Coverage(name, SKIPPED, PHASE_WORDS[self.phase], 0.0)


# Findings about the report itself, which come from no group.
SAID_BY_OTHERS = ("waiver.expired",)
