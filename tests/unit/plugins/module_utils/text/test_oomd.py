# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits, time spans, drop-ins, and what oomctl of two builds said."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.text import oomd

# What oomctl printed in virtual machines: 252 of Debian 12, and 262.1.
DUMP_252 = """\
Dry Run: no
Swap Used Limit: 85.00%
Default Memory Pressure Limit: 55.25%
Default Memory Pressure Duration: 1min 30s
System Context:
\tMemory: Used: 558.6M Total: 2.9G
\tSwap: Used: 0B Total: 0B
Swap Monitored CGroups:
\tPath: /
\t\tSwap Usage: (see System Context)
\tPath: /lab.slice
\t\tSwap Usage: 0B
Memory Pressure Monitored CGroups:
\tPath: /lab.slice
\t\tMemory Pressure Limit: 40.50%
\t\tPressure: Avg10: 0.00 Avg60: 0.00 Avg300: 0.00 Total: 0
\t\tCurrent Memory Usage: 188.0K
\t\tMemory Min: 0B
\t\tMemory Low: 0B
\t\tPgscan: 0
\t\tLast Pgscan: 0
"""
DUMP_262 = """\
Dry Run: no
Swap Used Limit: 80.00%
Default Memory Pressure Limit: 51.50%
Default Memory Pressure Duration: 3s
System Context:
\tMemory: Used: 518.7M, Total: 2.9G
\tSwap: Used: 0B, Total: 255.9M
Swap Monitored CGroups:
\tPath: /lab.slice
\t\tSwap Usage: 0B
Memory Pressure Monitored CGroups:
\tPath: /lab.slice
\t\tMemory Pressure Limit: 20.00%
\t\tMemory Pressure Duration: 2s
\t\tPressure: Avg10: 0.00, Avg60: 0.00, Avg300: 0.00, Total: 0
\t\tCurrent Memory Usage: 200K
\t\tMemory Min: 0B
\t\tMemory Low: 0B
\t\tPgscan: 0
\t\tLast Pgscan: 0
\tPath: /user.slice/user-0.slice/user@0.service
\t\tMemory Pressure Limit: 45.00%
\t\tMemory Pressure Duration: 3s
\t\tPressure: Avg10: 0.00, Avg60: 0.00, Avg300: 0.00, Total: 0
\t\tCurrent Memory Usage: 3.3M
\t\tMemory Min: 0B
\t\tMemory Low: 0B
\t\tPgscan: 0
\t\tLast Pgscan: 0
"""
EMPTY = """\
Dry Run: no
Swap Used Limit: 90.00%
Default Memory Pressure Limit: 60.00%
Default Memory Pressure Duration: 30s
System Context:
\tMemory: Used: 516.5M, Total: 2.9G
\tSwap: Used: 256K, Total: 255.9M
Swap Monitored CGroups:
Memory Pressure Monitored CGroups:
"""


def test_what_252_says():
    dump = oomd.parse_dump(DUMP_252)
    assert (dump.swap_used_limit, dump.pressure_limit, dump.duration) == (8500, 5525, 90.0)
    assert dump.swap == {"/", "/lab.slice"}
    assert dump.pressure == {"/lab.slice": (4050, None)}


def test_what_262_says():
    dump = oomd.parse_dump(DUMP_262)
    assert (dump.swap_used_limit, dump.pressure_limit, dump.duration) == (8000, 5150, 3.0)
    assert dump.swap == {"/lab.slice"}
    assert dump.pressure == {"/lab.slice": (2000, 2.0), "/user.slice/user-0.slice/user@0.service": (4500, 3.0)}


def test_a_daemon_that_watches_nothing():
    dump = oomd.parse_dump(EMPTY)
    assert (dump.swap_used_limit, dump.swap, dump.pressure) == (9000, frozenset(), {})


@pytest.mark.parametrize("text", ["", "Failed to dump context: Unit dbus-org.freedesktop.oom1.service not found.\n", "Path: /\n"])
def test_no_answer_is_no_claim(text):
    assert oomd.parse_dump(text) == (None, None, None, frozenset(), {})


@pytest.mark.parametrize(("text", "value"), [
    ("0%", 0), ("60%", 6000), ("40.5%", 4050), ("55.25%", 5525), ("100%", 10_000), ("100.00%", 10_000), ("605‰", 6050),
    ("60.5‰", 605), ("6050‱", 6050),
    ("500%", None), ("500 %", None), ("100.01%", None), ("60", None), ("-1%", None), ("60.125%", None), ("60.25‰", None),
    ("6050.5‱", None), ("", None), ("%", None), ("1e1%", None), ("٣%", None),
])
def test_limits(text, value):
    assert oomd.permyriad(text) == value


@pytest.mark.parametrize(("text", "value"), [
    ("20s", 20.0), ("20", 20.0), ("1min 30s", 90.0), ("1min30s", 90.0), ("1.5s", 1.5), ("500ms", 0.5), ("2 m", 120.0),
    ("1h", 3600.0), ("0", 0.0), ("1M", 2_629_800.0), (" 5 s ", 5.0),
    ("", None), ("infinity", None), ("5 parsecs", None), ("-5s", None), ("s", None), ("1min,30s", None),
])
def test_time_spans(text, value):
    assert oomd.seconds(text) == value


def test_drop_ins_have_the_section_of_their_type():
    unit = dict.fromkeys(oomd.UNIT_SETTINGS)
    names = ("a.slice", "a@.service", "a.scope")
    texts = [oomd.drop_in({**unit, "name": name, "preference": "omit"}) for name in names]
    assert [text.split("\n")[1] for text in texts] == ["[Slice]", "[Service]", "[Scope]"]
    assert all(text.startswith(oomd.MARK) for text in texts)
    assert all(text.endswith("]\nManagedOOMPreference=omit\n") for text in texts)


def test_only_what_is_wanted_is_written():
    assert oomd.config({"swap_used_limit": None}) is None
    assert oomd.config({}) is None
    assert oomd.config({"swap_used_limit": "80%"}) == f"{oomd.MARK}[OOM]\nSwapUsedLimit=80%\n"


@pytest.mark.parametrize(("unit", "pattern"), [
    ("user@.service", "user@*.service"), ("user-.slice", "user-*.slice"), ("-.slice", "-.slice"),
    ("system.slice", "system.slice"), ("user@1000.service", "user@1000.service"),
])
def test_patterns(unit, pattern):
    assert oomd.pattern(unit) == pattern


@pytest.mark.parametrize(("evr", "number"), [("252-51.el9", 252), ("262.1-1.hs.el9", 262), ("1:260~rc1-1", 260), ("x", None)])
def test_versions(evr, number):
    assert oomd.major(evr) == number
