# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(alternatives): which registered target each family points to. Nothing is ever registered here."""

from __future__ import annotations

import re
import typing as t

from ...core.engine import CONFIGURE, PREPARE, Action
from ...core.errors import Problem, Refused
from ...core.host_io import Target
from ...core.planning import Context, Planned
from ...text.alternatives import Registered, normal
from .actions import AlternativeAction
from .state import NOT_A_LINK, State, chosen, damaged, differing, expected, mode, read, unknown

OPTIONS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "path": {"type": "str"},
    "auto": {"type": "bool", "default": False},
}

FAMILY_NAME = re.compile(r"^[^\s/-][^\s/]*$")
ACTIONS = {AlternativeAction.kind: AlternativeAction}


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    problems = []
    seen = set()
    for want in wants:
        name, path = want["name"], want["path"]
        if not FAMILY_NAME.match(name):
            problems.append(Problem(
                "alternatives.name",
                f"alternatives family {name!r}", "it is not the name of a family", "Write it as 'alternatives --list' does",
                subject=name))
        if name in seen:
            problems.append(Problem(
                "alternatives.twice", f"alternatives family {name}", "it is wanted twice", "Leave one of the two out",
                subject=name))
        seen.add(name)
        if (path is None) != want["auto"]:
            problems.append(Problem(
                "alternatives.path_or_auto", f"alternatives family {name}", "either a path or auto is to be given, and not both",
                "Give the path of a registered target, or 'auto: true'", subject=name))
        elif path is not None and (not path.startswith("/") or ".." in path.split("/")):
            problems.append(Problem(
                "alternatives.relative_path", f"alternatives family {name}", f"{path!r} is not an absolute path",
                "Write it as 'alternatives --display' does", subject=name))
    return problems


def gather(target: Target, wants: t.Sequence[dict[str, t.Any]]) -> dict[str, State | None]:
    """Read the wanted families; None for one that nobody registered. Refuses where a family's file is damaged."""
    try:
        return {want["name"]: read(target, want["name"]) for want in wants}
    except ValueError as error:
        raise Refused(damaged(target, error)) from error


def plan(wants: t.Sequence[dict[str, t.Any]], state: dict[str, State | None], context: Context) -> Planned:
    """Return an action for each family that does not point to what is wanted.

    What the packages of the run register cannot be known yet: the action then comes after them, and finds out.
    """
    actions: list[Action] = []
    problems = []
    warnings: list[str] = []
    for want in wants:
        name, path, now = want["name"], want["path"] and normal(want["path"]), state[want["name"]]
        problem = unknown(name, want["path"], now)
        if problem and not context.items:
            problems.append(problem)
        elif now is None or problem or differing(now, path):
            problems += _files_in_the_way(now, path)
            warnings += _told(now)
            actions.append(_action(name, path, now, CONFIGURE if problem else PREPARE))
    return Planned(actions, problems, [], warnings)


def _action(name: str, path: str | None, now: State | None, phase: int) -> AlternativeAction:
    old = {"auto": now.auto, "path": now.current, "units": dict(now.units)} if now else {"auto": True, "path": None, "units": {}}
    before = f"{name}: {mode(bool(old['auto']))} -> {old['path']}\n" if now else ""
    after = f"{name}: {mode(path is None)} -> {path or (now.family.best().path if now else 'the highest priority')}\n"
    action = AlternativeAction(name, "it points elsewhere", {"path": path, "old": old}, before, after)
    action.phase = phase
    return action


def _files_in_the_way(state: State | None, path: str | None) -> list[Problem]:
    """Return a problem for each link of the wanted target in whose place a file is: alternatives would leave it there."""
    if state is None:
        return []
    wanted = chosen(state.family, path) or Registered("", 0, {})
    return [
        Problem(
            "alternatives.not_a_link", f"{link} is no link",
            f"alternatives family {state.family.name} has its link there, and leaves files alone",
            "Find out who put the file there, and move it away", subject=link)
        for link, to in expected(state.family, wanted).items() if to is not None and state.links[link] == NOT_A_LINK]


def _told(state: State | None) -> list[str]:
    """Return what a person should know of the way to a choice and back."""
    if state is None:
        return []
    name = state.family.name
    told = [f"{state.beside} was left by a cut write of alternatives, and is put aside"] if state.beside else []
    return told + [
        f"alternatives switches the SysV script {script} with family {name}, and a rollback does not switch it back"
        for script in state.scripts]
