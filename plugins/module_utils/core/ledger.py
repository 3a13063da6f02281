# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: what each run meant to do and did to this host, and what of it can be rolled back.

One file a run below C(ledger/) of the state directory, append-only. Its first line names the format, the run's place in the
sequence of all runs, the boot and the host. A step is written down before anything happens (C(intent)), after its change
(C(applied)) and after it was read again (C(verified)); one that failed is C(dirty) whatever the reason, until it is settled.
A step that prepares something before it changes the host says when that begins (C(begun)).
Whatever has an intent and was neither reverted nor accepted belongs to the ledger.
"""

from __future__ import annotations

import os
import secrets
import time
import typing as t

from . import identity, ledger_lines
from .host_io import Target, names_in

FOLDER = "ledger"
SUFFIX = ".jsonl"
FORMAT = 2
STAMP = "%Y%m%dT%H%M%SZ"
# Of the place in the sequence of runs that an id begins with.
DIGITS = 6

# States of a step.
INTENT, APPLIED, VERIFIED, DIRTY, REVERTED, ACCEPTED = "intent", "applied", "verified", "dirty", "reverted", "accepted"
# Of a step that its run never came to.
OWED = "owed"
# States in which a step belongs to the ledger, and those that a run leaves only when it is cut or fails.
BELONGING = (INTENT, APPLIED, VERIFIED, DIRTY)
UNSETTLED = (INTENT, APPLIED, DIRTY)
# What a step says beside its state: it begins to change the host.
BEGUN = "begun"
# Other events of a run.
HEADER, RUN_BEGAN, RUN_ENDED = "header", "run-began", "run-ended"


class Step(t.NamedTuple):
    """One action of one run, with the last that is known of it. C(begun): it said that it begins to change the host."""

    run: str
    number: int
    state: str
    action: dict[str, t.Any]
    begun: bool = False


class Undoing(t.NamedTuple):
    """A step that takes another back, which is named by its run and number. C(action) is what does so, where a plan had it; else
    it is the undo of that step."""

    run: str
    number: int
    state: str
    undoes: tuple[str, int]
    action: dict[str, t.Any] | None
    begun: bool = False


class Run(t.NamedTuple):
    """One run as its file tells it. C(began) and C(last) are seconds since the epoch. C(follows) are the steps that restart
    services so that they use the new files, whether the run came to them or not. C(accepted) are steps, by run and number, that
    this run accepted for good. C(damage) says, in words, what of the file cannot be read. C(baseline) is what was broken."""

    id: str
    header: dict[str, t.Any]
    steps: dict[int, Step]
    undoings: dict[int, Undoing]
    follows: dict[int, dict[str, t.Any]]
    accepted: frozenset[tuple[str, int]]
    ended: bool
    torn: bool
    began: float
    last: float
    damage: list[str]
    baseline: dict[str, t.Any] | None = None

    @property
    def sequence(self) -> int:
        """Its place in the sequence of all runs of the host."""
        return sequence_of(self.id)

    @property
    def goes_back(self) -> bool:
        """Whether it took back, or began to take back, steps of other runs."""
        return any(undoing.undoes[0] != self.id for undoing in self.undoings.values())

    @property
    def changed(self) -> bool:
        """Whether a step of it was done and not reverted within it."""
        return any(one.state not in (REVERTED, INTENT) for one in (*self.steps.values(), *self.undoings.values()))

    @property
    def numbers(self) -> list[int]:
        """The numbers of all its steps."""
        return sorted({*self.steps, *self.undoings})


# What was read of a file, by its path, with the size and times that it had then.
_read: dict[str, tuple[tuple[int, int, int], Run]] = {}


def new_id() -> str:
    """Return an id for a report or a snapshot: the time, and what cannot be guessed."""
    return f"{time.strftime(STAMP, time.gmtime())}-{secrets.token_hex(4)}"


def new_run_id(target: Target) -> str:
    """Return the id of the next run: its place in the sequence of all runs of the host, by which ids sort, and the time."""
    last = max([sequence_of(run) for run in runs(target)] + [identity.noted_sequence(target)])
    return f"{last + 1:0{DIGITS}d}-{new_id()}"


def sequence_of(run: str) -> int:
    """Return the place of a run in the sequence of all runs of its host; 0 for what is no id of a run."""
    first = run.partition("-")[0]
    return int(first) if len(first) >= DIGITS and first.isdigit() else 0


def header(target: Target, run: str) -> dict[str, t.Any]:
    """Return the first line of a run's file."""
    return {
        "event": HEADER, "format": FORMAT, "run": run, "sequence": sequence_of(run), "time": time.time(),
        "boot": identity.boot_id(target), "host": identity.of(target)._asdict()}


def job_name(run: str, number: int | str) -> str:
    """Return the name of what a step keeps on disk beside the ledger."""
    return f"{run}.{number}"


def run_of(job: str) -> str:
    """Return the run whose step a job is."""
    return job.partition(".")[0]


def step_of_job(job: str) -> tuple[str, int]:
    """Return the step that a job is, by its run and number."""
    run, _dot, number = job.partition(".")
    return run, int(number)


def runs(target: Target) -> list[str]:
    """Return the ids of the runs in the ledger, oldest first."""
    found = [name[:-len(SUFFIX)] for name in names_in(os.path.join(target.state_dir, FOLDER)) if name.endswith(SUFFIX)]
    return sorted(found, key=lambda run: (sequence_of(run), run))


def read(target: Target, run: str) -> Run:
    """Return what the file of a run tells. A file that did not change since it was last read is not read again."""
    path = os.path.join(target.state_dir, FOLDER, run + SUFFIX)
    with open(path, "rb") as handle:
        info = os.fstat(handle.fileno())
        mark = (info.st_ino, info.st_size, info.st_mtime_ns)
        known = _read.get(path)
        if known is None or known[0] != mark:
            known = _read[path] = (mark, parse(run, path, handle.read()))
    return known[1]


def every(target: Target) -> list[Run]:
    """Return all runs in the ledger, oldest first."""
    return [read(target, run) for run in runs(target)]


def parse(run: str, path: str, content: bytes) -> Run:
    """Return what the content of a run's file tells. A damaged line is named in C(damage), and hides none after it."""
    lines = ledger_lines.decode(content)
    damage = [f"line {number} of {path} is damaged: it differs from its checksum" for number in lines.damaged]
    head = lines.good[0] if lines.good and lines.good[0].get("event") == HEADER else {}
    steps: dict[int, Step] = {}
    undoings: dict[int, Undoing] = {}
    if not head and not lines.damaged and lines.good:
        damage.append(f"{path} does not begin with the line that names its format")
    if head and head["format"] != FORMAT:
        damage.append(f"{path} has format {head['format']!r}, and this release of the collection reads format {FORMAT}")
        return Run(run, head, {}, {}, {}, frozenset(), False, False, head.get("time", 0.0), head.get("time", 0.0), damage)
    follows: dict[int, dict[str, t.Any]] = {}
    accepted: set[tuple[str, int]] = set()
    baseline = None
    for line in lines.good:
        event, number = line["event"], line.get("number")
        if event == RUN_BEGAN:
            follows.update((place, record) for place, record in line.get("follows", ()))
            baseline = line.get("baseline", baseline)
        elif event == ACCEPTED:
            accepted.update((one, place) for one, place in line["steps"])
        elif event == INTENT and "undoes" in line:
            undoings[number] = Undoing(run, number, INTENT, tuple(line["undoes"]), line.get("action"))
        elif event == INTENT:
            steps[number] = Step(run, number, INTENT, line["action"])
        elif number in undoings:
            undoings[number] = undoings[number]._replace(**_said(event))
        elif number in steps:
            steps[number] = steps[number]._replace(**_said(event))
    times = [line["time"] for line in lines.good] or [0.0]
    ended = any(line["event"] == RUN_ENDED for line in lines.good)
    return Run(run, head, steps, undoings, follows, frozenset(accepted), ended, lines.torn, times[0], times[-1], damage, baseline)


def _said(event: str) -> dict[str, t.Any]:
    """Return what an event says of a step."""
    return {"begun": True} if event == BEGUN else {"state": event}


def begun(target: Target, job: str) -> bool:
    """Say whether a step, by the name of its job, said that it begins to change the host. What the ledger does not know did."""
    run, number = step_of_job(job)
    if run not in runs(target):
        return True
    found = read(target, run)
    step = found.undoings.get(number) or found.steps.get(number)
    return step is None or step.begun


def problems_of(target: Target, kinds: t.Container[str]) -> list[str]:
    """Return in words what of the ledger cannot be relied on: damaged lines, unknown formats, and steps of an unknown kind."""
    found = []
    for run in every(target):
        found += run.damage
        found += [
            f"step {step.number} of {run.id} is of kind {step.action.get('kind')!r}, which this release does not know"
            for step in run.steps.values() if step.action.get("kind") not in kinds]
    return found


def step_of(target: Target, run: str, number: int) -> Step | None:
    """Return a step by its run and number."""
    return read(target, run).steps.get(number) if run in runs(target) else None


def _over(found: t.Sequence[Run]) -> set[tuple[str, int]]:
    """Return the steps, by run and number, that were taken back by a step or accepted for good."""
    back = {undoing.undoes for run in found for undoing in run.undoings.values() if undoing.state == VERIFIED}
    return back.union(*(run.accepted for run in found))


def standing(target: Target) -> list[Step]:
    """Return every step of every run that has an intent and was neither reverted, taken back nor accepted, oldest first."""
    found = every(target)
    over = _over(found)
    return [
        run.steps[number] for run in found for number in sorted(run.steps)
        if run.steps[number].state in BELONGING and (run.id, number) not in over]


def baseline(target: Target) -> dict[str, t.Any] | None:
    """Return what was broken on the host before the adoption that stands began, as its first run noted it: empty where it noted
    nothing. After a way back it is what that was compared with. None where the collection has nothing on the host."""
    stands = standing(target)
    if stands:
        return read(target, stands[0].run).baseline or {}
    known = every(target)
    return (known[-1].baseline or {}) if known and known[-1].goes_back else None


def owed(target: Target) -> list[Step]:
    """Return the steps that restart services so that they use the new files, which runs with steps to roll back never came to."""
    found = every(target)
    over = _over(found)
    stands = {(step.run, step.number) for step in standing(target)}
    with_work = {run for run, _number in stands}
    return [
        Step(run.id, number, OWED, record) for run in found if run.id in with_work
        for number, record in sorted(run.follows.items())
        if (run.id, number) not in stands and (run.id, number) not in over and not _done(run, number)]


def _done(run: Run, number: int) -> bool:
    return number in run.steps and run.steps[number].state == VERIFIED


def undone_in(target: Target, run: str, after: int) -> list[Step]:
    """Return the steps that a run took back after one of its own steps, by its number."""
    found = read(target, run)
    done = [undoing for undoing in found.undoings.values() if undoing.state == VERIFIED and undoing.number > after]
    steps = [step_of(target, *undoing.undoes) for undoing in done]
    return [step for step in steps if step is not None]


def interrupted(target: Target) -> Run | None:
    """Return the newest run if it was cut short."""
    known = runs(target)
    newest = read(target, known[-1]) if known else None
    return None if newest is None or newest.ended else newest
