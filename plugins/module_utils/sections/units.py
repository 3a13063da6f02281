# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(units): enabled, started and masked states of systemd units, and that what runs follows its files."""

from __future__ import annotations

import typing as t

from ..core.engine import Action
from ..core.errors import Problem
from ..core.planning import Context, Planned
from ..shared import unit
from ..shared.unit import UNIT_NAME, ReloadAction, RestartAction, UnitAction, UnitState

OPTIONS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "enabled": {"type": "bool"},
    "masked": {"type": "bool"},
    "state": {"type": "str", "choices": ["started", "stopped"]},
    "fresh_for": {"type": "list", "elements": "path", "default": []},
}

# Where units and their drop-ins are read from that an operator writes.
UNIT_FOLDERS = ("/etc/systemd/system/", "/run/systemd/system/")

ACTIONS = {action.kind: action for action in (UnitAction, ReloadAction, RestartAction)}

gather = unit.gather


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    problems = []
    for want in wants:
        name = want["name"]
        if not UNIT_NAME.match(name):
            problems.append(Problem(
                "unit.name",
                f"unit {name!r}", "it is not the full name of a systemd unit", "Write it with its type, as in 'sshd.service'",
                subject=name))
        if want["masked"] and (want["enabled"] or want["state"] == "started"):
            problems.append(Problem(
                "unit.masked_and_wanted",
                f"unit {name}", "it is wanted masked, and enabled or started", "A masked unit can be neither: choose one",
                subject=name))
    return problems


def plan(wants: t.Sequence[dict[str, t.Any]], state: dict[str, UnitState], context: Context) -> Planned:
    """Return an action for each aspect that differs, after the one by which systemd reads changed units again."""
    actions = _reload(wants, state, context)
    problems = []
    for want in wants:
        now = state[want["name"]]
        wanted = {"masked": want["masked"], "enabled": want["enabled"]}
        wanted["active"] = None if want["state"] is None else want["state"] == "started"
        needed = wanted["enabled"] or wanted["active"]
        if needed and not now.known and not context.may_bring(want["name"]):
            problems.append(Problem(
                "unit.missing",
                f"unit {want['name']}", "this host has no such unit", "Install what ships it, or correct the name",
                subject=want["name"]))
            continue
        for aspect in UnitAction.VERBS:
            if wanted[aspect] is not None and getattr(now, aspect) != wanted[aspect]:
                actions.append(UnitAction.of(want["name"], aspect, wanted[aspect]))
        newer = now.stale or set(context.paths).intersection(want.get("fresh_for") or ())
        if newer and now.active and wanted["active"] is not False:
            actions.append(RestartAction.of(want["name"], want["fresh_for"]))
    return Planned(actions, problems)


def _reload(wants: t.Sequence[dict[str, t.Any]], state: dict[str, UnitState], context: Context) -> list[Action]:
    """Return the action by which systemd reads units again, when it has not read what is or will be on disk."""
    changed = sorted({want["name"] for want in wants if state[want["name"]].changed})
    written = [path for path in context.paths if path.startswith(UNIT_FOLDERS)]
    if not changed and not written:
        return []
    return [ReloadAction.of(changed, sorted({*written, *(file for name in changed for file in state[name].files)}))]
