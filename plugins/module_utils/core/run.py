# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the engine on a host: recover, validate, plan, apply, prove. The order between sections is the registry's."""

from __future__ import annotations

import contextlib
import typing as t

from ..packages import rpmdb
from ..packages.transaction import EXACT
from . import guard_cut, health, ledger, letting_go, own_paths, recovery, retention, undo as undoing, unwritable, writable
from .engine import Action, Undone, apply_all, from_record, undo_all, undoing_order
from .errors import Failed, Problem, Refused
from .host_io import Target
from .lock import exclusive
from .planning import Context, Look, Manner, Planned
from .registry import Registry, Wishes


class Ways(t.NamedTuple):
    """How a run is to go about it. C(lock_timeout) is in seconds; C(who) names the controller to others. C(proven): the
    controller has proven the host since its last change, so what waited for that may be done. C(way_back) is a word of
    packages.transaction; C(saved_days) is how long what was saved is kept, 0 for as long as it can be taken back. C(rely) is
    false for a look at what a run would come to once the ledger is forgotten. C(finisher) is the module that settles at boot what
    a restart of the host cuts; empty where the next run is to. C(broken) reads what is broken on the host."""

    check: bool
    stream: int
    lock_timeout: float
    key_fingerprints: list[str]
    who: str
    proven: bool = False
    way_back: str = EXACT
    saved_days: int = 0
    rely: bool = True
    finisher: str = ""
    broken: t.Callable[[], dict[str, t.Any]] = dict


class Report(t.NamedTuple):
    """What a run did, or in check mode would do."""

    run: str | None
    plan: Planned
    interrupted: dict[str, t.Any] | None
    # Of going back, be it in a run that was cut: what was left as it is, in words, and which places in the sequence of runs the
    # snapshot to compare with may have, from the lowest to the highest.
    left: list[str] = []
    before: tuple[int, int] | None = None


def converge(target: Target, registry: Registry, wishes: Wishes, ways: Ways) -> Report:
    """Bring the host to what is wished, or in check mode say what that would take."""
    _validate(registry, wishes, ways.stream)
    health.refuse(target, registry.kinds)
    kinds = registry.kinds
    if ways.check:
        interrupted = recovery.look(target, kinds)
        half = recovery.half_done(target, kinds)
        plan = Planned([]) if half else _plan(target, registry, wishes, ways)
        if plan.actions or half:
            unwritable.refuse(target.root, [*own_paths.touches(target), *_touches(target, plan.actions)])
        return Report(None, plan, interrupted)
    with _held(target, ways):
        interrupted, left_before = _settled(target, registry)
        guard_cut.end(target, kinds)
        plan = _plan(target, registry, wishes, ways)
        if not plan.actions:
            return Report(None, plan, interrupted, left_before)
        unwritable.refuse(target.root, [*own_paths.touches(target), *_touches(target, plan.actions)])
        run = ledger.new_run_id(target)
        retention.close(target)
        steps = [
            (number, False, run, action.record()) for number, action in enumerate(plan.actions) if action.settles_later]
        # What the first run of the adoption noted counts, also once that run is taken back.
        before = ledger.baseline(target) if ledger.standing(target) else ways.broken()
        with guard_cut.watching(target, kinds, run, steps, ways.finisher):
            apply_all(target, run, plan.actions, before)
        undoing.tidy(target, ways.saved_days, registry)
        # What this run changed, nobody has proven yet.
        left = _prove(target, registry, wishes, ways._replace(proven=False))
        return Report(run, plan._replace(pending=left.pending), interrupted, left_before)


def foresee(
    target: Target, registry: Registry, wishes: Wishes, ways: Ways, look: Look | None = None,
) -> tuple[Report, list[Problem]]:
    """Plan without changing anything, show C(look) the transaction, and return the plan, or what stands in its way."""
    _validate(registry, wishes, ways.stream)
    interrupted = None
    if ways.rely:
        ill = health.problems(target, registry.kinds)
        if ill:
            return Report(None, Planned([]), None), ill
        recovery.let_finish(target, ways.lock_timeout, registry.kinds)
        interrupted = recovery.look(target, registry.kinds)
        if recovery.half_done(target, registry.kinds):
            return Report(None, Planned([]), interrupted), []
    try:
        plan = _plan(target, registry, wishes, ways, look)
    except Refused as refusal:
        return Report(None, Planned([]), interrupted), list(refusal.problems)
    # What rpm writes is judged with the transaction, by the headers.
    others = [action for action in plan.actions if not action.items]
    own = own_paths.touches(target) if plan.actions else []
    return Report(None, plan, interrupted), unwritable.problems(
        writable.obstacles(target.root, [*own, *_touches(target, others)]))


@contextlib.contextmanager
def _held(target: Target, ways: Ways) -> t.Iterator[None]:
    """Hold the host for one run. The lock is the first that it writes, and next comes a folder of its own."""
    unwritable.refuse(target.root, own_paths.of_lock(target))
    _refuse_but_for_room(target, own_paths.of_folder(target))
    with exclusive(target, ways.who, ways.lock_timeout):
        yield


def _settled(target: Target, registry: Registry) -> tuple[dict[str, t.Any] | None, list[str]]:
    """Settle what was cut, once it is known that the run can write its own paths."""
    if recovery.look(target, registry.kinds):
        _refuse_but_for_room(target, own_paths.touches(target))
    return recovery.settle(target, registry.kinds)


def _but_for_room(target: Target, touches: t.Iterable[writable.Touch]) -> list[Problem]:
    """Return what keeps some paths from being written, but for room: taking packages away is what makes it."""
    return unwritable.problems(one for one in writable.obstacles(target.root, touches) if one.kind not in writable.NO_ROOM)


def _refuse_but_for_room(target: Target, touches: t.Iterable[writable.Touch]) -> None:
    found = _but_for_room(target, touches)
    if found:
        raise Refused(*found)


def _touches(target: Target, actions: t.Iterable[Action]) -> list[writable.Touch]:
    return [touch for action in actions for touch in action.touches(target)]


def undo(target: Target, registry: Registry, sections: t.Container[str], ways: Ways) -> Report:
    """Take back, last to first, all that earlier runs did in some sections and that still stands."""
    health.refuse(target, registry.kinds)
    if ways.check:
        taken = undoing.taken(target, sections, registry)
        return _going_back(target, registry, taken, recovery.look(target, registry.kinds))
    with _held(target, ways):
        interrupted, left_before = _settled(target, registry)
        guard_cut.end(target, registry.kinds)
        taken = undoing.taken(target, sections, registry)
        report = _going_back(target, registry, taken, interrupted)
        run = ledger.new_run_id(target) if taken else None
        undone = _taken_back(target, registry, run, taken, ways) if run else Undone([], [])
        undoing.start_again(target, registry)
        if undone.failures:
            told = [*undone.failures, *left_before, *undone.left]
            raise Failed(Problem(
                "rollback.incomplete", f"{len(undone.failures)} of {len(taken)} steps could not be taken back", "; ".join(told),
                "The others are undone. Mend these and run again",
            ))
        undoing.tidy(target, ways.saved_days, registry)
    pending = [one for name, waiting in registry.having("waiting") if name in sections for one in waiting(target)]
    return report._replace(run=run, plan=report.plan._replace(pending=pending), left=[*left_before, *undone.left])


def _taken_back(target: Target, registry: Registry, run: str, taken: t.Sequence[ledger.Step], ways: Ways) -> Undone:
    """Take steps back, guarded where one of them may be cut in its middle."""
    kinds = registry.kinds
    steps = [
        (number, True, step.run, step.action) for number, step in enumerate(undoing_order(taken, kinds))
        if kinds[step.action["kind"]].settles_later]
    with guard_cut.watching(target, kinds, run, steps, ways.finisher):
        # The host is compared with what it was before all that is taken back.
        return undo_all(target, run, taken, kinds, ledger.baseline(target))


def _going_back(
    target: Target, registry: Registry, taken: t.Sequence[ledger.Step], interrupted: dict[str, t.Any] | None,
) -> Report:
    """Return what taking steps back would come to; raises Refused where it cannot end well."""
    problems = undoing.problems(target, taken, registry)
    touches = [
        touch for step in taken for touch in from_record(step.action, registry.kinds, step.run).touches(target, True)]
    problems += _but_for_room(target, [*(own_paths.touches(target) if taken else ()), *touches])
    if problems:
        raise Refused(*problems)
    plan = Planned([undoing.inverse(step, registry.kinds) for step in reversed(taken)])
    return Report(None, plan, interrupted, before=undoing.before(target, taken))


def accept(target: Target, registry: Registry, ways: Ways) -> Report:
    """Have what stands be the host's own for good."""
    if ways.check:
        steps = letting_go.accepting(target, registry)
        return Report(None, Planned(_shown(steps, registry)), recovery.look(target, registry.kinds))
    with _held(target, ways):
        unwritable.refuse(target.root, own_paths.touches(target))
        run, steps = letting_go.accept(target, registry)
        report = Report(run, Planned(_shown(steps, registry)), None)
        undoing.tidy(target, ways.saved_days, registry)
    return report


def forget(target: Target, registry: Registry, ways: Ways) -> Report:
    """Begin the ledger anew. What belongs to the old one is moved aside."""
    if ways.check:
        return Report(None, Planned([]), None, letting_go.forgetting(target, registry))
    with _held(target, ways):
        unwritable.refuse(target.root, own_paths.touches(target))
        run, moved = letting_go.forget(target, registry)
    return Report(run, Planned([]), None, moved)


def _shown(steps: t.Sequence[ledger.Step], registry: Registry) -> list[Action]:
    return [from_record(step.action, registry.kinds, step.run) for step in steps]


def turned(target: Target, registry: Registry) -> tuple[set[str], set[str]]:
    """Return the units that runs whose work stands have turned on and off on purpose."""
    actions = [from_record(step.action, registry.kinds) for step in ledger.standing(target)]
    on = {unit for action in actions for unit in action.turns_on()}
    return on, {unit for action in actions for unit in action.turns_off()}


def _validate(registry: Registry, wishes: Wishes, stream: int) -> None:
    problems = [
        problem for name, section in registry.sections.items() for problem in section.validate(wishes[name], stream)]
    if problems:
        raise Refused(*problems)


def _plan(target: Target, registry: Registry, wishes: Wishes, ways: Ways, look: Look | None = None) -> Planned:
    """Plan all sections before anything is applied; what one brings is told to those that rest on it."""
    impossible = [
        problem for name, ask in registry.having("impossible") for problem in ask(target, wishes[name], ways.stream)]
    if impossible:
        raise Refused(*impossible)
    context = _context(target, registry, wishes, ways, look)
    plans = []
    for name, section in registry.sections.items():
        if not wishes[name] and not hasattr(section, "stands"):
            continue
        state = section.gather(target, wishes[name])
        if wishes[name] or section.stands(state):
            plans.append(section.plan(wishes[name], state, context))
            context = context.after(plans[-1])
    whole = Planned(*(sum(parts, []) for parts in list(zip(*plans))[:-1]), needs=context.needs)
    if whole.problems:
        raise Refused(*whole.problems)
    return whole._replace(actions=sorted(whole.actions, key=lambda action: action.phase))


def _context(target: Target, registry: Registry, wishes: Wishes, ways: Ways, look: Look | None) -> Context:
    """Return what the first section is told of the run."""
    (packages, opener), = registry.having("opener")
    manner = Manner(
        opener(target, wishes[packages], ways.check, ways.lock_timeout),
        [fingerprint[-16:] for fingerprint in pinned(registry, wishes, ways)], ways.lock_timeout, ways.way_back, look)
    context = Context(ways.stream, ways.proven, [], rpmdb.installed_or_refuse(), [], manner=manner)
    tools = [tool for name, ask in registry.having("tools") for tool in ask(wishes[name])]
    return context._replace(needs=context.needs._replace(tools=tools))


def pinned(registry: Registry, wishes: Wishes | None, ways: Ways) -> list[str]:
    """Return the fingerprints of all keys that may sign a Hyperscale build here."""
    if wishes is None:
        return ways.key_fingerprints
    wanted = [one for name, ask in registry.having("fingerprints") for one in ask(wishes[name])]
    return sorted({*wanted, *ways.key_fingerprints})


def _prove(target: Target, registry: Registry, wishes: Wishes, ways: Ways) -> Planned:
    """Read the whole host again: after a run there must be nothing left to do, but for what waits on purpose."""
    left = _plan(target, registry, wishes, ways)
    if left.actions:
        raise Failed(Problem(
            "run.not_as_wanted", "the host is not as wanted after the run",
            "still to do: " + "; ".join(f"{action.kind} {action.subject}" for action in left.actions),
            "Run again with --check --diff to see what differs, and find out what else changes it",
        ))
    return left
