# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a wish for packages means on a host: which installed packages move with it, and whether it holds already.

All of it is told from the rpmdb alone, without reading a repository.
"""

from __future__ import annotations

import typing as t

from ..tables.families import FAMILIES
from ..tables.sets import SETS, set_of
from . import builds, capabilities, kernels
from .rpmdb import Package

PRESENT, LATEST = "present", "latest"
HYPERSCALE, STOCK, ANY = "hyperscale", "stock", "any"


class State(t.NamedTuple):
    """What the section decides on: installed packages, the units enabled here, the pinned signing keys, the names of packages
    that earlier runs brought onto the host anew, who provides the capabilities that can be wished for, and the kernels that
    nothing starts."""

    installed: list[Package]
    enabled_units: set[str]
    pinned_key_ids: list[str]
    brought: set[str]
    providers: dict[str, list[str]] = {}
    idle_kernels: set[str] = set()

    def named(self, name: str) -> list[Package]:
        """Return the installed packages of a name."""
        return [package for package in self.installed if package.name == name]


def members(want: dict[str, t.Any], packages: t.Sequence[Package]) -> list[Package]:
    """Return those of some installed packages that move with a wish: all of the same sources, but for kernels, which stay."""
    sources: set[str | None] = set()
    names: set[str] = set()
    if want["family"]:
        sources.update(FAMILIES[want["family"]].sources)
    else:
        claims = [SETS[want["set"]]] if want["set"] else []
        for name in [*want["names"], *want["also"]]:
            claim = set_of(name)
            # A stock build of such a package may be of the kernel's source, which must not move for its sake.
            if claim:
                claims.append(claim)
            else:
                sources.update(package.source for package in packages if package.name == name)
        for claim in claims:
            sources.update(claim.sources)
            names.update(claim.packages)
    return [
        package for package in packages if not kernels.is_kernel(package)
        and (package.source in sources or package.name in names) and package.name not in want["erase"]]


def wanted_names(want: dict[str, t.Any], state: State) -> list[str]:
    """Return the names that are to be there: those asked for, those whose enabled unit moved into them, and what stands for
    a set of which nothing is installed."""
    names = [*want["names"], *want["also"]]
    if want["set"] and want["to"] == HYPERSCALE and not members(dict(want, names=[], also=[]), state.installed):
        names.extend(SETS[want["set"]].lead)
    if want["family"] and want["to"] == HYPERSCALE:
        family = FAMILIES[want["family"]]
        names.append(family.lead)
        names.extend(name for unit, name in family.unit_packages.items() if unit in state.enabled_units)
    return sorted(set(names))


def satisfied(want: dict[str, t.Any], state: State) -> bool:
    """Say whether the rpmdb alone shows that a wish holds. C(latest) can never be told from the rpmdb alone."""
    if not capabilities.provided(want, state.providers):
        return False
    if want["to"] == capabilities.INSTALLED:
        return True
    if want["family"] == kernels.KERNEL:
        return want["version"] != LATEST and not any(state.named(name) for name in want["erase"]) and kernels.satisfied(
            want, kernel_members(want, state), has_version, state.idle_kernels)
    moving = members(want, state.installed)
    here = {package.name for package in moving} | {name for name in want["names"] if gone_again(name, want, state)}
    if want["version"] == LATEST or not here.issuperset(wanted_names(want, state)):
        return False
    if any(state.named(name) for name in want["erase"]):
        return False
    if want["to"] != ANY and any(is_hyperscale(package, state) != (want["to"] == HYPERSCALE) for package in moving):
        return False
    if want["family"] and len({package.evr for package in moving}) > 1:
        return False
    return all(has_version(package, want["version"]) for package in moving)


def kernel_members(want: dict[str, t.Any], state: State) -> kernels.Members:
    return kernels.members(want, state.installed, lambda package: is_hyperscale(package, state))


def gone_again(name: str, want: dict[str, t.Any], state: State) -> bool:
    """Say whether a package that earlier runs brought anew is gone, as a way back to stock leaves it."""
    return want["to"] == STOCK and name in state.brought and not state.named(name)


def is_hyperscale(package: Package, state: State) -> bool:
    return builds.recognise(
        package.release, package.vendor, package.signing_key, state.pinned_key_ids).hyperscale


def has_version(package, wanted: str) -> bool:
    """Say whether a package answers to a version, version-release or full EVR, or to a word that means any."""
    return wanted in (PRESENT, LATEST) or wanted in (package.version, f"{package.version}-{package.release}", package.evr)
