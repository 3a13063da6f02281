# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(network): the network handed over from NetworkManager to networkd, or back, under a guard.

The state of before is kept whole and by value. The host goes back to it by itself unless the hand-over is confirmed over
a connection that was opened after the switch.
"""

from __future__ import annotations

import typing as t

from ...core.errors import Problem
from ...core.host_io import Target
from ...core.ledger import Step
from ...core.planning import PROOF, Context, Pending, Planned
from . import files as netfiles, job, switch
from .actions import ACTIONS, SECTION, ConfirmAction, HandoverAction, before_all
from .bring import NETWORKD, NETWORKMANAGER
from .state import ON_NM, State, gather
from .wanted import DEFINITIONS, RUNNING, to_networkd, to_networkmanager

__all__ = ["ACTIONS", "OPTIONS", "gather", "plan", "straight", "validate", "waiting"]

OPTIONS: dict[str, t.Any] = {
    "renderer": {"type": "str", "choices": [NETWORKD, NETWORKMANAGER]},
    "source": {"type": "str", "choices": [RUNNING, DEFINITIONS], "default": RUNNING},
    "definitions": {
        "type": "list", "elements": "dict", "default": [],
        "options": {"name": {"type": "str", "required": True}, "content": {"type": "str", "required": True}}},
    "resolved": {"type": "bool"},
    "confirm_seconds": {"type": "int", "default": 120},
    "unmanaged": {"type": "list", "elements": "str", "default": []},
    "without": {"type": "list", "elements": "str", "default": []},
}

SECONDS = (20, 3600)


def straight(steps: t.Sequence[Step]) -> list[Step]:
    """Return steps that are to be taken back with hand-overs that lead right to where they began, none by way of another.

    NetworkManager's profiles are the host's own and may have changed since: the last time that it set the network up counts.
    """
    actions = [step.action for step in steps if step.action["kind"] == HandoverAction.kind]
    befores = [action["args"]["before"] for action in actions]
    if not befores:
        return list(steps)
    origin = befores[0] if befores[0]["renderer"] != NETWORKMANAGER else t.cast("dict[str, t.Any]", before_all(actions))
    files = {path: None for before in befores for path in before["files"]}
    units = {name: unit for before in reversed(befores) for name, unit in before["units"].items()}
    origin = dict(origin, files={**files, **origin["files"]}, units={**units, **origin["units"]})
    return [
        step._replace(action=dict(step.action, args=dict(step.action["args"], before=origin)))
        if step.action["kind"] == HandoverAction.kind else step for step in steps]


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    problems = []
    if len([want for want in wants if want["renderer"]]) > 1:
        problems.append(Problem(
            "network.twice", "section network", "it is wanted twice", "Say once how the network is to be set up"))
    for want in wants:
        if not SECONDS[0] <= want["confirm_seconds"] <= SECONDS[1]:
            problems.append(Problem(
                "network.confirm_seconds",
                f"confirm_seconds {want['confirm_seconds']}", f"it is not from {SECONDS[0]} to {SECONDS[1]}",
                f"Give {SECONDS[0]} to {SECONDS[1]}: a host has to settle, and its controller to prove it and to connect again"))
        if (want["source"] == DEFINITIONS) != bool(want["definitions"]):
            problems.append(Problem(
                "network.definitions_and_source",
                "section network", "definitions and source: definitions go together", "Give both, or neither"))
        names = [entry["name"] for entry in want["definitions"]]
        for name in sorted({name for name in names if names.count(name) > 1}):
            problems.append(Problem(
                "network.definition_twice", f"network definition {name}", "it is given twice", "Leave one of the two out",
                subject=name))
        for entry in want["definitions"]:
            problems += netfiles.check(entry["name"], entry["content"], None)
        problems += [
            Problem(
                "network.interface_name", f"interface {name!r}", "it is not the name of an interface",
                "Write it as 'ip link' shows it", subject=name)
            for name in want["unmanaged"] if not netfiles.INTERFACE.match(name)]
    return problems


def plan(wants: t.Sequence[dict[str, t.Any]], state: State, context: Context) -> Planned:
    """Return no action, the hand-over, or its confirmation. A hand-over that is not confirmed waits for the proof."""
    open_end = _open_end(state, context)
    want = next((want for want in wants if want["renderer"]), None)
    if want is None:
        late = context.proven and state.armed is None and state.reverted is not None
        return Planned([], [_gone_back(state.reverted)]) if late else open_end
    after, problems, warnings = (to_networkd if want["renderer"] == NETWORKD else to_networkmanager)(want, state, context)
    if problems:
        return Planned([], problems)
    before = _before(state, after)
    if after is None or not job.unlike(before, after):
        return open_end._replace(warnings=open_end.warnings + warnings)
    if state.armed is not None and state.armed["tries"]:
        return Planned([], [_going_back(state.armed)])
    if state.armed is not None:
        return Planned([], [Problem(
            "network.handover_waits", f"a hand-over of the network to {state.armed['renderer']} waits for its confirmation",
            "another cannot begin before that", "Confirm it, or wait until the host has gone back")])
    if state.reverted is not None:
        if context.proven:
            return Planned([], [_gone_back(state.reverted)])
        warnings.append(f"After the last hand-over of the network, {_how_it_ended(state.reverted)}")
    if state.connection is None:
        return Planned([], [job.unknown_connection("the hand-over of the network cannot begin")])
    return Planned([HandoverAction.between(before, after, want["confirm_seconds"])], [], [], warnings)


def _gone_back(note: dict[str, t.Any]) -> Problem:
    """Return why there is nothing to confirm: a proof that comes late must not begin the hand-over anew, nor pass for one."""
    return Problem(
        "network.nothing_to_confirm", "there is no hand-over of the network to confirm", _how_it_ended(note),
        "Find out why it was not reached in time, and run again, with a longer 'confirm_seconds' if it only took long")


def _how_it_ended(note: dict[str, t.Any]) -> str:
    return f"the host {'went back by itself' if note['back'] else 'did not go back'}: {note['why']}"


def _going_back(armed: dict[str, t.Any]) -> Problem:
    return Problem(
        "network.going_back", "the hand-over of the network was not confirmed, and the host is going back", armed["words"],
        "Mend on the host what made the last attempt fail; it tries again within 5 minutes. Run again when it has gone back")


def waiting(target: Target) -> list[Pending]:
    """Return what a hand-over on this host still waits for."""
    armed = switch.armed(target)
    return [_pending(armed)] if armed else []


def _pending(armed: dict[str, t.Any]) -> Pending:
    return Pending(
        SECTION, f"hand-over to {armed['renderer']}", PROOF,
        f"the host goes back by itself unless this is confirmed over a new connection within {armed['seconds']} seconds")


def _open_end(state: State, context: Context) -> Planned:
    if state.armed is None:
        return Planned([])
    if state.armed["tries"]:
        problem = _going_back(state.armed)
        return Planned([], [problem]) if context.proven else Planned([], warnings=[str(problem)])
    if not context.proven:
        return Planned([], [], [_pending(state.armed)])
    if state.connection is None and state.armed["connection"]:
        return Planned([], [job.unknown_connection("the hand-over of the network cannot be confirmed")])
    if state.connection and state.connection == state.armed["connection"]:
        return Planned([], [Problem(
            "network.old_connection", "the confirmation came over the connection of before the switch",
            "that it still works does not show that the host can be reached", "Confirm over a new connection")])
    return Planned([ConfirmAction(
        f"hand-over to {state.armed['renderer']}", "the host was reached over a new connection", {"id": state.armed["id"]},
        "goes back by itself\n", "confirmed\n")])


def _before(state: State, after: dict[str, t.Any] | None) -> dict[str, t.Any]:
    """Return the state of now, in the terms of the state that is wanted."""
    after = after or {"files": {}, "units": {}, "devices": []}
    ours = {path: [content, netfiles.mode_of(content)] for path, content in state.ours.items()}
    files = {path: ours.get(path) for path in {*ours, *after["files"]}}
    names = {*after["units"], *(name for name, unit in state.units.items() if unit["known"] and name not in ON_NM)}
    units = {name: {key: state.units.get(name, {}).get(key, False) for key in ("enabled", "masked", "active")} for name in names}
    return {
        "renderer": state.renderer, "files": files, "units": units, "resolv": state.resolv, "devices": after["devices"],
        "profiles": {profile.device: profile.get("connection.uuid") for profile in state.profiles},
        "expect": state.live, "promised": []}
