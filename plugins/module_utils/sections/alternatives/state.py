# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a family of alternatives is: what is registered, where its links lead, and how that differs from what is wanted."""

from __future__ import annotations

import errno
import os
import typing as t

from ...core.errors import Problem
from ...core.host_io import Target
from ...text import alternatives
from ...text.alternatives import LINK_FOLDER, STATE_FOLDER, Family, Registered

NOT_A_LINK = "no link but a file"


class State(t.NamedTuple):
    """A family as it is: what is registered, and what its links hold (None: there is none)."""

    family: Family
    links: dict[str, str | None]

    @property
    def current(self) -> str | None:
        """Where the family points to."""
        return self.links[_within(self.family.name)]


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
    wrong = [] if family.auto == (path is None) else [f"its mode is {mode(family.auto)}"]
    return wrong + [
        f"{link} -> {state.links[link]} and not {to}" for link, to in expected(family, wanted).items() if state.links[link] != to]


def expected(family: Family, wanted: Registered) -> dict[str, str | None]:
    """Return what each link of a family holds when it points to a target; None: there is no such link."""
    links: dict[str, str | None] = {_within(family.name): wanted.path, family.link: _within(family.name)}
    for follower, link in family.followers.items():
        there = follower in wanted.followers
        links.update({_within(follower): wanted.followers.get(follower), link: _within(follower) if there else None})
    return links


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


def mode(auto: bool) -> str:
    return "auto" if auto else "manual"
