# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What section C(rulesets) does: rules are put into the other backend, and taken out of the first when both have them."""

from __future__ import annotations

import typing as t

from ...core.engine import ACTIVATE, CONFIGURE, Action
from ...core.errors import Failed, Problem
from ...core.host_io import STATE_DIR, FileState, Target
from ...shared.unit import UnitAction, gather as gather_units
from ...text.rulesets import Saved, emptied, parse
from .backends import (
    FAMILIES, LOCK_SECONDS, boot_units, current, kept_for_boot, offered, read, uncarried, unlike, used, why_rejected,
)

SECTION = "rulesets"


class CarryAction(Action):
    """Puts the rules of one backend into the other, too. What the other had in the same tables is the same, or nothing."""

    section = SECTION
    kind = "ruleset-carry"
    phase = CONFIGURE

    def apply(self, target: Target) -> None:
        carry(target, self.args["source"], self.args["to"])

    def undo(self, target: Target) -> None:
        clear(target, self.args["to"], self.args["source"])

    def verify(self, target: Target) -> None:
        source, there = read(target, self.args["source"]), read(target, self.args["to"])
        raise_for(unlike(source, there), self.args["source"], self.args["to"])


class ClearAction(Action):
    """Takes the rules out of a backend, now that the other has the same and is the one that iptables speaks to."""

    section = SECTION
    kind = "ruleset-clear"
    phase = ACTIVATE

    def apply(self, target: Target) -> None:
        self._speaks(target)
        if self.args["carried"]:
            clear(target, self.args["source"], self.args["to"])

    def undo(self, target: Target) -> None:
        if self.args["carried"]:
            carry(target, self.args["to"], self.args["source"])

    def verify(self, target: Target) -> None:
        self._speaks(target)
        left = used(read(target, self.args["source"])) if self.args["carried"] else []
        if left:
            raise Failed(Problem(
                "rulesets.rules_left", f"the {self.args['source']} backend still has rules", f"in {', '.join(left)}",
                "Find out what writes them, have it use the other backend, and run again"))

    def _speaks(self, target: Target) -> None:
        spoken = current(target)
        if spoken != self.args["to"]:
            raise Failed(Problem(
                "rulesets.other_backend_spoken",
                f"iptables uses backend {spoken or 'none'}, by 'iptables -V'", f"wanted is {self.args['to']}",
                "Select it with the alternatives family iptables, and run again. The old rules were left in force"))


class ServiceAction(UnitAction):
    """Stops a service that would filter beside iptables, and keeps it from starting at boot."""

    section = SECTION
    kind = "ruleset-service"


ACTIONS = {action.kind: action for action in (CarryAction, ClearAction, ServiceAction)}


def carry(target: Target, source: str, to: str) -> None:
    """Put what one backend has into the other, all of it or nothing, and see that the other has it."""
    rules, there = read(target, source), read(target, to)
    stands = uncarried(rules, there, source, to)
    if stands:
        raise Failed(stands[0])
    texts = offered(rules, there)
    files = {family: _keep(target, f"{family}.{source}", text) for family, text in texts.items()}
    for family, file in files.items():
        _restore(target, family, to, file, "--test")
    kept = why_rejected(target, to, kept_for_boot(target, gather_units(target, boot_units())), "at boot ")
    if kept:
        raise Failed(kept[0])
    done: list[str] = []
    try:
        for family, file in files.items():
            done.append(family)
            _restore(target, family, to, file)
        raise_for(unlike(rules, read(target, to)), source, to)
    except Failed:
        now = read(target, to)
        for family in done:
            given = parse(texts[family]).used() & now[family].used()
            _empty(target, family, to, now[family], given)
        raise


def clear(target: Target, backend: str, other: str) -> None:
    """Take all rules out of a backend that the other has as well; where it has not, nothing is taken out."""
    rules = read(target, backend)
    raise_for(unlike(rules, read(target, other)), backend, other)
    for family, saved in rules.items():
        _empty(target, family, backend, saved, saved.used())


def raise_for(wrong: t.Sequence[str], source: str, to: str) -> None:
    """Raise Failed when two backends do not hold the same."""
    if wrong:
        raise Failed(Problem(
            "rulesets.not_carried_over", f"the {to} backend does not hold the rules of the {source} backend", "; ".join(wrong),
            "Nothing was taken out. Find out what else writes rules, or carry these rules over by hand, and run again"))


def _empty(target: Target, family: str, backend: str, saved: Saved, tables: t.Collection[str]) -> None:
    if tables:
        file = _keep(target, f"{family}.{backend}.empty", emptied(saved, tables))
        _restore(target, family, backend, file)


def _restore(target: Target, family: str, backend: str, file: str, *more: str) -> None:
    program = f"{FAMILIES[family][0]}-{backend}-restore"
    target.run([program, "--counters", f"--wait={LOCK_SECONDS}", *more, target.path(file)])


def _keep(target: Target, name: str, text: str) -> str:
    """Save rules for good, readable for root alone, and return the path."""
    target.private_folder(SECTION)
    path = f"{STATE_DIR}/{SECTION}/{target.job}.{name}"
    target.write(path, FileState(text, "0600", "root", "root"))
    return path
