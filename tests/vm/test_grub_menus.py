# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GRUB itself says of each recorded case what was recorded: the unit tests hold the lab's launcher against that."""

from __future__ import annotations

import pathlib
import sys

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import grub_cases  # noqa: E402

CASES = yaml.safe_load(grub_cases.CASES.read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_grub_says_what_was_recorded(case):
    assert grub_cases.told(case) == {name: case[name] for name in ("menu", "starts", "left")}
