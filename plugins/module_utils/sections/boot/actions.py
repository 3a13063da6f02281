# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of section C(boot). Entries and the environment block are changed value by value, because the transaction of the
same run writes to both: a kernel that comes brings its entry, and makes itself the default."""

from __future__ import annotations

import typing as t

from ...core import boot_disk, identity
from ...core.engine import CONFIGURE, PREPARE, Action
from ...core.errors import Failed, Problem
from ...core.host_io import Target
from ...core.writable import OVERWRITTEN, TAKEN_BACK, WRITTEN, Touch
from ...facts import boot_loader
from ...shared.file import FileAction
from ...text import bls, cmdline, grubenv
from .environment import put_variables
from .guarding import SAVED

SECTION = "boot"
NEXT = "next_entry"


class SettingAction(FileAction):
    """A file that a kernel is installed by, or that decides which kernels stay; it must be right before one comes."""

    section = SECTION
    kind = "boot-setting"
    phase = PREPARE


class NoteAction(FileAction):
    """Our note of what is tried, and of the arguments that were set."""

    section = SECTION
    kind = "boot-note"
    phase = CONFIGURE


class SeenAction(Action):
    """A step on what GRUB reads while it starts: it counts as done once GRUB would see it after a power cut."""

    section = SECTION
    phase = CONFIGURE

    def settle(self, target: Target, _job: str, undoing: bool) -> tuple[str, bool]:
        boot_disk.flush(boot_disk.BOOT, target.root)
        return super().settle(target, _job, undoing)


class EntryAction(SeenAction):
    """The arguments of one entry. An entry that is gone by then has none; that of a kernel still to come is looked for when
    the step is done."""

    kind = "boot-entry"

    @classmethod
    def of(cls, entry: bls.Entry, why: str, new: str) -> EntryAction:
        """Make the action that gives an entry other arguments."""
        had, has = cmdline.words(entry.options), cmdline.words(new)
        args = {"path": entry.path, "release": None, "old": entry.options, "new": new,
                "add": [word for word in has if word not in had], "remove": []}
        return cls(entry.path, why, args, f"options {entry.options}\n", f"options {new}\n")

    @classmethod
    def coming(cls, release: str, why: str, add: t.Sequence[str], remove: t.Sequence[str] = ()) -> EntryAction:
        """Make the action for the entry of a kernel that the run's transaction brings."""
        args = {"path": None, "release": release, "old": None, "new": None, "add": list(add), "remove": list(remove)}
        shown = "".join(f"options: {word}\n" for word in add)
        return cls(f"the entry of {release}", why, args, "".join(f"options: {word}\n" for word in remove), shown)

    def _path(self, target: Target) -> str | None:
        if self.args["path"]:
            return t.cast(str, self.args["path"])
        entry = boot_loader.read(target.root).entry_of(self.args["release"])
        return entry.path if entry else None

    def _wanted(self, options: str) -> str:
        if self.args["new"] is not None:
            return t.cast(str, self.args["new"])
        adding = cmdline.KERNELOPTS not in cmdline.words(options)
        return cmdline.edited(options, self.args["add"], self.args["remove"], adding)

    def _change(self, target: Target, how: t.Callable[[str], str]) -> None:
        path = self._path(target)
        held = target.read(path) if path else None
        if path is None or held is None:
            return
        options = bls.Entry("", path, held.content).options
        if how(options) != options:
            target.write(path, held._replace(content=bls.with_options(held.content, how(options))))
        boot_disk.flush(path, target.root)

    def touches(self, target: Target, _undoing: bool = False) -> list[Touch]:
        # kernel-install(8) names the entry of a kernel that is still to come by the machine and the release.
        machine = identity.of(target).machine
        path = self.args["path"] or self._path(target) or f"{boot_loader.ENTRIES}/{machine}-{self.args['release']}.conf"
        return [Touch(path, WRITTEN)]

    def apply(self, target: Target) -> None:
        if self.args["release"] and self._path(target) is None:
            raise Failed(no_entry(self.args["release"]))
        self._change(target, self._wanted)

    def undo(self, target: Target) -> None:
        self._change(target, self._undone)

    def _undone(self, options: str) -> str:
        """Return options without what was set here; what somebody changed since stays in them."""
        old, new = self.args["old"], self.args["new"]
        if old is None:
            return cmdline.edited(options, [], self.args["add"])
        if options in (old, new):
            return t.cast(str, old)
        had, has = cmdline.words(old), cmdline.words(new)
        self.left.append(f"{self.subject} was changed since: only the arguments that were set here are taken out of it")
        return cmdline.edited(options, [word for word in had if word not in has], self.args["add"])

    def verify(self, target: Target) -> None:
        path = self._path(target)
        held = target.read(path) if path else None
        options = bls.Entry("", path or "", held.content).options if held else None
        if options is not None and options != self._wanted(options):
            raise Failed(Problem(
                "boot.entry_not_as_written", f"{path} is not as it was written",
                f"other arguments: {_differing(options, self._wanted(options))}",
                "Find out what else writes boot entries, end that, and run again",
                subject=path))


def _differing(options: str, wanted: str) -> str:
    """Return the names of the arguments in which two lines differ. Their values may be secret."""
    return ", ".join(sorted({cmdline.key_of(word) for word in {*cmdline.words(options)} ^ {*cmdline.words(wanted)}}))


class EnvironmentAction(SeenAction):
    """Variables of GRUB's environment block. C(starts) names variables whose value is the entry of a kernel, which is looked
    for when the step is done; the kernel's files must be there and whole by then."""

    kind = "boot-environment"

    @classmethod
    def of(
        cls, boot: boot_loader.Boot, why: str, new: t.Mapping[str, str | None], starts: t.Mapping[str, str],
    ) -> EnvironmentAction:
        """Make the action that sets variables; C(None) takes one away."""
        was = {name: boot.variables.get(name) for name in (*new, *starts)}
        to_be = {**new, **{name: f"the entry of {release}" for name, release in starts.items()}}
        args = {"path": boot.env_path, "made": boot.env is None, "old": was, "new": dict(new), "starts": dict(starts)}
        return cls(boot.env_path, why, args, _lines(was), _lines(to_be))

    def _values(self, target: Target) -> dict[str, str | None]:
        """Return what the variables are to be, with the ids of the entries that are there now."""
        boot = boot_loader.read(target.root)
        values = dict(self.args["new"])
        for name, release in self.args["starts"].items():
            entry = boot.entry_of(release)
            if entry is None:
                raise Failed(no_entry(release))
            missing = boot_loader.missing_images(target.root, entry)
            if missing:
                raise Failed(not_whole(release, missing))
            values[name] = entry.id
        return values

    def touches(self, target: Target, undoing: bool = False) -> list[Touch]:
        gone = [Touch(self.args["path"], TAKEN_BACK)] if undoing and self.args["made"] else []
        return [touch_of_block(target, self.args["path"]), *gone]

    def apply(self, target: Target) -> None:
        put_variables(target, self.args["path"], self._values(target))

    def undo(self, target: Target) -> None:
        """Give the variables that still have our value the one of before; what somebody set since stays and is told."""
        boot, path = boot_loader.read(target.root), self.args["path"]
        back = self._back(boot)
        if self.args["made"] and boot.env is not None and not grubenv.parse(grubenv.with_variables(boot.env, back)):
            target.remove(path)
            boot_disk.flush(path, target.root)
        elif back:
            put_variables(target, path, back)

    def _back(self, boot: boot_loader.Boot) -> dict[str, str | None]:
        """Return the variables to put back, and note those that somebody set since."""
        back = {}
        for name, old in self.args["old"].items():
            now = boot.variables.get(name)
            if self._is_ours(boot, name, now):
                back[name] = old
            elif now != old:
                what = f"was set to {now}" if now else "was taken away"
                self.left.append(f"{name} in {self.args['path']} {what} since, and stays so")
        return back

    def _is_ours(self, boot: boot_loader.Boot, name: str, now: str | None) -> bool:
        """Say whether a variable still has the value that it was given here."""
        if name == NEXT and not now and not self.args["old"][name]:
            return True  # GRUB empties it when it has started the entry
        if name not in self.args["starts"]:
            return now == self.args["new"][name]
        release = self.args["starts"][name]
        entry = boot.entry_of(release)
        return now == entry.id if entry else bool(now) and f"{now}".endswith(f"-{release}")

    def verify(self, target: Target) -> None:
        boot = boot_loader.read(target.root)
        wanted = self._values(target)
        found = {name: boot.variables.get(name) for name in wanted}
        if found != wanted:
            raise Failed(Problem(
                "boot.variables_not_as_written",
                f"{self.args['path']} is not as it was written", f"it says {_lines(found).split()}",
                "Find out what else writes it, end that, and run again", subject=self.args["path"]))
        starts = self.args["starts"]
        for name, entry in ((NEXT, boot.next.entry if boot.next else None), (SAVED, boot.default)):
            if name in starts and (entry is None or entry.release != starts[name]):
                raise Failed(Problem(
                    "boot.grub_starts_another", f"GRUB would not start kernel {starts[name]}",
                    f"by its files it starts {entry.id if entry else 'an entry that they do not name'}",
                    "Look at 'grub2-editenv list' and at /boot/loader/entries on the host"))


def touch_of_block(target: Target, path: str) -> Touch:
    """Return how an environment block is written: in place, or anew where none is or it is damaged."""
    held = target.read(path)
    return Touch(path, OVERWRITTEN if held is not None and grubenv.valid(held.content) else WRITTEN)


ACTIONS = {action.kind: action for action in (SettingAction, NoteAction, EntryAction, EnvironmentAction)}


def no_entry(release: str) -> Problem:
    """Say that a kernel has no entry."""
    return Problem(
        "boot.no_entry", f"kernel {release}", "it has no entry in /boot/loader/entries",
        "Look at what kernel-install says: 'kernel-install add RELEASE /lib/modules/RELEASE/vmlinuz'", subject=release)


def not_whole(release: str, missing: t.Sequence[str]) -> Problem:
    """Say that files that an entry names are not there."""
    return Problem(
        "boot.files_missing", f"kernel {release}", f"missing or empty below /boot: {', '.join(missing)}",
        "Make room on /boot and run 'kernel-install add RELEASE /lib/modules/RELEASE/vmlinuz'", subject=release)


def _lines(values: t.Mapping[str, str | None]) -> str:
    return "".join(f"{name}={value}\n" for name, value in sorted(values.items()) if value is not None)
