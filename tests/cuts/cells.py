# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which job is cut where and how: the cells of the table, chosen from the steps that an uncut run took."""

from __future__ import annotations

import itertools
import random
import typing as t

ADOPT, ROLLBACK, ADOPT_ROLLBACK = "adopt", "rollback", "adopt, then rollback"
WAYS = (ADOPT, ROLLBACK, ADOPT_ROLLBACK)
STOCK, ADOPTED = "stock", "adopted"
# What a way starts from and must end in.
STARTS = {ADOPT: STOCK, ROLLBACK: ADOPTED, ADOPT_ROLLBACK: STOCK}
ENDS = {ADOPT: ADOPTED, ROLLBACK: STOCK, ADOPT_ROLLBACK: STOCK}

KILLED, TRANSACTION_KILLED, BOTH_KILLED = "killed", "transaction killed", "both killed"
POWER_CUT, DISK_FULL = "power cut", "disk full"
FAULTS = (KILLED, TRANSACTION_KILLED, BOTH_KILLED, POWER_CUT, DISK_FULL)

# Moments of a step. A depth is a share of what a transaction has to do.
BEGAN, MIDDLE, DONE = "began", "middle", "done"
DEPTHS = ("10 %", "50 %", "90 %")
TRANSACTION = "transaction"

# Whoever runs it again has the same delays.
SEED = 1


class Step(t.NamedTuple):
    """One step of an uncut run, and the seconds it took."""

    kind: str
    subject: str
    seconds: float

    @property
    def label(self) -> str:
        """Its name in every run: what a transaction says of itself are numbers, which a run that goes on changes."""
        return TRANSACTION if self.kind == TRANSACTION else f"{self.kind} {self.subject}"


class Cell(t.NamedTuple):
    """One job that is cut."""

    way: str
    label: str
    fault: str
    moment: str
    stream: int

    @property
    def name(self) -> str:
        """Name it on one line."""
        return f"{self.way} | {self.label} | {self.fault} at {self.moment} | stream {self.stream}"

    def delay(self, seconds: float) -> float:
        """Return how long after the beginning of a step of so many seconds it is cut, in its middle."""
        return seconds * random.Random(f"{SEED} {self.name}").uniform(0.1, 0.9)


class Record(t.NamedTuple):
    """What became of a cell. C(struck) is the last word of a transaction that was struck in its middle, C(told) what the next run
    said of the cut one."""

    way: str
    label: str
    fault: str
    moment: str
    stream: int
    good: bool
    seconds: float
    struck: str
    told: str
    words: list[str]

    @property
    def cell(self) -> Cell:
        """The cell that it is of."""
        return Cell(self.way, self.label, self.fault, self.moment, self.stream)


def depth(moment: str) -> float | None:
    """Return the share of a transaction that a moment is at, and None for a moment of any step."""
    return int(moment.split(maxsplit=1)[0]) / 100 if moment in DEPTHS else None


def faults_of(way: str, label: str, place: int) -> list[tuple[str, str]]:
    """Return the faults and moments of the step at some place of a way; where a few are enough, they take turns."""
    if label == TRANSACTION:
        found = [(fault, moment) for fault in (KILLED, POWER_CUT) for moment in (BEGAN, DONE)]
        found += [(fault, moment) for fault in FAULTS if fault != DISK_FULL for moment in DEPTHS]
        return found + ([(DISK_FULL, BEGAN), (DISK_FULL, DONE)] if way != ADOPT_ROLLBACK else [])
    moments = (BEGAN, MIDDLE, DONE)
    if way == ADOPT_ROLLBACK:
        return [(KILLED, moments[place % 3]), (POWER_CUT, moments[(place + 1) % 3])]
    return [(KILLED, BEGAN), (KILLED, DONE), (POWER_CUT, moments[place % 3])] + ([(KILLED, MIDDLE)] if place % 3 else [])


def choose(steps: dict[int, dict[str, list[Step]]]) -> list[Cell]:
    """Return the cells for the steps of each stream and way: streams take turns, and one that lacks a step is passed over."""
    streams = itertools.cycle(sorted(steps))
    found = []
    for way in WAYS:
        of_way = {stream: [step.label for step in ways[journal_of(way)]] for stream, ways in steps.items()}
        labels = list(dict.fromkeys(label for some in of_way.values() for label in some))
        for place, label in enumerate(labels):
            for fault, moment in faults_of(way, label, place):
                stream = next(streams)
                while label not in of_way[stream]:
                    stream = next(streams)
                found.append(Cell(way, label, fault, moment, stream))
    return found


def journal_of(way: str) -> str:
    """Return which uncut run has the steps of a way."""
    return ROLLBACK if way == ROLLBACK else ADOPT


def in_order(cells: t.Sequence[Cell]) -> list[Cell]:
    """Return the cells of one host so that most find it as the one before left it."""
    left, state, found = list(cells), STOCK, []
    while left:
        cell = next((cell for cell in left if STARTS[cell.way] == state), left[0])
        left.remove(cell)
        found.append(cell)
        state = ENDS[cell.way]
    return found
