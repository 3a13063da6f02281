# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests a sample leaves out: it runs each test, on one of the streams, and not with all of many cases."""

from __future__ import annotations

import collections
import re
import typing as t

# So many cases of one test a sample runs. The cases of a test that cuts jobs differ most from each other.
CASES, CASES_OF_CUTS = 2, 3
CUTS = "tests/cuts/test_cuts.py"


def sample(names: t.Sequence[str]) -> list[str]:
    """Return those of the C(names) of tests that a sample runs.

    A case that is there for several streams, told by C(streamN) in its brackets, runs on one of them. Which one goes round
    within a file, so that each file meets each stream. Of many cases of a test, some run: the first, the last, and those between.
    """
    tests: dict[str, dict[str, list[str]]] = collections.defaultdict(lambda: collections.defaultdict(list))
    for name in names:
        tests[name.partition("[")[0]][re.sub(r"\bstream\d+\b", "", name)].append(name)
    turns: collections.Counter[str] = collections.Counter()
    kept = set()
    for test, cases in tests.items():
        file = test.partition("::")[0]
        for same in spread(list(cases.values()), CASES_OF_CUTS if file.endswith(CUTS) else CASES):
            kept.add(same[turns[file] % len(same)])
            turns[file] += len(same) > 1
    return [name for name in names if name in kept]


def spread(cases: t.Sequence[list[str]], many: int) -> list[list[str]]:
    """Return at most so many of the cases, as far from each other as they can be."""
    if len(cases) <= many:
        return list(cases)
    return [cases[index * (len(cases) - 1) // (many - 1)] for index in range(many)]
