# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job of the detached runner, and the folder of its run: written by the runner, read by the module that waits."""

from __future__ import annotations

import json
import os
import time
import typing as t

from . import solver

JOB, STATUS, RESULT, ALIVE = "job.json", "status.json", "result.json", "alive"

# What this transaction brings, kept in its folder until it is through: one that was cut is made whole without a mirror.
CARRIED = "packages"
# Reasons of installation: in the run's folder those that dnf is going to note, beside saved packages those they had.
REASONS = "reasons.json"
# The lines of the transaction as it was solved here.
ITEMS = "items.json"
# The phase from which on the host's packages are no longer what they were.
RUNNING = "running"


class Job(t.NamedTuple):
    """One transaction: exact NEVRAs, the lines it must consist of (None: whatever the solver finds), repositories, and the
    lines of the version lock list that are ours.

    C(local) are package files on the host; with C(offline) nothing else is on offer. C(keep) are NEVRAs to fetch into the
    store C(keep_in) before anything changes; with C(keep_all), one that cannot be had is a reason to refuse. C(reasons) are
    the reasons of installation to have afterwards, by C(name.arch). With C(whole), rpm alone installs C(local) and takes
    C(erase) away; C(began) is when the transaction began that is made whole.
    """

    run: str
    specs: list[solver.RepoSpec]
    install: list[str]
    erase: list[str]
    expected: list[solver.Item] | None
    weak_deps: bool
    lock_timeout: float
    own_locks: list[str]
    local: list[str] = []
    offline: bool = False
    keep: list[str] = []
    keep_in: str = ""
    keep_all: bool = False
    reasons: dict[str, str] = {}
    whole: bool = False
    began: float = 0.0


class Folder:
    """The run's folder: written by the runner, read by the module that waits."""

    def __init__(self, path: str) -> None:
        self.path = path
        # Whether rpm has begun with a package.
        self.touched = False

    def write(self, name: str, content: t.Any) -> None:
        """Put a JSON file in place whole."""
        beside = os.path.join(self.path, f".{name}")
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
            json.dump(content, handle)
            handle.flush()
            os.fsync(handle.fileno())
        os.rename(beside, os.path.join(self.path, name))

    def read(self, name: str) -> t.Any:
        """Return a JSON file, or None when it is not there."""
        try:
            with open(os.path.join(self.path, name), encoding="utf-8") as handle:
                return json.load(handle)
        except FileNotFoundError:
            return None

    @property
    def began(self) -> float:
        """When its job was written."""
        return os.stat(os.path.join(self.path, JOB)).st_mtime

    def status(self, phase: str, **more: t.Any) -> None:
        """Say where the job is."""
        self.write(STATUS, dict(more, phase=phase, time=time.time()))


def to_json(job: Job) -> dict[str, t.Any]:
    """Return a job as JSON carries it."""
    return job._asdict()


def from_json(content: dict[str, t.Any]) -> Job:
    """Return a job out of its JSON."""
    return Job(**dict(
        content,
        specs=[solver.RepoSpec(*spec) for spec in content["specs"]],
        expected=content["expected"] and [solver.Item(*item) for item in content["expected"]],
    ))
