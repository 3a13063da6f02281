# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(cow), experimental: rpm clones files out of dnf's cache. Ground first, then database, packages, configuration.

The packages themselves are wishes of section C(packages), in the same run.
"""

from __future__ import annotations

import os
import typing as t

from ...core.engine import ACTIVATE, CONFIGURE, PREPARE, Action
from ...core.errors import Failed, Problem
from ...core.host_io import FileState, Target, is_file, is_folder
from ...core.planning import Context, Planned
from ...core.writable import Touch
from ...facts import cow, fiemap, mounts
from ...packages import builds, rpmdb
from ...shared.file import FileAction
from . import move

OPTIONS: dict[str, t.Any] = {
    "enabled": {"type": "bool", "default": True},
    "denylist": {"type": "list", "elements": "str", "default": []},
    "accept_rpmdb_move": {"type": "bool", "default": False},
}

SECTION = "cow"
# The plugin's configuration as its package brought it, kept for as long as ours is in its place.
KEPT = "cow/reflink.conf"


class State(t.NamedTuple):
    """What the section decides on: why the ground is wrong (None: it is right), the plugin's configuration as it is and as its
    package brought it (None: not kept), the places of the package database and whether two of them hold the same."""

    ground: Problem | None
    config: FileState | None
    kept: FileState | None
    places: dict[str, move.Place]
    same: bool
    named: bool


class ConfigAction(Action):
    """Sets what is wanted in the plugin's configuration, which a package of the same run may bring. Undo puts it back, whole
    where nobody changed it since."""

    section = SECTION
    kind = "cow-config"
    phase = CONFIGURE

    @classmethod
    def to(cls, now: FileState | None, wanted: cow.Settings) -> ConfigAction:
        """Make the action that brings the configuration to what is wanted."""
        before = now.content if now else ""
        return cls(cow.CONF, "the plugin's settings differ", {"wanted": list(wanted)}, before, cow.edited(before, wanted))

    def touches(self, _target: Target, _undoing: bool = False) -> list[Touch]:
        return [Touch(cow.CONF)]

    def apply(self, target: Target) -> None:
        now = target.read(cow.CONF)
        if now is None:
            raise Failed(Problem(
                f"there is no {cow.CONF}", "the package of dnf's plugin should have brought it",
                "Look at 'rpm -V python3-dnf-plugin-cow' on the host"))
        if target.read(_kept(target)) is None:
            target.private_folder(os.path.dirname(KEPT))
            target.write(_kept(target), now)
        target.write(cow.CONF, now._replace(content=cow.edited(now.content, cow.Settings(*self.args["wanted"]))))

    def undo(self, target: Target) -> None:
        kept, now = target.read(_kept(target)), target.read(cow.CONF)
        written = cow.edited(kept.content, cow.Settings(*self.args["wanted"])) if kept else None
        if kept is None or now is None or now.content in (written, kept.content):
            _restore(target)
            return
        target.write(cow.CONF, now._replace(content=cow.edited(now.content, cow.settings(kept.content))))
        target.remove(_kept(target))
        self.left.append(f"{cow.CONF} was changed since: only the settings that were made here are taken back")

    def verify(self, target: Target) -> None:
        now = target.read(cow.CONF)
        if now is None or cow.settings(now.content) != cow.Settings(*self.args["wanted"]):
            raise Failed(Problem(
                f"{cow.CONF} is not as it was written", "something else writes it too",
                "Find out what manages the file, and leave it to one of the two"))


class OffAction(FileAction):
    """Switches the plugin off before its package may go: with the text it came with, no copy of the file is left behind."""

    section = SECTION
    kind = "cow-off"
    phase = PREPARE

    def apply(self, target: Target) -> None:
        super().apply(target)
        target.remove(_kept(target))

    def undo(self, target: Target) -> None:
        target.private_folder(os.path.dirname(KEPT))
        target.write(_kept(target), FileState(*self.args["new"]))
        super().undo(target)


class MoveAction(Action):
    """Moves the package database to where the patched rpm looks for it, before that rpm is there. Undo moves it back."""

    section = SECTION
    kind = "rpmdb-move"
    phase = PREPARE

    @classmethod
    def between(cls, source: str, destination: str, why: str) -> MoveAction:
        """Make the action that moves the database from one folder to the other."""
        return cls(destination, why, {"from": source, "to": destination}, f"{source}\n", f"{destination}\n")

    def apply(self, target: Target) -> None:
        move.move(target, self.args["from"], self.args["to"])

    def undo(self, target: Target) -> None:
        if move.look(target, self.args["to"]).database:
            _home(target, self.args["to"], self.args["from"])

    def verify(self, target: Target) -> None:
        named = target.run(["rpm", "--eval", "%_dbpath"]).strip()
        if named != self.args["to"] or not move.listed(target, self.args["to"]):
            raise Failed(Problem(
                f"the package database is not in {self.args['to']}", f"rpm looks for it in {named}",
                "Look at both folders on the host, and at what sets _dbpath in /etc/rpm"))


class LinkAction(Action):
    """The link in the old place, once rpm is replaced: rpm takes it away with the package that owned that folder."""

    section = SECTION
    kind = "rpmdb-link"
    phase = ACTIVATE

    @classmethod
    def to(cls, source: str, destination: str) -> LinkAction:
        """Make the action that has a link lead from the old place to the new one."""
        args = {"from": source, "to": destination}
        return cls(source, "scripts may name the old folder", args, "", f"{source} -> {destination}\n")

    def apply(self, target: Target) -> None:
        move.linked(target, self.args["from"], self.args["to"])

    def undo(self, target: Target) -> None:
        """The undo of the move takes it away."""

    def verify(self, target: Target) -> None:
        if move.look(target, self.args["from"]).link != self.args["to"]:
            raise Failed(Problem(
                f"{self.args['from']} does not lead to {self.args['to']}", "something else is there",
                "See what rpm lists of each, and put the one away that 'rpm --eval %_dbpath' does not name"))


class ReturnAction(MoveAction):
    """Moves the package database back to where stock rpm looks for it, after that rpm is back. Nothing is left in its place."""

    kind = "rpmdb-return"
    phase = ACTIVATE

    def apply(self, target: Target) -> None:
        _home(target, self.args["from"], self.args["to"])

    def undo(self, target: Target) -> None:
        move.move(target, self.args["to"], self.args["from"])

    def verify(self, target: Target) -> None:
        if not move.look(target, self.args["to"]).database or not move.listed(target, self.args["to"]):
            raise Failed(Problem(
                f"the package database is not in {self.args['to']}", "it was moved there", "Look at that folder on the host"))


class AskAction(Action):
    """Asks the rpm that was installed whether it lists what is known to be installed, and whether its plugin is on."""

    section = SECTION
    kind = "cow-rpm"
    phase = ACTIVATE

    def apply(self, target: Target) -> None:
        self.verify(target)

    def undo(self, target: Target) -> None:
        """Nothing was done."""

    def verify(self, target: Target) -> None:
        known = {package.nevra for package in rpmdb.installed()}
        lines = target.run(["rpm", "-qa", "--qf", "%{NEVRA}\\n"]).replace("-0:", "-").split()
        said = {line for line in lines if not line.startswith(rpmdb.KEY_PACKAGE)}
        if said != known:
            raise Failed(Problem(
                f"rpm lists {len(said)} packages and {len(known)} are known",
                f"they differ in {', '.join(sorted(said ^ known)[:5])}",
                "Look at 'rpm --eval %_dbpath' and its folder on the host"))
        if self.args["plugin"]:
            problem = plugin_problem(target)
            if problem:
                raise Failed(problem)


ACTIONS = {
    action.kind: action for action in (ConfigAction, OffAction, MoveAction, LinkAction, ReturnAction, AskAction)}


def _home(target: Target, source: str, destination: str) -> None:
    """Move the database home: nothing is left where it was, and rpm finds it by itself."""
    move.move(target, source, destination)
    if move.look(target, source).link == destination:
        target.remove(source)
    move.name_to_rpm(target, None)


def plugin_problem(target: Target) -> Problem | None:
    """Return why rpm would not load its plugin."""
    path = target.run(["rpm", "--eval", cow.MACRO]).strip()
    if path != cow.MACRO and is_file(target.path(path)):
        return None
    said = "no macro names it" if path == cow.MACRO else f"{path} is not there"
    return Problem("rpm does not load its plugin reflink", said, "Look at 'rpm -V rpm rpm-plugin-reflink' on the host")


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    problems = [
        Problem(
            f"package name {name!r} in the denylist", "it is not the plain name of a package", "Write names, without versions")
        for want in wants for name in want["denylist"] if not cow.PACKAGE_NAME.match(name)]
    if len(wants) > 1:
        problems.append(Problem("section cow", "it is wanted twice", "Leave one of the two out"))
    return problems


def gather(target: Target, wants: t.Sequence[dict[str, t.Any]]) -> State:
    """Look at the ground, the configuration and the database."""
    places = {path: move.look(target, path) for path in (cow.OLD_HOME, cow.NEW_HOME)}
    both = all(place.database for place in places.values())
    return State(
        _ground(target) if any(want["enabled"] for want in wants) else None, target.read(cow.CONF),
        target.read(_kept(target)), places,
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
        f"data cannot be cloned from {cache} to {usr}", f"the file system says: {said}",
        "An xfs must have been made with reflink=1; elsewhere everything would be copied")


def plan(wants: t.Sequence[dict[str, t.Any]], state: State, context: Context) -> Planned:
    """Return what switches copy-on-write on or off."""
    want = wants[0]
    if not want["enabled"]:
        return _off(state, context)
    problems = [state.ground] if state.ground else []
    problems += [
        Problem(f"{name} is not installed", "copy-on-write rests on it", "Want it in the same run, as role rpm_cow does")
        for name in cow.PLUGIN_PACKAGES if not context.present(name)]
    actions: list[Action] = []
    if state.places[cow.OLD_HOME].database:
        if state.places[cow.NEW_HOME].database and not state.same:
            problems.append(_two_databases())
        elif not want["accept_rpmdb_move"]:
            problems.append(Problem(
                f"the package database is in {cow.OLD_HOME}",
                f"the patched rpm keeps it in {cow.NEW_HOME}, so it would move there, and {cow.OLD_HOME} would become a link",
                "Say so with accept_rpmdb_move (hyperscale_rpm_cow_accept_rpmdb_move), after a look at backups and scripts that "
                "name the folder"))
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
                f"the package database is in {cow.NEW_HOME}",
                f"stock rpm would look for it in {home}, where nothing leads to it",
                f"Make {home} a link to {cow.NEW_HOME} first: 'ln -s ../../{cow.NEW_HOME[1:]} {home}'"))
    return Planned(actions + _asking(context, plugin=False), problems)


def _two_databases() -> Problem:
    return Problem(
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


def _kept(target: Target) -> str:
    return os.path.join("/", os.path.relpath(os.path.join(target.state_dir, KEPT), target.root))


def _restore(target: Target) -> None:
    """Put the plugin's configuration back as its package brought it."""
    kept = target.read(_kept(target))
    if kept is not None:
        if target.read(cow.CONF) is not None:
            target.write(cow.CONF, kept)
        target.remove(_kept(target))
