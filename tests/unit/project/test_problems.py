# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The codes of problems, read from the code: what they look like, what each means, and that no wording decides anything."""

from __future__ import annotations

import ast
import collections
import pathlib
import re

import pytest

TREE = pathlib.Path(__file__).resolve().parents[3]
PLUGINS = TREE / "plugins"
CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\.[a-z][a-z0-9]*(_[a-z0-9]+)*")
# The fields of a problem that are words for a person.
WORDS = {"fact", "reason", "remedy"}
# The one function that makes a problem of what a file has.
REBUILDS = "core/errors.py"
TEXT_METHODS = {
    "startswith", "endswith", "find", "index", "partition", "rpartition", "split", "removeprefix", "removesuffix", "count"}
PATTERN_METHODS = {"match", "search", "fullmatch"}


def trees():
    """Yield the name and the syntax tree of each file of the plugins."""
    for path in sorted(PLUGINS.rglob("*.py")):
        below = PLUGINS / "module_utils" if "module_utils" in path.parts else PLUGINS
        yield str(path.relative_to(below)), ast.parse(path.read_text())


def is_problem(node):
    return isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Problem"


def sites(files):
    """Return where problems are made: file, line, and the call."""
    return [(name, node.lineno, node) for name, tree in files for node in ast.walk(tree) if is_problem(node)]


def faults_of_codes(files):
    """Return what is wrong with the codes of problems."""
    faults, meanings = [], collections.defaultdict(set)
    for name, line, call in sites(files):
        if name == REBUILDS:
            continue
        code = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
        if not isinstance(code, str) or not CODE.fullmatch(code):
            faults.append(f"{name}:{line}: no literal code 'area.name'")
        elif len(call.args) != 4:
            faults.append(f"{name}:{line}: code, fact, reason and remedy, and a subject by its name")
        else:
            meanings[code].add(ast.unparse(call.args[2]))
    return faults + [f"{code} has {len(reasons)} reasons" for code, reasons in sorted(meanings.items()) if len(reasons) > 1]


def is_wording(node):
    """Say whether an expression is the words of a problem, or of an exception that carries problems."""
    if isinstance(node, ast.Attribute):
        # What a check covered has a reason of its own, which is one of a fixed set.
        return node.attr in WORDS and getattr(node.value, "id", "") != "check"
    named = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "str" and node.args
    return bool(named) and isinstance(node.args[0], ast.Name) and node.args[0].id in ("problem", "refusal", "failure", "refused")


def sorts_by_wording(call):
    """Say whether a call sorts problems, or takes the first of them, by their words."""
    keys = [keyword.value for keyword in call.keywords if keyword.arg == "key"]
    if any(is_wording(part) for key in keys for part in ast.walk(key)):
        return True
    names = {part.id for argument in call.args for part in ast.walk(argument) if isinstance(part, ast.Name)}
    return any(isinstance(key, ast.Name) and key.id == "str" for key in keys) and any("problem" in name for name in names)


def decides_by_wording(node):
    """Say whether an expression compares the words of a problem, takes them apart, or sorts by them."""
    if isinstance(node, ast.Compare):
        return any(is_wording(side) for side in (node.left, *node.comparators))
    if not isinstance(node, ast.Call):
        return False
    called = getattr(node.func, "id", getattr(node.func, "attr", ""))
    if called in ("sorted", "sort", "min", "max"):
        return sorts_by_wording(node)
    if called in TEXT_METHODS and isinstance(node.func, ast.Attribute):
        return is_wording(node.func.value)
    return called in PATTERN_METHODS and any(is_wording(argument) for argument in node.args)


def decisions_by_wording(files):
    """Return where the words of a problem decide or sort something."""
    return [f"{name}:{node.lineno}" for name, tree in files for node in ast.walk(tree) if decides_by_wording(node)]


def test_codes_are_literal_and_well_formed_and_have_one_meaning_each():
    files = list(trees())
    assert len(sites(files)) > 250
    assert faults_of_codes(files) == []


def test_no_wording_decides_anything():
    assert decisions_by_wording(trees()) == []


@pytest.mark.parametrize("source", [
    "Problem(f'a.{b}', 'f', 'r', 'm')", "Problem(code, 'f', 'r', 'm')", "Problem('plain', 'f', 'r', 'm')",
    "Problem('A.b', 'f', 'r', 'm')", "Problem('a.b', 'f', 'r')", "Problem(*words)", "errors.Problem('a.b.c', 'f', 'r', 'm')",
    "Problem('a.b', 'f', 'r', 'm')\nProblem('a.b', 'f', 'another', 'm')"])
def test_a_code_that_is_none_is_found(source):
    assert faults_of_codes([("x.py", ast.parse(source))])


@pytest.mark.parametrize("source", [
    "if 'x' in str(problem): pass", "if 'x' in problem.reason: pass", "problem.fact == 'x'", "one.reason.startswith('x')",
    "problem.fact.split()[0]", "re.search('x', problem.remedy)", "PATTERN.match(one.fact)", "sorted(problems, key=str)",
    "sorted(found, key=lambda problem: problem.fact)", "max(problems, key=lambda one: str(problem))",
    "str(refusal).partition('. ')"])
def test_a_decision_by_wording_is_found(source):
    assert decisions_by_wording([("x.py", ast.parse(source))])


@pytest.mark.parametrize("source", [
    "Problem('a.b', 'f', 'r', 'm', subject=x)\nProblem('a.b', 'g', 'r', 'm')", "sorted(problems, key=lambda one: one.subject)",
    "problem.code == 'a.b'", "f'{problem.fact}: {problem.reason}'", "problem.reason.rstrip('.')"])
def test_what_is_allowed_is_not_found(source):
    files = [("x.py", ast.parse(source))]
    assert faults_of_codes(files) == [] and decisions_by_wording(files) == []
