# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of all codes of problems, remedies.yml: it has each code of the code, and names tests that there are.

That a unit test makes the problem which the table names it for is held when that test runs, by the conftest of the unit tests.
That such a test then does what the remedy says, on the machine or on the host that the test makes up, and finds the problem gone,
is up to its own assertions, which nobody can hold here. Of tests on live hosts nothing is held but that the test is there, or
that its file has the code.
"""

from __future__ import annotations

import ast
import functools
import pathlib

import pytest

UNIT = pathlib.Path(__file__).resolve().parents[1]
TESTS = UNIT.parent
PLUGINS = TESTS.parent / "plugins"

# The rows that say 'not yet'. There may be fewer, never more: lower this with each row that is done.
NOT_YET = 0
FIELDS = {"made", "live", "followed", "not_followed"}


@functools.cache
def trees():
    return [ast.parse(path.read_text()) for path in sorted(PLUGINS.rglob("*.py"))]


def codes(found):
    """Return the codes of all problems that some syntax trees make."""
    return {
        node.args[0].value for tree in found for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Problem"
        and node.args and isinstance(node.args[0], ast.Constant)}


@functools.cache
def functions(path):
    """Return the tests of a file, with the class that they are in; none where there is no such file of tests."""
    if path.suffix != ".py" or not path.is_file():
        return frozenset()
    body = ast.parse(path.read_text()).body
    found = {(node.name, inner.name) for node in body if isinstance(node, ast.ClassDef)
             for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return frozenset("::".join(one) for one in found) | {node.name for node in body if isinstance(node, ast.FunctionDef)}


def exists(below, name):
    """Say whether there is a test, whatever its parameters."""
    path, _colons, test = name.partition("::")
    return test.partition("[")[0] in functions(below / path)


def shows(name, code):
    """Say whether a test on live hosts is there, or whether its file has the code where only the file is named."""
    path = TESTS / name
    return exists(TESTS, name) if "::" in name else path.is_file() and code in path.read_text()


def faults(rows):
    """Return what is wrong with rows of the table by themselves."""
    for code, row in rows.items():
        followed = row.get("followed")
        if set(row) - FIELDS or not all(isinstance(value, str) and value for value in row.values()):
            yield f"{code}: the fields are {', '.join(sorted(FIELDS))}, each with a text"
        elif ("followed" in row) == ("not_followed" in row):
            yield f"{code}: either a test follows its remedy, or there is a reason why none can"
        elif followed and followed != "not yet" and "::" not in followed:
            yield f"{code}: {followed} is no test"
        elif not {"made", "live"} & set(row) and (not followed or "::" not in followed):
            yield f"{code}: no test makes it"


def missing(rows):
    """Return the tests that rows name and that are not there."""
    for code, row in rows.items():
        for field in ("made", "followed"):
            if "::" in row.get(field, "") and not exists(UNIT, row[field]):
                yield f"{code}: there is no {row[field]}"
        if "live" in row and not shows(row["live"], code):
            yield f"{code}: {row['live']} is not there, or does not have the code"


@pytest.fixture(name="table", scope="module")
def fixture_table(request):
    """What the conftest of the unit tests holds the table with."""
    plugins = request.config.pluginmanager.get_plugins()
    found, = [one for one in plugins if pathlib.Path(getattr(one, "__file__", None) or "/").resolve() == UNIT / "conftest.py"]
    return found


def test_each_code_has_a_row_and_each_row_a_code(table):
    known, rows = codes(trees()), set(table.table())
    assert len(known) > 300
    assert (sorted(known - rows), sorted(rows - known)) == ([], [])


def test_each_row_says_who_makes_it_and_who_follows_it(table):
    assert list(faults(table.table())) == []
    written = [line.rstrip(":") for line in (UNIT / "project" / "remedies.yml").read_text().splitlines() if line[:1].isalpha()]
    assert written == sorted(table.table())


def test_each_test_that_is_named_is_there(table):
    assert list(missing(table.table())) == []


def test_rows_that_wait_for_a_test_become_fewer(table):
    waiting = [code for code, row in table.table().items() if row.get("followed") == "not yet"]
    assert len(waiting) == NOT_YET, f"there are {len(waiting)}, which must not rise; when it is less, lower NOT_YET"


def test_each_case_that_is_named_is_collected(request, table):
    """A file counts where all of it is collected, which a run of single tests does not do."""
    config = request.config
    if any("::" in one for one in config.args) or config.getoption("keyword") or config.getoption("markexpr"):
        pytest.skip("this run has single tests only")
    collected = {table.name_of(item) for item in request.session.items}
    files = {name.partition("::")[0] for name in collected}
    assert sorted(name for name in table.named(table.table()) if name.partition("::")[0] in files and name not in collected) == []


HERE = "project/test_every_remedy.py::test_each_code_has_a_row_and_each_row_a_code"


@pytest.mark.parametrize("row", [
    {}, {"made": HERE}, {"followed": "not yet"}, {"followed": "see there", "made": HERE},
    {"not_followed": "it says where to look"},
    {"made": HERE, "followed": HERE, "not_followed": "a reason"}, {"made": HERE, "followed": ""},
    {"made": HERE, "followed": "not yet", "tests": HERE}])
def test_a_row_that_says_too_little_or_too_much_is_found(row):
    assert list(faults({"a.b": row}))


@pytest.mark.parametrize("row", [
    {"followed": HERE}, {"made": HERE, "followed": "not yet"}, {"live": "faults/x.py", "not_followed": "a reason"}])
def test_a_row_that_says_enough_is_not(row):
    assert list(faults({"a.b": row})) == []


@pytest.mark.parametrize("row", [
    {"made": "project/test_every_remedy.py::test_no"}, {"made": "project/none.py::test_no"}, {"followed": HERE + "_no"},
    {"live": "faults/none.py::test_no"}, {"live": "unit/project/remedies.yml::test_no"}, {"live": "config.yml"}])
def test_a_test_that_is_not_there_is_found(row):
    assert list(missing({"a.b": row}))


def test_a_problem_counts_where_the_plugins_make_it(table, tmp_path):
    from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors, foreign

    by_hand = errors.Problem("file.path", "f", "r", "m")
    errors.from_record(list(by_hand))._replace(fact="g")
    assert not table.MADE
    foreign.problem(EOFError())
    assert "data.cut" in table.MADE and len(table.MADE) == 1


def test_a_test_that_does_not_make_what_it_is_named_for_fails(request, table, monkeypatch):
    monkeypatch.setitem(table.NAMED, table.name_of(request.node), {"data.cut"})
    with pytest.raises(pytest.fail.Exception, match="this test makes data.cut, and it does not"):
        table.pytest_runtest_call(request.node)
    monkeypatch.setattr(table, "MADE", {"data.cut"})
    table.pytest_runtest_call(request.node)
