# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the collection refuses and fails: every refusal and failure names the fact, the reason and what to do."""

from __future__ import annotations

import typing as t

from .secrets import masked


class _Parts(t.NamedTuple):
    code: str
    fact: str
    reason: str
    remedy: str
    subject: str = ""


class Problem(_Parts):
    """One thing that is in the way on this host. What others raise and print stands in it, so secrets are taken out of its words.

    C(code) is C(area.name). It is the same for the same meaning in each release, whatever the words are, and programs decide by
    it. C(subject) is the object that the problem is about, such as a path, a package or a unit; it is empty where there is none.
    """

    __slots__ = ()

    def __new__(cls, code: str, fact: str, reason: str, remedy: str, subject: str = "") -> Problem:
        return super().__new__(cls, code, *map(masked, (fact, reason, remedy, subject)))

    @classmethod
    def _make(cls, iterable: t.Iterable[str]) -> Problem:
        """Return a problem of these parts. The parts that C(_replace) is given come here, too."""
        return cls(*iterable)

    def __str__(self) -> str:
        # What a command said may end a sentence by itself.
        return f"{self.fact}: {self.reason.rstrip('.')}. {self.remedy}"


def from_record(record: t.Sequence[str]) -> Problem:
    """Return the problem that a file of a detached runner has as a list."""
    return Problem(*record)


class CannotRead(OSError):
    """Something of the host cannot be read, which is not the same as that it is not there. Carries why as a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problems = (problem,)


class Refused(Exception):
    """The wish was refused before anything was changed. Carries every problem found, not only the first."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class Failed(Exception):
    """A step failed after the first change. Carries one problem; the journal says what had been done."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problems = (problem,)
