# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(packages): sets of packages swapped to Hyperscale or back to stock, all in one transaction.

What is installed decides what moves: every installed package of the same source moves together, because each
requires the exact EVR of the others. A host that is already as wanted is found so from its rpmdb alone, without
reading a repository.
"""

from __future__ import annotations

import typing as t

from ..core import ledger
from ..core.engine import Action
from ..core.errors import Problem, Refused
from ..core.host_io import NOT_THERE, Target
from ..core.planning import Context, Manner, Planned
from ..facts import btrfs, globbing, kernel as host_kernel, kernel_modules
from ..packages import boot_room, builds, capabilities, dnf_base, kernels as kernel_packages, kmods, locks, saved, solver
from ..packages.choose import Jobs, best, jobs, newest
from ..packages.rpmdb import installed
from ..packages.transaction import AVAILABLE, EXACT, TransactionAction, own_locks
from ..packages.wishes import ANY, HYPERSCALE, LATEST, PRESENT, STOCK, State, satisfied
from ..tables.families import FAMILIES
from ..tables.sets import CLAIMED, SETS

OPTIONS: dict[str, t.Any] = {
    "family": {"type": "str", "choices": sorted(FAMILIES)},
    "set": {"type": "str", "choices": sorted(SETS)},
    "names": {"type": "list", "elements": "str", "default": []},
    "to": {"type": "str", "choices": ["hyperscale", "stock", "any", capabilities.INSTALLED], "default": "hyperscale"},
    "version": {"type": "str", "default": "present"},
    "also": {"type": "list", "elements": "str", "default": []},
    "erase": {"type": "list", "elements": "str", "default": []},
    "capabilities": {"type": "list", "elements": "str", "choices": capabilities.CAPABILITIES, "default": []},
    "weak_deps": {"type": "bool", "default": False},
    "where_no_module": {"type": "str"},
}

ACTIONS = {TransactionAction.kind: TransactionAction}


def validate(wants: t.Sequence[dict[str, t.Any]], stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host but its stream."""
    problems = []
    for want in wants:
        if not (want["family"] or want["set"] or want["names"]):
            problems.append(Problem(
                "package.no_wish", "a package set", "it names neither a family nor packages", "Give family, set or names"))
        if want["family"] and want["set"]:
            problems.append(Problem(
                "package.family_and_set",
                f"family {want['family']} and set {want['set']}", "one wish names both", "Make two wishes of it",
                subject=want["family"]))
        problems += _validate_set(want, stream)
        for name in [*want["names"], *want["also"], *want["erase"]]:
            if not name or any(mark in name for mark in " /*?[]<>=()"):
                problems.append(Problem(
                    "package.name", f"package name {name!r}", "it is not the plain name of a package",
                    "Write names without versions, paths or wildcards; the version is an option of its own", subject=name,
                ))
        problems += capabilities.validate(want)
        both = sorted(set(want["erase"]) & {*want["names"], *want["also"]})
        if both:
            problems.append(Problem(
                "package.wanted_and_erased",
                f"package {', '.join(both)}", "it is wanted and to be erased", "Leave it in one of the two lists",
                subject=", ".join(both)))
        if want["family"] and want["to"] == ANY:
            problems.append(Problem(
                "package.family_of_any_build",
                f"family {want['family']}", "'any' builds of it are wanted, and its packages fit only together",
                "Choose hyperscale or stock", subject=want["family"]))
    if {HYPERSCALE, STOCK} <= {want["to"] for want in wants}:
        problems.append(Problem(
            "package.both_sides", "the package sets", "some are to go to Hyperscale and some to stock", "Do the two in two runs"))
    return problems


def _validate_set(want: dict[str, t.Any], stream: int) -> list[Problem]:
    if not want["set"]:
        return []
    wanted, problems = SETS[want["set"]], []
    if stream not in wanted.streams:
        where = " and ".join(str(number) for number in wanted.streams)
        problems.append(Problem(
            "package.set_of_other_stream",
            f"package set {wanted.name} on Stream {stream}", f"the SIG has it for Stream {where} only",
            "Leave it out for this host", subject=wanted.name))
    if len(wanted.sources) > 1 and want["version"] not in (PRESENT, LATEST):
        problems.append(Problem(
            "package.set_with_version", f"version {want['version']} of package set {wanted.name}",
            f"it consists of {', '.join(wanted.sources)}, which have versions of their own",
            "Name the packages in wishes of their own, each with its version", subject=wanted.name))
    return problems


class Gathered(t.NamedTuple):
    """What is on the host: the door to it, the units that are enabled by their links, the names of packages that earlier runs
    brought anew, who provides the capabilities that can be wished for, and the kernels that nothing starts."""

    target: Target
    enabled_units: set[str]
    brought: set[str]
    providers: dict[str, list[str]]
    idle_kernels: set[str]


def gather(target: Target, _wants: t.Sequence[dict[str, t.Any]] = ()) -> Gathered:
    """Read the ledger, which units are enabled by their links, and what else of the rpmdb the choice rests on."""
    links = globbing.matching(target.root, "/etc/systemd/system/*.wants/*", globbing.raising)
    steps = [step.action for step in ledger.standing(target) if step.action["kind"] == TransactionAction.kind]
    brought = {
        item.name for action in steps for item in (solver.Item(*item) for item in action["args"]["items"])
        if item.action == "install"}
    units = {link.rsplit("/", 1)[1] for link in links}
    idle = kernel_packages.idle_kernels(target.root, _running(target))
    return Gathered(target, units, brought, capabilities.gather(), idle)


def stands(_state: Gathered) -> bool:
    """Say that it is planned in every run: other sections need packages."""
    return True


def opener(
    target: Target, wants: t.Sequence[dict[str, t.Any]], check: bool, lock_timeout: float,
) -> t.Callable[[t.Sequence[solver.RepoSpec]], t.Any]:
    """Return a function that opens dnf's Base on the host's repositories and some more, as these wishes ask for it."""
    weak_deps = any(want["weak_deps"] for want in wants)
    modules = any(kmods.PACKAGE.match(name) for want in wants for name in (*want["names"], *want["also"]))
    settings = dnf_base.Settings(target.tmpdir, check, weak_deps, own_locks(target), modules)
    back = any(want["to"] == STOCK for want in wants)

    def opened(specs: t.Sequence[solver.RepoSpec]) -> t.Any:
        local = saved.stock_builds(target) if back else []
        return locks.patiently(lock_timeout, lambda: dnf_base.open_base(specs, target.tmpdir, settings, local))

    return opened


def notes(wants: t.Sequence[dict[str, t.Any]], actions: t.Sequence[Action]) -> list[str]:
    """Return what a person must know of the sets that a transaction moves."""
    moving = {item.source for action in actions if isinstance(action, TransactionAction) for item in action.items}
    named = [SETS[want["set"]] for want in wants if want["set"]]
    return [f"Package set {one.name}: {one.note}." for one in named if one.note and moving.intersection(one.sources)]


def plan(wants: t.Sequence[dict[str, t.Any]], gathered: Gathered, context: Context) -> Planned:
    """Return no action, or the one transaction, with what a person must know of it."""
    # A run on a host that was proven settles what runs; what is idle by then is known only once it has.
    idle = set() if context.proven else gathered.idle_kernels
    manner = t.cast(Manner, context.manner)
    state = State(
        context.installed, gathered.enabled_units, manner.key_ids, gathered.brought, gathered.providers, idle)
    actions = _transaction(gathered.target, wants, state, context.needs, manner)
    return Planned(actions, warnings=notes(wants, actions))


def _transaction(
    target: Target, wants: t.Sequence[dict[str, t.Any]], state: State, needs: solver.Needs, manner: Manner,
) -> list[Action]:
    """Return no action, or the one transaction. C(manner.look) is shown the packages while the Base is open."""
    look = manner.look
    open_wants = [
        want for want in capabilities.settled(wants) if not satisfied(want, state) and not needless(target, want, wants)]
    releases = [name for name in (*needs.install, *needs.tools) if not state.named(name)]
    removals = [package.nevra for name in needs.erase for package in state.named(name)]
    if not (open_wants or releases or removals):
        return []
    base = manner.open_base(needs.specs)
    try:
        wanted = jobs(base, open_wants, state)
        wanted = wanted._replace(
            install=wanted.install + [newest(base, name) for name in releases], erase=wanted.erase + removals)
        if not (wanted.install or wanted.erase or wanted.problems):
            return []
        try:
            wanted, items = _solved(base, wanted)
        except Refused:
            if look is not None:
                look(base, needs.specs, wanted.install, None)
            raise
        if look is not None:
            look(base, needs.specs, list(base.transaction.install_set), [i.nevra for i in items if i.action not in solver.COMING])
        # Who goes back to stock is not held up because the way to Hyperscale is gone.
        way_back = AVAILABLE if any(want["to"] == STOCK for want in open_wants) else manner.way_back
        problems = _ends(target, state, base.transaction.install_set, items)
        problems += _ways_back(base, target, items) if way_back == EXACT else []
        # A prediction has a check of its own for it, which knows the files of the packages besides.
        problems += boot_room.problems(target.root, items) if look is None else []
        if problems:
            raise Refused(*problems)
        weak_deps = any(want["weak_deps"] for want in open_wants)
        action = TransactionAction.of(
            items, wanted.install, wanted.erase, needs, weak_deps, manner.lock_timeout, way_back, solver.local_files(base))
        action.comes = sorted({path for package in base.transaction.install_set for path in package.files})
        return [action]
    finally:
        dnf_base.close(base)


def _ways_back(base, target: Target, items: t.Sequence[solver.Item]) -> list[Problem]:
    """Return which builds that go could not be saved first."""
    come = {item.nevra for item in items if item.action in solver.COMING}
    going = {item.nevra for item in items} - come - saved.names(target)
    return [solver.no_way_back(nevra) for nevra in sorted(going) if solver.same_build(base, nevra) is None]


def needless(target: Target, want: dict[str, t.Any], wants: t.Sequence[dict[str, t.Any]]) -> bool:
    """Say whether a wish that is only for want of a kernel module is not needed: a kernel has it, or a Hyperscale kernel comes
    in the same run."""
    module = want["where_no_module"]
    if module is None:
        return False
    kernel = any("kernel" in (other["family"], *other["names"]) and other["to"] == HYPERSCALE for other in wants)
    return kernel or bool(kernel_modules.offering(target.root, _running(target), module))


def _ends(target: Target, state: State, coming: t.Iterable[t.Any], items: t.Sequence[solver.Item]) -> list[Problem]:
    """Return problems that would make the transaction fail although it resolves."""
    problems = []
    if any(kmods.PACKAGE.match(package.name) for package in coming):
        default = target.run(["grubby", "--default-kernel"], okay=(0, NOT_THERE))
        problems += kmods.in_the_way(coming, _running(target), host_kernel.parse_default(default))
    here = {package.nevra for package in state.installed}
    return problems + btrfs.lost_by(target.root, _running(target), here, _after(here, items))


def _after(here: t.Collection[str], items: t.Sequence[solver.Item]) -> set[str]:
    """Return what is installed after a transaction."""
    gone = {item.nevra for item in items if item.action not in solver.COMING}
    return (set(here) - gone) | {item.nevra for item in items if item.action in solver.COMING}


def undo_problems(target: Target, taken: t.Sequence[ledger.Step]) -> list[Problem]:
    """Return what is in the way of taking transactions back, which are given in the order in which they were done."""
    here = {package.nevra for package in installed()}
    left = set(here)
    for step in reversed([step.action for step in taken if step.action["kind"] == TransactionAction.kind]):
        items = [solver.Item(*item) for item in step["args"]["items"]]
        left -= {item.nevra for item in items if item.action in solver.COMING}
        left |= {item.nevra for item in items if item.action not in solver.COMING}
    return btrfs.lost_by(target.root, _running(target), here, left)


def _running(target: Target) -> str:
    return target.run(["uname", "-r"]).strip()


def _solved(base, wanted: Jobs) -> tuple[Jobs, list[solver.Item]]:
    """Return the lines of the one transaction that carries out some jobs, and the jobs with the builds named that the solver
    took from the wrong source."""
    items = _solve(base, wanted)
    astray = _right_builds(base, items)
    if astray:
        wanted = wanted._replace(install=wanted.install + astray)
        base.reset(goal=True)
        items = _solve(base, wanted)
    return wanted, items


def _solve(base, wanted: Jobs) -> list[solver.Item]:
    """Return the lines of the one transaction that carries out some wanted."""
    if wanted.problems:
        raise Refused(*wanted.problems)
    items = solver.solve(base, wanted.install, [solver.exact(base, nevra, installed=True) for nevra in wanted.erase])
    if not items:
        raise Refused(Problem(
            "transaction.nothing_found", "the solver found nothing to do", "these are not as wanted: "
            + ", ".join(f"{p.name}-{p.evr}.{p.arch}" for p in wanted.install),
            "Look at excludes, version locks and 'protected_packages' on this host",
        ))
    return items


def _right_builds(base, items: t.Sequence[solver.Item]) -> list[t.Any]:
    """Return the builds to name where the solver took a package from a source that must not build it here."""
    found = []
    for item in solver.brought(items):
        wrong = item.source not in CLAIMED.get(item.name, (item.source,))
        if wrong and builds.release_segment(item.evr.rpartition("-")[2]) is not None:
            right = best([
                package for package in base.sack.query().available().filter(name=item.name)
                if package.source_name in CLAIMED[item.name] and package.arch == item.arch])
            if right is None:
                raise Refused(Problem(
                    "package.source_not_offered",
                    f"{item.nevra} would come along", f"it is built from {item.source}, and no repository offers the build from "
                    f"{' or '.join(CLAIMED[item.name])}", "Exclude that build from its repository, or leave the set out",
                    subject=item.name))
            found.append(right)
    return found
