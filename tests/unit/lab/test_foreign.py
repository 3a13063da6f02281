# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of another architecture: a command gets a table of what starts them, and the machine's stays as it is."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB.parent))

from lab import architecture, foreign  # noqa: E402

NAME = "lab-unit-test"


def in_namespace(tmp_path, *argv):
    """Run a command with a rule that has echo start what begins with some bytes."""
    rule = tmp_path / "rule.conf"
    rule.write_text(f":{NAME}:M::LABTEST::/bin/echo:\n")
    return subprocess.run([sys.executable, LAB / "foreign.py", rule, *argv], capture_output=True, text=True, check=False)


@pytest.fixture(name="able", autouse=True)
def fixture_able(request):
    if "tmp_path" in request.fixturenames and (os.geteuid() or not architecture.own_tables()):
        pytest.skip("user namespaces with a table of their own need root and Linux 6.7")


def test_a_program_is_started_by_the_rule_and_the_table_of_the_machine_stays(tmp_path):
    program = tmp_path / "program"
    program.write_text("LABTEST")
    program.chmod(0o755)
    found = in_namespace(tmp_path, program, "word")
    assert (found.returncode, found.stdout) == (0, f"{program} word\n"), found.stderr
    assert not pathlib.Path(foreign.TABLE, NAME).exists()


def test_files_keep_their_owners(tmp_path):
    file = tmp_path / "file"
    file.touch()
    assert in_namespace(tmp_path, "chown", "998:65534", file).returncode == 0
    assert (file.stat().st_uid, file.stat().st_gid) == (998, 65534)


@pytest.mark.parametrize(("script", "status"), [("exit 7", 7), ("kill -TERM $$; exit 3", 3), ("sh -c 'kill -9 $$'", 137)])
def test_the_status_is_the_command_s(tmp_path, script, status):
    assert in_namespace(tmp_path, "sh", "-c", script).returncode == status


@pytest.mark.parametrize(("release", "own"), [
    ("6.6.9-1.el9", False), ("6.7.0", True), ("6.12.95-0.hs1", True), ("7.0", True), ("5.14.0-611.el9.x86_64", False)])
def test_kernels_with_tables_of_their_own(monkeypatch, release, own):
    monkeypatch.setattr(architecture.platform, "release", lambda: release)
    assert architecture.own_tables() is own


@pytest.mark.parametrize(("emulated", "argv", "wrapped"), [
    (True, ["chroot", "/root"], True), (True, ["nice", "mmdebstrap"], True), (True, ["mount", "/chroot"], False),
    (True, ["rpmbuild", "-bb", "chroot"], False), (False, ["chroot", "/root"], False)])
def test_only_what_starts_programs_of_hosts_that_are_emulated_gets_one(monkeypatch, emulated, argv, wrapped):
    monkeypatch.setattr(architecture, "EMULATED", emulated)
    monkeypatch.setattr(architecture, "own_tables", lambda: True)
    monkeypatch.setattr(architecture, "rule", lambda: pathlib.Path("/rule"))
    begin = [sys.executable, str(LAB / "foreign.py"), "/rule"] if wrapped else []
    assert architecture.starting(argv) == [*begin, *argv]
