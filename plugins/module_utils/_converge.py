# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the engine on a host: recover, validate, plan, apply, prove. The order between sections stands here."""

from __future__ import annotations

import typing as t

from . import (
    _dnf, _journal, _kmods, _locks, _recover, _section_alternatives, _section_boot, _section_cgroup2, _section_cow,
    _section_files, _section_locks, _section_manager, _section_modules, _section_network, _section_oomd,
    _section_packages, _section_repositories, _section_rulesets, _section_selinux, _section_units, _transaction, _undoing,
)
from ._engine import Action, Undone, apply_all, from_record, undo_all
from ._errors import Failed, Problem, Refused
from ._package_wishes import STOCK
from ._planning import Around, Planned
from ._runlock import exclusive
from ._signatures import normal_fingerprint
from ._target import Target

# Sections in the order in which they are planned; within a run, actions go by phase, then by this order.
SECTIONS = {
    "repositories": _section_repositories,
    "packages": _section_packages,
    "files": _section_files,
    "modules": _section_modules,
    "rulesets": _section_rulesets,
    "alternatives": _section_alternatives,
    "units": _section_units,
    "manager": _section_manager,
    "boot": _section_boot,
    "cgroup2": _section_cgroup2,
    "oomd": _section_oomd,
    "locks": _section_locks,
    "selinux": _section_selinux,
    "cow": _section_cow,
    "network": _section_network,
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
    way_back: str = _transaction.EXACT
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
        interrupted = _recover.look(target)
        return Report(None, Planned([]) if _recover.half_done(target) else _plan(target, wishes, ways), interrupted)
    with exclusive(target, ways.who):
        interrupted = _recover.settle(target, KINDS)
        plan = _plan(target, wishes, ways)
        if not plan.actions:
            return Report(None, plan, interrupted)
        run = _journal.new_run_id(target)
        apply_all(target, run, plan.actions)
        _undoing.tidy(target, ways.saved_days)
        # What this run changed, nobody has proven yet.
        left = _prove(target, wishes, ways._replace(proven=False))
        return Report(run, plan._replace(pending=left.pending), interrupted)


def foresee(target: Target, wishes: Wishes, ways: Ways, look: _section_packages.Look) -> tuple[Report, list[Problem]]:
    """Plan without changing anything, show C(look) the transaction, and return the plan, or what stands in its way."""
    _validate(wishes, ways.stream)
    _recover.let_finish(target, ways.lock_timeout)
    interrupted = _recover.look(target)
    if _recover.half_done(target):
        return Report(None, Planned([]), interrupted), []
    try:
        plan = _plan(target, wishes, ways, look)
    except Refused as refusal:
        return Report(None, Planned([]), interrupted), list(refusal.problems)
    return Report(None, plan, interrupted), []


def undo(target: Target, sections: t.Container[str], ways: Ways) -> Report:
    """Take back, last to first, all that earlier runs did in some sections and that still stands."""
    if ways.check:
        taken = _undoing.taken(target, sections, KINDS)
        return _going_back(target, taken, _recover.look(target))
    with exclusive(target, ways.who):
        interrupted = _recover.settle(target, KINDS)
        taken = _undoing.taken(target, sections, KINDS)
        report = _going_back(target, taken, interrupted)
        run = _journal.new_run_id(target) if taken else None
        undone = undo_all(target, run, taken, KINDS) if run else Undone([], [])
        _undoing.start_again(target)
        if undone.failures:
            raise Failed(Problem(
                f"{len(undone.failures)} of {len(taken)} steps could not be taken back", "; ".join(undone.failures),
                "The others are undone. Mend these and run again",
            ))
        _undoing.tidy(target, ways.saved_days)
    waiting = [SECTIONS[name].waiting(target) for name in WAITING if name in sections]
    return report._replace(run=run, plan=report.plan._replace(pending=sum(waiting, [])), left=undone.left)


def _going_back(target: Target, taken: t.Sequence[_journal.Step], interrupted: dict[str, t.Any] | None) -> Report:
    """Return what taking steps back would come to; raises Refused where it cannot end well."""
    problems = _undoing.problems(target, taken)
    if problems:
        raise Refused(*problems)
    plan = Planned([_undoing.inverse(step, KINDS) for step in reversed(taken)])
    return Report(None, plan, interrupted, snapshot=_undoing.snapshot_before(target, taken))


def turned_off(target: Target) -> set[str]:
    """Return the units that runs whose work stands have turned off on purpose."""
    actions = [from_record(step.action, KINDS) for step in _journal.standing(target)]
    return {unit for action in actions for unit in action.turns_off()}


def _validate(wishes: Wishes, stream: int) -> None:
    problems = _section_repositories.validate(wishes["repositories"], stream)
    problems += _section_packages.validate(wishes["packages"], stream)
    for name in AFTER:
        problems += SECTIONS[name].validate(wishes[name])
    if problems:
        raise Refused(*problems)


def _plan(target: Target, wishes: Wishes, ways: Ways, look: _section_packages.Look | None = None) -> Planned:
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
    target: Target, wishes: Wishes, ways: Ways, look: _section_packages.Look | None,
) -> tuple[Planned, Around]:
    """Plan repositories and packages, and return with the plan what the sections after them are told."""
    packages = _section_packages.gather(target, [fingerprint[-16:] for fingerprint in pinned(wishes, ways)])
    if ways.proven:
        # Such a run settles what runs; what is idle by then is known only once it has.
        packages = packages._replace(idle_kernels=set())
    opener = _opener(target, wishes, ways)
    repositories = _section_repositories.plan(
        target, wishes["repositories"], _section_repositories.gather(target), ways.stream,
        {package.name for package in packages.installed}, opener([]))
    needs = repositories.needs._replace(tools=_section_locks.tools(wishes["locks"]))
    transaction = _section_packages.plan(
        target, wishes["packages"], packages, needs, opener(needs.specs),
        _section_packages.Manner(ways.lock_timeout, ways.way_back), look)
    items = [item for action in transaction for item in action.items]
    warnings = [*repositories.warnings, *_section_packages.notes(wishes["packages"], transaction)]
    around = Around(ways.stream, ways.proven, items, packages.installed, []).after(repositories.actions)
    return Planned([*repositories.actions, *transaction], warnings=warnings), around


def _opener(target: Target, wishes: Wishes, ways: Ways) -> t.Callable[[t.Sequence[_dnf.RepoSpec]], t.Callable[[], t.Any]]:
    """Return what makes, of repositories, a function that opens dnf's Base on them."""
    weak_deps = any(want["weak_deps"] for want in wishes["packages"])
    modules = any(_kmods.PACKAGE.match(name) for want in wishes["packages"] for name in (*want["names"], *want["also"]))
    settings = _dnf.Settings(target.tmpdir, ways.check, weak_deps, _transaction.own_locks(target), modules)
    back = any(want["to"] == STOCK for want in wishes["packages"])

    def opened(specs: t.Sequence[_dnf.RepoSpec]) -> t.Any:
        local = _section_packages.stock_builds(target) if back else []
        return _locks.patiently(ways.lock_timeout, lambda: _dnf.open_base(specs, target.tmpdir, settings, local))

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
