# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a family of alternatives is: what is registered, where its links lead, and how that differs from what is wanted."""

from __future__ import annotations

import errno
import os
import typing as t

from ...core.errors import Problem
from ...core.host_io import Target, is_there
from ...text import alternatives
from ...text.alternatives import LINK_FOLDER, OSTREE_STATE_FOLDER, STATE_FOLDER, Family, Registered, normal
from . import services

NOT_A_LINK = "no link but a file"


class State(t.NamedTuple):
    """A family as it is: what is registered, and what its links hold (None: there is none).

    C(beside) is the file that a cut write of alternatives left beside the family's, empty where there is none. C(units) says of
    the units that alternatives switches with the family whether they are enabled, C(scripts) are the SysV scripts it switches.
    """

    family: Family
    links: dict[str, str | None]
    beside: str = ""
    units: t.Mapping[str, bool] = {}
    scripts: t.Sequence[str] = ()

    @property
    def current(self) -> str | None:
        """Where the family points to."""
        return self.links[within(self.family.name)]

    @property
    def auto(self) -> bool:
        """Whether the priorities select: a link that somebody led elsewhere is a choice by hand, whatever the file says."""
        return self.family.auto if self.current is None else self.family.is_automatic(self.current)


def state_folder(target: Target) -> str:
    """Return the folder in which alternatives keeps the families of a host."""
    usual, ostree = (os.path.isdir(target.path(folder)) for folder in (STATE_FOLDER, OSTREE_STATE_FOLDER))
    return OSTREE_STATE_FOLDER if ostree and not usual else STATE_FOLDER


def beside(target: Target, name: str) -> str:
    """Return the file that alternatives writes before it takes the place of a family's."""
    return f"{state_folder(target)}/{name}.new"


def read(target: Target, name: str) -> State | None:
    """Read what is registered for a family, and its links."""
    file = target.read(f"{state_folder(target)}/{name}", newline="")
    if file is None:
        return None
    family = alternatives.parse(name, file.content)
    links = {within(name): None, family.link: None}
    for follower, link in family.followers.items():
        links.update({within(follower): None, link: None})
    left = beside(target, name)
    return State(
        family, {path: _held(target.path(path)) for path in links}, left if is_there(target.path(left)) else "",
        services.units(target, family), services.scripts(target, family))


def damaged(target: Target, error: ValueError) -> Problem:
    """Return what is wrong with a family whose file cannot be read."""
    return Problem(
        "alternatives.damaged", f"the state of alternatives in {state_folder(target)} is damaged", str(error),
        "Move that file away and reinstall the packages that register the family")


def unknown(name: str, path: str | None, state: State | None) -> Problem | None:
    """Return why a family cannot point to a path, and what it can point to."""
    if state is None:
        return Problem(
            "alternatives.family_not_registered", f"alternatives family {name}", "no package of this host registers it",
            "Install the package that does, or correct the name; 'alternatives --list' shows what there is", subject=name)
    if path is None or state.family.target(normal(path)):
        return None
    if state.family.target(path):
        return Problem(
            "alternatives.path_not_normal",
            f"alternatives family {name}", f"{path} is registered for it, and alternatives looks for {normal(path)} in its place",
            f"Register {normal(path)}, and take {path} out of the file of {name}", subject=name)
    known = ", ".join(target.path for target in state.family.targets)
    return Problem(
        "alternatives.path_not_registered",
        f"alternatives family {name}", f"{path} is not registered for it; registered are: {known}",
        "Choose one of these, or install the package that registers the other", subject=name)


def differing(state: State, path: str | None) -> list[str]:
    """Return in words what differs from a family that points to a path; None stands for what the priorities select."""
    family = state.family
    wanted = chosen(family, path)
    if wanted is None:
        return [f"{path} is not registered"]
    wrong = [] if family.auto == (path is None) else [f"its mode is {mode(family.auto)}"]
    wrong += [f"{state.beside} is left of a cut write"] if state.beside else []
    return wrong + [
        f"{link} -> {state.links[link]} and not {to}" for link, to in expected(family, wanted).items()
        if state.links[link] != to and (to or state.links[link] != NOT_A_LINK)]


def chosen(family: Family, path: str | None) -> Registered | None:
    """Return the target that a family is to point to; None where the path is not registered."""
    return family.best() if path is None else family.target(normal(path))


def expected(family: Family, wanted: Registered) -> dict[str, str | None]:
    """Return what each link of a family holds when it points to a target. None: there is no such link; a file may be there."""
    links: dict[str, str | None] = {within(family.name): wanted.path, family.link: within(family.name)}
    for follower, link in family.followers.items():
        there = follower in wanted.followers
        links.update({within(follower): wanted.followers.get(follower), link: within(follower) if there else None})
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


def within(name: str) -> str:
    """Return the link of a family or follower that leads to the target itself."""
    return f"{LINK_FOLDER}/{name}"


def mode(auto: bool) -> str:
    """Return what alternatives calls the way a family's target is selected."""
    return "auto" if auto else "manual"
