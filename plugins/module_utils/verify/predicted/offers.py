# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the repositories offer beside the swap: builds that would win later, the way back, kernels that would be evicted."""

from __future__ import annotations

import typing as t

from ...facts.consumer import Consumer
from ...packages import builds, installonly, rpmdb, solver
from ..checks import found
from ..model import HIGH, MEDIUM, Finding, Remediation, Subject
from ..swap import Swap

try:
    import hawkey
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    hawkey = None

# Subpackages of the same source that no file of a stock package moves into.
NO_SUCCESSORS = ("-debuginfo", "-debugsource", "-tests", "-devel", "-doc", "-static")

# Where a build comes from that was saved before a swap, and dnf's priority of what is of no repository.
SAVED, DEFAULT_PRIORITY = "what was saved on this host", 99


class Offer(t.NamedTuple):
    """A build that a repository offers. C(priority) is the repository's: the lower, the better. C(excluded): dnf hides it."""

    name: str
    arch: str
    evr: str
    repo: str
    priority: int
    excluded: bool = False


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
    wanted = sorted(set(names))
    query = base.sack.query(flags=hawkey.IGNORE_EXCLUDES).available().filter(name=wanted)
    seen = set(base.sack.query().available().filter(name=wanted))
    mine = {(package.name, package.evr, package.arch) for package in chosen}
    return Offers(
        [_offer(package) for package in chosen],
        [_offer(package, package not in seen) for package in query if (package.name, package.evr, package.arch) not in mine],
        Policy(base.conf.installonly_limit, sorted(base.conf.protected_packages), base.conf.gpgcheck))


def _offer(package: t.Any, excluded: bool = False) -> Offer:
    repo, priority = (SAVED, DEFAULT_PRIORITY) if solver.is_file(package) else (package.reponame, package.repo.priority)
    return Offer(package.name, package.arch, package.evr, repo, priority, excluded)


def beside(base, chosen: t.Sequence[t.Any]) -> list[t.Any]:
    """Return the packages of the same builds that do not come along, in which files may have gone."""
    sources = sorted({package.sourcerpm for package in chosen if package.sourcerpm and not installonly.is_one(package)})
    mine = {package.name for package in chosen}
    arches = {package.arch for package in chosen} | {"noarch"}
    if not sources:
        return []
    return [
        package for package in base.sack.query().available().filter(sourcerpm=sources)
        if package.name not in mine and package.arch in arches and not package.name.endswith(NO_SUCCESSORS)]


def order(offers: Offers) -> t.Iterator[Finding]:
    """Row 16: builds of the other side that sort above the chosen ones; a better priority keeps them away, and the host older."""
    for mine in offers.chosen:
        for offer in offers.others:
            if offer.name != mine.name or _hyperscale(offer) == _hyperscale(mine):
                continue
            if offer.arch != mine.arch and "noarch" not in (offer.arch, mine.arch):
                continue
            if rpmdb.compare_evr(offer.evr, mine.evr) > 0:
                yield _above(mine, offer)


def _above(mine: Offer, offer: Offer) -> Finding:
    hidden = offer.excluded or offer.priority > mine.priority
    reason = "which an exclude hides" if offer.excluded else f"which its priority ({mine.priority} to {offer.priority}) hides"
    finding = found(
        "evr.held_back" if hidden else "evr.stock_wins", Subject("package", mine.name, mine.arch), mine.evr, offer.evr,
        f"{mine.name}-{mine.evr} comes from {mine.repo}; {offer.repo} offers {offer.evr}, "
        f"{reason if hidden else 'which wins at the next update'}.")
    if _hyperscale(offer):
        # On the way back to stock it is the SIG's build that would come again.
        title = "A Hyperscale build of {} sorts above the stock one" if not hidden else "{} stays older than Hyperscale's"
        return finding._replace(
            severity=MEDIUM, title=title.format(mine.name),
            description="The repository of the Hyperscale SIG is still enabled and offers a build that sorts higher.",
            remediations=(Remediation("hint", "Disable the Hyperscale repository, or exclude the package from it"),))
    return finding


def _hyperscale(offer: Offer) -> bool:
    return _is_sig(offer.evr)


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
    # A kernel that goes is not replaced by the one that comes, although they share a name.
    for build in [build for build in swap.old if build in swap.gone or installonly.is_one(build)]:
        kernel = installonly.is_one(build) and _runs(build.evr, build.arch, running)
        if (build.name in offers.policy.protected and build in swap.gone) or kernel:
            yield found(
                "protected.removed", Subject("package", build.name, build.arch), build.nevra, None,
                f"{build.nevra} would leave; it is " + ("the running kernel." if kernel else "protected by dnf's configuration."),
                [Consumer("package", build.nevra, "protected")])


def _runs(evr: str, arch: str, running: str) -> bool:
    """Say whether a kernel is the running one; kernels of another sort are called C(RELEASE+debug)."""
    return running.partition("+")[0] == f"{evr.rpartition(':')[2]}.{arch}"


def evicted(swap: Swap, offers: Offers, running: str = "") -> t.Iterator[Finding]:
    """Row 19: whether the last stock kernel goes when a new one comes."""
    coming = [build for build in swap.new if build.name == "kernel-core"]
    limit = offers.policy.installonly_limit
    if not coming or not limit or not all(_is_sig(build.evr) for build in coming):
        return
    here = _kernels(swap)
    planned = {build.nevra for build in swap.old}
    stock = [nevra for nevra, evr, _arch in here if not _is_sig(evr)]
    # dnf removes the oldest ones and keeps the running one. What it decided already stands.
    free = sorted((kernel for kernel in here if not _runs(kernel[1], kernel[2], running)), key=lambda k: rpmdb.EVR_ORDER(k[1]))
    many = max(len(here) + len(coming) - limit, 0)
    going = {nevra for nevra, _evr, _arch in here if nevra in planned} or {nevra for nevra, _evr, _arch in free[:many]}
    left = [nevra for nevra, _evr, _arch in here if nevra not in going]
    if stock and not set(stock).intersection(left):
        yield found(
            "kernel.last_stock_evicted", Subject("package", "kernel-core"), stock, left,
            f"{len(here)} kernels are installed and installonly_limit is {limit}: {', '.join(stock)} would go.",
            [Consumer("package", nevra, "would be removed") for nevra in stock], severity=HIGH)


def _is_sig(evr: str) -> bool:
    return builds.release_segment(evr.rpartition("-")[2]) is not None


def _kernels(swap: Swap) -> list[tuple[str, str, str]]:
    """Return NEVRA, EVR and architecture of the installed kernels. What dnf already planned to remove is among the builds
    that go."""
    staying = [
        (nevra, nevra[len("kernel-core-"):].rpartition(".")[0], header["arch"]) for nevra, header in swap.installed.headers()
        if header["name"] == "kernel-core"]
    return staying + [(build.nevra, build.evr, build.arch) for build in swap.old if build.name == "kernel-core"]
