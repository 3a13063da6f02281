# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a detached runner: it may start, work and end at any moment of the look."""

from __future__ import annotations

import fcntl
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils import _detached, _errors, _runner, _target

RESULT = {"ok": True, "items": []}


@pytest.fixture(name="target")
def fixture_target(tmp_path):
    return _target.Target(lambda argv: (0, "", ""), str(tmp_path), root=str(tmp_path / "host"))


class Runner:
    """What a runner leaves in its folder."""

    def __init__(self, target):
        self.folder = _runner.Folder(target.private_folder(_detached.FOLDER, "run-1"))
        self.folder.write(_runner.JOB, {})
        self.handle = None

    def starts(self):
        self.handle = os.open(os.path.join(self.folder.path, _runner.ALIVE), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self.handle, fcntl.LOCK_EX)
        self.folder.status("resolving")

    def ends(self, result=None):
        if result is not None:
            self.folder.write(_runner.RESULT, result)
        os.close(self.handle)


def after_each_look(monkeypatch, *events):
    """Have something happen right after each look whether the runner is alive."""
    looks, left = _detached.alive, list(events)

    def look_and_go_on(target, run):
        found = looks(target, run)
        if left:
            left.pop(0)()
        return found

    monkeypatch.setattr(_detached, "alive", look_and_go_on)


def test_a_runner_that_starts_right_after_the_look_has_not_ended(target, monkeypatch):
    runner = Runner(target)
    after_each_look(monkeypatch, runner.starts, lambda: runner.ends(RESULT))
    assert _detached.wait(target, "run-1") == RESULT


def test_a_runner_that_ends_right_after_the_look_has_its_result_read(target, monkeypatch):
    runner = Runner(target)
    runner.starts()
    after_each_look(monkeypatch, lambda: runner.ends(RESULT))
    assert _detached.wait(target, "run-1") == RESULT


def test_a_runner_that_died_is_told_with_its_last_word(target):
    runner = Runner(target)
    runner.starts()
    runner.ends()
    with pytest.raises(_errors.Failed) as failed:
        _detached.wait(target, "run-1")
    assert "ended without a result" in str(failed.value) and "resolving" in str(failed.value)


def test_a_job_whose_unit_cannot_be_started_is_started_without_one(target, monkeypatch):
    calls = []

    def systemd(argv):
        calls.append(argv[0])
        return 0, "inactive\n", ""

    class Process:
        def __init__(self, argv, **_how):
            folder = _runner.Folder(argv[-1])
            folder.status("resolving")
            folder.write(_runner.RESULT, RESULT)

        def poll(self):
            return 0

    monkeypatch.setattr(_detached.os.path, "isdir", lambda _path: True)
    monkeypatch.setattr(_detached.subprocess, "Popen", Process)
    host = _target.Target(systemd, target.tmpdir, root=target.root)
    job = _runner.Job("run-1.0", [], [], [], None, False, 1.0, [])
    assert _detached.carry_out(host, job) == RESULT
    assert calls[0] == "systemd-run"
