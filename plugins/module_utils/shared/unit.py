# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of systemd: what it says of them, and the steps that bring them to a state. Several sections turn units by these."""

from __future__ import annotations

import os
import re
import typing as t

from ..core.engine import ACTIVATE, Action
from ..core.errors import Failed, Problem
from ..core.host_io import Target, leads_somewhere, names_in
from ..core.writable import Touch
from . import freshness, unit_links
from .unit_links import LOCAL_UNITS

# systemd.unit(5): what a unit name may hold, and the types it ends in.
UNIT_NAME = re.compile(
    r"^[A-Za-z0-9:_.\\@-]+\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$")

# What ends the names of folders whose links pull units in.
PULLING = (".wants", ".requires", ".upholds")

# systemctl's words for a unit file that starts at boot by itself.
ENABLED_STATES = ("enabled", "enabled-runtime")

PROPERTIES = (
    "Id", "LoadState", "UnitFileState", "ActiveState", "NeedDaemonReload", "FragmentPath", "DropInPaths", "InactiveExitTimestamp",
    "InactiveExitTimestampMonotonic",
)


class UnitState(t.NamedTuple):
    """What systemd says of a unit. C(known) is false for a name that has no unit file, C(changed) is true when systemd has
    read an older state of its files; C(began) is when it was last started, C(stale) that files it rests on are newer."""

    known: bool
    enabled: bool
    masked: bool
    active: bool
    changed: bool = False
    files: tuple[str, ...] = ()
    began: freshness.Moment | None = None
    stale: bool = False


class UnitAction(Action):
    """Brings one aspect of a unit (enabled, masked, state) from what it is to what is wanted."""

    section = "units"
    kind = "unit"
    phase = ACTIVATE

    VERBS = {
        "masked": ("mask", "unmask"),
        "enabled": ("enable", "disable"),
        "active": ("start", "stop"),
    }
    STATES = {"masked": "masked", "enabled": "enabled", "active": "started"}

    @classmethod
    def of(cls, unit: str, aspect: str, wanted: bool) -> UnitAction:
        """Make the action that brings an aspect of a unit to a wanted value."""
        yes, no = cls.VERBS[aspect]
        args = {"unit": unit, "aspect": aspect, "wanted": wanted}
        why = f"{aspect} is wanted {'on' if wanted else 'off'}"
        return cls(f"{yes if wanted else no} {unit}", why, args, f"{aspect}: {not wanted}\n", f"{aspect}: {wanted}\n")

    def _turn(self, target: Target, on: bool) -> None:
        yes, no = self.VERBS[self.args["aspect"]]
        target.run(["systemctl", "daemon-reload"])
        target.run(["systemctl", yes if on else no, self.args["unit"]])

    def turns_on(self) -> list[str]:
        return [self.args["unit"]] if self.args["aspect"] != "masked" and self.args["wanted"] else []

    def turns_off(self) -> list[str]:
        return [self.args["unit"]] if self.args["aspect"] == "active" and not self.args["wanted"] else []

    def touches(self, target: Target, undoing: bool = False) -> list[Touch]:
        wanted = self.args["wanted"] != undoing
        if self.args["aspect"] == "masked":
            return unit_links.of_mask(self.args["unit"], wanted)
        return unit_links.of_enabled(target, [self.args["unit"]], wanted) if self.args["aspect"] == "enabled" else []

    def apply(self, target: Target) -> None:
        self._turn(target, self.args["wanted"])

    def undo(self, target: Target) -> None:
        unit, aspect, on = self.args["unit"], self.args["aspect"], not self.args["wanted"]
        target.run(["systemctl", "daemon-reload"])
        found = _query(target, [unit])[unit]
        # A mask needs no unit.
        if found.known or aspect == "masked":
            self._turn(target, on)
        elif on:
            self.left.append(f"unit {unit} is gone since, so it is not {self.STATES[aspect]} again")
        elif aspect == "enabled":
            _remove_dead_links(target, unit)
        elif found.active:
            target.run(["systemctl", "stop", unit])

    def verify(self, target: Target) -> None:
        unit, aspect = self.args["unit"], self.args["aspect"]
        found = _query(target, [unit])[unit]
        if getattr(found, aspect) != self.args["wanted"]:
            raise Failed(Problem(
                "unit.not_as_wanted", f"unit {unit} is not as wanted", f"{aspect} is {getattr(found, aspect)} after the change",
                f"Look at 'systemctl status {unit}' on the host", subject=unit,
            ))


def _remove_dead_links(target: Target, unit: str) -> None:
    """Take away the links that enabled a unit whose file is gone; systemctl does not disable a unit that it does not know."""
    folder = target.path(LOCAL_UNITS)
    for name in names_in(folder):
        inner = os.path.join(LOCAL_UNITS, name)
        places = [os.path.join(inner, unit)] if name.endswith(PULLING) else [inner]
        for place in places:
            real = target.path(place)
            if os.path.islink(real) and os.path.basename(os.readlink(real)) == unit and not leads_somewhere(real):
                target.remove_link(place)


class ReloadAction(Action):
    """systemd reads its units again. Undo is the same: it reads whatever is there then."""

    section = "units"
    kind = "unit-reload"
    phase = ACTIVATE
    follows = True

    @classmethod
    def of(cls, units: t.Sequence[str], files: t.Sequence[str]) -> ReloadAction:
        """Make the action after which systemd knows the files of some units as they are."""
        args = {"units": list(units), "files": list(files)}
        return cls("PID 1", "files of units changed since it read them", args, "units: as read before\n", "units: as on disk\n")

    def touches(self, target: Target, undoing: bool = False) -> list[Touch]:
        return [] if undoing else freshness.touches(target, self.args["files"])

    def apply(self, target: Target) -> None:
        freshness.date_now(target, self.args["files"])
        target.run(["systemctl", "daemon-reload"])

    def undo(self, target: Target) -> None:
        target.run(["systemctl", "daemon-reload"])

    def verify(self, target: Target) -> None:
        left = [name for name, found in _query(target, self.args["units"]).items() if found.changed]
        if left:
            raise Failed(Problem(
                "unit.files_not_read",
                f"files of {', '.join(left)} differ from what systemd has read", "it read them again in this run",
                "Find out what else writes them, end that, and run again"))


class RestartAction(Action):
    """An active unit starts anew, because files it rests on are newer. Undo is the same: it rests on the old ones then."""

    section = "units"
    kind = "unit-restart"
    phase = ACTIVATE
    follows = True

    @classmethod
    def of(cls, unit: str, files: t.Sequence[str]) -> RestartAction:
        """Make the action that restarts a unit for some files."""
        args = {"unit": unit, "files": list(files)}
        why = f"one of {', '.join(files)} is newer"
        return cls(f"restart {unit}", why, args, "uses: older files\n", "uses: files on disk\n")

    def touches(self, target: Target, undoing: bool = False) -> list[Touch]:
        return [] if undoing else freshness.touches(target, self.args["files"])

    def apply(self, target: Target) -> None:
        freshness.date_now(target, self.args["files"])
        target.run(["systemctl", "daemon-reload"])
        target.run(["systemctl", "restart", self.args["unit"]])

    def undo(self, target: Target) -> None:
        target.run(["systemctl", "daemon-reload"])
        # Status 5: the unit itself is gone by now.
        target.run(["systemctl", "try-restart", self.args["unit"]], okay=(0, 5))

    def verify(self, target: Target) -> None:
        unit = self.args["unit"]
        found = _query(target, [unit])[unit]
        if not found.active or _is_stale(target, found, self.args["files"], freshness.now()):
            raise Failed(Problem(
                "unit.runs_old_files", f"unit {unit} does not use its files on disk",
                "it was started before they were written" if found.active else "it does not run after its restart",
                f"Look at 'systemctl status {unit}' on the host", subject=unit))


def gather(target: Target, wants: t.Sequence[dict[str, t.Any]]) -> dict[str, UnitState]:
    """Return the state of each wanted unit, by one call of systemctl, and whether its files are newer than what runs."""
    clock = freshness.now()
    states = _query(target, sorted({want["name"] for want in wants}))
    for want in wants:
        found = states[want["name"]]
        if _is_stale(target, found, want.get("fresh_for") or (), clock):
            states[want["name"]] = found._replace(stale=True)
    return states


def _is_stale(target: Target, unit: UnitState, files: t.Sequence[str], clock: freshness.Clock) -> bool:
    """Say whether a unit was started before one of its files was written."""
    return unit.began is not None and freshness.is_older(target, unit.began, files, clock)


def parse_show(text: str) -> dict[str, UnitState]:
    """Return unit states out of C(systemctl show --timestamp=us+utc -p PROPERTIES)."""
    found = {}
    for block in text.split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in fields:
            found[fields["Id"]] = UnitState(
                known=fields.get("LoadState") != "not-found",
                enabled=fields.get("UnitFileState") in ENABLED_STATES,
                masked=fields.get("LoadState") == "masked",
                active=fields.get("ActiveState") in ("active", "activating", "reloading"),
                changed=fields.get("NeedDaemonReload") == "yes",
                files=tuple(f"{fields.get('FragmentPath', '')} {fields.get('DropInPaths', '')}".split()),
                began=freshness.moment(fields, "InactiveExitTimestamp"),
            )
    return found


def _query(target: Target, names: t.Sequence[str]) -> dict[str, UnitState]:
    """Ask systemd for some units. An alias answers under its own name, so each block is matched by position."""
    if not names:
        return {}
    out = target.run(["systemctl", "show", "--timestamp=us+utc", "-p", ",".join(PROPERTIES), "--", *names])
    blocks = [block for block in out.strip().split("\n\n") if block]
    states = {}
    for name, block in zip(names, blocks):
        states[name] = next(iter(parse_show(block).values()))
    return states
