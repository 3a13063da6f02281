# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the detached runner, wait for its result, and find it again after a lost connection.

The runner is a transient unit, so that neither a closed ssh session nor the restart of sshd in the middle of the swap ends it.
It is started only where process 1 is the systemd of this very root: any other would run it elsewhere.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
import typing as t

from ..core import code_tree, foreign, lock, process
from ..core.errors import Failed, Problem, Refused, from_record
from ..core.host_io import Target
from ..facts import kind
from . import jobfile, worker

FOLDER = "runs"
PACKAGE = "hyperscale_runner"
POLL_SECONDS = 0.2
# How long a unit may take from systemd-run to the runner's first word.
START_SECONDS = 60.0


class Ending(t.NamedTuple):
    """What a runner left: its result, or None when it died, and its last word, or None when it never spoke."""

    result: dict[str, t.Any] | None
    status: dict[str, t.Any] | None


NEVER_SPOKE = Ending(None, None)


def unit_name(run: str) -> str:
    """Return the name of a run's transient unit."""
    return f"centos-hyperscale-{run}.service"


def carry_out(target: Target, job: jobfile.Job) -> dict[str, t.Any]:
    """Start a job in its own unit, wait for it, and return its result."""
    problem = kind.of_this_host().refusal
    if problem is not None:
        raise Refused(problem)
    folder, code = _prepared(target, job)
    argv = [sys.executable, "-B", "-I", code, folder.path]
    status, _out = target.probe([
        "systemd-run", "--quiet", "--collect", f"--unit={unit_name(job.run)}",
        "--description=Package transaction of centos.hyperscale", "--property=TimeoutStopSec=30min",
        # At a shutdown systemd signals the runner alone, which holds that back. Scriptlets get no signal.
        "--property=KillMode=mixed", "--property=SendSIGKILL=no",
        *(f"--property={one}" for one in process.HARD_TO_KILL), "--setenv=LC_ALL=C.UTF-8",
        "--", *argv,
    ])
    if status == 0 and ended(target, job.run) != NEVER_SPOKE:
        return tell(target, wait(target, job.run))
    # A PID 1 that was replaced on disk and does not run the new build yet may have lost the libraries it starts units with, and
    # systemd-run its own.
    ended(target, job.run, process.start(argv))
    return tell(target, wait(target, job.run))


def _prepared(target: Target, job: jobfile.Job) -> tuple[jobfile.Folder, str]:
    """Write what a runner needs, with the space for what it must record at its end; return its folder and that of its code."""
    try:
        folder = jobfile.Folder(target.private_folder(FOLDER, job.run))
        if job.completes:
            jobfile.Folder(target.private_folder(FOLDER, job.completes)).reserve()
        folder.reserve()
        code = code_tree.install(folder.path, PACKAGE, "packages.worker", worker.MODULES)
        folder.write(jobfile.JOB, jobfile.to_json(job))
    except OSError as error:
        raise foreign.refused(
            error, f"a package transaction cannot be prepared below {os.path.join(target.state_dir, FOLDER)}") from error
    return folder, code


def wait(target: Target, run: str) -> dict[str, t.Any]:
    """Wait for the runner of a run, started now or by an earlier module, and return its result."""
    ending = ended(target, run)
    if ending.result is None:
        raise Failed(Problem(
            "transaction.no_result",
            f"the transaction of run {run} ended without a result", f"its last status was {ending.status or 'none'}",
            f"Look at 'journalctl -u {unit_name(run)}' on the host, then run again: the next run completes the transaction",
            subject=run,
        ))
    return ending.result


def ended(target: Target, run: str, may_start: t.Callable[[], bool] | None = None) -> Ending:
    """Wait until the runner of a run is no more, and return what it left. C(may_start) says whether one that has not said a
    word may still do so; without it systemd is asked."""
    folder = folder_of(target, run)
    may_start = may_start or (lambda: _may_start(target, run))
    start_deadline = time.monotonic() + START_SECONDS
    while True:
        # Its word is read before the look and its result after: neither a start nor an end in between is missed.
        status = folder.read(jobfile.STATUS)
        works = alive(target, run)
        result = folder.read(jobfile.RESULT)
        if result is not None:
            return Ending(result, status)
        if not works and (status is not None or time.monotonic() > start_deadline or not may_start()):
            return Ending(folder.read(jobfile.RESULT), folder.read(jobfile.STATUS))
        time.sleep(POLL_SECONDS)


def folder_of(target: Target, run: str) -> jobfile.Folder:
    """Return the folder of a run's transaction."""
    return jobfile.Folder(os.path.join(target.state_dir, FOLDER, run))


def clear(target: Target, run: str) -> None:
    """Take away what a runner left, so that a job of its name can be begun anew."""
    shutil.rmtree(folder_of(target, run).path, ignore_errors=True)


def _may_start(target: Target, run: str) -> bool:
    """Say whether a runner that has not said a word may still do so: systemd knows its unit, or cannot be asked."""
    if folder_of(target, run).read(jobfile.JOB) is None:
        return False
    _status, out = target.probe(["systemctl", "is-active", unit_name(run)])
    return out.strip() not in ("inactive", "failed", "unknown")


def alive(target: Target, run: str) -> bool:
    """Say whether the runner of a run still works: it holds a lock that the kernel takes back when it dies.

    systemd is not asked, because it does not answer while it re-executes in the middle of the very transaction.
    """
    return lock.is_flocked(os.path.join(target.state_dir, FOLDER, run, jobfile.ALIVE))


def tell(target: Target, result: dict[str, t.Any]) -> dict[str, t.Any]:
    """Tell what a result warns of, whatever else becomes of the run, and return the result."""
    for warning in result.get("warnings", ()):
        target.warn(str(from_record(warning)))
    return result


def raise_for(result: dict[str, t.Any]) -> None:
    """Raise what a result says went wrong: Refused when nothing was changed, else Failed."""
    if result["ok"]:
        return
    problems = [from_record(problem) for problem in result["problems"]]
    raise Refused(*problems) if result["refused"] else Failed(problems[0])
