# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the repositories offer beside the swap: builds that would win later, the way back, kernels that would be evicted."""

from __future__ import annotations

import typing as t

from .. import _builds, _rpmdb
from .checks import found
from .model import HIGH, Consumer, Finding, Subject
from .swap import Swap

try:
    import hawkey
except ImportError:  # need_bindings() in _python.py says so before anything here is used
    hawkey = None

# Subpackages of the same source that no file of a stock package moves into.
NO_SUCCESSORS = ("-debuginfo", "-debugsource", "-tests", "-devel", "-doc", "-static")


class Offer(t.NamedTuple):
    """A build that a repository offers. C(priority) is the repository's: the lower, the better."""

    name: str
    arch: str
    evr: str
    repo: str
    priority: int


class Policy(t.NamedTuple):
    """What dnf was told on this host."""

    installonly_limit: int
    protected: list[str]
    gpgcheck: bool


class Offers(t.NamedTuple):
    """What is decided on here: the repositories' builds of the names that move, by both sides, and dnf's settings."""

    chosen: list[Offer]
    others: list[Offer]
    policy: Policy


def gather(base, chosen: t.Sequence[t.Any], names: t.Iterable[str]) -> Offers:
    """Read from a dnf Base what concerns some packages. Excludes are looked behind: a way back does not mind them."""
    query = base.sack.query(flags=hawkey.IGNORE_EXCLUDES).available().filter(name=sorted(set(names)))
    mine = {(package.name, package.evr, package.arch) for package in chosen}
    return Offers(
        [_offer(package) for package in chosen],
        [_offer(package) for package in query if (package.name, package.evr, package.arch) not in mine],
        Policy(base.conf.installonly_limit, sorted(base.conf.protected_packages), base.conf.gpgcheck))


def _offer(package: t.Any) -> Offer:
    return Offer(package.name, package.arch, package.evr, package.reponame, package.repo.priority)


def beside(base, chosen: t.Sequence[t.Any]) -> list[t.Any]:
    """Return the packages of the same builds that do not come along, in which files may have gone."""
    sources = sorted({package.sourcerpm for package in chosen if package.sourcerpm and not _rpmdb.side_by_side(package.name)})
    mine = {package.name for package in chosen}
    arches = {package.arch for package in chosen} | {"noarch"}
    if not sources:
        return []
    return [
        package for package in base.sack.query().available().filter(sourcerpm=sources)
        if package.name not in mine and package.arch in arches and not package.name.endswith(NO_SUCCESSORS)]


def order(offers: Offers) -> t.Iterator[Finding]:
    """Row 16: stock builds that sort above the chosen ones; a better priority keeps them away, and the host older."""
    best = {offer.name: offer for offer in offers.chosen}
    for offer in offers.others:
        mine = best.get(offer.name)
        if mine is None or mine.arch != offer.arch or _hyperscale(offer) == _hyperscale(mine):
            continue
        if _rpmdb.compare_evr(offer.evr, mine.evr) > 0:
            hidden = offer.priority > mine.priority
            words = f"which its priority ({mine.priority} to {offer.priority}) hides" if hidden else "which wins at the next update"
            yield found(
                "evr.held_back" if hidden else "evr.stock_wins", Subject("package", mine.name, mine.arch), mine.evr, offer.evr,
                f"{mine.name}-{mine.evr} comes from {mine.repo}; {offer.repo} offers {offer.evr}, {words}.")


def _hyperscale(offer: Offer) -> bool:
    return _builds.release_segment(offer.evr.rpartition("-")[2]) is not None


def way_back(swap: Swap, offers: Offers) -> t.Iterator[Finding]:
    """Row 20: installed builds that no repository offers any more."""
    offered = {f"{offer.name}-{offer.evr}.{offer.arch}" for offer in offers.others}
    for build in swap.old:
        if build.nevra not in offered:
            yield found(
                "return.unavailable", Subject("package", build.name, build.arch), build.nevra, None,
                f"{build.nevra} is installed, and no enabled repository offers that build.")


def protected(swap: Swap, offers: Offers, running: str) -> t.Iterator[Finding]:
    """Row 18: packages that must not leave."""
    for build in swap.gone:
        kernel = _rpmdb.side_by_side(build.name) and running.startswith(build.evr.rpartition(":")[2])
        if build.name in offers.policy.protected or kernel:
            yield found(
                "protected.removed", Subject("package", build.name, build.arch), build.nevra, None,
                f"{build.nevra} would leave; it is " + ("the running kernel." if kernel else "protected by dnf's configuration."),
                [Consumer("package", build.nevra, "protected")])


def evicted(swap: Swap, offers: Offers) -> t.Iterator[Finding]:
    """Row 19: whether the last stock kernel goes when a new one comes."""
    coming = [build for build in swap.new if build.name == "kernel-core"]
    here = _kernels(swap)
    limit = offers.policy.installonly_limit
    if not coming or not limit:
        return
    # dnf removes the oldest ones and keeps the running one.
    many = max(len(here) + len(coming) - limit, 0)
    left = sorted(here, key=lambda entry: _rpmdb.EVR_ORDER(entry[1]))[many:]
    stock = [nevra for nevra, evr in here if _builds.release_segment(evr.rpartition("-")[2]) is None]
    if stock and not any(nevra in stock for nevra, _evr in left):
        yield found(
            "kernel.last_stock_evicted", Subject("package", "kernel-core"), stock, [nevra for nevra, _evr in left],
            f"{len(here)} kernels are installed and installonly_limit is {limit}: {', '.join(stock)} would go.",
            [Consumer("package", nevra, "would be removed") for nevra in stock], severity=HIGH)


def _kernels(swap: Swap) -> list[tuple[str, str]]:
    """Return NEVRA and EVR of the installed kernels. What dnf already planned to remove is among the builds that go."""
    staying = [
        (nevra, nevra[len("kernel-core-"):].rpartition(".")[0]) for nevra, header in swap.installed.headers()
        if header["name"] == "kernel-core"]
    return staying + [(build.nevra, build.evr) for build in swap.old if build.name == "kernel-core"]
