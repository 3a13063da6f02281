# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job of the detached runner, and the folder of its run: written by the runner, read by the module that waits."""

from __future__ import annotations

import contextlib
import json
import os
import time
import typing as t

from ..core.host_io import sync_folder
from . import solver

JOB, STATUS, RESULT, ALIVE = "job.json", "status.json", "result.json", "alive"

# What this transaction brings, kept in its folder until it has its end mark: one that was cut is completed without a mirror.
CARRIED = "packages"
# Reasons of installation: in the run's folder those that dnf is going to note, beside saved packages those they had.
REASONS = "reasons.json"
# Beside saved packages, which of their files were not installed.
SKIPPED = "skipped.json"
# The transaction as it was solved here: its lines, when each installed package was installed, and how rpm was to install.
PLAN = "plan.json"
# The end mark: all that the transaction changed is on the disk. It says whether the transaction was done, or reverted.
MARK = "end.json"
# The phase from which on the host's packages are no longer what they were.
RUNNING = "running"
# The files for which space is reserved before anything changes, and how much of it.
RESERVED = {RESULT: 64 * 1024, MARK: 4096}


class Job(t.NamedTuple):
    """One transaction: exact NEVRAs, the lines it must consist of (None: whatever the solver finds), repositories, and the
    lines of the version lock list that are ours.

    C(local) are package files on the host; with C(offline) nothing else is on offer. C(keep) are NEVRAs to fetch into the
    store C(keep_in) before anything changes; with C(keep_all), one that cannot be had is a reason to refuse. C(reasons) are
    the reasons of installation to have afterwards, by C(name.arch). C(as_saved) is a folder that says which files of the
    packages were not installed before, and are not now. With C(completes), the name of another job, rpm alone installs C(local)
    and takes C(erase) away: the transaction of that job is completed, or with C(reverts) reverted.
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
    as_saved: str = ""
    completes: str = ""
    reverts: bool = False


class Folder:
    """The run's folder: written by the runner, read by the module that waits."""

    def __init__(self, path: str) -> None:
        self.path = path
        # Whether rpm has begun with a package.
        self.touched = False

    def reserve(self) -> None:
        """Take the space that the result and the end mark need, so that a full disk cannot stop them from being recorded."""
        for name, size in RESERVED.items():
            handle = os.open(self._beside(name), os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(handle, 0, size)
                os.fsync(handle)
            finally:
                os.close(handle)
        sync_folder(self.path)

    def write(self, name: str, content: t.Any) -> None:
        """Put a JSON file in place whole, in the space that was reserved for it where that was done."""
        text = json.dumps(content).encode("utf-8")
        handle = os.open(self._beside(name), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            written = 0
            while written < len(text):
                written += os.pwrite(handle, text[written:], written)
            os.ftruncate(handle, len(text))
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(self._beside(name), os.path.join(self.path, name))

    def _beside(self, name: str) -> str:
        return os.path.join(self.path, f".{name}")

    def read(self, name: str) -> t.Any:
        """Return a JSON file, or None when it is not there."""
        try:
            with open(os.path.join(self.path, name), encoding="utf-8") as handle:
                return json.load(handle)
        except FileNotFoundError:
            return None

    @property
    def began(self) -> float | None:
        """When its job was written, None where none is there."""
        try:
            return os.stat(os.path.join(self.path, JOB)).st_mtime
        except FileNotFoundError:
            return None

    def status(self, phase: str, **more: t.Any) -> None:
        """Say where the job is. Progress that cannot be written, as on a full disk, is not told."""
        with contextlib.suppress(OSError):
            self._status(phase, **more)

    def runs(self, total: int) -> None:
        """Record that the packages are about to change. Raises OSError where that cannot be recorded."""
        self._status(RUNNING, done=0, total=total, package="")

    def _status(self, phase: str, **more: t.Any) -> None:
        self.write(STATUS, dict(more, phase=phase, time=time.time()))

    def mark(self, done: bool) -> None:
        """Write the end mark, on the disk when this returns. C(done) is false for a transaction that was reverted."""
        self.write(MARK, {"done": done})
        sync_folder(self.path)


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
