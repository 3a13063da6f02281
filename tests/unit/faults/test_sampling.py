# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample runs each test, and meets each stream in each file."""

from __future__ import annotations

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from faults import sampling  # noqa: E402


def test_each_test_runs_on_one_stream_and_the_streams_go_round():
    names = [f"one.py::test_{test}[stream{stream}]" for test in "abc" for stream in (9, 10)]
    assert sampling.sample(names) == ["one.py::test_a[stream9]", "one.py::test_b[stream10]", "one.py::test_c[stream9]"]


def test_each_file_begins_anew():
    names = [f"{file}.py::test[stream{stream}]" for file in ("one", "two") for stream in (9, 10)]
    assert sampling.sample(names) == ["one.py::test[stream9]", "two.py::test[stream9]"]


def test_cases_of_one_test_go_round_as_well():
    names = [f"one.py::test[{stream}-{case}]" for stream in ("stream9", "stream10") for case in (0, 1)]
    assert sampling.sample(names) == ["one.py::test[stream9-0]", "one.py::test[stream10-1]"]


def test_what_has_one_case_runs_and_takes_no_turn():
    names = ["one.py::test_a", "one.py::test_b[xfs]", "one.py::test_c[stream9]", "one.py::test_c[stream10]"]
    assert sampling.sample(names) == names[:3]


@pytest.mark.parametrize(("file", "cases", "kept"), [
    ("one.py", 1, [0]), ("one.py", 2, [0, 1]), ("one.py", 3, [0, 2]), ("one.py", 10, [0, 9]),
    (sampling.CUTS, 3, [0, 1, 2]), (sampling.CUTS, 4, [0, 1, 3]), (sampling.CUTS, 5, [0, 2, 4]), (sampling.CUTS, 10, [0, 4, 9]),
])
def test_of_many_cases_some_run_the_first_and_the_last_among_them(file, cases, kept):
    names = [f"{file}::test[{number}]" for number in range(cases)]
    assert sampling.sample(names) == [names[number] for number in kept]


def test_the_order_stays():
    names = ["one.py::test_b[stream10]", "one.py::test_a", "one.py::test_b[stream9]"]
    assert sampling.sample(names) == ["one.py::test_b[stream10]", "one.py::test_a"]
