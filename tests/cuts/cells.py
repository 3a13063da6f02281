# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which job is cut where and how: the cells of the table, chosen from the steps that an uncut run took."""

from __future__ import annotations

import collections
import itertools
import random
import typing as t

ADOPT, ADOPT_ROLLBACK, ADOPT_ROLE = "adopt", "adopt, then rollback", "adopt, then a role alone"
ROLLBACK, ROLLBACK_ADOPT, ROLLBACK_ROLE = "rollback", "rollback, then adopt", "rollback, then a role alone"
# By the job that is cut, what comes next: the same job, the other one, or the wishes of one role and then the same job.
NEXT = {ADOPT: (ADOPT, ADOPT_ROLLBACK, ADOPT_ROLE), ROLLBACK: (ROLLBACK, ROLLBACK_ADOPT, ROLLBACK_ROLE)}
JOBS = tuple(NEXT)
WAYS = tuple(way for ways in NEXT.values() for way in ways)
STOCK, ADOPTED = "stock", "adopted"
# What a way starts from and must end in.
STARTS = {way: STOCK if job == ADOPT else ADOPTED for job, ways in NEXT.items() for way in ways}
ENDS = {
    ADOPT: ADOPTED, ADOPT_ROLLBACK: STOCK, ADOPT_ROLE: ADOPTED, ROLLBACK: STOCK, ROLLBACK_ADOPT: ADOPTED, ROLLBACK_ROLE: STOCK}
# The roles whose wishes come alone.
FILES_ALONE, SWAP_ALONE = ROLES = ("files", "package_swap")

KILLED, TRANSACTION_KILLED, BOTH_KILLED = "killed", "transaction killed", "both killed"
POWER_CUT, DISK_FULL, UNVERIFIED = "power cut", "disk full", "verify fails"
FAULTS = (KILLED, TRANSACTION_KILLED, BOTH_KILLED, POWER_CUT, DISK_FULL, UNVERIFIED)

# Moments of a step: after a line of the ledger, or between two.
BEGAN, APPLIED, MIDDLE, DONE = "intent", "applied", "middle", "verified"
# Right before a line of the ledger is written.
BEFORE = "before "
# Of a transaction: shares of what it has to do, and when all packages are done and the last scriptlets are at work.
DEPTHS = ("10 %", "50 %", "90 %", "95 %")
LAST = "posttrans"
TRANSACTION = "transaction"
# The lines of the ledger that belong to no step.
LEDGER = "ledger"
LEDGER_LINES = ("header", "run-began", "run-ended")

# Whoever runs it again has the same delays.
SEED = 1


class Step(t.NamedTuple):
    """One step of an uncut run, and the seconds it took."""

    kind: str
    subject: str
    seconds: float

    @property
    def label(self) -> str:
        """Its name in every run: what a transaction says of itself are numbers, which a run that goes on changes. What belongs to
        no step has no kind."""
        return TRANSACTION if self.kind == TRANSACTION else f"{self.kind} {self.subject}".strip()


class Cell(t.NamedTuple):
    """One job that is cut."""

    way: str
    label: str
    fault: str
    moment: str
    stream: int
    works: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name it on one line."""
        works = f" | {', '.join(self.works)}" if self.works else ""
        return f"{self.way} | {self.label} | {self.fault} at {self.moment} | stream {self.stream}{works}"

    @property
    def job(self) -> str:
        """The job that is cut."""
        return job_of(self.way)

    @property
    def role(self) -> str:
        """The role whose wishes come before the last job; empty where none do."""
        return random.Random(f"{SEED} {self.name}").choice(ROLES) if self.way in (ADOPT_ROLE, ROLLBACK_ROLE) else ""

    def delay(self, seconds: float) -> float:
        """Return how long after the beginning of a step of so many seconds it is cut, in its middle."""
        return seconds * random.Random(f"{SEED} {self.name}").uniform(0.1, 0.9)


class Record(t.NamedTuple):
    """What became of a cell. C(seconds) is how long the runs took until the host was where it was to be, C(struck) the last word
    of a transaction that was struck in its middle, C(told) what the next run said of the cut one."""

    way: str
    label: str
    fault: str
    moment: str
    stream: int
    works: tuple[str, ...]
    good: bool
    seconds: float
    struck: str
    told: str
    words: list[str]

    @property
    def cell(self) -> Cell:
        """The cell that it is of."""
        return Cell(self.way, self.label, self.fault, self.moment, self.stream, tuple(self.works))


def depth(moment: str) -> float | None:
    """Return the share of a transaction that a moment is at, and None for a moment of any step."""
    if moment == LAST:
        return 1.0
    return int(moment.split(maxsplit=1)[0]) / 100 if moment in DEPTHS else None


def line_of(moment: str) -> tuple[str, bool]:
    """Return the line of the ledger that a moment goes by, and whether it is right before that line is written."""
    before, _mark, line = moment.partition(BEFORE)
    if not before and line:
        return line, True
    return (moment if moment in (APPLIED, DONE) else BEGAN), False


def job_of(way: str) -> str:
    """Return the job that is cut on a way: the uncut run of it has the steps of the way."""
    return next(job for job, ways in NEXT.items() if way in ways)


def faults_of(job: str, label: str, place: int) -> list[tuple[str, str]]:
    """Return the faults and moments of the step at some place of a job; where a few are enough, they take turns.

    The disk is full before each line of the ledger. What is taken back is not verified.
    """
    if label == LEDGER:
        return [(DISK_FULL, BEFORE + line) for line in LEDGER_LINES]
    lines = (BEGAN, APPLIED, DONE) if job == ADOPT else (BEGAN, DONE)
    found = [(DISK_FULL, BEFORE + line) for line in lines] + ([(UNVERIFIED, APPLIED)] if job == ADOPT else [])
    if label == TRANSACTION:
        found += [(fault, moment) for fault in (KILLED, POWER_CUT) for moment in (BEGAN, DONE)] + [(DISK_FULL, BEGAN)]
        struck = [fault for fault in FAULTS if fault not in (DISK_FULL, UNVERIFIED)]
        return found + [(fault, moment) for fault in struck for moment in (*DEPTHS, LAST)]
    moments = (BEGAN, MIDDLE, DONE)
    killed = [(KILLED, moments[place % 3]), (KILLED, moments[(place + 1) % 3])]
    return [*killed, (POWER_CUT, moments[(place + 2) % 3]), *found]


def choose(steps: dict[int, dict[str, list[Step]]], groups: t.Sequence[t.Sequence[str]]) -> list[Cell]:
    """Return the cells for the steps of each stream and job. Streams take turns, and one that lacks a step is passed over; so do
    what comes next, by fault, and the works of an admin, of which each cell has one of each of C(groups)."""
    streams = itertools.cycle(sorted(steps))
    found = []
    for job in JOBS:
        of_job = {stream: [LEDGER, *(step.label for step in jobs[job])] for stream, jobs in steps.items()}
        turns: collections.Counter[str] = collections.Counter()
        for place, label in enumerate(dict.fromkeys(label for some in of_job.values() for label in some)):
            for fault, moment in faults_of(job, label, place):
                for way in _ways(job, label, fault, moment, turns):
                    stream = next(streams)
                    while label not in of_job[stream]:
                        stream = next(streams)
                    found.append(Cell(way, label, fault, moment, stream))
    return with_works(found, groups)


def _ways(job: str, label: str, fault: str, moment: str, turns: collections.Counter[str]) -> list[str]:
    """Return what comes after a fault. A transaction that is struck in its middle meets two of the three."""
    ways = []
    for _time in range(2 if label == TRANSACTION and depth(moment) is not None else 1):
        # The step of three keeps moments that take turns as well from meeting the same way each time.
        ways.append(NEXT[job][(turns[fault] + turns[fault] // 3) % 3])
        turns[fault] += 1
    return ways


def with_works(cells: t.Sequence[Cell], groups: t.Sequence[t.Sequence[str]]) -> list[Cell]:
    """Return the cells with one work of each group: of those that have met fault and way least often before, one by the cell's
    name, so that the groups do not go in step."""
    met: collections.Counter[tuple[str, str]] = collections.Counter()
    found = []
    for cell in cells:
        works = []
        order = random.Random(f"{SEED} {cell.name}")
        for group in groups:
            least = min(order.sample(list(group), len(group)), key=lambda work: (
                bool(met[work, cell.fault]) + bool(met[work, cell.way]), met[work, cell.fault] + met[work, cell.way]))
            met.update([(least, cell.fault), (least, cell.way)])
            works.append(least)
        found.append(cell._replace(works=tuple(works)))
    return found


def in_order(cells: t.Sequence[Cell]) -> list[Cell]:
    """Return the cells of one host so that most find it as the one before left it."""
    left, state, found = list(cells), STOCK, []
    while left:
        cell = next((cell for cell in left if STARTS[cell.way] == state), left[0])
        left.remove(cell)
        found.append(cell)
        state = ENDS[cell.way]
    return found
