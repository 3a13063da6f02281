# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a detached runner: it may start, work and end at any moment of the look."""

from __future__ import annotations

import fcntl
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors, host_io, process
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import kind
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import jobfile, launch

RESULT = {"ok": True, "items": []}
BOOTED = kind.Kind(kind.BOOTED, ())


@pytest.fixture(name="target")
def fixture_target(tmp_path):
    return host_io.Target(lambda argv: (0, "", ""), str(tmp_path), root=str(tmp_path / "host"))


class Runner:
    """What a runner leaves in its folder."""

    def __init__(self, target):
        self.folder = jobfile.Folder(target.private_folder(launch.FOLDER, "run-1"))
        self.folder.write(jobfile.JOB, {})
        self.handle = None

    def starts(self):
        self.handle = os.open(os.path.join(self.folder.path, jobfile.ALIVE), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self.handle, fcntl.LOCK_EX)
        self.folder.status("resolving")

    def ends(self, result=None):
        if result is not None:
            self.folder.write(jobfile.RESULT, result)
        os.close(self.handle)


def after_each_look(monkeypatch, *events):
    """Have something happen right after each look whether the runner is alive."""
    looks, left = launch.alive, list(events)

    def look_and_go_on(target, run):
        found = looks(target, run)
        if left:
            left.pop(0)()
        return found

    monkeypatch.setattr(launch, "alive", look_and_go_on)


def test_a_runner_that_starts_right_after_the_look_has_not_ended(target, monkeypatch):
    runner = Runner(target)
    after_each_look(monkeypatch, runner.starts, lambda: runner.ends(RESULT))
    assert launch.wait(target, "run-1") == RESULT


def test_a_runner_that_ends_right_after_the_look_has_its_result_read(target, monkeypatch):
    runner = Runner(target)
    runner.starts()
    after_each_look(monkeypatch, lambda: runner.ends(RESULT))
    assert launch.wait(target, "run-1") == RESULT


def test_a_job_whose_unit_cannot_be_started_is_started_without_one(target, monkeypatch):
    calls, warned = [], []
    result = dict(RESULT, warnings=[["a.b", "/boot", "it was not written out", "Reboot cleanly"]])

    def systemd(argv):
        calls.append(argv[0])
        return 0, "inactive\n", ""

    class Process:
        def __init__(self, argv, **_how):
            folder = jobfile.Folder(argv[-1])
            folder.status("resolving")
            folder.write(jobfile.RESULT, result)

        def poll(self):
            return 0

    monkeypatch.setattr(launch.kind, "of_this_host", lambda: BOOTED)
    monkeypatch.setattr(process.subprocess, "Popen", Process)
    host = host_io.Target(systemd, target.tmpdir, root=target.root, warn=warned.append)
    job = jobfile.Job("run-1.0", [], [], [], None, False, 1.0, [])
    assert launch.carry_out(host, job) == result
    assert calls[0] == "systemd-run"
    assert warned == ["/boot: it was not written out. Reboot cleanly"]


@pytest.mark.parametrize("name", [kind.NO_SYSTEMD, kind.FOREIGN, kind.IMAGE_MODE, kind.UNKNOWN])
def test_no_unit_is_started_where_process_1_is_not_the_systemd_of_this_root(target, monkeypatch, name):
    def never(argv):
        raise AssertionError(argv)

    monkeypatch.setattr(launch.kind, "of_this_host", lambda: kind.Kind(name, ("seen",), ("/run",)))
    monkeypatch.setattr(process.subprocess, "Popen", never)
    host = host_io.Target(never, target.tmpdir, root=target.root)
    with pytest.raises(errors.Refused):
        launch.carry_out(host, jobfile.Job("run-1.0", [], [], [], None, False, 1.0, []))
    assert not os.path.exists(target.state_dir)


def test_a_transaction_that_gave_no_result_has_one_of_the_next_run(target):
    runner = Runner(target)
    runner.starts()
    runner.ends()
    with pytest.raises(errors.Failed) as failed:
        launch.wait(target, "run-1")
    assert [problem.code for problem in failed.value.problems] == ["transaction.no_result"]
    assert "ended without a result" in str(failed.value) and "resolving" in str(failed.value)
    again = Runner(target)
    again.starts()
    again.ends(RESULT)
    assert launch.wait(target, "run-1") == RESULT
