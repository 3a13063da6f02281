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

from . import _builds, _capabilities, _detached, _dnf, _journal, _kernel_packages, _runner
from ._catalog import FAMILIES
from ._engine import TRANSACT, Action
from ._errors import Failed, Problem, Refused
from ._rpmdb import REPAIR, Package, installed, side_by_side
from ._target import Target

try:
    import hawkey
except ImportError:  # need_bindings() in _python.py says so before anything here is used
    hawkey = None

OPTIONS: dict[str, t.Any] = {
    "family": {"type": "str", "choices": sorted(FAMILIES)},
    "names": {"type": "list", "elements": "str", "default": []},
    "to": {"type": "str", "choices": ["hyperscale", "stock", _capabilities.INSTALLED], "default": "hyperscale"},
    "version": {"type": "str", "default": "present"},
    "also": {"type": "list", "elements": "str", "default": []},
    "erase": {"type": "list", "elements": "str", "default": []},
    "capabilities": {"type": "list", "elements": "str", "choices": _capabilities.CAPABILITIES, "default": []},
    "weak_deps": {"type": "bool", "default": False},
}

PRESENT, LATEST = "present", "latest"


class State(t.NamedTuple):
    """What the section decides on: installed packages, the units enabled here, the pinned signing keys, the names of packages
    that earlier runs brought onto the host anew, the kernels that nothing starts, and who provides the capabilities that can
    be wished for."""

    installed: list[Package]
    enabled_units: set[str]
    pinned_key_ids: list[str]
    brought: set[str]
    idle_kernels: set[str]
    providers: dict[str, list[str]] = {}

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
            self.args["weak_deps"], self.args["lock_timeout"],
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


def validate(wants: t.Sequence[dict[str, t.Any]]) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    problems = []
    for want in wants:
        if not want["family"] and not want["names"]:
            problems.append(Problem("a package set", "it names neither a family nor packages", "Give family or names"))
        for name in [*want["names"], *want["also"], *want["erase"]]:
            if not name or any(mark in name for mark in " /*?[]<>=()"):
                problems.append(Problem(
                    f"package name {name!r}", "it is not the plain name of a package",
                    "Write names without versions, paths or wildcards; a version goes into 'version'",
                ))
        kernels = [name for name in want["names"] if side_by_side(name) and want["family"] != _kernel_packages.KERNEL]
        if kernels:
            problems.append(Problem(
                f"package {', '.join(kernels)}", "kernels are installed beside each other and not swapped",
                "Ask for family kernel, which keeps the one there is to fall back to"))
        problems += _capabilities.validate(want)
        both = sorted(set(want["erase"]) & {*want["names"], *want["also"]})
        if both:
            problems.append(Problem(
                f"package {', '.join(both)}", "it is wanted and to be erased", "Leave it in one of the two lists"))
    if {"hyperscale", "stock"} <= {want["to"] for want in wants}:
        problems.append(Problem(
            "the package sets", "some are to go to Hyperscale and some to stock", "Do the two in two runs"))
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
    idle = _kernel_packages.idle_kernels(target.root, target.probe(["uname", "-r"])[1].strip())
    units = {link.rsplit("/", 1)[1] for link in links}
    return State(packages, units, pinned_key_ids, brought, idle, _capabilities.gather())


def members(want: dict[str, t.Any], state: State) -> list[Package]:
    """Return the installed packages that move with a wish: all of the same sources, but for kernels, which stay."""
    if want["family"]:
        sources = set(FAMILIES[want["family"]].sources)
    else:
        sources = {package.source for name in want["names"] for package in state.named(name)}
    return [package for package in state.installed
            if package.source in sources and package.name not in want["erase"] and not side_by_side(package.name)]


def wanted_names(want: dict[str, t.Any], state: State) -> list[str]:
    """Return the names that are to be there: those asked for, and those whose enabled unit moved into them."""
    names = [*want["names"], *want["also"]]
    if want["family"] and want["to"] == "hyperscale":
        family = FAMILIES[want["family"]]
        names.append(family.lead)
        names.extend(name for unit, name in family.unit_packages.items() if unit in state.enabled_units)
    return sorted(set(names))


def satisfied(want: dict[str, t.Any], state: State) -> bool:
    """Say whether the rpmdb alone shows that a wish holds. C(latest) can never be told from the rpmdb alone."""
    if want["family"] == _kernel_packages.KERNEL:
        return want["version"] != LATEST and not any(state.named(name) for name in want["erase"]) and _kernel_packages.satisfied(
            want, _kernel_members(want, state), _has_version, state.idle_kernels)
    if not _capabilities.provided(want, state.providers):
        return False
    if want["to"] == _capabilities.INSTALLED:
        return True
    moving = members(want, state)
    here = {package.name for package in moving}
    if want["version"] == LATEST or not here.issuperset(wanted_names(want, state)):
        return False
    if any(state.named(name) for name in want["erase"]):
        return False
    if any(_is_hyperscale(package, state) != (want["to"] == "hyperscale") for package in moving):
        return False
    if want["family"] and len({package.evr for package in moving}) > 1:
        return False
    return all(_has_version(package, want["version"]) for package in moving)


def _kernel_members(want: dict[str, t.Any], state: State) -> _kernel_packages.Members:
    return _kernel_packages.members(want, state.installed, lambda package: _is_hyperscale(package, state))


# look(base, repositories, packages that come, NEVRAs that go): the last is None when the solver found no transaction.
Look = t.Callable[[t.Any, t.Sequence[_dnf.RepoSpec], t.Sequence[t.Any], "t.Sequence[str] | None"], None]


def plan(
    target: Target, wants: t.Sequence[dict[str, t.Any]], state: State, needs: _dnf.Needs,
    open_base: t.Callable[[], t.Any], lock_timeout: float, look: Look | None = None,
) -> list[Action]:
    """Return no action, or the one transaction. C(open_base) gives a Base that sees the wanted repositories.

    C(look) is shown the packages while the Base is open.
    """
    open_wants = [want for want in _capabilities.settled(wants) if not satisfied(want, state)]
    releases = [name for name in needs.install if not state.named(name)]
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
        except Refused:
            if look is not None:
                look(base, needs.specs, jobs.install, None)
            raise
        if look is not None:
            look(base, needs.specs, list(base.transaction.install_set), [i.nevra for i in items if i.action not in _dnf.COMING])
        weak_deps = any(want["weak_deps"] for want in open_wants)
        return [TransactionAction.of(items, jobs, needs, weak_deps, lock_timeout)]
    finally:
        _dnf.close(base)


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


def _jobs(base, wants: t.Sequence[dict[str, t.Any]], state: State) -> Jobs:
    """Turn wishes into exact packages."""
    found = Jobs([], [], [])
    for want in wants:
        one = _jobs_of(base, want, state)
        found = Jobs(*(mine + more for mine, more in zip(found, one)))
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
    if want["family"] == _kernel_packages.KERNEL:
        return _kernel_jobs(base, want, state)
    if want["to"] == _capabilities.INSTALLED:
        added = _capabilities.choose(base, want, state.named(FAMILIES[want["family"]].lead)[-1], state.providers)
        return Jobs(added.install, [], added.problems)
    moving = members(want, state)
    erase = [package.nevra for name in want["erase"] for package in state.named(name)]
    names = sorted({package.name for package in moving} | set(wanted_names(want, state)))
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
                if current is not None and want["to"] == "stock" and name in state.brought:
                    erase.append(current.nevra)
                elif current is None or not _obsoleted(base, current, offered):
                    problems.append(_nothing_offered(base, name, want, current))
            elif current is None or current.evr != best.evr:
                install.append(best)
    return Jobs(install, erase, problems)


def _offered(base, names: t.Sequence[str], want: dict[str, t.Any]) -> list[t.Any]:
    """Return the builds on offer, of the wanted side and version."""
    hyperscale = want["to"] == "hyperscale"
    return [
        package for package in base.sack.query().available().filter(name=list(names))
        if (_builds.release_segment(package.release) is not None) == hyperscale
        and _has_version(package, want["version"])
    ]


def _split_from(base, lead, want: dict[str, t.Any]) -> list[str]:
    """Return subpackages of the chosen build that provide what two packages could, so that the solver takes ours.

    systemd requires /usr/bin/systemd-sysusers, which systemd-standalone-sysusers provides as well.
    """
    splits = FAMILIES[want["family"]].splits if want["to"] == "hyperscale" else ()
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
            "CentOS Stream has the release packages in 'extras-common': enable it, or use method 'definition'",
        ))
    return max(found)


def _best(packages: t.Sequence[t.Any]):
    return max(packages) if packages else None


def _nothing_offered(base, name: str, want: dict[str, t.Any], current: Package | None = None) -> Problem:
    """Explain why a package has nowhere to go: hidden, another version, or simply not built."""
    side = "Hyperscale" if want["to"] == "hyperscale" else "stock"
    version = "" if want["version"] in (PRESENT, LATEST) else f" of version {want['version']}"
    fact = f"{current.nevra} is installed" if current else f"{name} is wanted"
    seen = _of_side(base.sack.query(), name, side)
    if seen:
        return Problem(
            fact, f"the repositories offer no {side} build{version} of it that fits; they offer {_listed(seen)}",
            "Ask for one of these versions, or enable the repository that carries the wanted one",
        )
    hidden = _of_side(base.sack.query(flags=hawkey.IGNORE_EXCLUDES), name, side)
    if hidden:
        return Problem(
            fact, f"its {side} builds are hidden by an exclude or version lock: {_listed(hidden)}",
            "Lift the exclude or lock for this package",
        )
    if current:
        return Problem(
            fact, f"no repository offers a {side} build{version} of it, and none obsoletes it",
            f"If this host can do without {name}, name it in 'erase'; else stay with what is installed",
        )
    return Problem(
        fact, f"no enabled repository offers a {side} build{version} of it",
        "Enable the repository that carries it, or correct the name",
    )


def _of_side(query, name: str, side: str) -> list[t.Any]:
    """Return the builds of a package that one side offers, whatever their version."""
    found = query.available().filter(name=name)
    return [p for p in found if (_builds.release_segment(p.release) is not None) == (side == "Hyperscale")]


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
