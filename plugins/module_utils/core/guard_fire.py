# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guard does when it acts: it puts the old state back, reads it again, and tries until it is proven. Detached.

It ends in one of three ways: the old state is proven, somebody else changed the state, or it was confirmed meanwhile. Between two
attempts it waits, longer each time. An attempt that failed is in the record, and a restart of the host goes on from there.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import typing as t

from . import guard, guard_units, lock, modes, process
from .errors import Failed, Refused
from .guard import Kind, Record
from .host_io import Target
from .secrets import masked

# What every guard needs; a kind adds its own modules.
MODULES = (
    "core.errors", "core.modes", "core.host_io", "core.process", "core.payload", "core.code_tree", "core.identity", "core.lock",
    "core.guard", "core.guard_units", "core.guard_fire", "core.secrets", "text.masking", "text.mountinfo")
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
BUSY_PAUSE = 10.0
COMMAND_SECONDS = 120.0
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
# Where transactions have their folders, and what each of them holds locked while it works.
RUNS, ALIVE = "runs", "alive"


class Busy(Exception):
    """A run of the collection works on this host; the text says which."""


def pause(tries: int) -> float:
    """Return how long to wait after so many attempts: 5 seconds, then twice as long each time, 300 at most."""
    return min(FIRST_PAUSE * 2.0 ** min(tries - 1, 10), LONGEST_PAUSE)


def detached(folder: str) -> tuple[Target, str]:
    """Return the door to the host for code that runs without Ansible, and the name of the guard whose folder this is."""
    def run(argv: t.Sequence[str]) -> tuple[int, str, str]:
        status, out = process.run(argv, ENVIRONMENT, COMMAND_SECONDS)
        return status, out, ""

    above, ident = os.path.split(folder)
    return Target(run, "/var/tmp", state_dir=os.path.dirname(above), warn=print), ident


def main(kind: Kind, verb: str, folder: str) -> int:
    """Act as one of the units of a guard, C(fire) or C(early), or C(after) a transaction in the unit of that."""
    os.umask(modes.UMASK)
    target, ident = detached(folder)
    if verb == "early":
        early(target, ident, kind)
    elif verb == "after":
        after_transaction(target, ident, kind)
    else:
        fire(target, ident, kind)
    return 0


def early(target: Target, ident: str, kind: Kind) -> None:
    """Act at boot before others begin. Whether the old state is there is found out by C(fire), which comes later."""
    record = guard.read(target, ident)
    boot = guard.boot_of(target)
    if record is None or record.state != guard.ARMED or not guard.is_due(record, boot, time.monotonic()):
        return
    with guard.alone(target, ident):
        try:
            if not kind.changed_by_others(target, record, boot):
                kind.put_back_early(target, record)
        except Exception as error:  # the units that are to come after this one must not wait for it
            _failed(target, record, boot, f"before others began: {_words(error)}", time.monotonic())


def after_transaction(target: Target, ident: str, kind: Kind) -> None:
    """Have a guard do what its kind does in the unit of a transaction. The run that began it may have died."""
    with guard.alone(target, ident):
        record = guard.read(target, ident)
        if record is not None and record.state == guard.ARMED:
            kind.after_transaction(target, record)


def ask_watching(state_dir: str) -> list[str]:
    """Have the guards look that watch transactions, and return in words what failed. Called by the runner of a transaction."""
    failed = []
    for record in guard.below(state_dir):
        if record.watches and record.state == guard.ARMED:
            folder = os.path.join(state_dir, guard.FOLDER, record.id)
            argv = [sys.executable, "-B", "-I", os.path.join(folder, guard.CODE), "after", folder]
            status, out = process.run(argv, ENVIRONMENT, COMMAND_SECONDS)
            if status != 0:
                failed.append(f"the guard of {record.subject} ended with status {status}: {(out.split(chr(10)) or [''])[-1]}")
    return failed


def fire(target: Target, ident: str, kind: Kind, clock: t.Any = time) -> None:
    """Act until the guard has ended; one whose time has not come ends at once and is started again."""
    record = guard.read(target, ident)
    if record is not None and record.state == guard.ARMED and not guard.is_due(
            record, guard.boot_of(target), clock.monotonic()):
        # systemd may have forgotten the timer without a boot, as in a soft-reboot; of one that runs this changes nothing.
        guard_units.start_timer(target, ident)
        return
    tries = record.tries if record else 0
    while True:
        _seize(target, ident, kind)
        try:
            if attempt(target, ident, kind, clock=clock):
                return
        except Busy as busy:
            _say(f"waiting: {busy}")
            clock.sleep(BUSY_PAUSE)
            continue
        tries += 1
        clock.sleep(pause(tries))


def _seize(target: Target, ident: str, kind: Kind) -> None:
    """End what still works on the state, so that the guard alone does."""
    record = guard.read(target, ident)
    if record is not None and record.state == guard.ARMED:
        with contextlib.suppress(Failed, Refused, OSError):
            kind.seize(target, record)


def attempt(target: Target, ident: str, kind: Kind, why: str = "", clock: t.Any = time) -> bool:
    """Try once to put the old state back, and say whether the guard has ended. Raises Busy while a run is at work.

    C(why) is why it acts where that is not its time.
    """
    if not os.path.isdir(guard.folder_of(target, ident)):
        guard_units.remove(target, ident)
        return True
    with guard.alone(target, ident):
        record = guard.read(target, ident)
        if record is None or record.state != guard.ARMED:
            guard_units.remove(target, ident)
            return True
        with _host_of(target, kind, record):
            return _act(target, record, kind, why, clock)


def at_once(target: Target, ident: str, kind: Kind, why: str) -> Record | None:
    """Put the old state back before the time is up, by one attempt of this process and by the guard's unit after that.

    Unlike C(fire), it ends nothing that works on the state before: that is this very process. Returns the record.
    """
    if not attempt(target, ident, kind, why):
        guard_units.start(target, ident)
    return guard.read(target, ident)


@contextlib.contextmanager
def _host_of(target: Target, kind: Kind, record: Record) -> t.Iterator[None]:
    """Hold the host as a run does, for a kind that waits for runs. The run that armed the guard may be at work."""
    if not kind.waits:
        yield
        return
    works = _transaction_at_work(target)
    if works:
        raise Busy(works)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock.exclusive(target, f"the guard of {record.subject}", guards=True))
        except Refused as refusal:
            raise Busy(refusal.problems[0].reason) from refusal
        yield


def _transaction_at_work(target: Target) -> str:
    """Return which package transaction is at work, in words; empty when none is."""
    folder = os.path.join(target.state_dir, RUNS)
    with contextlib.suppress(FileNotFoundError):
        for job in sorted(os.listdir(folder)):
            if lock.is_flocked(os.path.join(folder, job, ALIVE)):
                return f"the package transaction of run {job} is at work"
    return ""


def _act(target: Target, record: Record, kind: Kind, why: str, clock: t.Any) -> bool:
    boot = guard.boot_of(target)
    why = why or record.why or guard.reason(record, boot)
    record = record._replace(why=why)
    try:
        others = kind.changed_by_others(target, record, boot)
        if others:
            _tell(guard.end(target, record, guard.OTHERS, f"{why}, but somebody else changed it since: {others}"))
            return True
        done = kind.put_back(target, record)
        why = f"{why}; {done}" if done else why
        missing, told = kind.open_ends(target, record)
    except Exception as error:  # whatever a tool or a library raises: the old state is not proven, and it is tried again
        missing, told = [_words(error)], []
    if missing:
        _failed(target, record, boot, "; ".join(missing), clock.monotonic())
        return False
    _tell(guard.end(target, record._replace(tries=record.tries + 1), guard.BACK, why, told))
    return True


def _failed(target: Target, record: Record, boot: str, words: str, now: float) -> None:
    """Note an attempt that failed. One that cannot be noted, as on a full disk, is tried again all the same."""
    attempts = [*record.attempts, {"boot": boot, "monotonic": now, "failed": words}]
    kept = attempts[:guard.FIRST_ATTEMPTS] + attempts[guard.FIRST_ATTEMPTS:][-guard.LAST_ATTEMPTS:]
    record = record._replace(
        attempts=kept, tries=record.tries + 1, why=record.why or guard.reason(record, boot), told=False)
    with contextlib.suppress(OSError):
        guard.save(target, record)
    _tell(record)


def _say(words: str) -> None:
    """Write a line for the journal of systemd."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _tell(record: Record) -> None:
    """Tell the journal of systemd."""
    _say(masked(record.words))


def _words(error: Exception) -> str:
    problems = getattr(error, "problems", ())
    if problems:
        return "; ".join(f"{one.fact}: {one.reason}" for one in problems)
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
