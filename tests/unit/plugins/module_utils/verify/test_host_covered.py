# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check that only a host can make has a case where it speaks and a neighbour where it does not."""

from __future__ import annotations

import ast
import pathlib

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.verify.checks import CHECKS, FILES, PREDICT

# What comes from the planner and the report itself; test_predict.py and test_report_and_bugs.py have every such end.
OTHERWISE = {"build.hidden", "plan.refused", "waiver.expired", "known.break"}
AFTERWARDS = {"kernel.boot_files", "kernel.not_intended"}
SHARED = {"conflict.gained", "cpu.baseline", "process.old_code", "symlink.dangling", "user.missing", "package.unreadable"}
ONLY_HERE = {check.id for check in CHECKS.values() if PREDICT in check.phases and FILES not in check.phases}
TREES = [
    ast.parse(path.read_text(encoding="utf-8")) for path in sorted(pathlib.Path(__file__).resolve().parent.glob("test_*.py"))
    if path != pathlib.Path(__file__).resolve()]


def texts(node):
    """Return the texts in a piece of a program."""
    return {part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)}


def asserted(how):
    """Return the checks that the tests hand to fired() or silent(), be it as a parameter of the test."""
    found = set()
    for function in (node for tree in TREES for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        parameters = {text for decorator in function.decorator_list for text in texts(decorator)}
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == how:
                check = call.args[1]
                found |= texts(check) if isinstance(check, ast.Constant) else parameters
    return found & CHECKS.keys()


@pytest.mark.parametrize("how", ["fired", "silent"])
def test_every_check_speaks_and_is_silent(how):
    assert (ONLY_HERE - OTHERWISE | AFTERWARDS | SHARED) - asserted(how) == set()


def test_the_rest_is_named_too():
    assert {text for tree in TREES for text in texts(tree)} >= OTHERWISE
