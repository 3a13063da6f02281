# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(cow), experimental: rpm clones files out of dnf's cache. Ground first, then database, packages, configuration.

The packages themselves are wishes of section C(packages), in the same run.
"""

from __future__ import annotations

import os
import typing as t

from ...core.engine import Action
from ...core.errors import Problem
from ...core.host_io import FileState, Target, is_folder
from ...core.planning import Context, Planned
from ...facts import cow, fiemap, mounts
from ...packages import builds
from . import move
from .actions import ACTIONS, AskAction, ConfigAction, LinkAction, MoveAction, OffAction, ReturnAction, kept_path

__all__ = ["ACTIONS", "OPTIONS", "gather", "plan", "validate"]

OPTIONS: dict[str, t.Any] = {
    "enabled": {"type": "bool", "default": True},
    "denylist": {"type": "list", "elements": "str", "default": []},
    "accept_rpmdb_move": {"type": "bool", "default": False},
}


class State(t.NamedTuple):
    """What the section decides on: why the ground is wrong (None: it is right), the plugin's configuration as it is and as its
    package brought it (None: not kept), the places of the package database and whether two of them hold the same."""

    ground: Problem | None
    config: FileState | None
    kept: FileState | None
    places: dict[str, move.Place]
    same: bool
    named: bool


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    problems = [
        Problem(
            "cow.denylist_name",
            f"package name {name!r} in the denylist", "it is not the plain name of a package",
            "Write names without versions and wildcards",
            subject=name)
        for want in wants for name in want["denylist"] if not cow.PACKAGE_NAME.match(name)]
    if len(wants) > 1:
        problems.append(Problem("cow.twice", "section cow", "it is wanted twice", "Leave one of the two out"))
    return problems


def gather(target: Target, wants: t.Sequence[dict[str, t.Any]]) -> State:
    """Look at the ground, the configuration and the database."""
    places = {path: move.look(target, path) for path in (cow.OLD_HOME, cow.NEW_HOME)}
    both = all(place.database for place in places.values())
    return State(
        _ground(target) if any(want["enabled"] for want in wants) else None, target.read(cow.CONF),
        target.read(kept_path(target)), places,
        both and move.same(target, cow.OLD_HOME, cow.NEW_HOME), target.read(move.MACROS) is not None)


def _ground(target: Target) -> Problem | None:
    """Return why nothing could be cloned here: by what is mounted, and then by trying it with files that have no name."""
    conf = target.read(cow.DNF_CONF)
    cache = target.path(cow.cachedir(conf.content if conf else ""))
    while not is_folder(cache):
        cache = os.path.dirname(cache)
    cache, usr = os.path.realpath(cache), os.path.realpath(target.path(cow.TARGET))
    problem = cow.ground_problem(cache, usr, mounts.gather(target.root))
    if problem is not None:
        return problem
    said = fiemap.clone_problem(cache, usr)
    if not said:
        return None
    return Problem(
        "cow.cannot_clone", f"data cannot be cloned from {cache} to {usr}", f"the file system says: {said}",
        "An xfs must have been made with reflink=1; elsewhere everything would be copied")


def plan(wants: t.Sequence[dict[str, t.Any]], state: State, context: Context) -> Planned:
    """Return what switches copy-on-write on or off."""
    want = wants[0]
    if not want["enabled"]:
        return _off(state, context)
    problems = [state.ground] if state.ground else []
    problems += [
        Problem(
            "cow.not_installed", f"{name} is not installed", "copy-on-write rests on it",
            "Want it in the same run, as role rpm_cow does",
            subject=name)
        for name in cow.PLUGIN_PACKAGES if not context.present(name)]
    actions: list[Action] = []
    if state.places[cow.OLD_HOME].database:
        if state.places[cow.NEW_HOME].database and not state.same:
            problems.append(_two_databases())
        elif not want["accept_rpmdb_move"]:
            problems.append(Problem(
                "cow.database_would_move", f"the package database is in {cow.OLD_HOME}",
                f"the patched rpm keeps it in {cow.NEW_HOME}, so it would move there, and {cow.OLD_HOME} would become a link",
                "Say so with 'accept_rpmdb_move: true', after a look at backups and scripts that name the folder"))
        else:
            actions.append(MoveAction.between(cow.OLD_HOME, cow.NEW_HOME, "the patched rpm looks for it there"))
            actions.append(LinkAction.to(cow.OLD_HOME, cow.NEW_HOME))
    elif state.named and state.places[cow.OLD_HOME].link != cow.NEW_HOME:
        actions.append(LinkAction.to(cow.OLD_HOME, cow.NEW_HOME))
    wanted = cow.Settings(True, want["denylist"])
    if state.config is None or cow.settings(state.config.content) != wanted:
        actions.append(ConfigAction.to(state.config, wanted))
    return Planned(actions + _asking(context, plugin=True), problems)


def _off(state: State, context: Context) -> Planned:
    actions: list[Action] = []
    problems: list[Problem] = []
    if state.config is not None and cow.settings(state.config.content).enabled:
        off = (state.kept or state.config).content
        if cow.settings(off).enabled:
            off = cow.edited(off, cow.Settings(False, []))
        actions.append(OffAction.between(
            cow.CONF, "copy-on-write is wanted off", state.config, state.config._replace(content=off)))
    home = cow.STOCK_HOMES[context.stream]
    old = state.places[cow.OLD_HOME]
    if home == cow.OLD_HOME and state.places[cow.NEW_HOME].database and not _stays_patched(context):
        if old.database and not state.same:
            problems.append(_two_databases())
        elif old.link == cow.NEW_HOME or state.same or state.named:
            actions.append(ReturnAction.between(cow.NEW_HOME, home, "stock rpm keeps it there"))
        else:
            problems.append(Problem(
                "cow.no_way_to_database", f"the package database is in {cow.NEW_HOME}",
                f"stock rpm would look for it in {home}, where nothing leads to it",
                f"Make {home} a link to {cow.NEW_HOME} first: 'ln -s ../../{cow.NEW_HOME[1:]} {home}'"))
    return Planned(actions + _asking(context, plugin=False), problems)


def _two_databases() -> Problem:
    return Problem(
        "cow.two_databases",
        f"there is a package database in {cow.OLD_HOME} and another in {cow.NEW_HOME}", "only one of them can be true",
        "See which one 'rpm --eval %_dbpath' names, and put the other away")


def _stays_patched(context: Context) -> bool:
    """Say whether the host has the SIG's rpm once the run is through."""
    coming = context.coming("rpm")
    releases = [coming.evr] if coming else [package.release for package in context.installed if package.name == "rpm"]
    return any(builds.release_segment(release.rpartition("-")[2]) is not None for release in releases)


def _asking(context: Context, plugin: bool) -> list[Action]:
    """The rpm that comes is asked once; what it lists is read by every later run."""
    if context.coming("rpm") is None:
        return []
    return [AskAction("rpm", "it is replaced in this run", {"plugin": plugin})]
