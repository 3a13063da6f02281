# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(oomd): systemd-oomd runs with the limits that are wanted, and watches the units that are wanted.

What it needs of the host is judged here: without pressure stall information or the memory controller of the unified hierarchy
its unit is skipped by its own conditions, silently. PID 1 is asked for what it made of each unit, and a daemon that runs for
what it watches, so that a drop-in that another one overrides is never taken for done.
"""

from __future__ import annotations

import time
import typing as t

from ...core.engine import ACTIVATE, Action
from ...core.errors import Failed, Problem
from ...core.host_io import FileState, Target
from ...core.planning import BOOT, Context, Pending, Planned
from ...core.writable import Touch
from ...shared import freshness
from ...shared.file import FileAction
from ...shared.unit import UNIT_NAME, UnitAction, UnitState
from ...text import oomd
from . import host
from .host import DAEMON, SOCKET, Ground, State, gather

SECTION = "oomd"
OPTIONS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "settings": {"type": "dict", "default": {}, "options": {name: {"type": "str"} for name in oomd.SETTINGS}},
    "units": {"type": "list", "elements": "dict", "default": [], "options": {
        "name": {"type": "str", "required": True},
        "swap": {"type": "str", "choices": ["auto", "kill"]},
        "memory_pressure": {"type": "str", "choices": ["auto", "kill"]},
        "memory_pressure_limit": {"type": "str"},
        "memory_pressure_duration": {"type": "str"},
        "preference": {"type": "str", "choices": ["none", "avoid", "omit"]},
    }},
    "conflicting": {"type": "str", "choices": ["refuse", "disable", "keep"], "default": "refuse"},
}

LEAD = "systemd"
# First letters of what the kernel takes for yes as the value of psi=.
PSI_ON = ("1", "y", "Y", "t", "T")
SETTLE_SECONDS = 15.0
POLL_SECONDS = 0.3


class OomdFileAction(FileAction):
    """A file of ours with settings of oomd or of a unit."""

    section = SECTION
    kind = "oomd-file"


class OomdUnitAction(UnitAction):
    """A state of oomd's units, or of a rival."""

    section = SECTION
    kind = "oomd-unit"


class DaemonAction(Action):
    """PID 1 reads the drop-ins, and oomd starts anew with its settings. Undo does the same with the files that are back."""

    section = SECTION
    kind = "oomd-daemon"
    phase = ACTIVATE
    follows = True

    @classmethod
    def of(cls, want: dict[str, t.Any], state: State, why: str, run: bool) -> DaemonAction:
        """Make the action after which PID 1, and the daemon when it is to run, hold to a wish."""
        args = {"want": want, "run": run, "was_active": state.daemon.active, "files": sorted(state.files)}
        old = "runs" if state.daemon.active else "does not run"
        new = "runs with the files on disk" if run else old
        return cls(DAEMON, why, args, f"systemd-oomd: {old}\n", f"systemd-oomd: {new}\n")

    def touches(self, target: Target, undoing: bool = False) -> list[Touch]:
        return [] if undoing else freshness.touches(target, self.args["files"])

    def apply(self, target: Target) -> None:
        freshness.date_now(target, self.args["files"])
        target.run(["systemctl", "daemon-reload"])
        if self.args["run"]:
            target.run(["systemctl", "restart", DAEMON])

    def undo(self, target: Target) -> None:
        target.run(["systemctl", "daemon-reload"])
        if self.args["run"]:
            # Status 5: its package went again.
            target.run(["systemctl", "try-restart" if self.args["was_active"] else "stop", DAEMON], okay=(0, 5))

    def verify(self, target: Target) -> None:
        want, deadline = self.args["want"], time.monotonic() + SETTLE_SECONDS
        while wrong := self._wrong(want, gather(target, [want])):
            if time.monotonic() >= deadline:
                raise Failed(Problem(
                    "oomd.not_as_wanted", "systemd-oomd does not do what is wanted", "; ".join(wrong),
                    f"Look at 'systemctl status {DAEMON}', at 'oomctl', and at 'systemctl cat' of the units named: "
                    "a drop-in that sorts behind ours wins"))
            time.sleep(POLL_SECONDS)

    def _wrong(self, want: dict[str, t.Any], now: State) -> list[str]:
        if self.args["run"] and (not now.daemon.active or now.dump is None):
            return [f"{DAEMON} does not run" if not now.daemon.active else "it does not answer oomctl"]
        return host.differences(want, now)


ACTIONS = {action.kind: action for action in (OomdFileAction, OomdUnitAction, DaemonAction)}


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    problems = []
    if len(wants) > 1:
        problems.append(Problem("oomd.twice", "systemd-oomd", "it is wanted twice", "Say in one wish all that is wanted of it"))
    for want in wants:
        settings = want["settings"] or {}
        for option in ("swap_used_limit", "memory_pressure_limit"):
            problems += _limit_problems(f"setting {option}", settings.get(option))
        for option in ("memory_pressure_duration", "prekill_hook_timeout"):
            problems += _duration_problems(f"setting {option}", settings.get(option), zero=True)
        names = [unit["name"] for unit in want["units"]]
        twice = sorted({name for name in names if names.count(name) > 1})
        problems += [Problem(
            "oomd.unit_twice", f"unit {name}", "it is wanted twice", "Leave one of the two out", subject=name) for name in twice]
        for unit in want["units"]:
            problems += _unit_problems(unit)
    return problems


def _unit_problems(unit: dict[str, t.Any]) -> list[Problem]:
    fact = f"unit {unit['name']}"
    if not UNIT_NAME.match(unit["name"]) or oomd.kind(unit["name"]) not in oomd.SECTIONS:
        reason = "it is not the full name of a slice, service or scope"
        return [Problem(
            "oomd.unit_name", fact, reason, "Name a slice, service or scope with its type, as in 'user.slice'",
            subject=unit["name"])]
    problems = _limit_problems(f"{fact}: memory_pressure_limit", unit["memory_pressure_limit"])
    problems += _duration_problems(f"{fact}: memory_pressure_duration", unit["memory_pressure_duration"], zero=False)
    idle = [option for option in ("memory_pressure_limit", "memory_pressure_duration") if unit[option] is not None]
    if idle and unit["memory_pressure"] != "kill":
        reason = f"systemd ignores {' and '.join(idle)} without memory_pressure: kill"
        problems.append(Problem(
            "oomd.setting_ignored", fact, reason, "Say memory_pressure: kill, or leave it out", subject=unit["name"]))
    if all(unit[option] is None for option in oomd.UNIT_SETTINGS):
        problems.append(Problem(
            "oomd.unit_without_wish", fact, "nothing is wanted of it", "Say what oomd is to do with it, or leave it out",
            subject=unit["name"]))
    return problems


def _limit_problems(fact: str, text: str | None) -> list[Problem]:
    if text is None or oomd.permyriad(text) is not None:
        return []
    remedy = "Write it as in '60%', with at most two digits after the point"
    return [Problem("oomd.limit", fact, f"{text!r} is no share between 0% and 100%", remedy, subject=fact)]


def _duration_problems(fact: str, text: str | None, zero: bool) -> list[Problem]:
    length = None if text is None else oomd.seconds(text)
    if text is None or (length is not None and (length >= 1 or (zero and length == 0))):
        return []
    remedy = "Write it as in '20s' or '1min 30s' (systemd.time(7))"
    return [Problem("oomd.duration", fact, f"{text!r} is no time span of at least one second", remedy, subject=fact)]


def plan(wants: t.Sequence[dict[str, t.Any]], state: State, context: Context) -> Planned:
    """Return what brings files, units and the daemon to what is wanted; what the host lacks for it, in words."""
    want = wants[0]
    return _absent(want, state) if want["state"] == "absent" else _present(want, state, context)


def _absent(want: dict[str, t.Any], state: State) -> Planned:
    """Our files go, and the daemon is masked: drop-ins of packages want it, so a login would start one that is only stopped."""
    want = dict(want, settings={}, units=[])
    files = _files(want, state)
    actions = list(files)
    for unit, now in ((SOCKET, state.socket), (DAEMON, state.daemon)):
        if now.known:
            actions += _turned(unit, now, {"active": False, "enabled": False, "masked": True})
    if files or state.unread:
        actions.append(DaemonAction.of(want, state, "its files go", run=False))
    return Planned(actions)


def _present(want: dict[str, t.Any], state: State, context: Context) -> Planned:
    problems = [*_too_new(want, context), *_unknown_units(want, state, context), *_rival_problems(want, state)]
    if not state.daemon.known and not context.may_bring(DAEMON):
        problems.append(Problem(
            "oomd.no_daemon", DAEMON, "this host has no such unit",
            "Install what ships it: in section packages, capability systemd-oomd-defaults of family systemd"))
    lacks = _judged(state.ground)
    files = _files(want, state)
    actions: list[Action] = list(files)
    for unit, now in state.rivals.items():
        if want["conflicting"] == "disable" and _works(now):
            actions += _turned(unit, now, {"active": False, "enabled": False})
    for unit, now in ((SOCKET, state.socket), (DAEMON, state.daemon)):
        actions += _turned(unit, now, {"masked": False})
    actions += _turned(DAEMON, state.daemon, {"enabled": True})
    run = lacks == Planned([])
    why = "its files change" if files else _why_anew(want, state, run)
    if why:
        actions.append(DaemonAction.of(want, state, why, run))
    warnings = [*lacks.warnings, *_advice(want, state)]
    return Planned(actions, problems + lacks.problems, lacks.pending, warnings)


def _files(want: dict[str, t.Any], state: State) -> list[Action]:
    """Return an action for each file of ours that is not as wanted; what we wrote earlier and nobody wants any more goes."""
    texts = {oomd.CONFIG: oomd.config(want["settings"] or {})}
    texts.update({oomd.drop_in_path(unit["name"]): oomd.drop_in(unit) for unit in want["units"]})
    actions: list[Action] = []
    for path, old in state.files.items():
        text = texts.get(path)
        new = None if text is None else FileState(text, "0644", "root", "root")
        if old != new and (new is not None or host.is_ours(old)):
            why = "the wanted settings differ" if new else "it is not wanted any more"
            actions.append(OomdFileAction.between(path, why, old, new))
    return actions


def _turned(unit: str, now: UnitState, wanted: dict[str, bool]) -> list[Action]:
    return [OomdUnitAction.of(unit, aspect, to) for aspect, to in wanted.items() if getattr(now, aspect) != to]


def _works(unit: UnitState) -> bool:
    return unit.known and not unit.masked and (unit.enabled or unit.active)


def _why_anew(want: dict[str, t.Any], state: State, run: bool) -> str:
    """Return why PID 1 is to read units and the daemon to start anew; empty when both do what is wanted."""
    if state.unread or state.old:
        return "its files are newer than what runs"
    if run and not state.daemon.active:
        return "it does not run"
    return "; ".join(host.differences(want, state))


def _too_new(want: dict[str, t.Any], context: Context) -> list[Problem]:
    """Return the settings that the host's build of systemd will not know."""
    coming = context.coming(LEAD)
    builds = [coming.evr] if coming else [package.version for package in context.installed if package.name == LEAD]
    number = oomd.major(builds[-1]) if builds else None
    settings = want["settings"] or {}
    asked = [(f"setting {option}", row) for option, row in oomd.SETTINGS.items() if settings.get(option) is not None]
    for unit in want["units"]:
        fact = f"unit {unit['name']}: "
        asked += [(fact + option, row) for option, row in oomd.UNIT_SETTINGS.items() if unit[option] is not None]
    return [
        Problem(
            "oomd.newer_systemd_needed", fact, f"systemd knows {key} from version {since} on, and this host has {number}",
            "Leave it out, or take a newer systemd with role systemd", subject=fact)
        for fact, (key, since) in asked if number is not None and number < since]


def _unknown_units(want: dict[str, t.Any], state: State, context: Context) -> list[Problem]:
    """Return the services that this host has not. A slice needs no file, and scopes come and go: those are only told of."""
    return [
        Problem(
            "unit.missing", f"unit {unit['name']}", "this host has no such unit", "Install what ships it, or correct the name",
            subject=unit["name"])
        for unit in want["units"]
        if oomd.kind(unit["name"]) == "service" and not _is_known(unit["name"], state) and not context.may_bring(unit["name"])]


def _is_known(name: str, state: State) -> bool:
    return name in state.listed if "@." in name else oomd.is_prefix(name) or bool(state.matching(name))


def _rival_problems(want: dict[str, t.Any], state: State) -> list[Problem]:
    if want["conflicting"] != "refuse":
        return []
    return [
        Problem(
            "oomd.rival",
            f"{unit} is {'active' if now.active else 'enabled'}", "it kills by rules of its own when memory runs short",
            "Take it away, or say 'conflicting: disable' to turn it off (an undo brings it back), 'conflicting: keep' to have "
            "both",
            subject=unit)
        for unit, now in state.rivals.items() if _works(now)]


def _judged(ground: Ground) -> Planned:
    """Return what the host lacks for the daemon to run: for good, until a boot, or as a thing to know; nothing otherwise."""
    if ground.hierarchy != "unified":
        return Planned([], pending=[Pending(
            SECTION, DAEMON, BOOT, f"control groups are mounted {ground.hierarchy}, and it needs the unified hierarchy: "
            "role cgroup2 takes away what asks for the other")])
    if ground.psi["supported"] is False:
        return Planned([], [Problem(
            "oomd.no_pressure_information",
            "pressure stall information", ground.psi["reason"], "Boot a kernel that has it, or do without systemd-oomd")])
    told = ground.arguments.get("psi")
    if not ground.psi["enabled"] and isinstance(told, str) and told[:1] in PSI_ON:
        return Planned([], [Problem(
            "oomd.pressure_information_unread",
            "pressure stall information", f"{ground.psi['reason']}, and it still cannot be read",
            "Look for lines with psi in 'dmesg' on the host")])
    if not ground.psi["enabled"]:
        return Planned([], pending=[Pending(
            SECTION, DAEMON, BOOT, f"it needs pressure stall information: {ground.psi['reason']}")])
    if "memory" not in ground.controllers:
        return Planned([], warnings=[
            f"{DAEMON} is set up and does not run: the control groups here have no memory controller, so its own condition skips "
            "it. A container is not always given one; on a machine look for cgroup_disable=memory on the kernel command line"])
    return Planned([])


def _advice(want: dict[str, t.Any], state: State) -> list[str]:
    """Return what a person should know."""
    found = []
    if not state.ground.swap:
        found.append(
            "This host has no swap: systemd-oomd then has little time between pressure and standstill, and cannot go by swap at "
            "all. systemd advises to have some (systemd-oomd.service(8)); zram counts")
    for unit in want["units"]:
        said = [one for one in state.matching(unit["name"]) if one.get("FragmentPath") or one.get("ActiveState") == "active"]
        if not said and oomd.kind(unit["name"]) != "service" and not oomd.is_prefix(unit["name"]):
            found.append(f"Nothing runs in {unit['name']} now and no file defines it: see that the name is right")
    return found
