# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample runs some tests of each file, on one stream each; over many seeds it runs every case of every test."""

from __future__ import annotations

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from faults import sampling  # noqa: E402

NAMES = [
    *(f"one.py::test_{test}[stream{stream}-{case}]" for test in "abcdef" for case in (0, 1) for stream in (9, 10)),
    "one.py::test_g",
    *(f"two.py::test[stream{stream}]" for stream in (9, 10)),
    *(f"test_guards.py::test_{test}[stream{stream}]" for test in "abc" for stream in (9, 10)),
    *(f"test_cuts.py::test_a_job[transaction of {number}, stream {stream}]" for number in range(4) for stream in (9, 10)),
]


def drawn(seed):
    """Return the sample of a seed by its files."""
    files = {}
    for name in sampling.sample(NAMES, seed):
        files.setdefault(name.partition("::")[0], []).append(name)
    return files


@pytest.mark.parametrize("seed", range(20))
def test_each_file_has_a_third_of_its_tests_with_one_case(seed):
    files = drawn(seed)
    assert {file: len(names) for file, names in files.items()} == {
        "one.py": 3, "two.py": 1, "test_guards.py": 1, "test_cuts.py": 3}
    assert len({name.partition("[")[0] for name in files["one.py"]}) == 3
    assert len({name.rpartition("stream ")[2] for name in files["test_cuts.py"]}) == 1


@pytest.mark.parametrize("seed", range(20))
def test_streams_take_turns_within_a_file(seed):
    of_streams = [name for name in drawn(seed)["one.py"] if "stream" in name]
    assert {"stream9" in name for name in of_streams} == {True, False}


def test_the_same_seed_draws_the_same_in_the_order_of_the_tests():
    assert sampling.sample(NAMES, 7) == sampling.sample(NAMES, 7)
    assert [name for name in NAMES if name in sampling.sample(NAMES, 7)] == sampling.sample(NAMES, 7)


def test_other_files_change_nothing():
    assert sampling.sample([name for name in NAMES if name.startswith("one.py")], 7) == drawn(7)["one.py"]


def test_every_case_has_its_turn():
    assert {name for seed in range(200) for name in sampling.sample(NAMES, seed)} == set(NAMES)
