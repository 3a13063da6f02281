# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(units): enabled, started and masked states of systemd units."""

from __future__ import annotations

import re
import typing as t

from ._engine import ACTIVATE, Action
from ._errors import Failed, Problem
from ._planning import Around, Planned
from ._target import Target

OPTIONS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "enabled": {"type": "bool"},
    "masked": {"type": "bool"},
    "state": {"type": "str", "choices": ["started", "stopped"]},
}

# systemd.unit(5): what a unit name may hold, and the types it ends in.
UNIT_NAME = re.compile(
    r"^[A-Za-z0-9:_.\\@-]+\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$")

# systemctl's words for a unit file that starts at boot by itself.
ENABLED_STATES = ("enabled", "enabled-runtime")


class UnitState(t.NamedTuple):
    """What systemd says of a unit. C(known) is false for a name that has no unit file."""

    known: bool
    enabled: bool
    masked: bool
    active: bool


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

    def apply(self, target: Target) -> None:
        self._turn(target, self.args["wanted"])

    def undo(self, target: Target) -> None:
        self._turn(target, not self.args["wanted"])

    def verify(self, target: Target) -> None:
        unit, aspect = self.args["unit"], self.args["aspect"]
        found = _query(target, [unit])[unit]
        if getattr(found, aspect) != self.args["wanted"]:
            raise Failed(Problem(
                f"unit {unit} is not as wanted", f"{aspect} is {getattr(found, aspect)} after the change",
                f"Look at 'systemctl status {unit}' on the host",
            ))


ACTIONS = {UnitAction.kind: UnitAction}


def validate(wants: t.Sequence[dict[str, t.Any]]) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    problems = []
    for want in wants:
        name = want["name"]
        if not UNIT_NAME.match(name):
            problems.append(Problem(
                f"unit {name!r}", "it is not the full name of a systemd unit", "Write it with its type, as in 'sshd.service'"))
        if want["masked"] and (want["enabled"] or want["state"] == "started"):
            problems.append(Problem(
                f"unit {name}", "it is wanted masked, and enabled or started", "A masked unit can be neither: choose one"))
    return problems


def gather(target: Target, wants: t.Sequence[dict[str, t.Any]]) -> dict[str, UnitState]:
    """Return the state of each wanted unit, by one call of systemctl."""
    return _query(target, sorted({want["name"] for want in wants}))


def plan(wants: t.Sequence[dict[str, t.Any]], state: dict[str, UnitState], around: Around) -> Planned:
    """Return an action for each aspect that differs."""
    actions: list[Action] = []
    problems = []
    for want in wants:
        now = state[want["name"]]
        wanted = {"masked": want["masked"], "enabled": want["enabled"]}
        wanted["active"] = None if want["state"] is None else want["state"] == "started"
        needed = wanted["enabled"] or wanted["active"]
        if needed and not now.known and not around.may_bring(want["name"]):
            problems.append(Problem(
                f"unit {want['name']}", "this host has no such unit", "Install what ships it, or correct the name"))
            continue
        for aspect in UnitAction.VERBS:
            if wanted[aspect] is not None and getattr(now, aspect) != wanted[aspect]:
                actions.append(UnitAction.of(want["name"], aspect, wanted[aspect]))
    return Planned(actions, problems)


def parse_show(text: str) -> dict[str, UnitState]:
    """Return unit states out of C(systemctl show -p Id,LoadState,UnitFileState,ActiveState)."""
    found = {}
    for block in text.split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in fields:
            found[fields["Id"]] = UnitState(
                known=fields.get("LoadState") != "not-found",
                enabled=fields.get("UnitFileState") in ENABLED_STATES,
                masked=fields.get("LoadState") == "masked",
                active=fields.get("ActiveState") in ("active", "activating", "reloading"),
            )
    return found


def _query(target: Target, names: t.Sequence[str]) -> dict[str, UnitState]:
    """Ask systemd for some units. An alias answers under its own name, so each block is matched by position."""
    if not names:
        return {}
    out = target.run(["systemctl", "show", "-p", "Id,LoadState,UnitFileState,ActiveState", "--", *names])
    blocks = [block for block in out.strip().split("\n\n") if block]
    states = {}
    for name, block in zip(names, blocks):
        states[name] = next(iter(parse_show(block).values()))
    return states
