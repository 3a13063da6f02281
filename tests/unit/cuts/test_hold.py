# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds a job at a line of its ledger: before it is written, once it is on the disk, and a verification that fails."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

HOLD = pathlib.Path(__file__).resolve().parents[2] / "cuts" / "guest" / "sitecustomize.py"
FOLDER = 'LEDGER = "/var/lib/centos-hyperscale/ledger/"'
INTENT = {"event": "intent", "number": 3, "action": {"kind": "file", "subject": "/etc/a"}}
OTHER = {"event": "intent", "number": 2, "action": {"kind": "file", "subject": "/etc/b"}}
LINES = [
    {"event": "header"}, {"event": "run-began", "number": None}, OTHER,
    {"event": "applied", "number": 2}, {"event": "verified", "number": 2}, INTENT, {"event": "applied", "number": 3},
    {"event": "verified", "number": 3}, {"event": "run-ended", "number": None}]
# Writes a ledger as the collection does, and verifies the steps that were applied.
JOB = """
import json, os, sys
def verify():
    print("verified")
handle = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
for line in json.loads(sys.argv[2]):
    os.write(handle, json.dumps(line).encode() + b"\\n")
    os.fsync(handle)
    if line["event"] == "applied":
        try:
            verify()
        except OSError as error:
            print(error.strerror)
"""


@pytest.fixture(name="job")
def fixture_job(tmp_path):
    """Start a job that is asked for something, and return its process and its ledger."""
    (tmp_path / "ledger").mkdir()
    text = HOLD.read_text()
    assert FOLDER in text
    (tmp_path / "sitecustomize.py").write_text(text.replace(FOLDER, f"LEDGER = {str(tmp_path / 'ledger')!r}"))
    started = []

    def start(**ask):
        (tmp_path / "ask.json").write_text(json.dumps({"kind": "file", "subject": "/etc/a", "delay": 0, **ask}))
        path = tmp_path / "ledger" / "000001-x.jsonl"
        started.append(subprocess.Popen(
            [sys.executable, "-B", "-c", JOB, str(path), json.dumps(LINES)], text=True, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(tmp_path)}))
        return started[0], path

    yield start
    for process in started:
        process.kill()
        process.wait()


def until(path):
    """Wait for a file and return what is in it."""
    deadline = time.monotonic() + 30
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return json.loads(path.read_text())


@pytest.mark.parametrize(("ask", "there", "number"), [
    ({"event": "intent", "before": True}, 5, 3), ({"event": "intent", "before": False}, 6, 3),
    ({"event": "applied", "before": True}, 6, 3), ({"event": "verified", "before": True}, 7, 3),
    ({"event": "verified", "before": False}, 8, 3), ({"event": "intent", "before": True, "subject": None}, 2, 2),
    ({"event": "header", "before": True, "kind": "", "subject": None}, 0, None),
    ({"event": "run-began", "before": True, "kind": "", "subject": None}, 1, None),
    ({"event": "run-ended", "before": True, "kind": "", "subject": None}, 8, None),
])
def test_a_job_stands_still_at_the_line_that_was_asked_for(job, tmp_path, ask, there, number):
    process, ledger = job(do="hold", **ask)
    assert until(tmp_path / "marker") == {"pid": process.pid, "job": f"000001-x.{number}"}
    assert len(ledger.read_text().splitlines()) == there
    (tmp_path / "go").touch()
    assert process.communicate(timeout=30)[0].split() == ["verified", "verified"]
    assert len(ledger.read_text().splitlines()) == len(LINES)


def test_the_verification_of_one_step_fails_and_no_other(job, tmp_path):
    process, ledger = job(do="fail", event="applied", before=False)
    assert process.communicate(timeout=30)[0].splitlines() == ["verified", "Input/output error"]
    assert until(tmp_path / "marker")["job"] == "000001-x.3" and len(ledger.read_text().splitlines()) == len(LINES)
