# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests on live hosts a sample runs: a third of those of each file, drawn anew by each run, with one case each."""

from __future__ import annotations

import collections
import math
import random
import re
import typing as t

from lab.workers import SHARING

# The part of the tests of a file that a sample runs, and how many cases of one test: the cells of the cuts are one test.
PART, CASES = 1 / 3, {"test_cuts.py": 3}
STREAM = re.compile(r"\bstream ?\d+\b")


def sample(names: t.Sequence[str], seed: int) -> list[str]:
    """Return those of the C(names) of tests that the sample with this seed runs, in their order.

    A case that is there for several streams, told by C(streamN) in its brackets, runs on one of them. The streams take turns
    within a file; where the tests of a file share a host, all run on one stream, since to prepare a host takes minutes.
    """
    files: dict[str, list[str]] = collections.defaultdict(list)
    for name in names:
        files[name.partition("::")[0]].append(name)
    # Each file draws by itself: a test that comes or goes in another changes nothing here.
    kept = {name for file, its in files.items() for name in _drawn(random.Random(f"{seed} {file}"), file, its)}
    return [name for name in names if name in kept]


def _drawn(rng: random.Random, file: str, names: t.Sequence[str]) -> t.Iterator[str]:
    """Yield the tests of one file that are drawn."""
    streams = sorted({found.group() for found in map(STREAM.search, names) if found})
    rng.shuffle(streams)
    shares = file.endswith(SHARING)
    tests: dict[str, list[str]] = collections.defaultdict(list)
    for name in names:
        found = STREAM.search(name)
        if not shares or found is None or found.group() == streams[0]:
            tests[name.partition("[")[0]].append(name)
    turn = rng.randrange(2)
    for test in rng.sample(sorted(tests), math.ceil(len(tests) * PART)):
        cases: dict[str, list[str]] = collections.defaultdict(list)
        for name in tests[test]:
            cases[STREAM.sub("", name)].append(name)
        for case in rng.sample(sorted(cases), min(len(cases), CASES.get(file.rpartition("/")[2], 1))):
            yield cases[case][turn % len(cases[case])]
            turn += len(cases[case]) > 1
