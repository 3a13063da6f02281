# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests a sample leaves out: of a test that has a case for each stream, it runs one."""

from __future__ import annotations

import collections
import re
import typing as t


def sample(names: t.Sequence[str]) -> list[str]:
    """Return those of the C(names) of tests that a sample runs.

    A test with cases for several streams, told by C(streamN) in its brackets, runs on one of them. Which one goes
    round within a file, so that each file meets each stream. A test with one case always runs.
    """
    cases: dict[str, list[str]] = collections.defaultdict(list)
    for name in names:
        cases[re.sub(r"\bstream\d+\b", "", name)].append(name)
    turns: collections.Counter[str] = collections.Counter()
    kept = set()
    for same in cases.values():
        file = same[0].partition("::")[0]
        kept.add(same[turns[file] % len(same)])
        turns[file] += len(same) > 1
    return [name for name in names if name in kept]
