# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the engine on a host: recover, validate, plan, apply, prove. The order between sections stands here."""

from __future__ import annotations

import typing as t

from ..packages import kmods, locks, solver, transaction as package_transaction
from ..packages.keys import normal_fingerprint
from ..packages.wishes import STOCK
from ..sections import (
    alternatives, cgroup2, files, locks as locks_section, manager, modules as modules_section,
    packages as packages_section, rulesets, selinux, units,
)
from ..sections.boot import section as boot_section
from ..sections.cow import section as cow_section
from ..sections.network import section as network_section
from ..sections.oomd import section as oomd_section
from ..sections.repositories import section as repositories_section
from . import ledger, recovery, undo as undoing
from .engine import Action, Undone, apply_all, from_record, undo_all
from .errors import Failed, Problem, Refused
from .host_io import Target
from .lock import exclusive
from .planning import Around, Planned

# Sections in the order in which they are planned; within a run, actions go by phase, then by this order.
SECTIONS = {
    "repositories": repositories_section,
    "packages": packages_section,
    "files": files,
    "modules": modules_section,
    "rulesets": rulesets,
    "alternatives": alternatives,
    "units": units,
    "manager": manager,
    "boot": boot_section,
    "cgroup2": cgroup2,
    "oomd": oomd_section,
    "locks": locks_section,
    "selinux": selinux,
    "cow": cow_section,
    "network": network_section,
}
KINDS: dict[str, type[Action]] = {kind: action for section in SECTIONS.values() for kind, action in section.ACTIONS.items()}

# What comes after the transaction, each by the protocol of _planning.
AFTER = tuple(name for name in SECTIONS if name not in ("repositories", "packages"))

# Sections that tell by C(impossible(target, wants, stream)) what no package can bring about, before any is looked for.
EARLY = ("rulesets",)
# What an earlier run left standing in these is looked after by every run, whatever it wishes; C(stands(state)) says if so.
STANDING = ("locks", "selinux")
# Sections whose undoing leaves something that waits; C(waiting(target)) says what.
WAITING = ("network",)

# The desired state: a list of wishes a section.
Wishes = dict[str, list[dict[str, t.Any]]]


def wishes_of(given: t.Mapping[str, t.Any]) -> Wishes:
    """Return the wishes among some arguments; a section that is not among them has none."""
    return {name: given.get(name) or [] for name in SECTIONS}


class Ways(t.NamedTuple):
    """How a run is to go about it. C(lock_timeout) is in seconds; C(who) names the controller to others. C(proven): the
    controller has proven the host since its last change, so what waited for that may be done. C(way_back) is a word of
    _transaction; C(saved_days) is how long what was saved is kept, 0 for as long as it can be taken back."""

    check: bool
    stream: int
    lock_timeout: float
    key_fingerprints: list[str]
    who: str
    proven: bool = False
    way_back: str = package_transaction.EXACT
    saved_days: int = 0


class Report(t.NamedTuple):
    """What a run did, or in check mode would do."""

    run: str | None
    plan: Planned
    interrupted: dict[str, t.Any] | None
    # Of going back: what was left as it is, in words, and the snapshot to compare with.
    left: list[str] = []
    snapshot: str | None = None


def converge(target: Target, wishes: Wishes, ways: Ways) -> Report:
    """Bring the host to what is wished, or in check mode say what that would take."""
    _validate(wishes, ways.stream)
    if ways.check:
        interrupted = recovery.look(target)
        return Report(None, Planned([]) if recovery.half_done(target) else _plan(target, wishes, ways), interrupted)
    with exclusive(target, ways.who):
        interrupted = recovery.settle(target, KINDS)
        plan = _plan(target, wishes, ways)
        if not plan.actions:
            return Report(None, plan, interrupted)
        run = ledger.new_run_id(target)
        apply_all(target, run, plan.actions)
        undoing.tidy(target, ways.saved_days)
        # What this run changed, nobody has proven yet.
        left = _prove(target, wishes, ways._replace(proven=False))
        return Report(run, plan._replace(pending=left.pending), interrupted)


def foresee(target: Target, wishes: Wishes, ways: Ways, look: packages_section.Look) -> tuple[Report, list[Problem]]:
    """Plan without changing anything, show C(look) the transaction, and return the plan, or what stands in its way."""
    _validate(wishes, ways.stream)
    recovery.let_finish(target, ways.lock_timeout)
    interrupted = recovery.look(target)
    if recovery.half_done(target):
        return Report(None, Planned([]), interrupted), []
    try:
        plan = _plan(target, wishes, ways, look)
    except Refused as refusal:
        return Report(None, Planned([]), interrupted), list(refusal.problems)
    return Report(None, plan, interrupted), []


def undo(target: Target, sections: t.Container[str], ways: Ways) -> Report:
    """Take back, last to first, all that earlier runs did in some sections and that still stands."""
    if ways.check:
        taken = undoing.taken(target, sections, KINDS)
        return _going_back(target, taken, recovery.look(target))
    with exclusive(target, ways.who):
        interrupted = recovery.settle(target, KINDS)
        taken = undoing.taken(target, sections, KINDS)
        report = _going_back(target, taken, interrupted)
        run = ledger.new_run_id(target) if taken else None
        undone = undo_all(target, run, taken, KINDS) if run else Undone([], [])
        undoing.start_again(target)
        if undone.failures:
            raise Failed(Problem(
                f"{len(undone.failures)} of {len(taken)} steps could not be taken back", "; ".join(undone.failures),
                "The others are undone. Mend these and run again",
            ))
        undoing.tidy(target, ways.saved_days)
    waiting = [SECTIONS[name].waiting(target) for name in WAITING if name in sections]
    return report._replace(run=run, plan=report.plan._replace(pending=sum(waiting, [])), left=undone.left)


def _going_back(target: Target, taken: t.Sequence[ledger.Step], interrupted: dict[str, t.Any] | None) -> Report:
    """Return what taking steps back would come to; raises Refused where it cannot end well."""
    problems = undoing.problems(target, taken)
    if problems:
        raise Refused(*problems)
    plan = Planned([undoing.inverse(step, KINDS) for step in reversed(taken)])
    return Report(None, plan, interrupted, snapshot=undoing.snapshot_before(target, taken))


def turned_off(target: Target) -> set[str]:
    """Return the units that runs whose work stands have turned off on purpose."""
    actions = [from_record(step.action, KINDS) for step in ledger.standing(target)]
    return {unit for action in actions for unit in action.turns_off()}


def _validate(wishes: Wishes, stream: int) -> None:
    problems = repositories_section.validate(wishes["repositories"], stream)
    problems += packages_section.validate(wishes["packages"], stream)
    for name in AFTER:
        problems += SECTIONS[name].validate(wishes[name])
    if problems:
        raise Refused(*problems)


def _plan(target: Target, wishes: Wishes, ways: Ways, look: packages_section.Look | None = None) -> Planned:
    """Plan all sections before anything is applied; what one brings is told to those that rest on it."""
    impossible = [problem for name in EARLY for problem in SECTIONS[name].impossible(target, wishes[name], ways.stream)]
    if impossible:
        raise Refused(*impossible)
    first, around = _plan_packages(target, wishes, ways, look)
    plans = [first]
    for name in AFTER:
        section = SECTIONS[name]
        if not wishes[name] and name not in STANDING:
            continue
        state = section.gather(target, wishes[name])
        if wishes[name] or section.stands(state):
            plans.append(section.plan(wishes[name], state, around))
            around = around.after(plans[-1].actions)
    whole = Planned(*(sum(parts, []) for parts in zip(*plans)))
    if whole.problems:
        raise Refused(*whole.problems)
    return whole._replace(actions=sorted(whole.actions, key=lambda action: action.phase))


def _plan_packages(
    target: Target, wishes: Wishes, ways: Ways, look: packages_section.Look | None,
) -> tuple[Planned, Around]:
    """Plan repositories and packages, and return with the plan what the sections after them are told."""
    packages = packages_section.gather(target, [fingerprint[-16:] for fingerprint in pinned(wishes, ways)])
    if ways.proven:
        # Such a run settles what runs; what is idle by then is known only once it has.
        packages = packages._replace(idle_kernels=set())
    opener = _opener(target, wishes, ways)
    repositories = repositories_section.plan(
        target, wishes["repositories"], repositories_section.gather(target), ways.stream,
        {package.name for package in packages.installed}, opener([]))
    needs = repositories.needs._replace(tools=locks_section.tools(wishes["locks"]))
    transaction = packages_section.plan(
        target, wishes["packages"], packages, needs, opener(needs.specs),
        packages_section.Manner(ways.lock_timeout, ways.way_back), look)
    items = [item for action in transaction for item in action.items]
    warnings = [*repositories.warnings, *packages_section.notes(wishes["packages"], transaction)]
    around = Around(ways.stream, ways.proven, items, packages.installed, []).after(repositories.actions)
    return Planned([*repositories.actions, *transaction], warnings=warnings), around


def _opener(target: Target, wishes: Wishes, ways: Ways) -> t.Callable[[t.Sequence[solver.RepoSpec]], t.Callable[[], t.Any]]:
    """Return what makes, of repositories, a function that opens dnf's Base on them."""
    weak_deps = any(want["weak_deps"] for want in wishes["packages"])
    modules = any(kmods.PACKAGE.match(name) for want in wishes["packages"] for name in (*want["names"], *want["also"]))
    settings = solver.Settings(target.tmpdir, ways.check, weak_deps, package_transaction.own_locks(target), modules)
    back = any(want["to"] == STOCK for want in wishes["packages"])

    def opened(specs: t.Sequence[solver.RepoSpec]) -> t.Any:
        local = packages_section.stock_builds(target) if back else []
        return locks.patiently(ways.lock_timeout, lambda: solver.open_base(specs, target.tmpdir, settings, local))

    return lambda specs: lambda: opened(specs)


def pinned(wishes: Wishes | None, ways: Ways) -> list[str]:
    """Return the fingerprints of all keys that may sign a Hyperscale build here."""
    if wishes is None:
        return ways.key_fingerprints
    wanted = [normal_fingerprint(want["key_fingerprint"]) for want in wishes["repositories"]]
    return sorted({*wanted, *ways.key_fingerprints})


def _prove(target: Target, wishes: Wishes, ways: Ways) -> Planned:
    """Read the whole host again: after a run there must be nothing left to do, but for what waits on purpose."""
    left = _plan(target, wishes, ways)
    if left.actions:
        raise Failed(Problem(
            "the host is not as wanted after the run",
            "still to do: " + "; ".join(f"{action.kind} {action.subject}" for action in left.actions),
            "Run again with --check --diff to see what differs, and find out what else changes it",
        ))
    return left
