# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What section C(cow) does: to the plugin's configuration, to the package database, and the question to the rpm that comes."""

from __future__ import annotations

import os

from ...core.engine import ACTIVATE, CONFIGURE, PREPARE, Action
from ...core.errors import Failed, Problem
from ...core.host_io import FileState, Target, is_file, sync_folder
from ...core.writable import CLEARED, REMOVED, WRITTEN, Touch
from ...facts import cow
from ...packages import rpmdb
from ...shared.file import FileAction
from . import move

SECTION = "cow"
# The plugin's configuration as its package brought it, kept for as long as ours is in its place.
KEPT = "cow/reflink.conf"


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

    def touches(self, target: Target, undoing: bool = False) -> list[Touch]:
        return [Touch(cow.CONF, WRITTEN), Touch(kept_path(target), REMOVED if undoing else WRITTEN)]

    def apply(self, target: Target) -> None:
        now = target.read(cow.CONF)
        if now is None:
            raise Failed(Problem(
                "cow.no_configuration", f"there is no {cow.CONF}", "the package of dnf's plugin should have brought it",
                "Look at 'rpm -V python3-dnf-plugin-cow' on the host", subject=cow.CONF))
        if target.read(kept_path(target)) is None:
            target.private_folder(os.path.dirname(KEPT))
            target.write(kept_path(target), now)
        target.write(cow.CONF, now._replace(content=cow.edited(now.content, cow.Settings(*self.args["wanted"]))))

    def undo(self, target: Target) -> None:
        kept, now = target.read(kept_path(target)), target.read(cow.CONF)
        written = cow.edited(kept.content, cow.Settings(*self.args["wanted"])) if kept else None
        if kept is None or now is None or now.content in (written, kept.content):
            _restore(target)
            return
        target.write(cow.CONF, now._replace(content=cow.edited(now.content, cow.settings(kept.content))))
        target.remove(kept_path(target))
        self.left.append(f"{cow.CONF} was changed since: only the settings that were made here are taken back")

    def verify(self, target: Target) -> None:
        now = target.read(cow.CONF)
        if now is None or cow.settings(now.content) != cow.Settings(*self.args["wanted"]):
            raise Failed(Problem(
                "file.not_as_written", f"{cow.CONF} is not as it was written", "something else writes it too",
                "Find out what manages the file, and leave it to one of the two", subject=cow.CONF))


class OffAction(FileAction):
    """Switches the plugin off before its package may go: with the text it came with, no copy of the file is left behind."""

    section = SECTION
    kind = "cow-off"
    phase = PREPARE

    def touches(self, target: Target, undoing: bool = False) -> list[Touch]:
        return [*super().touches(target, undoing), Touch(kept_path(target), WRITTEN if undoing else REMOVED)]

    def apply(self, target: Target) -> None:
        super().apply(target)
        target.remove(kept_path(target))

    def undo(self, target: Target) -> None:
        target.private_folder(os.path.dirname(KEPT))
        target.write(kept_path(target), FileState(*self.args["new"]))
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

    def touches(self, _target: Target, undoing: bool = False) -> list[Touch]:
        places = self.args["from"], self.args["to"]
        return move.touches(*(reversed(places) if undoing else places))

    def apply(self, target: Target) -> None:
        move.move(target, self.args["from"], self.args["to"])

    def undo(self, target: Target) -> None:
        if move.look(target, self.args["to"]).database:
            _home(target, self.args["to"], self.args["from"])

    def verify(self, target: Target) -> None:
        named = target.run(["rpm", "--eval", "%_dbpath"]).strip()
        if named != self.args["to"] or not move.listed(target, self.args["to"]):
            raise Failed(Problem(
                "cow.rpm_looks_elsewhere", f"the package database is not in {self.args['to']}", f"rpm looks for it in {named}",
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

    def touches(self, _target: Target, undoing: bool = False) -> list[Touch]:
        # An empty folder there gives way, and one with anything in it stays.
        return [] if undoing else [Touch(self.args["from"], CLEARED)]

    def apply(self, target: Target) -> None:
        move.linked(target, self.args["from"], self.args["to"])

    def undo(self, target: Target) -> None:
        """The undo of the move takes it away."""

    def verify(self, target: Target) -> None:
        if move.look(target, self.args["from"]).link != self.args["to"]:
            raise Failed(Problem(
                "cow.link_taken", f"{self.args['from']} does not lead to {self.args['to']}", "something else is there",
                "Look at what is in each, and move the one away that 'rpm --eval %_dbpath' does not name",
                subject=self.args["from"]))


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
                "cow.database_not_moved",
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
                "cow.packages_differ", f"rpm lists {len(said)} packages and {len(known)} are known",
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
        os.unlink(target.path(source))
        sync_folder(os.path.dirname(target.path(source)))
    move.name_to_rpm(target, None)


def plugin_problem(target: Target) -> Problem | None:
    """Return why rpm would not load its plugin."""
    path = target.run(["rpm", "--eval", cow.MACRO]).strip()
    if path != cow.MACRO and is_file(target.path(path)):
        return None
    said = "no macro names it" if path == cow.MACRO else f"{path} is not there"
    return Problem(
        "cow.plugin_not_loaded", "rpm does not load its plugin reflink", said,
        "Look at 'rpm -V rpm rpm-plugin-reflink' on the host")


def kept_path(target: Target) -> str:
    return target.state_path(KEPT)


def _restore(target: Target) -> None:
    """Put the plugin's configuration back as its package brought it."""
    kept = target.read(kept_path(target))
    if kept is not None:
        if target.read(cow.CONF) is not None:
            target.write(cow.CONF, kept)
        target.remove(kept_path(target))
