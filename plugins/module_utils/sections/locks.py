# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(locks): what was swapped stays: version locks of dnf's own plugin, and packages that keep their vendor.

Both stand on disk only after the swap, and neither holds back a transaction of this collection: it reads the lock list
without the lines that are ours (C(packages.dnf_base)), and names its packages exactly. Lines of others count for it as for
anybody. Whose a line is stands in the journal. Lines of ours always name what is installed, so they are looked after by every
run.
"""

from __future__ import annotations

import os
import typing as t

from ..core import ledger
from ..core.engine import CONFIGURE, Action
from ..core.errors import Failed, Problem
from ..core.host_io import FileState, Target
from ..core.planning import Context, Planned
from ..core.writable import WRITTEN, Touch
from ..packages import builds, transaction, wishes
from ..packages.rpmdb import Package
from ..tables.families import FAMILIES
from ..tables.sets import SETS
from ..text import mainconf, versionlock

OPTIONS: dict[str, t.Any] = {
    "family": {"type": "str", "choices": sorted(FAMILIES)},
    "set": {"type": "str", "choices": sorted(SETS)},
    "names": {"type": "list", "elements": "str", "default": []},
    "versions": {"type": "bool", "default": True},
    "vendor": {"type": "bool"},
}

PLUGIN = "python3-dnf-plugin-versionlock"
MAIN_CONF = "/etc/dnf/dnf.conf"
STICKY = "allow_vendor_change"
NO_CONF = "[main]\n"  # what dnf takes a missing dnf.conf for
NEW_FILE = FileState("", "0644", "root", "root")


class State(t.NamedTuple):
    """What the section decides on: the lock list's path and what it holds, the plugin's own settings (None: a file that
    is none), which lines are ours, dnf.conf, whether the vendor setting there is ours, and the line it took the place of."""

    path: str
    locklist: FileState | None
    plugin: dict[str, str] | None
    ours: list[str]
    main: FileState | None
    vendor_is_ours: bool
    vendor_before: str | None


class _EditAction(Action):
    """A change of a few lines in a file that others write too. While the text is the one that was planned with, or the one
    that was written, the very bytes go in and come back; otherwise these lines alone. The file itself is never taken away:
    dnf's plugin does not work without its list."""

    section = "locks"
    phase = CONFIGURE

    def _done(self, text: str) -> str:
        """Return a text with what this action does."""
        raise NotImplementedError

    def _undone(self, text: str) -> str:
        """Return a text without what this action did."""
        raise NotImplementedError

    def touches(self, _target: Target, _undoing: bool = False) -> list[Touch]:
        return [Touch(self.subject, WRITTEN)]

    def shares(self) -> set[str]:
        # Its lines alone go in and out, whoever else writes the file.
        return {f"lines of {self.kind} in {self.subject}"}

    def apply(self, target: Target) -> None:
        now = target.read(self.subject) or NEW_FILE
        new = self.args["new"] if now.content == self.args["old"] else self._done(now.content)
        target.write(self.subject, now._replace(content=new))

    def undo(self, target: Target) -> None:
        now = target.read(self.subject)
        if now is not None:
            old = self.args["old"] if now.content == self.args["new"] else self._undone(now.content)
            target.write(self.subject, now._replace(content=old))

    def verify(self, target: Target) -> None:
        now = target.read(self.subject)
        if now is None or self._done(now.content) != now.content:
            raise Failed(Problem(
                "file.not_as_written", f"{self.subject} is not as it was written", "something else writes it too",
                "Find out what manages the file, and leave it to one of the two", subject=self.subject))


class LockAction(_EditAction):
    """Brings our lines of the lock list to what is installed."""

    kind = transaction.LOCK

    @classmethod
    def to(cls, state: State, ours: list[str]) -> LockAction:
        """Make the action that has these lines of ours in the list."""
        old = state.locklist.content if state.locklist else ""
        args = {"old": old, "new": versionlock.replaced(old, state.ours, ours), "before": state.ours, "ours": ours}
        return cls(
            state.path, "our lines are to name what is installed", args, "".join(f"{line}\n" for line in state.ours),
            "".join(f"{line}\n" for line in ours))

    def _done(self, text: str) -> str:
        return versionlock.replaced(text, {*self.args["before"], *self.args["ours"]}, self.args["ours"])

    def _undone(self, text: str) -> str:
        return versionlock.replaced(text, self.args["ours"], self.args["before"])


class VendorAction(_EditAction):
    """Has dnf keep every package with its vendor, or gives that setting back."""

    kind = "vendor-lock"

    @classmethod
    def setting(cls, old: str, on: bool, line: str | None) -> VendorAction:
        """Make the action that sets it, or with C(on) false has C(line) in its place."""
        before = mainconf.line_of(old, STICKY)
        after = f"{STICKY}=False" if on else line
        args = {"old": old, "new": mainconf.with_line(old, STICKY, after), "line": before, "after": after, "on": on}
        return cls(
            MAIN_CONF, f"packages are to {'stay with' if on else 'be free to change'} their vendor", args,
            f"{before}\n" if before else "", f"{after}\n" if after else "")

    def _done(self, text: str) -> str:
        return mainconf.with_line(text or NO_CONF, STICKY, self.args["after"])

    def _undone(self, text: str) -> str:
        return mainconf.with_line(text, STICKY, self.args["line"])


ACTIONS = {action.kind: action for action in (LockAction, VendorAction)}


def tools(wants: t.Sequence[dict[str, t.Any]]) -> list[str]:
    """Return the packages of the distribution without which a wish has no effect."""
    return [PLUGIN] if any(want["versions"] and _named(want) for want in wants) else []


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    problems = []
    for want in wants:
        if not _named(want) and want["vendor"] is None:
            problems.append(Problem(
                "lock.empty", "a lock", "it names no packages and says nothing of vendors", "Give family, set, names or vendor"))
    said = {want["vendor"] for want in wants} - {None}
    if len(said) > 1:
        problems.append(Problem(
            "lock.vendors_contradict",
            "the locks", "vendors are to be kept and not to be kept", "Say vendor once for a host: dnf has one such setting"))
    return problems


def gather(target: Target, _wants: t.Sequence[dict[str, t.Any]] = ()) -> State:
    """Read the lock list, dnf.conf, and what of them is ours."""
    conf = target.read(os.path.join(versionlock.FOLDER, versionlock.CONF))
    try:
        plugin = versionlock.settings(conf.content) if conf else {}
    except ValueError:
        plugin = None
    path = (plugin or {}).get("locklist", versionlock.DEFAULT)
    locklist = target.read(path)
    there = versionlock.lines_of(locklist.content) if locklist else []
    ours = [line for line in transaction.own_locks(target) if line in there]
    steps = [step.action for step in ledger.standing(target) if step.action["kind"] == VendorAction.kind]
    last = steps[-1]["args"] if steps else {"on": False, "line": None}
    return State(path, locklist, plugin, ours, target.read(MAIN_CONF), last["on"], last["line"])


def stands(state: State) -> bool:
    """Say whether there are lines of ours to look after, whatever a run is about."""
    return bool(state.ours)


def plan(wants: t.Sequence[dict[str, t.Any]], state: State, context: Context) -> Planned:
    """Return the edits that make the lock list name what is installed, and dnf keep vendors where that is wanted."""
    problems: list[Problem] = []
    actions: list[Action] = []
    ours = _lines(wants, state, context)
    plugin = os.path.join(versionlock.FOLDER, versionlock.CONF)
    if tools(wants) and state.plugin is None:
        problems.append(Problem(
            "lock.plugin_unreadable", f"{plugin} of this host", "it cannot be read",
            "Mend it and set 'enabled = 1', or do without version locks", subject=plugin))
    elif tools(wants) and mainconf.is_off(state.plugin.get("enabled")):
        problems.append(Problem(
            "lock.plugin_off", f"{plugin} of this host", "it switches version locks off",
            "Set 'enabled = 1' there, or do without version locks", subject=plugin))
    elif sorted(ours) != sorted(state.ours):
        actions.append(LockAction.to(state, sorted(ours)))
    try:
        actions += _vendor(next((want["vendor"] for want in wants if want["vendor"] is not None), None), state)
    except ValueError as error:
        problems.append(Problem(
            "dnf.main_configuration_malformed",
            f"{MAIN_CONF} of this host cannot be read", str(error), "Mend the file: dnf itself reads it the same way",
            subject=MAIN_CONF))
    return Planned(actions, problems)


def _lines(wants: t.Sequence[dict[str, t.Any]], state: State, context: Context) -> list[str]:
    """Return the lines that are to be ours: those wanted, and the others of ours for what is installed by then."""
    packages = context.resulting()
    foreign = set(versionlock.lines_of(state.locklist.content) if state.locklist else []) - set(state.ours)
    locked = {versionlock.name_of(line) for line in state.ours}
    # A build that went back to stock by another way is no longer ours to hold.
    lines = {_line(package) for package in packages if package.name in locked and builds.release_segment(package.release)}
    for want in (want for want in wants if _named(want)):
        mine = {_line(package) for package in wishes.members(dict(want, also=[], erase=[]), packages)}
        lines = lines | mine if want["versions"] else lines - mine
    return sorted(lines - foreign)


def _vendor(wanted: bool | None, state: State) -> list[Action]:
    if wanted is None:
        return []
    main = state.main.content if state.main else NO_CONF
    off = mainconf.is_off(mainconf.option(main, STICKY))
    if wanted and not off:
        return [VendorAction.setting(main, True, None)]
    if not wanted and off and state.vendor_is_ours:
        return [VendorAction.setting(main, False, state.vendor_before)]
    return []


def _named(want: dict[str, t.Any]) -> bool:
    return bool(want["family"] or want["set"] or want["names"])


def _line(package: Package) -> str:
    return versionlock.line_of(package.name, package.epoch, package.version, package.release)
