# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a package transaction, by comparing its plan with rpm's database. Pure: nothing is read here.

The plan is compared for each C(name.arch). An C(installonly) package is compared for each build, because several of them lie
beside each other.
"""

from __future__ import annotations

import typing as t

from .solver import Item, brought

# What is there of a package: what left, what came, both, another build than these, nothing although a build should be there.
OLD, NEW, BOTH, OTHER, NONE = "old", "new", "both", "other", "none"
# What that makes of a transaction: nothing of it shows, all of it, a part of it, or somebody brought back what it had changed.
UNTOUCHED, COMPLETE, PARTIAL, REVERTED = "untouched", "complete", "partial", "reverted"


class Part(t.NamedTuple):
    """What a transaction does with one package, by NEVRAs: what leaves, what comes, and what is there of it by now.

    C(again) says that what leaves was installed anew after the transaction had begun.
    """

    key: str
    leaves: frozenset[str]
    comes: frozenset[str]
    here: frozenset[str]
    again: bool

    @property
    def outcome(self) -> str:
        """What is there: OLD, NEW, BOTH, OTHER or NONE."""
        if self.here - self.leaves - self.comes:
            return OTHER
        old, new = bool(self.here & self.leaves), bool(self.here & self.comes)
        if old and new:
            return BOTH
        if self.comes:
            return NEW if new else OLD if old or not self.leaves else NONE
        return OLD if old else NEW

    @property
    def superseded(self) -> bool:
        """Whether somebody changed the package after the transaction had begun: it is neither installed nor removed any more."""
        return self.outcome in (OTHER, NONE) or (self.outcome == OLD and self.again)


def compare(items: t.Sequence[Item], here: t.Mapping[str, int], before: t.Mapping[str, int]) -> list[Part]:
    """Compare a plan with the installed packages.

    C(here) are the installed NEVRAs with the time at which each was installed, C(before) those when the transaction began.
    """
    comes = {item.nevra for item in brought(items)}
    leaves = {item.nevra for item in items} - comes
    parts: dict[str, tuple[set[str], set[str], set[str]]] = {}
    keys = _keys(items)
    for item in items:
        part = parts.setdefault(keys[item], (set(), set(), set()))
        part[item.nevra in comes].add(item.nevra)
    by_key: dict[str, set[str]] = {}
    for nevra in here:
        by_key.setdefault(_name_arch(nevra), set()).add(nevra)
    for item in items:
        found = {item.nevra} & here.keys() if item.installonly else by_key.get(f"{item.name}.{item.arch}", set())
        parts[keys[item]][2].update(found)
    return [
        Part(key, frozenset(old), frozenset(new), frozenset(now), _again(now & leaves, here, before))
        for key, (old, new, now) in sorted(parts.items())]


def _again(old: t.Collection[str], here: t.Mapping[str, int], before: t.Mapping[str, int]) -> bool:
    return any(nevra in before and here[nevra] != before[nevra] for nevra in old)


def _keys(items: t.Sequence[Item]) -> dict[Item, str]:
    """Return for each line what it is compared by. A package that becomes C(noarch), or ceases to be, is one and the same."""
    arches: dict[str, tuple[set[str], set[str]]] = {}
    comes = {item.nevra for item in brought(items)}
    for item in items:
        arches.setdefault(item.name, (set(), set()))[item.nevra in comes].add(item.arch)
    found = {}
    for item in items:
        old, new = arches[item.name]
        moved = not old & new and len(old) == len(new) == 1 and "noarch" in old | new
        found[item] = item.nevra if item.installonly else item.name if moved else f"{item.name}.{item.arch}"
    return found


def _name_arch(nevra: str) -> str:
    return f"{nevra.rsplit('-', 2)[0]}.{nevra.rpartition('.')[2]}"


def judge(parts: t.Sequence[Part]) -> str:
    """Return what the database says of a transaction: UNTOUCHED, COMPLETE, PARTIAL or REVERTED."""
    found = {part.outcome for part in parts}
    old = any(part.outcome == OLD and not part.again for part in parts)
    if BOTH in found or (NEW in found and old):
        return PARTIAL
    if NEW in found:
        return COMPLETE
    if any(part.outcome == OLD and part.again for part in parts):
        return REVERTED
    return UNTOUCHED if old else COMPLETE


def superseded(parts: t.Sequence[Part]) -> list[str]:
    """Return in words what somebody did with packages of a transaction after it had begun."""
    words = []
    for part in parts:
        wanted = ", ".join(sorted(part.comes or part.leaves))
        if part.outcome == OTHER:
            others = ", ".join(sorted(part.here - part.leaves - part.comes))
            words.append(f"{others} was installed after the transaction had begun, in place of {wanted}: it stays")
        elif part.outcome == NONE:
            words.append(f"{wanted} was removed after the transaction had begun: it is not installed again")
        elif part.superseded:
            words.append(f"{', '.join(sorted(part.here))} was installed again after the transaction had begun: it stays")
    return words
