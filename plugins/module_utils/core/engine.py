# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: actions that can be described, diffed, applied, undone and verified, and the one loop that applies them.

A section turns a wish and the state of the host into actions. An action is plain data plus the code that acts
on it, so that it can be written to the ledger and come back from there. Nothing but L(apply_all) and
L(undo_all) makes an action act, so check mode, the ledger and fault injection hold for every section at once.
"""

from __future__ import annotations

import typing as t

from . import foreign, ledger, payload
from .errors import Failed, Problem, Refused
from .host_io import Target
from .ledger_book import Book
from .secrets import masked
from .writable import FILE, Touch

# When an action acts, whatever its section: keys and what the transaction needs, what rests on these and must be done before
# packages go, the one transaction, configuration that may rest on new packages, and last what runs.
PREPARE, PREPARED, TRANSACT, CONFIGURE, ACTIVATE = 10, 15, 20, 30, 40

# Ends the remedy of what the ledger holds.
GOES_ON = "The next run goes on from here"


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
    # True for a step that restarts services so that they use the new files: taken back, it comes after all others.
    follows = False
    # True for a step whose subject is the path of a file that it writes or removes.
    writes_file = False
    # True for a step that may end in its middle, so that it is taken back by its settlement in the next run and not at once.
    settles_later = False
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
        # The run that did it, where it comes from the ledger, and what taking it back left as it is, in words.
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
        """Return the step as the ledger keeps it."""
        return {
            "kind": self.kind, "subject": self.subject, "why": self.why, "args": self.args,
            "before": self.before, "after": self.after,
        }

    def shares(self) -> set[str]:
        """Return what a later step must not have in common with this one for this one to be taken back before it: paths, and
        names of other objects."""
        return {self.subject if self.writes_file else f"{self.kind} {self.subject}"}

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
        """Find out what became of this step in a run that was cut or in which it failed, and take back what it began: words, and
        whether it is done. C(undoing): it was being taken back. Raises Failed where it can be neither found nor taken back.
        """
        if undoing:
            # Nobody can tell whether it was taken back; what is gone already can be taken back once more.
            return "it was cut while it took this step back", False
        try:
            self.verify(target)
        except (Failed, OSError) as failure:
            if not self.follows:
                self.undo(target)
            return f"its last step had not happened: {failure}", False
        return "its last step had happened", True


class Undone(t.NamedTuple):
    """What taking steps back came to: what failed and what was left as it is, both in words."""

    failures: list[str]
    left: list[str]


def from_record(record: dict[str, t.Any], kinds: t.Mapping[str, type[Action]], run: str = "") -> Action:
    """Make an action out of what the ledger kept of it. C(run) is the one that did it."""
    kind = record["kind"]
    if kind not in kinds:
        raise Failed(Problem(
            "ledger.unknown_kind",
            f"the ledger names a step of kind {kind}", "this release of the collection does not know that kind",
            "Use the release that wrote the ledger, or a newer one", subject=kind,
        ))
    action = kinds[kind](record["subject"], record["why"], record["args"], record["before"], record["after"])
    action.run = run
    return action


def apply_all(target: Target, run: str, plan: t.Sequence[Action], baseline: dict[str, t.Any] | None = None) -> None:
    """Apply a plan in order. Each step is in the ledger before it happens, after it, and after it was read again. C(baseline) is
    what is broken on the host, for whoever judges it later."""
    payload.hold()
    book = Book(target, run)
    done: list[int] = []
    try:
        book.write(
            ledger.RUN_BEGAN, steps=[action.describe() for action in plan],
            follows=[[number, action.record()] for number, action in enumerate(plan) if action.follows], baseline=baseline)
        for number, action in enumerate(plan):
            record = action.record()
            if action.writes_file:
                record["folders"] = target.missing_folders(action.subject)
            _apply(target, book, len(plan), number, action, record)
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
        book.write(ledger.RUN_ENDED)
        book.close()


def _apply(target: Target, book: Book, steps: int, number: int, action: Action, record: dict[str, t.Any]) -> None:
    """Do one step of a plan. What of it happened before it failed is taken back at once, where that is safe."""
    intent = {"action": record, **({"undoes": list(action.undoes)} if action.undoes else {})}
    try:
        _step(target, book, number, intent, action.apply, action.verify)
    except Failed as failure:
        if not (action.settles_later or action.follows or action.undoes):
            try:
                _undo(target, book, steps + number, (book.run, number), action, record.get("folders", []))
            except (Failed, Refused) as second:
                raise Failed(_both(failure.problems[0], second.problems[0])) from failure
        raise


def _both(first: Problem, second: Problem) -> Problem:
    """Return the problem of a step that failed and could not be taken back at once either."""
    return first._replace(reason=(
        f"{first.reason.rstrip('.')}. What it began could not be taken back at once "
        f"({second.fact}: {second.reason.rstrip('.')}), stays in the ledger, and the next run tries again"))


def _take_back(target: Target, book: Book, plan: t.Sequence[Action], numbers: t.Sequence[int]) -> None:
    """Take steps of a run back within it, last to first."""
    for number in reversed(numbers):
        _undo(target, book, len(plan) + number, (book.run, number), plan[number])


def _undo(
    target: Target, book: Book, number: int, undoes: tuple[str, int], action: Action, folders: t.Sequence[str] = (),
) -> None:
    """Take one step back, and the folders that were made for it."""
    action.run = action.run or undoes[0]

    def act(there: Target) -> None:
        action.undo(there)
        there.remove_empty(folders)

    _step(target, book, number, {"undoes": list(undoes), "kind": action.kind, "subject": action.subject}, act, None)


def let_go(target: Target, kinds: t.Mapping[str, type[Action]]) -> None:
    """Take back what a run that was cut still holds for its transaction."""
    for step in reversed(ledger.standing(target)):
        if kinds[step.action["kind"]].holds:
            number = max(ledger.read(target, step.run).numbers) + 1
            book = Book(target, step.run)
            try:
                _undo(target, book, number, (step.run, step.number), from_record(step.action, kinds, step.run))
            finally:
                book.close()


def undoing_order(taken: t.Sequence[ledger.Step], kinds: t.Mapping[str, type[Action]]) -> list[ledger.Step]:
    """Return steps in the order in which they are taken back: last to first, and at the end what restarts services."""
    return sorted(reversed(taken), key=lambda step: kinds[step.action["kind"]].follows)


def undo_all(
    target: Target, run: str, taken: t.Sequence[ledger.Step], kinds: dict[str, type[Action]],
    baseline: dict[str, t.Any] | None = None,
) -> Undone:
    """Take steps back, last to first. One that fails never stops the rest, but for earlier ones that share something with it.

    Where a step stays in its middle, the steps that restart services are left to the run that settles it: the files change once
    more then.
    """
    payload.hold()
    book = Book(target, run)
    order = undoing_order(taken, kinds)
    failures: list[str] = []
    left: list[str] = []
    stuck: set[str] = set()
    unsettled = ""
    try:
        book.write(ledger.RUN_BEGAN, undoes=[[step.run, step.number] for step in order], baseline=baseline)
        for number, step in enumerate(order):
            action = from_record(step.action, kinds, step.run)
            if stuck & action.shares():
                failures.append(f"{action.kind} {action.subject}: not tried, because the one after it is not taken back")
                continue
            if unsettled and action.follows:
                failures.append(f"{action.kind} {action.subject}: not tried, because {unsettled} is to be settled first")
                continue
            try:
                _undo(target, book, number, (step.run, step.number), action, step.action.get("folders", []))
            except (Failed, Refused) as failure:
                if action.settles_later and isinstance(failure, Failed):
                    unsettled = f"{action.kind} {action.subject}"
                failures.append(f"{action.kind} {action.subject}: {failure}")
                stuck |= action.shares()
            left += action.left
    finally:
        book.write(ledger.RUN_ENDED)
        book.close()
    return Undone(failures, left)


def _step(
    target: Target,
    book: Book,
    number: int,
    intent: dict[str, t.Any],
    act: t.Callable[[Target], None],
    verify: t.Callable[[Target], None] | None,
) -> None:
    """Do one step, with its states in the ledger. Whatever it raises but Refused, it is dirty: a part may have happened."""
    target.job = ledger.job_name(book.run, number)
    target.begins = lambda: book.write(ledger.BEGUN, number)
    book.write(ledger.INTENT, number, **intent)
    try:
        act(target)
        if verify is not None:
            book.write(ledger.APPLIED, number)
            verify(target)
    except Refused as refusal:
        book.write(ledger.REVERTED, number, error=str(refusal))
        raise
    except Failed as failure:
        book.write(ledger.DIRTY, number, error=str(failure))
        raise
    except Exception as error:  # whatever a library raises, the ledger has it, and the user gets a problem
        book.write(ledger.DIRTY, number, error=masked(f"{type(error).__name__}: {error}"))
        named = intent.get("action", intent)
        raise Failed(foreign.problem(error, f"{named['kind']} of {named['subject']} failed", GOES_ON)) from error
    book.write(ledger.VERIFIED, number)
