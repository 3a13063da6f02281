# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(packages): sets of packages swapped to Hyperscale or back to stock, all in one transaction.

What is installed decides what moves: every installed package of the same source moves together, because each
requires the exact EVR of the others. A host that is already as wanted is found so from its rpmdb alone, without
reading a repository.
"""

from __future__ import annotations

import glob
import typing as t

from . import (
    _btrfs, _builds, _capabilities, _detached, _dnf, _host_kernel, _journal, _kernel_modules, _kernel_packages, _kmods, _runner,
)
from ._catalog import FAMILIES, FLAVOURS
from ._engine import TRANSACT, Action
from ._errors import Failed, Problem, Refused
from ._rpmdb import REPAIR, Package, installed
from ._sets import CLAIMED, SETS, set_of
from ._target import Target

try:
    import hawkey
except ImportError:  # need_bindings() in _python.py says so before anything here is used
    hawkey = None

OPTIONS: dict[str, t.Any] = {
    "family": {"type": "str", "choices": sorted(FAMILIES)},
    "set": {"type": "str", "choices": sorted(SETS)},
    "names": {"type": "list", "elements": "str", "default": []},
    "to": {"type": "str", "choices": ["hyperscale", "stock", "any", _capabilities.INSTALLED], "default": "hyperscale"},
    "version": {"type": "str", "default": "present"},
    "also": {"type": "list", "elements": "str", "default": []},
    "erase": {"type": "list", "elements": "str", "default": []},
    "capabilities": {"type": "list", "elements": "str", "choices": _capabilities.CAPABILITIES, "default": []},
    "weak_deps": {"type": "bool", "default": False},
    "where_no_module": {"type": "str"},
}

PRESENT, LATEST = "present", "latest"
HYPERSCALE, STOCK, ANY = "hyperscale", "stock", "any"
SIDES = {HYPERSCALE: "Hyperscale ", STOCK: "stock ", ANY: ""}
LOCK = "lock"  # kind of the steps that write version locks, which this section lifts for its own transaction
# Where packages come from that neither the SIG nor stock builds.
SOURCES = {
    _btrfs.PACKAGED: "The Kmods SIG builds it: install centos-release-kmods, which enables its repository, "
    "or use a Hyperscale kernel, which has btrfs",
}


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


class Jobs(t.NamedTuple):
    """Packages to bring (dnf objects), installed NEVRAs to erase, and what is in the way."""

    install: list[t.Any]
    erase: list[str]
    problems: list[Problem]


class TransactionAction(Action):
    """The one package transaction of a run, carried out detached. Undo is the transaction the other way."""

    section = "packages"
    kind = "transaction"
    phase = TRANSACT

    @classmethod
    def of(cls, items: list[_dnf.Item], jobs: Jobs, needs: _dnf.Needs, weak_deps: bool, lock_timeout: float) -> TransactionAction:
        """Make the action for a solution."""
        old = [item.nevra for item in items if item.action not in _dnf.COMING]
        new = [item.nevra for item in items if item.action in _dnf.COMING]
        args = {
            "install": sorted(f"{p.name}-{p.evr}.{p.arch}" for p in jobs.install), "erase": sorted(jobs.erase),
            "items": items, "specs": needs.specs, "weak_deps": weak_deps, "lock_timeout": lock_timeout,
            "release": needs.install,
        }
        subject = f"{len(new)} packages in, {len(old)} out"
        return cls(subject, "installed builds are not the wanted ones", args, _lines(old), _lines(new))

    @property
    def items(self) -> list[_dnf.Item]:
        """The lines of the transaction."""
        return [_dnf.Item(*item) for item in self.args["items"]]

    def apply(self, target: Target) -> None:
        self._carry_out(target, self.args["install"], self.args["erase"], self.items)

    def undo(self, target: Target) -> None:
        back = [item.nevra for item in self.items if item.action not in _dnf.COMING]
        names_back = {item.name for item in self.items if item.action not in _dnf.COMING}
        brought = [item.nevra for item in _dnf.brought(self.items) if item.name not in names_back]
        here = {package.nevra for package in installed()}
        self._carry_out(
            target, [nevra for nevra in back if nevra not in here], [nevra for nevra in brought if nevra in here], None)

    def _carry_out(
        self, target: Target, install: list[str], erase: list[str], expected: list[_dnf.Item] | None,
    ) -> None:
        job = _runner.Job(
            target.job, [_dnf.RepoSpec(*spec) for spec in self.args["specs"]], install, erase, expected,
            self.args["weak_deps"], self.args["lock_timeout"], own_locks(target),
        )
        _detached.raise_for(_detached.carry_out(target, job))

    def verify(self, target: Target) -> None:
        here = {package.nevra for package in installed()}
        missing = sorted(item.nevra for item in _dnf.brought(self.items) if item.nevra not in here)
        left = sorted(item.nevra for item in self.items if item.action not in _dnf.COMING and item.nevra in here)
        if missing or left:
            raise Failed(Problem(
                "the rpmdb does not show the transaction that was carried out",
                f"missing: {', '.join(missing) or 'none'}; still there: {', '.join(left) or 'none'}",
                "Look at 'dnf history info' on the host",
            ))


ACTIONS = {TransactionAction.kind: TransactionAction}


def validate(wants: t.Sequence[dict[str, t.Any]], stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host but its stream."""
    problems = []
    for want in wants:
        if not (want["family"] or want["set"] or want["names"]):
            problems.append(Problem("a package set", "it names neither a family nor packages", "Give family, set or names"))
        if want["family"] and want["set"]:
            problems.append(Problem(
                f"family {want['family']} and set {want['set']}", "one wish names both", "Make two wishes of it"))
        problems += _validate_set(want, stream)
        for name in [*want["names"], *want["also"], *want["erase"]]:
            if not name or any(mark in name for mark in " /*?[]<>=()"):
                problems.append(Problem(
                    f"package name {name!r}", "it is not the plain name of a package",
                    "Write names without versions, paths or wildcards; a version goes into 'version'",
                ))
        problems += _capabilities.validate(want)
        kernels = [name for name in want["names"] if _kernel_packages.is_kernel(name)]
        if kernels and want["family"] != _kernel_packages.KERNEL:
            problems.append(Problem(
                f"package {', '.join(kernels)}", "kernels are installed beside each other and not swapped",
                "Ask for family kernel, which keeps the one there is to fall back to"))
        both = sorted(set(want["erase"]) & {*want["names"], *want["also"]})
        if both:
            problems.append(Problem(
                f"package {', '.join(both)}", "it is wanted and to be erased", "Leave it in one of the two lists"))
        if want["family"] and want["to"] == ANY:
            problems.append(Problem(
                f"family {want['family']}", "'any' builds of it are wanted, and its packages fit only together",
                "Choose hyperscale or stock"))
    if {HYPERSCALE, STOCK} <= {want["to"] for want in wants}:
        problems.append(Problem(
            "the package sets", "some are to go to Hyperscale and some to stock", "Do the two in two runs"))
    return problems


def _validate_set(want: dict[str, t.Any], stream: int) -> list[Problem]:
    if not want["set"]:
        return []
    wanted, problems = SETS[want["set"]], []
    if stream not in wanted.streams:
        where = " and ".join(str(number) for number in wanted.streams)
        problems.append(Problem(
            f"package set {wanted.name} on Stream {stream}", f"the SIG has it for Stream {where} only",
            "Leave it out for this host"))
    if len(wanted.sources) > 1 and want["version"] not in (PRESENT, LATEST):
        problems.append(Problem(
            f"version {want['version']} of package set {wanted.name}",
            f"it consists of {', '.join(wanted.sources)}, which have versions of their own",
            "Name the packages in wishes of their own, each with its version"))
    return problems


def gather(target: Target, pinned_key_ids: list[str]) -> State:
    """Read the rpmdb, the ledger, and which units are enabled by their links. Refuses when the rpmdb cannot be read."""
    try:
        packages = installed()
    except OSError as error:
        # Without it every package would look absent, and be installed anew.
        reason = str(error).partition(f". {REPAIR}")[0]
        raise Refused(Problem("the packages of this host cannot be read", reason, REPAIR)) from error
    links = glob.glob(target.path("/etc/systemd/system/*.wants/*"))
    steps = [step.action for step in _journal.standing(target) if step.action["kind"] == TransactionAction.kind]
    brought = {
        item.name for action in steps for item in (_dnf.Item(*item) for item in action["args"]["items"])
        if item.action == "install"}
    units = {link.rsplit("/", 1)[1] for link in links}
    idle = _kernel_packages.idle_kernels(target.root, target.probe(["uname", "-r"])[1].strip())
    return State(packages, units, pinned_key_ids, brought, _capabilities.gather(), idle)


def own_locks(target: Target) -> list[str]:
    """Return the lines of the version lock list that are ours: those that the newest standing step on them left."""
    steps = [step.action for step in _journal.standing(target) if step.action["kind"] == LOCK]
    return list(steps[-1]["args"]["ours"]) if steps else []


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
        package for package in packages if not _kernel_packages.is_kernel(package.name)
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
    if not _capabilities.provided(want, state.providers):
        return False
    if want["to"] == _capabilities.INSTALLED:
        return True
    if want["family"] == _kernel_packages.KERNEL:
        return want["version"] != LATEST and not any(state.named(name) for name in want["erase"]) and _kernel_packages.satisfied(
            want, _kernel_members(want, state), _has_version, state.idle_kernels)
    moving = members(want, state.installed)
    here = {package.name for package in moving} | {name for name in want["names"] if _gone_again(name, want, state)}
    if want["version"] == LATEST or not here.issuperset(wanted_names(want, state)):
        return False
    if any(state.named(name) for name in want["erase"]):
        return False
    if want["to"] != ANY and any(_is_hyperscale(package, state) != (want["to"] == HYPERSCALE) for package in moving):
        return False
    if want["family"] and len({package.evr for package in moving}) > 1:
        return False
    return all(_has_version(package, want["version"]) for package in moving)


def _kernel_members(want: dict[str, t.Any], state: State) -> _kernel_packages.Members:
    return _kernel_packages.members(want, state.installed, lambda package: _is_hyperscale(package, state))


def notes(wants: t.Sequence[dict[str, t.Any]], actions: t.Sequence[Action]) -> list[str]:
    """Return what a person must know of the sets that a transaction moves."""
    moving = {item.source for action in actions if isinstance(action, TransactionAction) for item in action.items}
    named = [SETS[want["set"]] for want in wants if want["set"]]
    return [f"Package set {one.name}: {one.note}." for one in named if one.note and moving.intersection(one.sources)]


def _gone_again(name: str, want: dict[str, t.Any], state: State) -> bool:
    """Say whether a package that earlier runs brought anew is gone, as a way back to stock leaves it."""
    return want["to"] == STOCK and name in state.brought and not state.named(name)


# look(base, repositories, packages that come, NEVRAs that go): the last is None when the solver found no transaction.
Look = t.Callable[[t.Any, t.Sequence[_dnf.RepoSpec], t.Sequence[t.Any], "t.Sequence[str] | None"], None]


def plan(
    target: Target, wants: t.Sequence[dict[str, t.Any]], state: State, needs: _dnf.Needs,
    open_base: t.Callable[[], t.Any], lock_timeout: float, look: Look | None = None,
) -> list[Action]:
    """Return no action, or the one transaction. C(open_base) gives a Base that sees the wanted repositories.

    C(look) is shown the packages while the Base is open.
    """
    open_wants = [
        want for want in _capabilities.settled(wants) if not satisfied(want, state) and not needless(target, want, wants)]
    releases = [name for name in (*needs.install, *needs.tools) if not state.named(name)]
    removals = [package.nevra for name in needs.erase for package in state.named(name)]
    if not (open_wants or releases or removals):
        return []
    base = open_base()
    try:
        jobs = _jobs(base, open_wants, state)
        jobs = Jobs(jobs.install + [_newest(base, name) for name in releases], jobs.erase + removals, jobs.problems)
        if not (jobs.install or jobs.erase or jobs.problems):
            return []
        try:
            items = _solved(base, jobs)
            astray = _right_builds(base, items)
            if astray:
                jobs = jobs._replace(install=jobs.install + astray)
                base.reset(goal=True)
                items = _solved(base, jobs)
        except Refused:
            if look is not None:
                look(base, needs.specs, jobs.install, None)
            raise
        if look is not None:
            look(base, needs.specs, list(base.transaction.install_set), [i.nevra for i in items if i.action not in _dnf.COMING])
        problems = _ends(target, state, base.transaction.install_set, items)
        if problems:
            raise Refused(*problems)
        weak_deps = any(want["weak_deps"] for want in open_wants)
        return [TransactionAction.of(items, jobs, needs, weak_deps, lock_timeout)]
    finally:
        _dnf.close(base)


def needless(target: Target, want: dict[str, t.Any], wants: t.Sequence[dict[str, t.Any]]) -> bool:
    """Say whether a wish that is only for want of a kernel module is not needed: a kernel has it, or a Hyperscale kernel comes
    in the same run."""
    module = want["where_no_module"]
    if module is None:
        return False
    kernel = any("kernel" in (other["family"], *other["names"]) and other["to"] == HYPERSCALE for other in wants)
    return kernel or bool(_kernel_modules.offering(target.root, _running(target), module))


def _ends(target: Target, state: State, coming: t.Iterable[t.Any], items: t.Sequence[_dnf.Item]) -> list[Problem]:
    """Return what a transaction would end badly in, however well it solves."""
    problems = []
    if any(_kmods.PACKAGE.match(package.name) for package in coming):
        status, default = target.probe(["grubby", "--default-kernel"])
        problems += _kmods.in_the_way(
            coming, _running(target), _host_kernel.parse_default(default) if status == 0 else None)
    here = {package.nevra for package in state.installed}
    return problems + _btrfs.lost_by(target.root, _running(target), here, _after(here, items))


def _after(here: t.Collection[str], items: t.Sequence[_dnf.Item]) -> set[str]:
    """Return what is installed after a transaction."""
    gone = {item.nevra for item in items if item.action not in _dnf.COMING}
    return (set(here) - gone) | {item.nevra for item in items if item.action in _dnf.COMING}


def undo_problems(target: Target, taken: t.Sequence[_journal.Step]) -> list[Problem]:
    """Return what is in the way of taking transactions back, which are given in the order in which they were done."""
    here = {package.nevra for package in installed()}
    left = set(here)
    for step in reversed([step.action for step in taken if step.action["kind"] == TransactionAction.kind]):
        items = [_dnf.Item(*item) for item in step["args"]["items"]]
        left -= {item.nevra for item in items if item.action in _dnf.COMING}
        left |= {item.nevra for item in items if item.action not in _dnf.COMING}
    return _btrfs.lost_by(target.root, _running(target), here, left)


def _running(target: Target) -> str:
    return target.run(["uname", "-r"]).strip()


def _solved(base, jobs: Jobs) -> list[_dnf.Item]:
    """Return the lines of the one transaction that carries out some jobs."""
    if jobs.problems:
        raise Refused(*jobs.problems)
    items = _dnf.solve(base, jobs.install, [_dnf.exact(base, nevra, installed=True) for nevra in jobs.erase])
    if not items:
        raise Refused(Problem(
            "the solver found nothing to do", "although these are not as wanted: "
            + ", ".join(f"{p.name}-{p.evr}.{p.arch}" for p in jobs.install),
            "Look at excludes, version locks and 'protected_packages' on this host",
        ))
    return items


def _right_builds(base, items: t.Sequence[_dnf.Item]) -> list[t.Any]:
    """Return the builds to name where the solver took a package from a source that must not build it here."""
    found = []
    for item in _dnf.brought(items):
        wrong = item.source not in CLAIMED.get(item.name, (item.source,))
        if wrong and _builds.release_segment(item.evr.rpartition("-")[2]) is not None:
            right = _best([
                package for package in base.sack.query().available().filter(name=item.name)
                if package.source_name in CLAIMED[item.name] and package.arch == item.arch])
            if right is None:
                raise Refused(Problem(
                    f"{item.nevra} would come along", f"it is built from {item.source}, and no repository offers the build from "
                    f"{' or '.join(CLAIMED[item.name])}", "Exclude that build from its repository, or leave the set out"))
            found.append(right)
    return found


def _jobs(base, wants: t.Sequence[dict[str, t.Any]], state: State) -> Jobs:
    """Turn wishes into exact packages."""
    found = Jobs([], [], [])
    for want in wants:
        one = _jobs_of(base, want, state)
        found = Jobs(*(mine + [new for new in more if new not in mine] for mine, more in zip(found, one)))
    return found


def _kernel_jobs(base, want: dict[str, t.Any], state: State) -> Jobs:
    """Turn a wish for kernels into exact packages."""
    here = _kernel_members(want, state)
    names = _kernel_packages.names_to_ask_for(want, here)
    choice = _kernel_packages.choose(
        want, here, _offered(base, names, {**want, "version": PRESENT}), _has_version, state.idle_kernels, state.brought)
    erase = [package.nevra for name in want["erase"] for package in state.named(name)]
    return Jobs(choice.install, [*choice.erase, *erase], [_nothing_offered(base, name, want) for name in choice.missing])


def _jobs_of(base, want: dict[str, t.Any], state: State) -> Jobs:
    if want["to"] == _capabilities.INSTALLED:
        added = _capabilities.choose(base, want, state.named(FAMILIES[want["family"]].lead)[-1], state.providers)
        return Jobs(added.install, [], added.problems)
    if want["family"] == _kernel_packages.KERNEL:
        return _kernel_jobs(base, want, state)
    moving = members(want, state.installed)
    erase = [package.nevra for name in want["erase"] for package in state.named(name)]
    wanted = {name for name in wanted_names(want, state) if not _gone_again(name, want, state)}
    names = sorted({package.name for package in moving} | wanted)
    offered = _offered(base, names, want)
    if want["family"]:
        lead = FAMILIES[want["family"]].lead
        chosen = _best([p for p in offered if p.name == lead])
        if chosen is None:
            return Jobs([], [], [_nothing_offered(base, lead, want)])
        added = _capabilities.choose(base, want, chosen, state.providers)
        if added.problems:
            return Jobs([], [], added.problems)
        erase += [package.nevra for name in added.superseded for package in state.named(name)]
        moving = [package for package in moving if package.name not in added.superseded]
        names = sorted({package.name for package in (*moving, *added.install)} | set(wanted_names(want, state)))
        offered = _offered(base, names, want)
        offered = [p for p in offered if p.evr == chosen.evr]
        names = sorted({*names, *_split_from(base, chosen, want)})
        offered += [p for p in _offered(base, names, want) if p.evr == chosen.evr and p not in offered]
    install: list[t.Any] = []
    problems: list[Problem] = []
    for name in names:
        arches = sorted({package.arch for package in moving if package.name == name}) or [None]
        for arch in arches:
            best = _best([p for p in offered if p.name == name and (arch in (None, p.arch) or "noarch" in (arch, p.arch))])
            current = next((p for p in moving if p.name == name and arch in (None, p.arch)), None)
            if best is None:
                if current is not None and want["to"] == STOCK and name in state.brought:
                    erase.append(current.nevra)
                elif current is None or not _obsoleted(base, current, offered):
                    problem = _nothing_offered(base, name, want, current)
                    if problem not in problems:
                        problems.append(problem)
            elif current is None or current.evr != best.evr:
                install.append(best)
    return Jobs(install, erase, problems)


def _offered(base, names: t.Sequence[str], want: dict[str, t.Any]) -> list[t.Any]:
    """Return the builds on offer, of the wanted side and version. Of any side, the Hyperscale builds where there are some."""
    found = [
        package for package in base.sack.query().available().filter(name=list(names))
        if _has_version(package, want["version"])]
    ours = [
        package for package in found if _on_side(package, HYPERSCALE)
        and package.source_name in CLAIMED.get(package.name, (package.source_name,))]
    if want["to"] == HYPERSCALE:
        return ours
    others = [package for package in found if _on_side(package, STOCK)]
    if want["to"] == STOCK:
        return others
    ours_by_name = {package.name for package in ours}
    return ours + [package for package in others if package.name not in ours_by_name]


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


def _newest(base, name: str):
    found = list(base.sack.query().available().filter(name=name))
    if not found:
        raise Refused(Problem(
            f"package {name}", "no repository of this host offers it",
            "CentOS Stream has release packages in 'extras-common' and plugins of dnf in 'baseos': enable it, or do without "
            "(method 'definition', no version locks)",
        ))
    return max(found)


def _best(packages: t.Sequence[t.Any]):
    return max(packages) if packages else None


def _nothing_offered(base, name: str, want: dict[str, t.Any], current: Package | None = None) -> Problem:
    """Explain why a package has nowhere to go: hidden, another version, or simply not built."""
    side = SIDES[want["to"]]
    version = "" if want["version"] in (PRESENT, LATEST) else f" of version {want['version']}"
    fact = f"{current.nevra} is installed" if current else f"{name} is wanted"
    seen = _of_side(base.sack.query(), name, want["to"])
    if seen:
        return Problem(
            fact, f"the repositories offer no {side}build{version} of it that fits; they offer {_listed(seen)}",
            "Ask for one of these versions, or enable the repository that carries the wanted one",
        )
    hidden = _of_side(base.sack.query(flags=hawkey.IGNORE_EXCLUDES), name, want["to"])
    if hidden:
        return Problem(
            fact, f"its {side}builds are hidden by an exclude or version lock: {_listed(hidden)}",
            "Lift the exclude or lock for this package",
        )
    flavour = _missing_flavour(base, want)
    if flavour:
        return Problem(
            f"package set {want['set']} is wanted",
            f"the SIG has it in its flavour {flavour}, and this host has no such repository enabled",
            f"Add {flavour} to hyperscale_repos_flavours, or leave the set out")
    if current:
        return Problem(
            fact, f"no repository offers a {side}build{version} of it, and none obsoletes it",
            f"If this host can do without {name}, name it in 'erase'; else stay with what is installed",
        )
    return Problem(
        fact, f"no enabled repository offers a {side}build{version} of it",
        SOURCES.get(name, "Enable the repository that carries it, or correct the name"),
    )


def _missing_flavour(base, want: dict[str, t.Any]) -> str | None:
    """Return the flavour that a set lives in, if none of its repositories is enabled."""
    if not want["set"] or want["to"] != "hyperscale":
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
    return side == ANY or (_builds.release_segment(package.release) is not None) == (side == HYPERSCALE)


def _listed(packages: t.Iterable[t.Any]) -> str:
    return ", ".join(sorted({f"{p.evr} ({p.reponame})" for p in packages}))


def _is_hyperscale(package: Package, state: State) -> bool:
    return _builds.recognise(
        package.release, package.vendor, package.signing_key, state.pinned_key_ids).hyperscale


def _has_version(package, wanted: str) -> bool:
    """Say whether a package answers to a version, version-release or full EVR, or to a word that means any."""
    return wanted in (PRESENT, LATEST) or wanted in (package.version, f"{package.version}-{package.release}", package.evr)


def _lines(nevras: t.Iterable[str]) -> str:
    return "".join(f"{nevra}\n" for nevra in sorted(nevras))
