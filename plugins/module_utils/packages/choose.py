# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What wishes for packages take from the repositories: the exact builds to install, what to erase, and what is in the way."""

from __future__ import annotations

import typing as t

from ..core.errors import Problem, Refused
from ..facts import btrfs
from ..tables.families import FAMILIES
from ..tables.flavours import FLAVOURS
from ..tables.sets import CLAIMED, SETS
from . import builds, capabilities, kernels, solver
from .rpmdb import Package
from .wishes import (
    ANY, HYPERSCALE, LATEST, PRESENT, STOCK, State, gone_again, has_version, kernel_members, members, wanted_names,
)

try:
    import hawkey
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    hawkey = None

SIDES = {HYPERSCALE: "Hyperscale ", STOCK: "stock ", ANY: ""}
# Where packages come from that neither the SIG nor stock builds.
SOURCES = {
    btrfs.PACKAGED: "The Kmods SIG builds it: install centos-release-kmods, which enables its repository, "
    "or use a Hyperscale kernel, which has btrfs",
}


class Jobs(t.NamedTuple):
    """Packages to bring (dnf objects), installed NEVRAs to erase, and what is in the way."""

    install: list[t.Any]
    erase: list[str]
    problems: list[Problem]


class Swap(t.NamedTuple):
    """Installed packages that move, the names that are to be there, the builds on offer for them, and NEVRAs to erase."""

    moving: list[Package]
    names: list[str]
    offered: list[t.Any]
    erase: list[str]


def jobs(base, wants: t.Sequence[dict[str, t.Any]], state: State) -> Jobs:
    """Turn wishes into exact packages."""
    found = Jobs([], [], [])
    for want in wants:
        one = _jobs_of(base, want, state)
        found = Jobs(*(mine + [new for new in more if new not in mine] for mine, more in zip(found, one)))
    return found


def _kernel_jobs(base, want: dict[str, t.Any], state: State) -> Jobs:
    """Turn a wish for kernels into exact packages."""
    here = kernel_members(want, state)
    names = kernels.names_to_ask_for(want, here)
    choice = kernels.choose(
        want, here, _offered(base, names, {**want, "version": PRESENT}), has_version, state.idle_kernels, state.brought)
    problems = [_nothing_offered(base, name, want) for name in choice.missing]
    return Jobs(choice.install, [*choice.erase, *_to_erase(want, state)], problems)


def _jobs_of(base, want: dict[str, t.Any], state: State) -> Jobs:
    """Turn one wish into exact packages."""
    if want["to"] == capabilities.INSTALLED:
        added = capabilities.choose(base, want, state.named(FAMILIES[want["family"]].lead)[-1], state.providers)
        return Jobs(added.install, [], added.problems)
    if want["family"] == kernels.KERNEL:
        return _kernel_jobs(base, want, state)
    named = {package.name for package in base.sack.query().filter(name=want["names"]) if kernels.is_kernel(package)}
    if named:
        return Jobs([], [], [Problem(
            "package.installonly", f"package {', '.join(sorted(named))}",
            "several builds of it lie beside each other, by installonlypkgs of dnf's configuration, and none is swapped",
            "For a kernel, ask for family kernel, which keeps the one there is to fall back to",
            subject=", ".join(sorted(named)))])
    if want["family"]:
        return _family_jobs(base, want, state)
    moving = members(want, state.installed)
    names = sorted({package.name for package in moving} | _names_to_come(want, state))
    return _swapped(base, want, state, Swap(moving, names, _offered(base, names, want), _to_erase(want, state)))


def _family_jobs(base, want: dict[str, t.Any], state: State) -> Jobs:
    """Turn a wish for a family into exact packages: all of the build that its first package is chosen from."""
    lead, moving = FAMILIES[want["family"]].lead, members(want, state.installed)
    chosen = best(_offered(base, [lead], want))
    if chosen is None:
        return Jobs([], [], [_nothing_offered(base, lead, want)])
    added = capabilities.choose(base, want, chosen, state.providers)
    if added.problems:
        return Jobs([], [], added.problems)
    erase = _to_erase(want, state) + [package.nevra for name in added.superseded for package in state.named(name)]
    moving = [package for package in moving if package.name not in added.superseded]
    names = {package.name for package in (*moving, *added.install)} | set(wanted_names(want, state))
    names.update(_split_from(base, chosen, want))
    offered = [package for package in _offered(base, sorted(names), want) if package.evr == chosen.evr]
    return _swapped(base, want, state, Swap(moving, sorted(names), offered, erase))


def _names_to_come(want: dict[str, t.Any], state: State) -> set[str]:
    return {name for name in wanted_names(want, state) if not gone_again(name, want, state)}


def _to_erase(want: dict[str, t.Any], state: State) -> list[str]:
    return [package.nevra for name in want["erase"] for package in state.named(name)]


def _swapped(base, want: dict[str, t.Any], state: State, swap: Swap) -> Jobs:
    """Take for every name, and every architecture that it is installed in, the best of the builds on offer."""
    found = Jobs([], list(swap.erase), [])
    for name in swap.names:
        for arch in sorted({package.arch for package in swap.moving if package.name == name}) or [None]:
            newest_build = best([
                p for p in swap.offered if p.name == name and (arch in (None, p.arch) or "noarch" in (arch, p.arch))])
            current = next((p for p in swap.moving if p.name == name and arch in (None, p.arch)), None)
            if newest_build is not None:
                if current is None or current.evr != newest_build.evr:
                    found.install.append(newest_build)
            elif current is not None and want["to"] == STOCK and name in state.brought:
                found.erase.append(current.nevra)
            elif current is None or not _obsoleted(base, current, swap.offered):
                problem = _nothing_offered(base, name, want, current)
                if problem not in found.problems:
                    found.problems.append(problem)
    return found


def _offered(base, names: t.Sequence[str], want: dict[str, t.Any]) -> list[t.Any]:
    """Return the builds on offer, of the wanted side and version. Of any side, the Hyperscale builds where there are some."""
    found = [
        package for package in base.sack.query().available().filter(name=list(names))
        if has_version(package, want["version"])]
    ours = [
        package for package in found if _on_side(package, HYPERSCALE)
        and package.source_name in CLAIMED.get(package.name, (package.source_name,))]
    if want["to"] == HYPERSCALE:
        return ours
    others = [package for package in found if _on_side(package, STOCK)]
    if want["to"] == STOCK:
        return _saved_first(others) if want["version"] == PRESENT else others
    ours_by_name = {package.name for package in ours}
    return ours + [package for package in others if package.name not in ours_by_name]


def _saved_first(packages: t.Sequence[t.Any]) -> list[t.Any]:
    """Return the builds on offer, but of a package that was saved on the host only that: it goes back to what it was."""
    saved = {package.name for package in packages if solver.is_file(package)}
    return [package for package in packages if package.name not in saved or solver.is_file(package)]


def _split_from(base, lead, want: dict[str, t.Any]) -> list[str]:
    """Return subpackages of the chosen build that provide what two packages could, so that the solver takes ours.

    systemd requires /usr/bin/systemd-sysusers, which systemd-standalone-sysusers provides as well.
    """
    splits = FAMILIES[want["family"]].splits if want["to"] == HYPERSCALE else ()
    return [p.name for p in _offered(base, splits, want) if p.evr == lead.evr] if splits else []


def _obsoleted(base, current: Package, offered: t.Sequence[t.Any]) -> bool:
    """Say whether one of the offered builds obsoletes an installed package, and so is its successor."""
    here = base.sack.query().installed().filter(name=current.name)
    successors = base.sack.query().available().filter(obsoletes=here)
    return any(package in offered for package in successors)


def newest(base, name: str):
    found = list(base.sack.query().available().filter(name=name))
    if not found:
        raise Refused(Problem(
            "package.tool_not_offered", f"package {name}", "no repository of this host offers it",
            "CentOS Stream has release packages in 'extras-common' and plugins of dnf in 'baseos': enable it, or do without "
            "('repositories.method: definition', no version locks)", subject=name,
        ))
    return max(found)


def best(packages: t.Sequence[t.Any]):
    return max(packages) if packages else None


def _nothing_offered(base, name: str, want: dict[str, t.Any], current: Package | None = None) -> Problem:
    """Return why no build of a package can be taken: it is hidden, of another version, or not built."""
    side = SIDES[want["to"]]
    version = "" if want["version"] in (PRESENT, LATEST) else f" of version {want['version']}"
    fact = f"{current.nevra} is installed" if current else f"{name} is wanted"
    seen = _of_side(base.sack.query(), name, want["to"])
    if seen:
        return Problem(
            "package.version_not_offered",
            fact, f"the repositories offer no {side}build{version} of it that fits; they offer {_listed(seen)}",
            "Ask for one of these versions, or enable the repository that carries the wanted one", subject=name,
        )
    hidden = _of_side(base.sack.query(flags=hawkey.IGNORE_EXCLUDES), name, want["to"])
    if hidden:
        return Problem(
            "package.hidden", fact, f"its {side}builds are hidden by an exclude or version lock: {_listed(hidden)}",
            "Lift the exclude or lock for this package", subject=name,
        )
    flavour = _missing_flavour(base, want)
    if flavour:
        return Problem(
            "package.flavour_not_enabled", f"package set {want['set']} is wanted",
            f"the SIG has it in its flavour {flavour}, and this host has no such repository enabled",
            f"Add {flavour} to 'repositories.flavours', or leave the set out", subject=want["set"])
    if current:
        return Problem(
            "package.no_successor", fact, f"no repository offers a {side}build{version} of it, and none obsoletes it",
            f"If this host can do without {name}, name it in 'erase'; else stay with what is installed", subject=name,
        )
    return Problem(
        "package.not_offered", fact, f"no enabled repository offers a {side}build{version} of it",
        SOURCES.get(name, "Enable the repository that carries it, or correct the name"), subject=name,
    )


def _missing_flavour(base, want: dict[str, t.Any]) -> str | None:
    """Return the flavour that a set lives in, if none of its repositories is enabled."""
    if not want["set"] or want["to"] != HYPERSCALE:
        return None
    flavour = SETS[want["set"]].flavour
    repo_id = FLAVOURS[flavour].repo_id
    there = any(repo.id in (repo_id, f"{repo_id}-testing") for repo in base.repos.iter_enabled())
    return None if there else flavour


def _of_side(query, name: str, side: str) -> list[t.Any]:
    """Return the builds of a package that a side offers, whatever their version."""
    return [package for package in query.available().filter(name=name) if _on_side(package, side)]


def _on_side(package, side: str) -> bool:
    """Say whether a build on offer is of a side. C(any) is for what the SIG may or may not build, or neither side does."""
    return side == ANY or (builds.release_segment(package.release) is not None) == (side == HYPERSCALE)


def _listed(packages: t.Iterable[t.Any]) -> str:
    return ", ".join(sorted({f"{p.evr} ({p.reponame})" for p in packages}))
