# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(selinux): whether an enforcing host enforces during a swap.

The SIG says of no build which SELinux state it supports, and newer systemd has been denied things by the policy of the
distribution. C(permissive) lets the running kernel log instead of deny from before the transaction until the controller
says that the host was proven; the configuration file is never written, so a boot always comes up as configured. Where nobody
proves the host in time, its guard has it enforce again. What was denied meanwhile is told when the host enforces again. A host
that does not enforce is left alone.
"""

from __future__ import annotations

import json
import time
import typing as t

from ...core import guard, ledger
from ...core.engine import PREPARE, Action
from ...core.errors import Problem
from ...core.host_io import FileState, Target
from ...core.planning import PROOF, Context, Pending, Planned
from ...core.writable import REMOVED, WRITTEN, Touch
from ...facts import audit
from ...facts.security import BOOT_ID, RELAXED, relaxed_since
from ...text import denials
from . import guarding
from .guarding import ENFORCING, PERMISSIVE

OPTIONS: dict[str, t.Any] = {
    "during": {"type": "str", "choices": ["enforcing", "permissive"], "default": "enforcing"},
    "permissive_minutes": {"type": "int", "default": 60},
}

SECTION = "selinux"
MINUTES = (5, 1440)


class State(t.NamedTuple):
    """What the section decides on: the kernel's switch (None: SELinux is off), the boot, since when this collection has the
    host permissive (None: it has not), after how many minutes in all its guard ends that (None: it has no guard), and what tells
    what was denied from a time until now: it waits for the logs, so it is asked only where the host is to enforce again."""

    enforce: str | None
    boot_id: str
    since: float | None
    minutes: float | None
    hear: t.Callable[[float], audit.Heard]


class RelaxAction(Action):
    """Has the running kernel log and not deny, and notes since when. Undo enforces again."""

    section = SECTION
    kind = "selinux-permissive"
    phase = PREPARE
    escorts = True

    def touches(self, _target: Target, undoing: bool = False) -> list[Touch]:
        return [Touch(RELAXED, REMOVED if undoing else WRITTEN)]

    def apply(self, target: Target) -> None:
        note = {"boot_id": self.args["boot_id"], "since": time.time(), "mode": "enforcing"}
        guard.arm(
            target, guarding.GUARD, ledger.step_of_job(target.job), {}, self.args["minutes"] * 60.0, guarding.ENTRY,
            guarding.MODULES)
        target.private_folder()
        # Noted first: a run that is killed in between leaves a note that the kernel contradicts, and never the reverse.
        target.write(RELAXED, FileState(json.dumps(note) + "\n", "0600", "root", "root"))
        target.run(["setenforce", PERMISSIVE])

    def undo(self, target: Target) -> None:
        if gather(target).since is not None:
            target.run(["setenforce", ENFORCING])
        target.remove(RELAXED)
        _need_no_guard(target)

    def verify(self, target: Target) -> None:
        guarding.hold(target, PERMISSIVE)


class EnforceAction(Action):
    """Has the kernel enforce again. There is nothing to take back: nothing is weakened by an undo."""

    section = SECTION
    kind = "selinux-enforcing"
    phase = PREPARE

    def touches(self, _target: Target, undoing: bool = False) -> list[Touch]:
        return [] if undoing else [Touch(RELAXED, REMOVED)]

    def apply(self, target: Target) -> None:
        target.run(["setenforce", ENFORCING])
        target.remove(RELAXED)
        _need_no_guard(target)

    def undo(self, target: Target) -> None:
        pass

    def verify(self, target: Target) -> None:
        guarding.hold(target, ENFORCING)


ACTIONS = {action.kind: action for action in (RelaxAction, EnforceAction)}


def _need_no_guard(target: Target) -> None:
    """End the guard of a host that enforces again."""
    armed = guard.armed(target, guarding.GUARD.name)
    if armed is not None and guarding.switch(target) == ENFORCING:
        guard.confirm(target, armed.id)


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    return [
        Problem(
            "selinux.permissive_minutes", f"permissive_minutes {want['permissive_minutes']}",
            f"it is not from {MINUTES[0]} to {MINUTES[1]}",
            f"Give {MINUTES[0]} to {MINUTES[1]}: the minutes that the swap and its proof need, and no more")
        for want in wants if not MINUTES[0] <= want["permissive_minutes"] <= MINUTES[1]]


def gather(target: Target, _wants: t.Sequence[dict[str, t.Any]] = ()) -> State:
    """Read the kernel's switch and our note."""
    boot = target.read(BOOT_ID)
    boot_id = boot.content.strip() if boot else ""
    note = target.read(RELAXED)
    enforce = guarding.switch(target)
    since = relaxed_since(enforce, boot_id, note.content if note else None)
    armed = guard.armed(target, guarding.GUARD.name)
    minutes = (armed.seconds or 0.0) / 60 if armed else None
    return State(
        enforce, boot_id, since, minutes, lambda began: audit.denied(target.root, target.probe, began, time.time()))


def stands(state: State) -> bool:
    """Say whether an earlier run has the host permissive, whatever this one is about."""
    return state.since is not None


def plan(wants: t.Sequence[dict[str, t.Any]], state: State, context: Context) -> Planned:
    """Return what makes the host permissive for the run's transaction, or enforcing once it was proven."""
    asked = [want["permissive_minutes"] for want in wants if want["during"] == "permissive"]
    permissive = bool(asked)
    if state.since is not None:
        if context.proven or (wants and not permissive):
            why = "the host was proven" if context.proven else "this run is to be enforcing"
            heard = state.hear(state.since)
            return Planned([_enforce(heard, why)], warnings=_told(heard))
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(state.since))
        limit = f"{state.minutes:g} minutes at the longest" if state.minutes is not None else "and nothing ends that by itself"
        pending = Pending(
            SECTION, "enforcing", PROOF, f"SELinux is permissive since {since}, until the host was proven, {limit}")
        return Planned([], pending=[pending], warnings=[
            f"SELinux is permissive since {since}, by an earlier run or this one, {limit}."])
    if permissive and state.enforce == ENFORCING and context.items:
        return Planned([RelaxAction(
            "SELinux", f"it is to be permissive until the host was proven, {max(asked)} minutes at the longest",
            {"boot_id": state.boot_id, "minutes": max(asked)}, "enforcing\n", "permissive\n")])
    return Planned([])


def _enforce(heard: audit.Heard, why: str) -> EnforceAction:
    said = heard.words
    new = [kind for kind in heard.kinds if not kind.before]
    found = f"{len(said)} kinds of denials since it is permissive, {len(new)} of them new"
    if heard.unread:
        found += f"; there may be more: {_unread(heard)}"
    return EnforceAction(
        "SELinux", f"{why}; {found}", {"denied": said}, "permissive\n" + "".join(f"# {line}\n" for line in said), "enforcing\n")


def _told(heard: audit.Heard) -> list[str]:
    told = [f"SELinux would have denied: {denials.words(kind)}" for kind in heard.kinds if not kind.before]
    if heard.unread:
        told.append(f"SELinux may have denied more since it is permissive: {_unread(heard)}")
    return told


def _unread(heard: audit.Heard) -> str:
    return "; ".join(f"{source} cannot be read: {reason}" for source, reason in heard.unread.items())
