# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards: what the host puts back by itself when nobody confirms a risky step in time.

A guard is a record below C(guards/) of the state directory, with all that its inverse needs, and units of systemd that outlive a
restart of the host (C(guard_units)). Record and units are on the disk before the risky step. C(guard_fire) is what acts; a guard
needs neither the ledger nor the controller for that. Time is that of the monotonic clock and of the boot: a wall clock that is
set does not matter. The kinds of guards are in the sections.

Detached code holds a copy of this module.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
import typing as t

from . import code_tree, guard_units, identity
from .errors import Failed, Problem
from .host_io import Target, names_in, sync_folder

FOLDER, RECORD, CODE, LOCK = "guards", "record.json", "code.zip", "lock"
PACKAGE = "hyperscale_guard"
# States of a guard: it waits or acts; it was confirmed; the old state is proven; somebody else changed the state.
ARMED, CONFIRMED, BACK, OTHERS = "armed", "confirmed", "back", "others"
ENDED = (CONFIRMED, BACK, OTHERS)
# Of the fields of proc_pid_stat(5) after the name, which one has the time at which a process was started.
FIRST_PROCESS, STARTED = "/proc/1/stat", 19
# Of attempts that failed, the first and the last ones are kept.
FIRST_ATTEMPTS, LAST_ATTEMPTS = 3, 17


class Record(t.NamedTuple):
    """A guard. C(step) is the step of the ledger that it guards, by its run and number. C(seconds) is the time that it waits from
    C(armed), a moment of the monotonic clock of C(boot); None is until the next boot. C(args) is all that its kind needs.

    C(tries) counts the attempts, C(attempts) has those that failed. C(why) says why it acted, or did not; C(left) what is not as
    it was. C(told): a run has told the operator.
    C(does): what it does, as a command.
    C(reverts): once the old state is back, the step is reverted. C(watches): the runner of a package transaction asks it, too.
    """

    id: str
    kind: str
    subject: str
    step: tuple[str, int]
    seconds: float | None
    armed: float
    boot: str
    args: dict[str, t.Any]
    state: str = ARMED
    tries: int = 0
    attempts: list[dict[str, t.Any]] = []
    why: str = ""
    left: list[str] = []
    told: bool = False
    reverts: bool = True
    watches: bool = False
    does: str = ""

    @property
    def words(self) -> str:
        """What it did, or did not, as an operator is told."""
        what = {
            BACK: f"The host had to {self.does}, and did so by itself: {self.why}",
            OTHERS: f"The host did not {self.does}, although nobody confirmed it: {self.why}",
            ARMED: f"The host has begun to {self.does} by itself, and tries until it has: {self.why}",
        }[self.state]
        tries = f" ({self.tries} attempts, the last that failed: {self.attempts[-1]['failed']})" if self.attempts else ""
        left = f". Not as it was: {'; '.join(self.left)}" if self.left else ""
        return what + tries + left


class Kind:
    """One kind of guard: what is its own of a host's state, and how that is put back. Whatever raises is tried again."""

    name = ""
    # What is guarded, and what the guard does with it, as a command.
    subject = ""
    does = "put {} back"
    # Whether it has something to do at boot before others begin, and what the unit for that comes before.
    early = ""
    # What the unit that acts comes after at boot.
    after = ""
    # Whether its step is reverted once the state of before is back.
    reverts = True
    # Whether the runner of a package transaction has it look as soon as the packages are there.
    watches = False
    # Whether it waits for runs of the collection to end, other than the one that armed it.
    waits = True

    def seize(self, target: Target, record: Record) -> None:
        """End what of this collection still works on the state."""

    def changed_by_others(self, target: Target, record: Record, boot: str) -> str:
        """Return in words how the state is neither the one that was made nor the one of before; empty where it is one of them."""
        raise NotImplementedError

    def put_back(self, target: Target, record: Record) -> str | None:
        """Bring the state of before about; it may be there in part, or as a whole. May return what is to be told of that."""
        raise NotImplementedError

    def open_ends(self, target: Target, record: Record) -> tuple[list[str], list[str]]:
        """Read again, and return in words what is not as before: what keeps it from being proven, and what is only told."""
        raise NotImplementedError

    def after_transaction(self, target: Target, record: Record) -> None:
        """Do what must be done within the unit of a transaction, whatever became of the run."""

    def put_back_early(self, target: Target, record: Record) -> None:
        """Do at boot what must be done before others begin. Nothing is waited for."""


def folder_of(target: Target, ident: str) -> str:
    """Return the folder of a guard."""
    return os.path.join(target.state_dir, FOLDER, ident)


@contextlib.contextmanager
def alone(target: Target, ident: str) -> t.Iterator[None]:
    """Hold a guard: what is done under it, confirming it and its action exclude each other."""
    handle = os.open(os.path.join(folder_of(target, ident), LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def read(target: Target, ident: str) -> Record | None:
    """Return a guard; None where it is not there or cannot be read."""
    return _read(os.path.join(folder_of(target, ident), RECORD))


def _read(path: str) -> Record | None:
    try:
        with open(path, encoding="utf-8") as handle:
            found = json.load(handle)
        return Record(**{**found, "step": tuple(found["step"])})
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError):
        return None


def save(target: Target, record: Record) -> None:
    """Write a guard, whole and on the disk when this returns."""
    path = os.path.join(folder_of(target, record.id), RECORD)
    handle = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(record._asdict(), out)
        out.flush()
        os.fsync(out.fileno())
    os.rename(f"{path}.new", path)
    sync_folder(os.path.dirname(path))


def every(target: Target) -> list[Record]:
    """Return all guards, oldest first; one whose record cannot be read is left out."""
    return below(target.state_dir)


def below(state_dir: str) -> list[Record]:
    """Return all guards below a state directory, oldest first; one whose record cannot be read is left out."""
    folder = os.path.join(state_dir, FOLDER)
    found = [_read(os.path.join(folder, name, RECORD)) for name in names_in(folder)]
    return sorted((one for one in found if one is not None), key=lambda one: (one.step[0], one.step[1], one.id))


def damaged(target: Target) -> list[str]:
    """Return the guards whose record is there and is not one: by such a record nothing is put back."""
    base = os.path.join(target.state_dir, FOLDER)
    there = (name for name in names_in(base) if os.path.lexists(os.path.join(base, name, RECORD)))
    return [name for name in there if read(target, name) is None]


def armed(target: Target, kind: str) -> Record | None:
    """Return the newest guard of a kind that waits or acts."""
    return next((one for one in reversed(every(target)) if one.kind == kind and one.state == ARMED), None)


def last(target: Target, kind: str) -> Record | None:
    """Return the newest guard of a kind."""
    return next((one for one in reversed(every(target)) if one.kind == kind), None)


def boot_of(target: Target) -> str:
    """Return what is another in each boot: the kernel's id, and when process 1 was started. A container that is started anew has
    the same kernel; a systemd that re-executes itself is the same process."""
    stat = target.read(FIRST_PROCESS)
    fields = stat.content.rpartition(")")[2].split() if stat else []
    return " ".join([identity.boot_id(target), *fields[STARTED:STARTED + 1]])


def is_due(record: Record, boot: str, now: float) -> bool:
    """Say whether a guard is to act. The time of another boot is over: whoever was to confirm it did not. One without a time is
    started by a boot alone."""
    if record.tries or record.boot != boot or record.seconds is None:
        return True
    return now >= record.armed + record.seconds


def reason(record: Record, boot: str) -> str:
    """Return why a guard acts."""
    if record.boot != boot or record.seconds is None:
        return "the host was started anew before anybody confirmed it"
    return f"nobody confirmed it within {record.seconds:g} seconds"


def arm(
    target: Target, kind: Kind, step: tuple[str, int], args: dict[str, t.Any], seconds: float | None, entry: str,
    modules: t.Sequence[str],
) -> Record:
    """Have the host put a state back unless this is confirmed. C(entry) is the module of C(modules) whose C(main) acts.

    Raises Failed where it cannot be armed; then nothing is left of it.
    """
    ident = f"{kind.name}-{step[0]}.{step[1]}"
    record = Record(
        ident, kind.name, kind.subject, step, seconds, time.monotonic(), boot_of(target), args,
        reverts=kind.reverts, watches=kind.watches, does=kind.does.format(kind.subject))
    code = os.path.join(folder_of(target, ident), CODE)
    try:
        target.private_folder(FOLDER)
        folder = target.private_folder(FOLDER, ident)
        code_tree.pack(code, PACKAGE, entry, modules)
        save(target, record)
        sync_folder(os.path.dirname(folder))
        guard_units.install(target, kind, ident, folder, code, seconds)
    except (Failed, OSError) as error:
        guard_units.remove(target, ident)
        shutil.rmtree(folder_of(target, ident), ignore_errors=True)
        why = error.problems[0].reason if isinstance(error, Failed) else f"{error.filename or code}: {error.strerror or error}"
        raise Failed(Problem(
            "guard.not_armed", f"the host cannot be made to {kind.does.format(kind.subject)} by itself", why,
            "Nothing was changed. Mend what the reason names and run again", subject=ident)) from error
    return record


def arm_if_possible(
    target: Target, kind: Kind, step: tuple[str, int], args: dict[str, t.Any], seconds: float | None, entry: str,
    modules: t.Sequence[str],
) -> Record | None:
    """Arm a guard where that can be had, and else tell the operator: what it is for is done by the next run as well. systemd may
    not answer in the middle of a swap of its own packages that is completed."""
    try:
        return arm(target, kind, step, args, seconds, entry, modules)
    except Failed as failure:
        problem = failure.problems[0]
        target.warn(f"{problem.fact[0].upper()}{problem.fact[1:]}: {problem.reason}. The next run does that")
        return None


def confirm(target: Target, ident: str) -> bool:
    """Confirm a guard, so that it never acts. False where it has begun to act, has ended, or is not there."""
    if not os.path.isdir(folder_of(target, ident)):
        return False
    with alone(target, ident):
        record = read(target, ident)
        if record is None or record.state != ARMED or record.tries:
            return False
        # What its inverse would have needed, such as contents of files, is not kept longer than it is needed.
        end(target, record._replace(told=True, args={}), CONFIRMED)
    return True


def end(target: Target, record: Record, state: str, why: str = "", left: t.Sequence[str] = ()) -> Record:
    """End a guard: first the record, which decides, then the units, which would act."""
    record = record._replace(state=state, why=why, left=list(left))
    save(target, record)
    guard_units.remove(target, record.id)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(folder_of(target, record.id), CODE))
    return record


def untold(target: Target) -> list[Record]:
    """Return the guards of which an operator does not know yet: those that act, and those that ended in another way than by being
    confirmed."""
    return [one for one in every(target) if not one.told and (one.state in (BACK, OTHERS) or one.tries)]


def mark_told(target: Target, record: Record) -> None:
    """Note that an operator was told how a guard ended. One that still acts is told again."""
    if record.state in ENDED:
        save(target, record._replace(told=True))


def prune(target: Target) -> None:
    """Take away the records that nothing needs, and units without a guard. The newest record of each kind stays."""
    known = every(target)
    newest = {one.kind: one.id for one in known}
    for one in known:
        if one.state in ENDED and one.told and newest[one.kind] != one.id:
            shutil.rmtree(folder_of(target, one.id), ignore_errors=True)
    for ident in guard_units.known(target):
        if ident not in {one.id for one in known if one.state == ARMED}:
            guard_units.remove(target, ident)
