# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds what remedies.yml says of unit tests: a test that it names for the code of a problem fails when it does not make it.

Only what the code of the plugins makes counts, in the process of the test itself: not a problem that a test makes by hand, and
not one that is read from a file.
"""

from __future__ import annotations

import collections
import importlib
import pathlib
import sys

import pytest
import yaml

UNIT = pathlib.Path(__file__).resolve().parent
PLUGINS = "ansible_collections.centos.hyperscale.plugins."
MAKER = PLUGINS + "module_utils.core.errors"
# C(_replace) of a named tuple is code of this module.
TUPLES = "collections"

# The codes that the test at work has made so far.
MADE = set()


def table():
    """Return the rows of remedies.yml by code."""
    with open(UNIT / "project" / "remedies.yml", encoding="utf-8") as handle:
        return yaml.load(handle, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def tests_of(row):
    """Return the unit tests that a row names."""
    named = [row.get("made"), row.get("followed")]
    return [name for name in named if name and "::" in name]


def named(rows):
    """Return the codes that each unit test is to make."""
    found = collections.defaultdict(set)
    for code, row in rows.items():
        for name in tests_of(row):
            found[name].add(code)
    return found


NAMED = named(table())


def name_of(item):
    """Return how remedies.yml names a test: by its file below this folder, whatever the root of the run is."""
    path = pathlib.Path(str(getattr(item, "path", None) or item.fspath)).resolve()
    return f"{path.relative_to(UNIT).as_posix()}::{item.nodeid.partition('::')[2]}"


def made_by_plugins(frame):
    """Say whether the code that makes a problem, or words one anew, is of the plugins."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module == MAKER and frame.f_code.co_name == "from_record":
            return False
        if module not in (MAKER, TUPLES):
            return module.startswith(PLUGINS)
        frame = frame.f_back
    return False


def pytest_collection_finish():
    """Note each problem from now on. All modules of tests are imported by now, and with them the tables of problems."""
    for name in ("foreign", "unwritable"):
        importlib.import_module(f"{PLUGINS}module_utils.core.{name}")
    errors = importlib.import_module(MAKER)
    plain = errors.Problem.__new__

    def noting(cls, code, *words, **more):
        if code not in MADE and made_by_plugins(sys._getframe(1)):
            MADE.add(code)
        return plain(cls, code, *words, **more)

    errors.Problem.__new__ = staticmethod(noting)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    MADE.clear()


@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item):
    """Hold the table. This comes after the test itself, and only where that passed."""
    missing = NAMED.get(name_of(item), set()) - MADE if NAMED else set()
    if missing:
        pytest.fail(f"remedies.yml says that this test makes {', '.join(sorted(missing))}, and it does not", pytrace=False)
