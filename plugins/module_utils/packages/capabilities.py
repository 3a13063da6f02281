# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a package of a family is to provide, where the name of that package differs between builds.

A wish with C(to=installed) leaves the build of the family as it is and adds what is missing of the same build; beside a
wish that moves the family, it goes along with that one.
"""

from __future__ import annotations

import typing as t

from ..core.errors import Problem
from ..tables.families import FAMILIES
from . import builds, rpmdb

INSTALLED = "installed"
CAPABILITIES = sorted({capability for family in FAMILIES.values() for capability in family.capabilities})

Want = dict[str, t.Any]


def gather() -> dict[str, list[str]]:
    """Return the names of the installed packages that provide each capability that can be wished for."""
    return {capability: rpmdb.providers(capability) for capability in CAPABILITIES}


def validate(want: Want) -> list[Problem]:
    """Return what is wrong with the capabilities of a wish, whatever the host."""
    if (want["capabilities"] or want["to"] == INSTALLED) and not want["family"]:
        return [Problem(
            "package.capability_without_family", "a package set", "capabilities and 'to: installed' are of a family",
            "Give the family as well")]
    strange = sorted(set(want["capabilities"]).difference(FAMILIES[want["family"]].capabilities)) if want["family"] else []
    if strange:
        return [Problem(
            "package.capability_unknown", f"package family {want['family']}", f"it does not provide {', '.join(strange)}",
            "Leave the wish out, or name a capability of the family", subject=want["family"])]
    if want["to"] == INSTALLED and not want["capabilities"]:
        return [Problem(
            "package.family_without_wish", f"package family {want['family']}",
            "it is to stay as it is, and nothing is to be added", "Leave the wish out, or name a capability of the family",
            subject=want["family"])]
    given = [option for option in ("names", "also", "erase") if want[option]]
    if want["to"] == INSTALLED and given:
        return [Problem(
            "package.family_stays",
            f"package family {want['family']}", f"it is to stay as it is, and there is {' and '.join(given)}",
            "Give these in a wish that says which build to take", subject=want["family"])]
    return []


def settled(wants: t.Sequence[Want]) -> list[Want]:
    """Return wishes in which one that leaves its family as it is went into the one that moves that family, if there is one."""
    moving = [want for want in wants if want["to"] != INSTALLED]
    staying = [want for want in wants if want["to"] == INSTALLED]
    taken: list[Want] = []
    for index, want in enumerate(moving):
        along = [other for other in staying if want["family"] and other["family"] == want["family"]]
        taken += along
        more = [capability for other in along for capability in other["capabilities"]]
        moving[index] = dict(want, capabilities=sorted({*want["capabilities"], *more}))
    return moving + [want for want in staying if want not in taken]


def provided(want: Want, providers: dict[str, list[str]]) -> bool:
    """Say whether installed packages provide all that is wished for, not counting those that are to be erased."""
    return all(set(providers[capability]).difference(want["erase"]) for capability in want["capabilities"])


class Chosen(t.NamedTuple):
    """Packages (dnf objects) that provide what is wished for, names of installed ones that they stand in for, and what is in
    the way."""

    install: list[t.Any]
    superseded: list[str]
    problems: list[Problem]


def choose(base, want: Want, lead, providers: dict[str, list[str]]) -> Chosen:
    """Choose a provider of each capability from the same build as the lead, a dnf object or an installed package."""
    found = Chosen([], [], [])
    for capability in want["capabilities"]:
        offered = [package for package in base.sack.query().available().filter(provides=capability) if _together(package, lead)]
        here = [package for package in offered if package.name in providers[capability]]
        if offered:
            found.install.append(min(here or offered, key=lambda package: package.name))
            names = {package.name for package in offered}
            found.superseded.extend(name for name in providers[capability] if name not in names)
        else:
            found.problems.append(_none_together(base, capability, lead))
    return found


def _together(package, lead) -> bool:
    """Say whether two packages are of one build: each of a family requires the exact EVR of the others."""
    return package.evr == lead.evr


def _none_together(base, capability: str, lead) -> Problem:
    seen = sorted({f"{p.name}-{p.evr} ({p.reponame})" for p in base.sack.query().available().filter(provides=capability)})
    side = "stock" if builds.release_segment(lead.release) is None else "Hyperscale"
    return Problem(
        "package.capability_not_offered",
        f"{capability} is wanted", f"no repository offers it of the {side} build {lead.name}-{lead.evr}, "
        + (f"only {', '.join(seen)}" if seen else "nor of any other"),
        "Bring the family to a build that is on offer (role systemd, or 'dnf upgrade'), or enable the repository that carries it",
        subject=capability)
