# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What section C(network) does: the hand-over, which is undone as it is done, and its confirmation."""

from __future__ import annotations

import json
import typing as t

from ...core import guard
from ...core.engine import ACTIVATE, Action
from ...core.errors import Failed, Problem
from ...core.host_io import Target
from ...core.writable import EITHER, WRITTEN, Touch
from ...facts import network as live
from ...shared import unit_links
from . import job, switch
from .bring import NETWORKMANAGER

SECTION = "network"


class HandoverAction(Action):
    """Switches from one state of the network configuration to another. Undo is the same switch the other way."""

    section = SECTION
    kind = "network-handover"
    phase = ACTIVATE

    @classmethod
    def between(cls, before: dict[str, t.Any], after: dict[str, t.Any], seconds: int) -> HandoverAction:
        """Make the action that brings the host from one state to the other."""
        subject = f"{before['renderer'] or 'nothing'} to {after['renderer']}"
        if before["renderer"] == after["renderer"]:
            subject = f"configuration of {after['renderer']}"
        args = {"before": before, "after": after, "seconds": seconds}
        return cls(subject, "the network is set up in another way", args, _shown(before, after), _shown(after, before))

    def turns_on(self) -> list[str]:
        return [name for name, unit in self.args["after"]["units"].items() if unit["active"]]

    def turns_off(self) -> list[str]:
        return [name for name, unit in self.args["after"]["units"].items() if not unit["active"]]

    def touches(self, target: Target, _undoing: bool = False) -> list[Touch]:
        before, after = self.args["before"], self.args["after"]
        was, will = before["files"], after["files"]
        changed = {path for path in {**was, **will} if was.get(path) != will.get(path)}
        # Any of it may come and go: what does not come up is taken back at once.
        files = [Touch(path, WRITTEN) for path in sorted(changed)]
        resolv = [Touch(live.RESOLV_CONF, EITHER)] if before["resolv"] != after["resolv"] else []
        return [*files, *resolv, *_of_units(target, before["units"], after["units"])]

    def apply(self, target: Target) -> None:
        job.carry_out(target, self.args["before"], self.args["after"], self.args["seconds"])

    def undo(self, target: Target) -> None:
        if not job.differs(target, self.args["before"]):
            return
        job.carry_out(target, self.args["after"], self.args["before"], self.args["seconds"])

    def verify(self, target: Target) -> None:
        wrong = job.differs(target, self.args["after"])
        if wrong:
            raise Failed(Problem(
                "network.not_as_switched", "the network is not set up as it was switched", "; ".join(wrong),
                "Look at 'journalctl -b' for units of the name centos-hyperscale-* on the host"))


class ConfirmAction(Action):
    """Confirms a hand-over, so that its guard does not act. There is nothing to take back: the hand-over itself is undone."""

    section = SECTION
    kind = "network-confirm"
    phase = ACTIVATE
    stands = False

    def apply(self, target: Target) -> None:
        if not guard.confirm(target, self.args["id"]):
            raise Failed(Problem(
                "network.went_back",
                "the hand-over of the network cannot be confirmed any more", "the host has gone back by itself",
                "Run again, with a longer 'confirm_seconds'"))

    def undo(self, target: Target) -> None:
        """Do nothing: a confirmation leaves nothing to take back."""

    def verify(self, target: Target) -> None:
        if switch.armed(target) is not None:
            raise Failed(Problem(
                "network.still_waits", "the hand-over of the network still waits for its confirmation",
                "it was confirmed, and the host does not show that", "Run again"))


def _of_units(target: Target, before: dict[str, t.Any], after: dict[str, t.Any]) -> list[Touch]:
    """Return the links of units that are switched."""
    switched = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    masked = [name for name in switched if before.get(name, {}).get("masked") or after.get(name, {}).get("masked")]
    return [*unit_links.of_enabled(target, switched, True), *(
        touch for name in masked for touch in unit_links.of_mask(name, after.get(name, {}).get("masked", False)))]


ACTIONS = {action.kind: action for action in (HandoverAction, ConfirmAction)}


def before_all(steps: t.Sequence[dict[str, t.Any]]) -> dict[str, t.Any] | None:
    """Return the state that the last hand-over from NetworkManager started from; later ones may have changed definitions."""
    states = [step["args"]["before"] for step in reversed(steps)]
    return next((state for state in states if state["renderer"] == NETWORKMANAGER), None)


def _shown(state: dict[str, t.Any], other: dict[str, t.Any]) -> str:
    """Return a state as the diff shows it: who, the units that differ, resolv.conf, and every file of ours."""
    lines = [f"network: {state['renderer'] or 'neither'}"]
    for name, unit in sorted(state["units"].items()):
        if name in other["units"] and unit != other["units"][name]:
            lines.append(f"{name}: {', '.join(sorted(key for key, value in unit.items() if value)) or 'off'}")
    if state["resolv"] != other["resolv"]:
        lines.append(f"{live.RESOLV_CONF}: {json.dumps(state['resolv'])}")
    for path, content in sorted(state["files"].items()):
        if content and content != other["files"].get(path):
            lines += [f"--- {path}", content[0].rstrip()]
    return "\n".join(lines) + "\n"
