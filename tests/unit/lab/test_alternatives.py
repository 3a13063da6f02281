# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's stand-in for alternatives(8), held by what the real program was recorded to do."""

from __future__ import annotations

import os
import pathlib
import shlex
import sys

import pytest
import yaml

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS), str(TESTS / "tools")]

import alternatives_cases as cases  # noqa: E402

from lab.alternatives.program import Program  # noqa: E402

RUNS = [
    pytest.param(case, run, id=f"{case['name']}: {run['run']}")
    for case in yaml.safe_load(cases.CASES.read_text())["cases"] for run in case["runs"]]


@pytest.mark.parametrize(("case", "recorded"), RUNS)
def test_it_does_what_the_real_program_does(tmp_path, capsys, case, recorded):
    cases.lay_out(tmp_path, case)
    before, ran = cases.state(tmp_path), []

    def run(argv):
        ran.append(" ".join([os.path.basename(argv[0]), *argv[1:]]))
        return 0 if argv[2] != "is-enabled" or case["units"][argv[3]] else 1

    argv = shlex.split(recorded["run"])
    status = Program(str(tmp_path), run).main(argv)
    found = {"status": status, "changed": cases.changed(before, cases.state(tmp_path)), "ran": ran}
    assert found == {key: recorded.get(key, type(value)()) for key, value in found.items()}
    assert cases.said(argv, status, capsys.readouterr().out) == recorded.get("printed", [])


def test_the_record_has_each_way_to_end():
    assert {run.values[1]["status"] for run in RUNS} == {0, 2, 139}


def test_where_ostree_keeps_the_families(tmp_path, capsys):
    cases.lay_out(tmp_path, {"file": "auto\n/usr/bin/edit\n\n/opt/a\n1\n"})
    (tmp_path / "var/lib/alternatives").rename(tmp_path / "etc/alternatives-admindir")
    assert Program(str(tmp_path)).main(["--list"]) == 0
    assert "edit\tauto" in capsys.readouterr().out
