# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No task and no playbook demands that a host be without faults: what was broken before the adoption is not the run's."""

from __future__ import annotations

import pathlib
import re

import pytest

TREE = pathlib.Path(__file__).resolve().parents[3]
FILES = sorted([*(TREE / "roles").rglob("tasks/*.yml"), *(TREE / "playbooks").glob("*.yml")])
# What of a host may have been broken before, where it is not compared with that time.
CLEAN = re.compile(
    r"\b(failed_units|duplicates|disagreements|unreadable)\b[^\w]*(==|\| *length)|\bstate\b.*== *'running'|is-system-running")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TREE)))
def test_nothing_demands_a_clean_host(path):
    assert [line for line in path.read_text().splitlines() if CLEAN.search(line)] == []


@pytest.mark.parametrize("line", [
    "that: result.host.systemd.failed_units == []", "- result.host.packages.duplicates == []", "systemctl is-system-running",
    "- result.host.systemd.state == 'running'"])
def test_what_does_is_found(line):
    assert CLEAN.search(line)


def test_what_is_compared_is_not():
    assert not CLEAN.search("- result.host.systemd.failed_units_new == []")
