# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: what each run meant to do and did, one JSON line a step, synced before and after it happens.

One file a run below C(journal/) of the state directory, named by the run's id, which sorts by time. From the
journal follow resume (the step that began and did not end), undo (last to first) and what the collection itself
put on the host (the ledger).
"""

from __future__ import annotations

import calendar
import errno
import json
import os
import secrets
import time
import typing as t

from .errors import Failed, Problem
from .host_io import Target, names_in, sync_folder

FOLDER = "journal"
STAMP = "%Y%m%dT%H%M%SZ"

# A step's life: began, then done or failed. A step that takes another back names it under "undoes".
BEGAN, DONE, FAILED = "began", "done", "failed"
# Of a step that its run never came to.
OWED = "owed"
RUN_BEGAN, RUN_ENDED = "run-began", "run-ended"


class Step(t.NamedTuple):
    """One action of one run, with the last that is known of it."""

    run: str
    number: int
    status: str
    action: dict[str, t.Any]


class Interrupted(t.NamedTuple):
    """A run that neither ended nor failed by itself, and the step it was at (None: between two steps)."""

    run: str
    step: Step | None


def new_run_id(target: Target | None = None) -> str:
    """Return an id that cannot be guessed and sorts by time, after all runs of a host, be its clock set back since."""
    now = time.strftime(STAMP, time.gmtime())
    last = max((run.partition("-")[0] for run in runs(target)), default="") if target else ""
    if last >= now:
        now = time.strftime(STAMP, time.gmtime(calendar.timegm(time.strptime(last, STAMP)) + 1))
    return f"{now}-{secrets.token_hex(4)}"


def job_name(run: str, number: int) -> str:
    """Return the name of what a step keeps on disk beside the journal."""
    return f"{run}.{number}"


def run_of(job: str) -> str:
    """Return the run whose step a job is."""
    return job.partition(".")[0]


class Journal:
    """Appends the steps of one run."""

    def __init__(self, target: Target, run: str) -> None:
        self.run = run
        folder = target.private_folder(FOLDER)
        self._path = os.path.join(folder, run + ".jsonl")
        created = not os.path.exists(self._path)
        self._handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        if created:
            sync_folder(folder)
        # What a power cut left half-written would hide the lines after it.
        os.ftruncate(self._handle, _whole_lines(self._handle))

    def write(self, event: str, number: int | None = None, **more: t.Any) -> None:
        """Append one line and sync it to disk."""
        line = {"time": time.time(), "event": event, "number": number}
        line.update(more)
        text = (json.dumps(line, sort_keys=True) + "\n").encode("utf-8")
        end = os.fstat(self._handle).st_size
        try:
            if os.write(self._handle, text) < len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._handle)
        except OSError as error:
            os.ftruncate(self._handle, end)
            raise Failed(Problem(
                f"the journal {self._path} cannot be written", error.strerror or repr(error),
                "Make room there and run again: the next run goes on from here")) from error

    def close(self) -> None:
        """Close the file; the lines are on disk already."""
        os.close(self._handle)


def _whole_lines(handle: int) -> int:
    """Return how many bytes of a journal are whole lines."""
    text = os.pread(handle, os.fstat(handle).st_size, 0)
    return text.rfind(b"\n") + 1


def _lines(path: str) -> t.Iterator[dict[str, t.Any]]:
    """Yield a journal's lines; a last line that a power cut left half-written ends it."""
    with open(path, encoding="utf-8") as handle:
        for text in handle:
            try:
                yield json.loads(text)
            except ValueError:
                return


def runs(target: Target) -> list[str]:
    """Return the ids of all runs on this host, oldest first."""
    folder = os.path.join(target.state_dir, FOLDER)
    return sorted(name[: -len(".jsonl")] for name in names_in(folder) if name.endswith(".jsonl"))


def steps(target: Target, run: str) -> tuple[list[Step], bool]:
    """Return a run's steps in order, and whether the run came to an end of its own."""
    found: dict[int, Step] = {}
    ended = False
    for line in _lines(os.path.join(target.state_dir, FOLDER, run + ".jsonl")):
        if line["event"] == RUN_ENDED:
            ended = True
        elif line["event"] == BEGAN:
            found[line["number"]] = Step(run, line["number"], BEGAN, line["action"])
        elif line["event"] in (DONE, FAILED):
            found[line["number"]] = found[line["number"]]._replace(status=line["event"])
    return [found[number] for number in sorted(found)], ended


def span(target: Target, run: str) -> tuple[float, float]:
    """Return when a run began and when it last wrote, in seconds since the epoch."""
    times = [line["time"] for line in _lines(os.path.join(target.state_dir, FOLDER, run + ".jsonl"))]
    return (times[0], times[-1]) if times else (0.0, 0.0)


def interrupted(target: Target) -> Interrupted | None:
    """Return the newest run if it was cut short, with the step that had begun."""
    known = runs(target)
    if not known:
        return None
    taken, ended = steps(target, known[-1])
    if ended:
        return None
    open_steps = [step for step in taken if step.status == BEGAN]
    return Interrupted(known[-1], open_steps[-1] if open_steps else None)


def owed(target: Target) -> list[Step]:
    """Return the steps that make running things follow the disk, which runs whose work stands never came to."""
    found = []
    standing_runs = {step.run for step in standing(target)}
    taken_back = _taken_back(target)
    for run in (run for run in runs(target) if run in standing_runs):
        begun = {step.number for step in steps(target, run)[0] if step.status == DONE}
        for line in _lines(os.path.join(target.state_dir, FOLDER, run + ".jsonl")):
            found += [
                Step(run, number, OWED, record) for number, record in line.get("follows", ())
                if number not in begun and (run, number) not in taken_back]
    return found


def _taken_back(target: Target) -> set[tuple[str, int]]:
    done = [step for run in runs(target) for step in steps(target, run)[0] if step.status == DONE]
    return {tuple(step.action["undoes"]) for step in done if step.action.get("undoes")}


def standing(target: Target) -> list[Step]:
    """Return the ledger: every step of every run that was done and not taken back, oldest first."""
    done = [step for run in runs(target) for step in steps(target, run)[0] if step.status == DONE]
    taken_back = _taken_back(target)
    return [
        step for step in done
        if not step.action.get("undoes") and (step.run, step.number) not in taken_back
    ]
