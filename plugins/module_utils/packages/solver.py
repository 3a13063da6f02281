# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions as dnf's solver finds them: exact packages, one honest solution.

Shared by the modules and by the detached runner, so it rests on dnf and the standard library alone. The rules of
every solution here: exact NEVRAs, C(best=True), C(allow_erasing=False), nothing cleaned up on the side.
"""

from __future__ import annotations

import typing as t

from ..core.errors import Problem, Refused
from . import installonly

try:
    import dnf
    import dnf.exceptions
    import dnf.transaction
    import hawkey
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    dnf = None

# Words for what a transaction does with one package.
COMING = ("install", "upgrade", "downgrade", "reinstall")
ERASED, OBSOLETED = "erase", "obsoleted"


class RepoSpec(t.NamedTuple):
    """A repository held in memory. C(text) is one section as a .repo file has it; C(keys) are the armoured keys
    that alone may sign its packages, or empty to trust what its C(gpgkey) names. With a C(fingerprint), the keys are
    held against it before the repository is used."""

    id: str
    text: str
    keys: list[str]
    fingerprint: str


class Item(t.NamedTuple):
    """One line of a transaction; sizes are bytes. C(action) is a word of COMING, C(erase), C(obsoleted) or C(replaced);
    C(source) is the name of the source package; of an C(installonly) package several builds lie beside each other."""

    action: str
    name: str
    evr: str
    arch: str
    repo: str
    download_size: int
    install_size: int
    source: str = ""
    installonly: bool = False

    @property
    def nevra(self) -> str:
        """Name, epoch (when not 0), version, release and arch."""
        return f"{self.name}-{self.evr}.{self.arch}"


class Needs(t.NamedTuple):
    """What sections need of the run's one transaction: repositories held in memory, release packages, removals, and tools of
    the distribution."""

    specs: list[RepoSpec]
    install: list[str]
    erase: list[str]
    tools: t.Sequence[str] = ()


def solve(base, install: t.Sequence[t.Any], erase: t.Sequence[t.Any]) -> list[Item]:
    """Return the one solution that installs exactly these packages and erases exactly those.

    Raises Refused with the solver's own problems when there is none, and with what an erasing solution would have
    cost; that one is only ever shown.
    """
    _jobs(base, install, erase)
    try:
        base.resolve(allow_erasing=False)
    except dnf.exceptions.DepsolveError as error:
        raise Refused(_unsolvable(base, install, erase, " ".join(str(error).split()))) from error
    items = _items(base)
    unasked = [item.nevra for item in items if item.action == ERASED and item.name not in {p.name for p in erase}]
    if unasked:
        raise Refused(Problem(
            "transaction.erases_unnamed", "the transaction would erase " + ", ".join(unasked), "nobody named these packages",
            "Name a package in 'erase' if this host can do without it", subject=", ".join(unasked),
        ))
    return items


def problems_without(base) -> list[str]:
    """Return what the solver finds wrong with the installed packages alone: what was so before is nobody's doing now."""
    alone = dnf.Base(base.conf)
    try:
        alone.fill_sack(load_system_repo=True, load_available_repos=False)
        goal = hawkey.Goal(alone.sack)
        if goal.run(verify=True):
            return []
        return sorted({" ".join(text.split()) for rules in goal.problem_rules() for text in rules})
    finally:
        alone.close()


def _jobs(base, install: t.Sequence[t.Any], erase: t.Sequence[t.Any]) -> None:
    for package in install:
        base.package_install(package, strict=True)
    for package in erase:
        base.package_remove(package)


def _unsolvable(base, install: t.Sequence[t.Any], erase: t.Sequence[t.Any], said: str) -> Problem:
    """Return why there is no solution, by what else would be one. None of that is carried out."""
    fact, cost = "these packages cannot be brought together on this host", _cost_of_erasing(base, install, erase)
    protected = _protected_in_the_way(base, install, erase)
    if protected:
        names = ", ".join(protected)
        return Problem(
            "transaction.protected", fact, said,
            f"Stay with {names}. If this host can do without what dnf protects there, take it out of 'protected_packages' "
            "(/etc/dnf/protected.d), or boot another kernel where it is the one that runs, and run again",
            subject=names)
    return Problem("transaction.unsolvable", fact, said, cost)


def _protected_in_the_way(base, install: t.Sequence[t.Any], erase: t.Sequence[t.Any]) -> list[str]:
    """Return the packages that would go in a solution that only dnf's protection rules out; none where there is no such one."""
    protected, kernel = list(base.conf.protected_packages), base.conf.protect_running_kernel
    base.conf.protected_packages, base.conf.protect_running_kernel = [], False
    try:
        base.reset(goal=True)
        _jobs(base, install, erase)
        base.resolve(allow_erasing=False)
        gone = {item.name for item in _items(base) if item.action in (ERASED, OBSOLETED)}
    except dnf.exceptions.DepsolveError:
        return []
    finally:
        base.conf.protected_packages, base.conf.protect_running_kernel = protected, kernel
    return sorted(gone & set(protected) or gone)


def _cost_of_erasing(base, install: t.Sequence[t.Any], erase: t.Sequence[t.Any]) -> str:
    """Say which packages would have to go. The answer is advice and is never carried out."""
    nowhere = "Look at the repositories that are enabled here, and at excludes and version locks"
    base.reset(goal=True)
    _jobs(base, install, erase)
    try:
        base.resolve(allow_erasing=True)
    except dnf.exceptions.DepsolveError:
        return nowhere
    gone = sorted(item.nevra for item in _items(base) if item.action == ERASED)
    if not gone:
        return nowhere
    return (
        f"It would be possible only without {', '.join(gone)}. "
        "If this host can do without a package, name it in 'erase'"
    )


def _items(base) -> list[Item]:
    """Return the lines of a solution. Where packages go, dnf also notes why others stay: such a line has no package."""
    moving = {*dnf.transaction.FORWARD_ACTIONS, *dnf.transaction.BACKWARD_ACTIONS, dnf.transaction.PKG_REINSTALLED}
    entries = [entry for entry in base.transaction if entry.action in moving]
    beside = installonly.among(base, {entry.pkg.name for entry in entries})
    return sorted(_item(entry, (entry.pkg.name, entry.pkg.evr, entry.pkg.arch) in beside) for entry in entries)


def _item(entry, beside: bool) -> Item:
    words = {
        dnf.transaction.PKG_INSTALL: "install", dnf.transaction.PKG_UPGRADE: "upgrade",
        dnf.transaction.PKG_DOWNGRADE: "downgrade", dnf.transaction.PKG_REINSTALL: "reinstall",
        dnf.transaction.PKG_REMOVE: ERASED, dnf.transaction.PKG_OBSOLETED: OBSOLETED,
    }
    package = entry.pkg
    return Item(
        words.get(entry.action, "replaced"), package.name, package.evr, package.arch, package.reponame,
        package.downloadsize or 0, package.installsize or 0, package.source_name or "", beside,
    )


def brought(items: t.Iterable[Item]) -> list[Item]:
    """Return the items that bring a package onto the host."""
    return [item for item in items if item.action in COMING]


def inverse(items: t.Sequence[Item]) -> list[Item]:
    """Return the lines of the transaction that takes another one back."""
    come = {item.nevra for item in brought(items)}
    leave = {item.nevra for item in items} - come
    return [item._replace(action="replaced" if item.nevra in come else "install") for item in items if item.nevra in come ^ leave]


def lost(items: t.Iterable[Item]) -> list[Item]:
    """Return the items that leave the host: erased by name, or obsoleted."""
    return [item for item in items if item.action in (ERASED, OBSOLETED)]


def exact(base, nevra: str, installed: bool = False):
    """Return the package of an exact NEVRA, available or installed."""
    query = base.sack.query()
    query = query.installed() if installed else query.available()
    found = [package for package in query.filter(name=nevra.rsplit("-", 2)[0]) if nevra_of(package) == nevra]
    if not found:
        where = "installed" if installed else "offered by the repositories"
        raise Refused(Problem(
            "transaction.package_gone", f"package {nevra}", f"it is no longer {where}",
            "Run again, so that the plan is made anew",
            subject=nevra))
    return found[0]


def nevra_of(package) -> str:
    """Return a package's name, epoch (when not 0), version, release and arch."""
    return f"{package.name}-{package.evr}.{package.arch}"


def local_files(base) -> list[str]:
    """Return the package files on the host that a solved transaction installs."""
    return sorted(package.localPkg() for package in base.transaction.install_set if is_file(package))


def is_file(package) -> bool:
    """Say whether a package on offer is a file on the host and of no repository."""
    return package.reponame == hawkey.CMDLINE_REPO_NAME


def same_build(base, nevra: str):
    """Return the very build of an installed package that is on offer, be it hidden by an exclude; None where there is none."""
    everything = base.sack.query(flags=hawkey.IGNORE_EXCLUDES).filter(name=nevra.rsplit("-", 2)[0])
    here = [package for package in everything.installed() if nevra_of(package) == nevra]
    made = {package.buildtime for package in here}
    offered = [package for package in everything.available() if nevra_of(package) == nevra and package.buildtime in made]
    return offered[0] if offered else None


def no_way_back(nevra: str) -> Problem:
    """Say that a build could not be brought back."""
    return Problem(
        "package.no_way_back",
        f"{nevra} would leave this host", "no repository that is enabled here offers exactly that build any more, so it could "
        "not be brought back", "Update the host first to a build that is on offer ('dnf upgrade'), enable the repository that "
        "has it, or do without its way back: 'way_back: available'", subject=nevra)
