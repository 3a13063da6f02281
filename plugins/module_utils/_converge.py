# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the engine on a host: recover, validate, plan, apply, prove. The order between sections stands here."""

from __future__ import annotations

import typing as t

from . import (
    _dnf, _journal, _locks, _recover, _section_files, _section_manager, _section_packages, _section_repositories,
    _section_units,
)
from ._catalog import FAMILIES
from ._engine import Action, apply_all, undo_all
from ._errors import Failed, Problem, Refused
from ._signatures import normal_fingerprint
from ._runlock import exclusive
from ._target import Target

# Sections in the order in which they are planned; within a run, actions go by phase, then by this order.
SECTIONS = {
    "repositories": _section_repositories,
    "packages": _section_packages,
    "files": _section_files,
    "units": _section_units,
    "manager": _section_manager,
}
KINDS: dict[str, type[Action]] = {kind: action for section in SECTIONS.values() for kind, action in section.ACTIONS.items()}


class Wishes(t.NamedTuple):
    """The desired state: a list of wishes a section."""

    repositories: list[dict[str, t.Any]]
    packages: list[dict[str, t.Any]]
    files: list[dict[str, t.Any]]
    units: list[dict[str, t.Any]]
    manager: list[dict[str, t.Any]]


class Ways(t.NamedTuple):
    """How a run is to go about it. C(lock_timeout) is in seconds; C(who) names the controller to others."""

    check: bool
    stream: int
    lock_timeout: float
    key_fingerprints: list[str]
    who: str


class Report(t.NamedTuple):
    """What a run did, or in check mode would do."""

    run: str | None
    actions: list[Action]
    warnings: list[str]
    interrupted: dict[str, t.Any] | None


def converge(target: Target, wishes: Wishes, ways: Ways) -> Report:
    """Bring the host to what is wished, or in check mode say what that would take."""
    _validate(wishes, ways.stream)
    if ways.check:
        interrupted = _recover.look(target)
        actions, warnings = _plan(target, wishes, ways)
        return Report(None, actions, warnings, interrupted)
    with exclusive(target, ways.who):
        interrupted = _recover.settle(target, KINDS)
        actions, warnings = _plan(target, wishes, ways)
        if not actions:
            return Report(None, [], warnings, interrupted)
        run = _journal.new_run_id()
        apply_all(target, run, actions)
        _prove(target, wishes, ways)
        return Report(run, actions, warnings, interrupted)


def foresee(target: Target, wishes: Wishes, ways: Ways, look: _section_packages.Look) -> tuple[Report, list[Problem]]:
    """Plan without changing anything, show C(look) the transaction, and return the plan, or what stands in its way."""
    _validate(wishes, ways.stream)
    _recover.let_finish(target, ways.lock_timeout)
    interrupted = _recover.look(target)
    try:
        actions, warnings = _plan(target, wishes, ways, look)
    except Refused as refusal:
        return Report(None, [], [], interrupted), list(refusal.problems)
    return Report(None, actions, warnings, interrupted), []


def undo(target: Target, sections: t.Container[str], ways: Ways) -> Report:
    """Take back, last to first, all that earlier runs did in some sections and that still stands."""
    taken = [step for step in _journal.standing(target) if KINDS[step.action["kind"]].section in sections]
    actions = [_inverse(step) for step in reversed(taken)]
    if ways.check or not taken:
        return Report(None, actions, [], _recover.look(target))
    with exclusive(target, ways.who):
        interrupted = _recover.settle(target, KINDS)
        run = _journal.new_run_id()
        failures = undo_all(target, run, taken, KINDS)
    if failures:
        raise Failed(Problem(
            f"{len(failures)} of {len(taken)} steps could not be taken back", "; ".join(failures),
            "The others are undone. Mend these and run again",
        ))
    return Report(run, actions, [], interrupted)


def _inverse(step: _journal.Step) -> Action:
    """Return a step as it is shown when it is taken back."""
    record = step.action
    return KINDS[record["kind"]](
        record["subject"], f"run {step.run} did it", record["args"], record["after"], record["before"])


def _validate(wishes: Wishes, stream: int) -> None:
    problems = _section_repositories.validate(wishes.repositories, stream)
    problems += _section_packages.validate(wishes.packages)
    problems += _section_files.validate(wishes.files)
    problems += _section_units.validate(wishes.units)
    if problems:
        raise Refused(*problems)


def _plan(
    target: Target, wishes: Wishes, ways: Ways, look: _section_packages.Look | None = None,
) -> tuple[list[Action], list[str]]:
    """Plan all sections before anything is applied; what one brings is told to those that rest on it."""
    settings = _dnf.Settings(target.tmpdir, ways.check, any(want["weak_deps"] for want in wishes.packages))

    def opener(specs: t.Sequence[_dnf.RepoSpec]) -> t.Callable[[], t.Any]:
        return lambda: _locks.patiently(ways.lock_timeout, lambda: _dnf.open_base(specs, target.tmpdir, settings))

    packages = _section_packages.gather(target, [fingerprint[-16:] for fingerprint in pinned(wishes, ways)])
    repositories = _section_repositories.plan(
        target, wishes.repositories, _section_repositories.gather(target), ways.stream,
        {package.name for package in packages.installed}, opener([]))
    transaction = _section_packages.plan(
        target, wishes.packages, packages, repositories.needs, opener(repositories.needs.specs), ways.lock_timeout, look)
    files = _section_files.plan(wishes.files, _section_files.gather(target, wishes.files))
    coming = {action.subject.rsplit("/", 1)[1] for action in files} if not transaction else AnyName()
    units, problems = _section_units.plan(wishes.units, _section_units.gather(target, wishes.units), coming)
    if problems:
        raise Refused(*problems)
    version, swapped = _systemd_after(transaction, packages)
    manager = _section_manager.plan(wishes.manager, _section_manager.gather(target), version, swapped) if wishes.manager else []
    actions = [*repositories.actions, *transaction, *files, *units, *manager]
    return sorted(actions, key=lambda action: action.phase), repositories.warnings


class AnyName:
    """A transaction may bring any unit: whether it did is found when the unit is turned."""

    def __contains__(self, name: object) -> bool:
        return True


def pinned(wishes: Wishes | None, ways: Ways) -> list[str]:
    """Return the fingerprints of all keys that may sign a Hyperscale build here."""
    if wishes is None:
        return ways.key_fingerprints
    wanted = [normal_fingerprint(want["key_fingerprint"]) for want in wishes.repositories]
    return sorted({*wanted, *ways.key_fingerprints})


def _systemd_after(
    transaction: t.Sequence[Action], packages: _section_packages.State,
) -> tuple[str | None, bool]:
    """Return the version of systemd that will be installed, and whether the transaction replaces it."""
    lead = FAMILIES["systemd"].lead
    for action in transaction:
        for item in _dnf.brought(_dnf.Item(*item) for item in action.args["items"]):
            if item.name == lead:
                return item.evr.split(":")[-1].rsplit("-", 1)[0], True
    here = packages.named(lead)
    return (here[0].version if here else None), False


def _prove(target: Target, wishes: Wishes, ways: Ways) -> None:
    """Read the whole host again: after a run there must be nothing left to do."""
    left, _warnings = _plan(target, wishes, ways)
    if left:
        raise Failed(Problem(
            "the host is not as wanted after the run",
            "still to do: " + "; ".join(f"{action.kind} {action.subject}" for action in left),
            "Run again with --check --diff to see what differs, and find out what else changes it",
        ))
