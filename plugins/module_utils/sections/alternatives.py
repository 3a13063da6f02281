# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(alternatives): which registered target each family points to. Nothing is ever registered here."""

from __future__ import annotations

import errno
import os
import re
import typing as t

from ..core.engine import CONFIGURE, PREPARE, Action
from ..core.errors import Failed, Problem, Refused
from ..core.host_io import Target
from ..core.planning import Context, Planned
from ..core.writable import Touch
from ..text import alternatives
from ..text.alternatives import LINK_FOLDER, STATE_FOLDER, Family, Registered

OPTIONS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "path": {"type": "str"},
    "auto": {"type": "bool", "default": False},
}

FAMILY_NAME = re.compile(r"^[^\s/-][^\s/]*$")
NOT_A_LINK = "no link but a file"


class State(t.NamedTuple):
    """A family as it is: what is registered, and what its links hold (None: there is none)."""

    family: Family
    links: dict[str, str | None]

    @property
    def current(self) -> str | None:
        """Where the family points to."""
        return self.links[_within(self.family.name)]


class AlternativeAction(Action):
    """Points a family, with its followers, to a target, or lets the priorities do so."""

    section = "alternatives"
    kind = "alternative"
    phase = CONFIGURE

    def touches(self, _target: Target, _undoing: bool = False) -> list[Touch]:
        return [Touch(f"{folder}/{self.subject}") for folder in ("/etc/alternatives", "/var/lib/alternatives")]

    def apply(self, target: Target) -> None:
        problem = unknown(self.subject, self.args["path"], read(target, self.subject))
        if problem:
            raise Failed(problem)
        self._point(target, self.args["path"])

    def undo(self, target: Target) -> None:
        state = read(target, self.subject)
        if state is None:
            return
        old = self.args["old"]
        if self._is_anothers(state):
            self.left.append(f"alternatives family {self.subject} was set to {state.current} since, and is left as it is")
        else:
            self._point(target, old["path"] if not old["auto"] and state.family.target(old["path"]) else None)

    def _is_anothers(self, state: State) -> bool:
        """Say whether somebody chose something else than what this step set or what there was before."""
        ours, old = self.args["path"], self.args["old"]
        chosen = not state.family.auto and state.current not in (ours, old["path"])
        return chosen or (state.family.auto and not old["auto"] and ours is not None)

    def _point(self, target: Target, path: str | None) -> None:
        target.run(["alternatives", "--set", self.subject, path] if path else ["alternatives", "--auto", self.subject])

    def verify(self, target: Target) -> None:
        state = read(target, self.subject)
        wrong = differing(state, self.args["path"]) if state else ["it is not registered"]
        if wrong:
            raise Failed(Problem(
                f"alternatives family {self.subject} is not as it was set", "; ".join(wrong),
                f"Look at 'alternatives --display {self.subject}' on the host"))


ACTIONS = {AlternativeAction.kind: AlternativeAction}


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    problems = []
    seen = set()
    for want in wants:
        name, path = want["name"], want["path"]
        if not FAMILY_NAME.match(name):
            problems.append(Problem(
                f"alternatives family {name!r}", "it is not the name of a family", "Write it as 'alternatives --list' does"))
        if name in seen:
            problems.append(Problem(f"alternatives family {name}", "it is wanted twice", "Leave one of the two out"))
        seen.add(name)
        if (path is None) != want["auto"]:
            problems.append(Problem(
                f"alternatives family {name}", "either a path or auto is to be given, and not both",
                "Give the path of a registered target, or auto: true"))
        elif path is not None and (not path.startswith("/") or ".." in path.split("/")):
            problems.append(Problem(
                f"alternatives family {name}", f"{path!r} is not an absolute path",
                "Write it as 'alternatives --display' does"))
    return problems


def gather(target: Target, wants: t.Sequence[dict[str, t.Any]]) -> dict[str, State | None]:
    """Read the wanted families; None for one that nobody registered. Refuses where a family's file is damaged."""
    try:
        return {want["name"]: read(target, want["name"]) for want in wants}
    except ValueError as error:
        raise Refused(Problem(
            f"the state of alternatives in {STATE_FOLDER} is damaged", str(error),
            "Move that file away and reinstall the packages that register the family")) from error


def read(target: Target, name: str) -> State | None:
    """Read what is registered for a family, and its links."""
    file = target.read(f"{STATE_FOLDER}/{name}")
    if file is None:
        return None
    family = alternatives.parse(name, file.content)
    links = {_within(name): None, family.link: None}
    for follower, link in family.followers.items():
        links.update({_within(follower): None, link: None})
    return State(family, {path: _held(target.path(path)) for path in links})


def plan(wants: t.Sequence[dict[str, t.Any]], state: dict[str, State | None], context: Context) -> Planned:
    """Return an action for each family that does not point to what is wanted.

    What the packages of the run register cannot be known yet: the action then comes after them, and finds out.
    """
    actions: list[Action] = []
    problems = []
    for want in wants:
        name, path, now = want["name"], want["path"], state[want["name"]]
        problem = unknown(name, path, now)
        if problem and not context.items:
            problems.append(problem)
        elif now is None or problem or differing(now, path):
            problems += _files_in_the_way(now)
            actions.append(_action(name, path, now, CONFIGURE if problem else PREPARE))
    return Planned(actions, problems)


def unknown(name: str, path: str | None, state: State | None) -> Problem | None:
    """Return why a family cannot point to a path, and what it can point to."""
    if state is None:
        return Problem(
            f"alternatives family {name}", "no package of this host registers it",
            "Install the package that does, or correct the name; 'alternatives --list' shows what there is")
    if path is None or state.family.target(path):
        return None
    known = ", ".join(target.path for target in state.family.targets)
    return Problem(
        f"alternatives family {name}", f"{path} is not registered for it; registered are: {known}",
        "Choose one of these, or install the package that registers the other")


def differing(state: State, path: str | None) -> list[str]:
    """Return in words what differs from a family that points to a path; None stands for what the priorities select."""
    family = state.family
    wanted = family.best() if path is None else family.target(path)
    if wanted is None:
        return [f"{path} is not registered"]
    wrong = [] if family.auto == (path is None) else [f"its mode is {_mode(family.auto)}"]
    return wrong + [
        f"{link} -> {state.links[link]} and not {to}" for link, to in expected(family, wanted).items() if state.links[link] != to]


def expected(family: Family, wanted: Registered) -> dict[str, str | None]:
    """Return what each link of a family holds when it points to a target; None: there is no such link."""
    links: dict[str, str | None] = {_within(family.name): wanted.path, family.link: _within(family.name)}
    for follower, link in family.followers.items():
        there = follower in wanted.followers
        links.update({_within(follower): wanted.followers.get(follower), link: _within(follower) if there else None})
    return links


def _action(name: str, path: str | None, now: State | None, phase: int) -> AlternativeAction:
    old = {"auto": now.family.auto, "path": now.current} if now else {"auto": True, "path": None}
    before = f"{name}: {_mode(old['auto'])} -> {old['path']}\n" if now else ""
    after = f"{name}: {_mode(path is None)} -> {path or (now.family.best().path if now else 'the highest priority')}\n"
    action = AlternativeAction(name, "it points elsewhere", {"path": path, "old": old}, before, after)
    action.phase = phase
    return action


def _files_in_the_way(state: State | None) -> list[Problem]:
    """Return a problem for each link of a family in whose place a file is: alternatives would leave it there."""
    return [
        Problem(f"{path} is no link", f"alternatives family {state.family.name} has its link there, and leaves files alone",
                "Find out who put the file there, and move it away")
        for path, held in (state.links.items() if state else ()) if held == NOT_A_LINK and state]


def _held(real: str) -> str | None:
    try:
        return os.readlink(real)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return NOT_A_LINK


def _within(name: str) -> str:
    return f"{LINK_FOLDER}/{name}"


def _mode(auto: bool) -> str:
    return "auto" if auto else "manual"
