# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the tools choose a Python for each ansible-core, and count what the tests on it report."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

import pytest
import yaml

TREE = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TREE / "tests" / "tools"))

import core_envs  # noqa: E402
import cores  # noqa: E402
import run_tests  # noqa: E402
import steps  # noqa: E402

REPORT = """\
<testsuites><testsuite name="sanity">
  <testcase classname="sanity" name="pep8"/>
  <testcase classname="sanity" name="import"><failure>plugins/a.py:1:1: no</failure></testcase>
  <testcase classname="sanity" name="compile"><error>it crashed</error></testcase>
  <testcase classname="sanity" name="shellcheck"><skipped>No tests applicable.</skipped></testcase>
  <testcase classname="sanity" name="compile"><skipped>Python 3.14 could not be found.</skipped></testcase>
  <testcase classname="pytest" name="one"><skipped message="no rpm here">test_a.py:1: no rpm here</skipped></testcase>
  <testcase classname="pytest" name="two"><skipped/></testcase>
</testsuite></testsuites>
"""


def pythons(*versions):
    return {version: core_envs.Python(version, f"/usr/bin/python{version}", False) for version in versions}


def environment(release, version):
    core = core_envs.Core(release, (version,))
    return core_envs.Environment(core, pythons(version)[version], pathlib.Path("/none"), ())


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("there,wanted", [
    (("3.9", "3.10", "3.11", "3.12"), "3.11"), (("3.9", "3.10", "3.12"), "3.10"), (("3.12", "3.13"), "3.12"),
    (("3.9", "3.13"), None), ((), None)])
def test_a_core_runs_on_its_first_choice_that_is_there(there, wanted):
    core = core_envs.Core("2.16.19", ("3.11", "3.10", "3.12"))
    found = core_envs.chosen(core, pythons(*there))
    assert (found.version if found else None) == wanted


@pytest.mark.parametrize("there,told", [(("3.9", "3.10"), "3.9, 3.10"), (("3.12",), "3.12"), ((), "none")])
def test_a_core_that_is_not_covered_says_why(there, told):
    core = core_envs.Core("2.22.0", ("3.13", "3.14"))
    assert core_envs.why_not(core, pythons(*there)) == (
        f"ansible-core 2.22.0: it needs Python 3.13 or 3.14; this machine has {told}")


def test_cores_are_of_one_series_each_from_the_oldest_that_the_collection_takes():
    series = [tuple(int(part) for part in core.release.split(".")[:2]) for core in core_envs.CORES]
    assert series == [(2, minor) for minor in range(series[0][1], series[-1][1] + 1)]
    needs = yaml.safe_load((TREE / "meta" / "runtime.yml").read_text())["requires_ansible"]
    assert needs == f">={series[0][0]}.{series[0][1]}.0"
    assert {core.pythons[0] for core in core_envs.CORES} >= {"3.10", "3.11", "3.12", "3.13"}


def test_pins_are_those_of_the_tool_environment_but_for_the_core():
    text = "# tools\nansible-core==1.0\nansible-lint==2.0\npyyaml==3.0\npytest==4.0\npytest-timeout==5.0\njsonschema==6.0\n"
    assert core_envs.pins(core_envs.Core("2.99.1", ()), text) == [
        "ansible-core==2.99.1", "pyyaml==3.0", "pytest==4.0", "jsonschema==6.0", *core_envs.MORE_PINS]
    real = core_envs.pins(core_envs.CORES[0], core_envs.REQUIREMENTS.read_text())
    assert len(real) == 1 + len(core_envs.SHARED_PINS) + len(core_envs.MORE_PINS)


@pytest.mark.parametrize("line,wanted", [
    ("dill @ https://example.org/archive/2308.zip#sha256=09", "dill"),
    ("pylint_x.y @ git+https://example.org/x.git@main", "pylint_x.y"),
    ("a-b @ file:///tmp/a.whl ; python_version > '3'", "a-b"),
    ("pylint==4.0.8", "pylint==4.0.8"), ("# dill @ https://example.org", "# dill @ https://example.org")])
def test_requirements_are_taken_by_name(line, wanted):
    assert core_envs.by_name(f"astroid==4.0.4\n{line}\nisort==9.0.1\n") == f"astroid==4.0.4\n{wanted}\nisort==9.0.1\n"


def test_pythons_are_found_on_the_path_and_of_pyenv_but_no_shim(tmp_path, monkeypatch):
    root = tmp_path / "pyenv"
    for minor in (10, 12):
        program(root / "shims" / f"python3.{minor}", "exit 127")
    old = program(root / "versions/3.10.13/bin/python3.10", 'echo "3.10 False True"')
    first = program(tmp_path / "one/python3.14", 'echo "3.14 False True"')
    program(tmp_path / "two/python3.14", 'echo "3.14 False True"')
    program(tmp_path / "one/python3.15", 'echo "3.15 False True"; exit 1')
    bindings = program(tmp_path / "two/python3.13", 'echo "3.13 True True"')
    program(tmp_path / "one/python3.13", 'echo "3.13 False True"')
    program(tmp_path / "two/python3.9", 'echo "3.9 False False"')
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, (root / "shims", tmp_path / "one", tmp_path / "two"))))
    monkeypatch.setattr(core_envs, "pyenv_root", lambda: str(root))
    assert core_envs.search_path() == [str(tmp_path / "one"), str(tmp_path / "two")]
    mine = {version: python.path for version, python in core_envs.interpreters().items() if str(tmp_path) in python.path}
    assert mine == {"3.10": old, "3.13": bindings, "3.14": first}


def test_reports_are_counted_and_a_test_without_a_target_is_not(tmp_path):
    (tmp_path / "a.xml").write_text(REPORT)
    assert steps.reported("sanity", [tmp_path / "a.xml"]) == steps.Count(
        1, ("sanity: sanity::import: plugins/a.py:1:1: no", "sanity: sanity::compile: it crashed"),
        ("sanity: Python 3.14 could not be found.", "sanity: no rpm here", "sanity: without a reason"))
    assert steps.reported("sanity", []) == steps.Count()


def test_a_run_ends_with_what_failed():
    lint = steps.Count(3, ("ansible-lint",))
    sanity = steps.Count(
        4, ("2.16.19 sanity git: pep8: too long",), ("2.16.19 units git: no rpm: here", "2.22.0 units git: no rpm: here"))
    assert run_tests.ending({"lint": (lint, 29.4), "cores": (sanity, 397.0)}) == [
        "skipped 2 times: no rpm: here (2.16.19 units git, 2.22.0 units git)", "seconds: lint 29, cores 397",
        "FAILED  ansible-lint", "FAILED  2.16.19 sanity git: pep8: too long", "7 passed, 2 failed, 2 skipped"]


@pytest.mark.parametrize("count,failures", [
    (steps.Count(), ("lint",)), (steps.Count(5), ("lint",)), (steps.Count(5, ("one", "two")), ("one", "two"))])
def test_a_command_that_failed_counts_as_a_failure(count, failures):
    assert count.failing("lint") == steps.Count(count.passed, failures)


def test_a_sample_runs_every_check_and_the_whole_runs_each_on_every_core():
    whole = set(cores.CHECKS)
    oldest, *between, newest = [set(cores.checks_of(index, 4, False)) for index in range(4)]
    assert oldest | newest == whole and oldest != newest
    assert between == [set(cores.QUICK)] * 2
    assert all(set(cores.checks_of(index, 4, True)) == whole for index in range(4))
    assert set(cores.checks_of(0, 1, False)) == whole


def test_the_table_tells_what_was_not_run():
    covered = [environment("2.16.19", "3.11"), environment("2.17.14", "3.10")]
    results = {("2.16.19", "units"): steps.Count(5, ("x",), ("no rpm",)), ("2.17.14", "syntax"): steps.Count(4)}
    assert cores.table(covered, results).splitlines() == [
        "| ansible-core | Python | sanity git | sanity tarball | units | ansible-doc | syntax |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| 2.16.19 | 3.11 | not run | not run | 5 passed, 1 FAILED, 1 skipped | not run | not run |",
        "| 2.17.14 | 3.10 | not run | not run | not run | not run | 4 passed |"]


def test_all_that_has_documentation_is_shown():
    found = cores.documented(TREE)
    assert found["module"] == [f"centos.hyperscale.{path.stem}" for path in sorted((TREE / "plugins/modules").glob("*.py"))]
    assert found["role"] == [f"centos.hyperscale.{path.name}" for path in sorted((TREE / "roles").iterdir())]
    folders = {path.name for path in (TREE / "plugins").iterdir()}
    assert folders <= {*cores.DOCUMENTED.values(), "action", "doc_fragments", "module_utils", "plugin_utils"}


def test_no_sanity_test_is_switched_off():
    assert list((TREE / "tests").glob("sanity/*")) == []


def test_building_needs_ansible_core_alone(tmp_path):
    if not (TREE / "Makefile").exists():
        pytest.skip("this is the collection as it is installed")
    copy = cores.copy_tree(tmp_path / "copy")
    (tmp_path / "bin").mkdir()
    for name in ("make", "sh"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    galaxy = pathlib.Path(sys.executable).parent / "ansible-galaxy"
    plain = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}
    argv = ["make", "build", "PYTHON=/nonexistent"]
    without = subprocess.run(argv, cwd=copy, env=plain, capture_output=True, text=True, check=False)
    assert without.returncode and "install ansible-core" in without.stderr
    (tmp_path / "bin" / "ansible-galaxy").symlink_to(galaxy)
    subprocess.run(argv, cwd=copy, env=plain, check=True)
    assert len(list(copy.glob("*.tar.gz"))) == 1
