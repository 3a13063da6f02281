# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that compares package files: what it prints, and what its exit status says."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.rpmpairs import F, P, program, valid

PROGRAM = pathlib.Path(__file__).resolve().parents[5] / "scripts" / "dropin_compare.py"
OLD = P(files={"/usr/bin/tool": program(), "/usr/share/tool/data": F()})
LOST = OLD.next(files={"/usr/share/tool/data": F()})


@pytest.fixture
def run(tmp_path):
    """Run the program away from its own folder, as a packager would."""
    def run(*argv, flags=()):
        return subprocess.run(
            [sys.executable, *flags, str(PROGRAM), *map(str, argv)], capture_output=True, text=True, check=False, cwd=tmp_path)
    return run


def test_clean(run, rpms):
    said = run("--old", rpms.one(OLD), "--new", rpms.one(OLD.next()))
    assert (said.returncode, said.stderr) == (0, "")
    assert valid(json.loads(said.stdout))["verdict"] == "drop_in"


def test_findings(run, rpms):
    said = run("--old", rpms.one(OLD), "--new", rpms.one(LOST))
    assert said.returncode == 3
    assert valid(json.loads(said.stdout))["verdict"] == "not_drop_in"
    assert run("--old", rpms.one(OLD), "--new", rpms.one(LOST), "--fail-on", "never").returncode == 0


def test_text_for_a_person(run, rpms):
    said = run("--old", rpms.one(OLD), "--new", rpms.one(LOST), "--text")
    assert said.returncode == 3 and said.stdout.startswith("not_drop_in: ") and "/usr/bin/tool is gone" in said.stdout


def test_waivers(run, rpms, tmp_path):
    findings = json.loads(run("--old", rpms.one(OLD), "--new", rpms.one(LOST)).stdout)["findings"]
    high = [finding["key"] for finding in findings if finding["severity"] == "high"]
    waivers = [{"key": key, "by": "me", "reason": "known", "until": "2099-01-01"} for key in high]
    (tmp_path / "waivers.json").write_text(json.dumps(waivers))
    said = run("--old", rpms.one(OLD), "--new", rpms.one(LOST), "--waivers", "waivers.json")
    assert said.returncode == 0 and json.loads(said.stdout)["summary"]["waived"] == len(waivers) > 0


@pytest.mark.parametrize("waivers", ["no json", "{}x", '[{"key": "x"}]', '{"key": "x"}', "[1]", "null"])
def test_waivers_that_are_none(run, rpms, tmp_path, waivers):
    (tmp_path / "waivers.json").write_text(waivers)
    said = run("--old", rpms.one(OLD), "--new", rpms.one(LOST), "--waivers", "waivers.json")
    assert said.returncode == 1 and said.stdout == "" and "Traceback" not in said.stderr, said.stderr


def test_what_could_not_be_checked(run, rpms, tmp_path):
    (tmp_path / "no.rpm").write_text("no package\n")
    said = run("--old", rpms.one(OLD), "--new", "no.rpm")
    assert said.returncode == 1 and json.loads(said.stdout)["verdict"] == "unknown"
    assert run("--old", rpms.one(OLD)).returncode == 1
    assert run("--old", rpms.one(OLD), "--new", rpms.one(LOST), "--fail-on", "sometimes").returncode == 1


def test_without_the_bindings_of_rpm(run, rpms):
    said = run("--old", rpms.one(OLD), "--new", rpms.one(LOST), flags=("-S",))
    assert said.returncode == 1 and "python3-rpm" in said.stderr and "Traceback" not in said.stderr, said.stderr
