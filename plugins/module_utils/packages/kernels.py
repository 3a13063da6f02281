# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel family of section C(packages): kernels come beside the installed ones, and what serves a kernel moves with it.

A kernel of the other side stays as the one to fall back to. On the way back to stock, kernels of the SIG go only when nothing
starts them any more: none of them runs, is the default, or is tried.
"""

from __future__ import annotations

import typing as t

from ..facts import boot_loader
from ..tables.families import FAMILIES
from . import builds as package_builds, installonly
from .kmods import PACKAGE
from .rpmdb import EVR_ORDER, Package

KERNEL = "kernel"
FAMILY = FAMILIES[KERNEL]
# Only on these streams does the SIG rebuild it, for the newer kernel.
STREAM_ONLY = {"linux-firmware": (9,)}


class Members(t.NamedTuple):
    """The installed packages of the family: kernels of the wanted and of the other side, and what serves a kernel likewise."""

    wanted: list[Package]
    others: list[Package]
    tools: list[Package]
    left: list[Package]


class Choice(t.NamedTuple):
    """What to bring (packages on offer), which installed NEVRAs to erase, and names that nothing is offered for."""

    install: list[t.Any]
    erase: list[str]
    missing: list[str]


def is_kernel(package: t.Any) -> bool:
    """Say whether a package is of a kernel itself: these lie beside each other, as modules for one kernel (kmod-) may too."""
    return installonly.is_one(package) and not PACKAGE.match(package.name)


def members(want: dict[str, t.Any], installed: t.Iterable[Package], ours: t.Callable[[Package], bool]) -> Members:
    """Sort out what is installed. C(ours) says whether a package is the SIG's."""
    found = Members([], [], [], [])
    to_ours = want["to"] == "hyperscale"
    for package in installed:
        if package.source in FAMILY.sources and package.name not in want["erase"]:
            is_wanted = ours(package) == to_ours
            if installonly.is_one(package):
                (found.wanted if is_wanted else found.others).append(package)
            else:
                (found.tools if is_wanted else found.left).append(package)
    return found


def satisfied(
    want: dict[str, t.Any], here: Members, has_version: t.Callable[[Package, str], bool], idle: t.Container[str],
) -> bool:
    """Say whether the installed packages alone show that the wish holds: C(idle) are kernels that nothing starts."""
    leads = [package for package in here.wanted if package.name == FAMILY.lead and has_version(package, want["version"])]
    if not leads or behind(here, leads):
        return False
    if {*want["names"], *want["also"]} - {package.name for package in [*here.wanted, *here.tools]}:
        return False
    return not leaving(want, here, idle)


def behind(here: Members, leads: t.Sequence[t.Any]) -> list[Package]:
    """Return what serves a kernel and is still the other side's. Firmware is rebuilt for some streams alone."""
    stream = package_builds.el_major(max(leads, key=lambda package: EVR_ORDER(package.evr)).release)
    hyperscale = package_builds.release_segment(leads[0].release) is not None
    return [package for package in here.left
            if not hyperscale or stream in STREAM_ONLY.get(package.name, (stream,))]


def leaving(want: dict[str, t.Any], here: Members, idle: t.Container[str]) -> list[Package]:
    """Return the SIG's kernels that may go on the way back to stock."""
    if want["to"] == "hyperscale":
        return []
    return [package for package in here.others if f"{package.version}-{package.release}.{package.arch}" in idle]


def names_to_ask_for(want: dict[str, t.Any], here: Members) -> list[str]:
    """Return the names that may come."""
    kernels = {package.name for package in [*here.wanted, *here.others]}
    return sorted({FAMILY.lead, *want["names"], *want["also"], *kernels, *(package.name for package in here.left)})


def choose(
    want: dict[str, t.Any], here: Members, offered: t.Sequence[t.Any], has_version: t.Callable[[t.Any, str], bool],
    idle: t.Container[str], brought: t.Container[str],
) -> Choice:
    """Return what it takes. C(offered) are all builds of the wanted side; C(brought) names that came by earlier runs."""
    found = Choice([], [package.nevra for package in leaving(want, here, idle)], [])
    leads: list[t.Any] = [p for p in here.wanted if p.name == FAMILY.lead and has_version(p, want["version"])]
    if want["version"] == "latest" or not leads:
        leads = [p for p in offered if p.name == FAMILY.lead and has_version(p, want["version"])]
    if not leads:
        return found._replace(missing=[FAMILY.lead])
    lead = max(leads, key=lambda package: EVR_ORDER(package.evr))
    offered = [package for package in offered if package.arch in (lead.arch, "noarch")]
    asked = {FAMILY.lead, *want["names"], *want["also"]}
    _choose_kernels(found, want, here, offered, lead, asked)
    _choose_tools(found, want, here, offered, lead, asked, brought)
    return found


def _choose_kernels(
    found: Choice, want: dict[str, t.Any], here: Members, offered: t.Sequence[t.Any], lead: t.Any, asked: t.Container[str],
) -> None:
    """Add the kernel's packages: all of one build, those that the other side's kernels have here, as far as they are built."""
    names = _beside(here, offered).intersection((FAMILY.lead, *want["names"], *want["also"]))
    if want["to"] == "hyperscale" or not here.wanted:
        names |= {package.name for package in here.others}
    there = {(package.name, package.evr) for package in here.wanted}
    for name in sorted(name for name in names if (name, lead.evr) not in there):
        builds = [package for package in offered if (package.name, package.evr) == (name, lead.evr)]
        found.install.extend(builds[:1])
        if not builds and name in asked:
            found.missing.append(name)


def _beside(here: Members, offered: t.Sequence[t.Any]) -> set[str]:
    """Return the names of packages that lie beside each other."""
    return {package.name for package in (*here.wanted, *here.others, *offered) if installonly.is_one(package)}


def _choose_tools(
    found: Choice, want: dict[str, t.Any], here: Members, offered: t.Sequence[t.Any], lead: t.Any, asked: t.Collection[str],
    brought: t.Container[str],
) -> None:
    """Add what serves a kernel. What the SIG does not build stays as it is; on the way back what came by us may go."""
    left = {package.name: package for package in behind(here, [lead])}
    there = {package.name: package.evr for package in here.tools}
    names = set(left) | {name for name in asked if name not in there} - _beside(here, offered)
    if want["version"] == "latest":
        names |= set(there)
    for name in sorted(names):
        best = _of_kernel(name, lead, offered)
        if best is not None:
            found.install.extend([best] if there.get(name) != best.evr else [])
        elif name in left and want["to"] == "stock" and name in brought:
            found.erase.append(left[name].nevra)
        elif name in asked or want["to"] == "stock":
            found.missing.append(name)


def _of_kernel(name: str, lead: t.Any, offered: t.Sequence[t.Any]) -> t.Any:
    """Return the build of a tool that goes with a kernel: of the same build, else the newest, since some are built apart."""
    found = [package for package in offered if package.name == name]
    same = [package for package in found if package.evr == lead.evr]
    return max(same or found, key=lambda package: EVR_ORDER(package.evr), default=None)


def idle_kernels(root: str, running: str) -> set[str]:
    """Return the kernels, as C(uname -r) prints them, that nothing starts: known only where the default runs."""
    boot = boot_loader.read(root)
    if boot.next is None or boot.next.once or boot.next.entry.release != running or boot.tried:
        return set()
    kept = {running.partition("+")[0]}
    return {entry.release.partition("+")[0] for entry in boot.entries if not entry.rescue} - kept
