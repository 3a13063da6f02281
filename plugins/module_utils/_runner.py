# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The detached side of a package transaction: runs in a unit of its own and outlives the connection.

It is copied into the run's folder with the few files it imports and started as C(python3 FOLDER). It reads
C(job.json), keeps C(status.json) current and ends by writing C(result.json). Only dnf, rpm and the standard
library are used.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
import traceback
import typing as t

from . import _dnf
from ._errors import Problem, Refused
from ._locks import patiently, wait_for_rpm
from ._signatures import check_packages

try:
    import dnf.callback
    import dnf.exceptions
    Progress = dnf.callback.TransactionProgress
except ImportError:  # need_bindings() in _python.py says so before anything here is used
    Progress = object

JOB, STATUS, RESULT, ALIVE = "job.json", "status.json", "result.json", "alive"

# What every run folder holds of the collection; the names are those of this file's imports.
MODULES = ("_errors", "_locks", "_locklist", "_dnf", "_signatures", "_runner")

# The share of free space that a download leaves alone.
SPACE_KEPT = 16 * 1024 * 1024


class Job(t.NamedTuple):
    """One transaction: exact NEVRAs, the lines it must consist of (None: whatever the solver finds), repositories, and the
    lines of the version lock list that are ours."""

    run: str
    specs: list[_dnf.RepoSpec]
    install: list[str]
    erase: list[str]
    expected: list[_dnf.Item] | None
    weak_deps: bool
    lock_timeout: float
    own_locks: list[str]


class Folder:
    """The run's folder: written by the runner, read by the module that waits."""

    def __init__(self, path: str) -> None:
        self.path = path

    def write(self, name: str, content: t.Any) -> None:
        """Put a JSON file in place whole."""
        beside = os.path.join(self.path, f".{name}")
        with open(beside, "w", encoding="utf-8") as handle:
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
        specs=[_dnf.RepoSpec(*spec) for spec in content["specs"]],
        expected=content["expected"] and [_dnf.Item(*item) for item in content["expected"]],
    ))


class Display(Progress):
    """Keeps what rpm and the scriptlets say, and the step the transaction is at."""

    def __init__(self, folder: Folder) -> None:
        super().__init__()
        self.folder = folder
        self.output: list[str] = []
        self._last = (0, "")

    def progress(self, package, action, ti_done, ti_total, ts_done, ts_total):
        now = (ts_done, str(package))
        if now != self._last:
            self._last = now
            self.folder.status("running", done=ts_done, total=ts_total, package=str(package))

    def scriptout(self, msgs):
        self.output.extend(line for line in str(msgs or "").splitlines() if line.strip())

    def error(self, message):
        self.output.append(str(message))


def run(folder: Folder, job: Job) -> dict[str, t.Any]:
    """Carry out a job and return its result. Refused means that nothing was changed."""
    def waiting(holder: str) -> None:
        folder.status("waiting", holder=holder)

    settings = _dnf.Settings(None, False, job.weak_deps, job.own_locks)
    folder.status("resolving")
    base = patiently(job.lock_timeout, lambda: _dnf.open_base(job.specs, folder.path, settings), waiting)
    try:
        items = _dnf.solve(
            base,
            [_dnf.exact(base, nevra) for nevra in job.install],
            [_dnf.exact(base, nevra, installed=True) for nevra in job.erase],
        )
        _refuse_drift(job.expected, items)
        packages = list(base.transaction.install_set)
        _refuse_full_disk(base.conf.cachedir, packages)
        folder.status("downloading", total=len(packages))
        _download(base, packages, waiting, job.lock_timeout)
        folder.status("checking", total=len(packages))
        _check(base, packages, job.specs, folder.path)
        wait_for_rpm(job.lock_timeout, waiting)
        display = Display(folder)
        base.args = ["centos.hyperscale", job.run]
        folder.status("running", done=0, total=len(packages), package="")
        history = patiently(job.lock_timeout, lambda: base.do_transaction(display), waiting)
        return {"ok": True, "items": items, "output": display.output, "history": history}
    finally:
        _dnf.close(base)


def _refuse_drift(expected: t.Sequence[_dnf.Item] | None, found: t.Sequence[_dnf.Item]) -> None:
    if expected is None:
        return
    planned = {(item.action, item.nevra) for item in expected}
    now = {(item.action, item.nevra) for item in found}
    if planned != now:
        differs = sorted(f"{action} {nevra}" for action, nevra in planned ^ now)
        raise Refused(Problem(
            "the transaction is no longer the one that was planned", "the difference: " + ", ".join(differs),
            "A repository or the host changed in between: run again",
        ))


def _refuse_full_disk(cachedir: str, packages: t.Sequence[t.Any]) -> None:
    needed = sum(package.downloadsize for package in packages if not os.path.exists(package.localPkg()))
    os.makedirs(cachedir, exist_ok=True)
    free = shutil.disk_usage(cachedir).free
    if needed and needed + SPACE_KEPT > free:
        raise Refused(Problem(
            f"{free // 1024} KiB are free below {cachedir}",
            f"the packages to download take {needed // 1024} KiB and {SPACE_KEPT // 1024} KiB are to stay free",
            "Make room, for example with 'dnf clean packages'",
        ))


def _download(base, packages: t.Sequence[t.Any], waiting: t.Callable[[str], None], limit: float) -> None:
    try:
        patiently(limit, lambda: base.download_packages(packages), waiting)
    except (dnf.exceptions.DownloadError, dnf.exceptions.Error, OSError) as error:
        if isinstance(error, dnf.exceptions.LockError):
            raise
        raise Refused(Problem(
            "a package cannot be downloaded", " ".join(str(error).split()),
            "Nothing was installed. Mend the mirror or the host's disk and run again",
        )) from error


def _check(base, packages: t.Sequence[t.Any], specs: t.Sequence[_dnf.RepoSpec], workdir: str) -> None:
    """Check every downloaded package with the keys of its own repository, as its gpgcheck asks."""
    pinned = {spec.id: spec.keys for spec in specs}
    for repo_id in sorted({package.reponame for package in packages}):
        if not base.repos[repo_id].gpgcheck:
            continue
        paths = {package.localPkg(): str(package) for package in packages if package.reponame == repo_id}
        check_packages(paths, pinned.get(repo_id) or _dnf.keys_of(base, repo_id), repo_id, workdir)


def main(path: str) -> int:
    """Carry out the job of a run folder; the result is always written, whatever happens."""
    # A transaction is not to be cut by a shutdown that has begun: the unit gives it the time it needs.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    folder = Folder(path)
    alive = os.open(os.path.join(path, ALIVE), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(alive, fcntl.LOCK_EX)
    job = from_json(folder.read(JOB))
    started = time.time()
    try:
        result = run(folder, job)
    except Refused as refusal:
        result = {"ok": False, "refused": True, "problems": refusal.problems}
    except Exception as error:  # the waiting side must hear of anything that went wrong, in full
        result = {"ok": False, "refused": False, "problems": [
            Problem("the transaction failed", " ".join(str(error).split()) or repr(error),
                    f"The whole story is in {path} on the host")], "traceback": traceback.format_exc()}
    folder.write(RESULT, dict(result, started=started, ended=time.time()))
    folder.status("done")
    return 0 if result["ok"] else 1
