# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that share a host are given to one worker."""

from __future__ import annotations

import pathlib
import sys

import pytest

pytest.importorskip("xdist")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from lab import workers  # noqa: E402

HANDOVER, CUTS, OTHER = "tests/faults/test_handover.py", "tests/cuts/test_cuts.py", "tests/faults/test_runs.py"


@pytest.mark.parametrize(("name", "group"), [
    (f"{HANDOVER}::test_a[stream9]", f"{HANDOVER} stream9"),
    (f"{HANDOVER}::test_b[stream10]", f"{HANDOVER} stream10"),
    (f"{CUTS}::test[adopt | file /etc/a.conf | killed at done | stream 9]", f"{CUTS} stream 9"),
    (f"{OTHER}::test_a[stream9]", f"{OTHER}::test_a[stream9]"),
    (f"{HANDOVER}::test_without_a_host", f"{HANDOVER}::test_without_a_host"),
])
def test_those_of_one_host(name, group):
    assert workers.together(name) == group


@pytest.mark.parametrize(("name", "group"), [
    ("tests/vm/test_whole.py::test_a[stream9-ext4]", "tests/vm/test_whole.py stream9-ext4"),
    ("tests/vm/test_whole.py::test_b[stream10-xfs]", "tests/vm/test_whole.py stream10-xfs"),
    ("tests/vm/test_kernel.py::test_a[one]", "tests/vm/test_kernel.py"),
    ("tests/vm/test_kernel.py::test_b", "tests/vm/test_kernel.py"),
])
def test_those_of_one_machine(name, group):
    assert workers.machine(name) == group
