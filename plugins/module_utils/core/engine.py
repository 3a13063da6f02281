# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: actions that can be described, diffed, applied, undone and verified, and the one loop that applies them.

A section turns a wish and the state of the host into actions. An action is plain data plus the code that acts
on it, so that it can be written to the journal and come back from there. Nothing but L(apply_all) and
L(undo_all) makes an action act, so check mode, the journal and fault injection hold for every section at once.
"""

from __future__ import annotations

import typing as t

from . import ledger as journal, payload
from .errors import Failed, Problem, Refused
from .host_io import Target
from .writable import FILE, Touch

# When an action acts, whatever its section: keys and what the transaction needs, what rests on these and must be done before
# packages go, the one transaction, configuration that may rest on new packages, and last what runs.
PREPARE, PREPARED, TRANSACT, CONFIGURE, ACTIVATE = 10, 15, 20, 30, 40


class Action:
    """One step of a plan. Subclasses set C(section), C(kind) and C(phase) and say how to act.

    C(args) holds all that C(apply), C(undo) and C(verify) need, as JSON can carry it. C(before) and C(after)
    are what a person is shown as the diff. C(undoes) names the step of an earlier run that this one takes back.
    """

    section = ""
    kind = ""
    phase = CONFIGURE
    # False for a step that leaves nothing to take back.
    stands = True
    # True for a step that makes running things follow what is on disk: taken back, it comes after all others.
    follows = False
    # True for a step whose subject is the path of a file that it writes or removes.
    writes_file = False
    # True for steps of a kind that can be taken back only one after the other: when one fails, those before it stay.
    in_order = False
    # True for a step that is for the sake of the run's transaction alone: taken back at once when that is refused.
    escorts = False
    # True for a step that holds only while the run's transaction is at work: taken back right after it, however that ended.
    holds = False
    # The lines of a package transaction, where the step is one.
    items: t.Sequence[t.Any] = ()
    # True for a step that saves packages and files for its way back, by the run that did it.
    saves = False

    def __init__(self, subject: str, why: str, args: dict[str, t.Any], before: str = "", after: str = "") -> None:
        self.subject = subject
        self.why = why
        self.args = args
        self.before = before
        self.after = after
        self.undoes: tuple[str, int] | None = None
        # The run that did it, where it comes from the journal, and what taking it back left as it is, in words.
        self.run = ""
        self.left: list[str] = []

    def describe(self) -> dict[str, str]:
        """Return what the step is, for results and logs."""
        return {"section": self.section, "kind": self.kind, "subject": self.subject, "why": self.why}

    def diff(self) -> dict[str, str]:
        """Return the step as one entry of a module's diff."""
        return {
            "before_header": self.subject, "after_header": self.subject,
            "before": self.before, "after": self.after,
        }

    def record(self) -> dict[str, t.Any]:
        """Return the step as the journal keeps it."""
        return {
            "kind": self.kind, "subject": self.subject, "why": self.why, "args": self.args,
            "before": self.before, "after": self.after, "undoes": self.undoes,
        }

    def turns_on(self) -> list[str]:
        """Return the units that run on purpose; the proof does not take them for what a package started."""
        return []

    def turns_off(self) -> list[str]:
        """Return the units that do not run any more on purpose; the proof does not take them for lost."""
        return []

    def touches(self, _target: Target, _undoing: bool = False) -> list[Touch]:
        """Return the paths that the step writes: all are tested before the first step of a run. C(_undoing): it is taken back."""
        return [Touch(self.subject, FILE)] if self.writes_file else []

    def apply(self, target: Target) -> None:
        """Make it so."""
        raise NotImplementedError

    def undo(self, target: Target) -> None:
        """Take it back; taking back what is already gone is fine."""
        raise NotImplementedError

    def verify(self, target: Target) -> None:
        """Read again what was written; raise Failed when it is not as wanted."""
        raise NotImplementedError

    def at_work(self, _target: Target, _job: str) -> str:
        """Return the unit that carries out this step detached, by the name of its job; empty when none does any more."""
        return ""

    def is_half(self, _target: Target, _job: str) -> bool:
        """Say whether this step was cut where it leaves a host that is neither as before nor as after."""
        return False

    def settle(self, target: Target, _job: str, undoing: bool) -> tuple[str, bool]:
        """Find out what became of this step in a run that was cut: words, and whether it was done.

        C(undoing): it was being taken back.
        """
        if undoing:
            # Nobody can tell whether it was taken back; what is gone already can be taken back once more.
            return "it was cut while it took this step back", False
        try:
            self.verify(target)
        except (Failed, OSError) as failure:
            return f"its last step had not happened: {failure}", False
        return "its last step had happened", True


class Undone(t.NamedTuple):
    """What taking steps back came to: what failed and what was left as it is, both in words."""

    failures: list[str]
    left: list[str]


def from_record(record: dict[str, t.Any], kinds: t.Mapping[str, type[Action]], run: str = "") -> Action:
    """Make an action out of what the journal kept of it. C(run) is the one that did it."""
    kind = record["kind"]
    if kind not in kinds:
        raise Failed(Problem(
            f"the journal names a step of kind {kind}", "this version of the collection does not know that kind",
            "Use the version that wrote the journal, or a newer one",
        ))
    action = kinds[kind](record["subject"], record["why"], record["args"], record["before"], record["after"])
    action.run = run
    return action


def apply_all(target: Target, run: str, plan: t.Sequence[Action]) -> None:
    """Apply a plan in order, each step written to the journal before and after it happens."""
    payload.hold()
    book = journal.Journal(target, run)
    book.write(
        journal.RUN_BEGAN, steps=[action.describe() for action in plan],
        follows=[[number, action.record()] for number, action in enumerate(plan) if action.follows])
    done: list[int] = []
    try:
        for number, action in enumerate(plan):
            record = action.record()
            if action.writes_file:
                record["folders"] = target.missing_folders(action.subject)
            _step(target, book, number, record, action.apply, action.verify)
            done.append(number)
            if action.phase == TRANSACT:
                _take_back(target, book, plan, [number for number in done if plan[number].holds])
                done = [number for number in done if not plan[number].holds]
    except Refused:
        _take_back(target, book, plan, [number for number in done if plan[number].escorts])
        raise
    except Failed:
        _take_back(target, book, plan, [number for number in done if plan[number].holds])
        raise
    finally:
        book.write(journal.RUN_ENDED)
        book.close()


def _take_back(target: Target, book: journal.Journal, plan: t.Sequence[Action], numbers: t.Sequence[int]) -> None:
    """Take steps of a run back within it, last to first."""
    for number in reversed(numbers):
        record = dict(plan[number].record(), undoes=[book.run, number])
        _step(target, book, len(plan) + number, record, plan[number].undo, None)


def let_go(target: Target, kinds: t.Mapping[str, type[Action]]) -> None:
    """Take back what a run that was cut still holds for its transaction."""
    for step in reversed(journal.standing(target)):
        if kinds[step.action["kind"]].holds:
            number = max(known.number for known in journal.steps(target, step.run)[0]) + 1
            book = journal.Journal(target, step.run)
            try:
                action = from_record(step.action, kinds, step.run)
                _step(target, book, number, dict(step.action, undoes=[step.run, step.number]), action.undo, None)
            finally:
                book.close()


def undo_all(target: Target, run: str, taken: t.Sequence[journal.Step], kinds: dict[str, type[Action]]) -> Undone:
    """Take steps back, last to first. One that fails never stops the rest, but for those that must not go on from there."""
    payload.hold()
    book = journal.Journal(target, run)
    order = sorted(reversed(taken), key=lambda step: kinds[step.action["kind"]].follows)
    book.write(journal.RUN_BEGAN, undoes=[[step.run, step.number] for step in order])
    failures: list[str] = []
    left: list[str] = []
    stuck: set[str] = set()
    try:
        for number, step in enumerate(order):
            action = from_record(step.action, kinds, step.run)
            record = dict(step.action, undoes=[step.run, step.number])
            if action.kind in stuck:
                failures.append(f"{action.kind} {action.subject}: not tried, because the one after it is not taken back")
                continue
            try:
                _step(target, book, number, record, _taking_back(action, step.action.get("folders", [])), None)
            except (Failed, Refused) as failure:
                failures.append(f"{action.kind} {action.subject}: {failure}")
                if action.in_order:
                    stuck.add(action.kind)
            left += action.left
    finally:
        book.write(journal.RUN_ENDED)
        book.close()
    return Undone(failures, left)


def _taking_back(action: Action, folders: t.Sequence[str]) -> t.Callable[[Target], None]:
    """Return what takes an action back, and the folders that were made for it."""
    def act(target: Target) -> None:
        action.undo(target)
        target.remove_empty(folders)

    return act


def _step(
    target: Target,
    book: journal.Journal,
    number: int,
    record: dict[str, t.Any],
    act: t.Callable[[Target], None],
    verify: t.Callable[[Target], None] | None,
) -> None:
    """Do one step between its two journal lines."""
    target.job = journal.job_name(book.run, number)
    book.write(journal.BEGAN, number, action=record)
    try:
        act(target)
        if verify is not None:
            verify(target)
    except (Failed, Refused) as failure:
        book.write(journal.FAILED, number, error=str(failure))
        raise
    except (OSError, ValueError, KeyError) as error:
        book.write(journal.FAILED, number, error=repr(error))
        raise Failed(Problem(
            f"{record['kind']} of {record['subject']} failed", repr(error),
            "Mend that on the host and run again: the next run goes on from here",
        )) from error
    book.write(journal.DONE, number)
