# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changes of paths a package transaction made by itself, computed from the builds that left and that came.

Only what can be computed counts: files as a header has them, second files beside configuration, families of alternatives
that packages register, links of units that packages enable or disable, boot entries of kernels, and what the hooks of
kernel-install are known to make beside them. Whatever else changed while the transaction ran was changed by somebody, or nobody
can tell.
"""

from __future__ import annotations

import os
import re
import typing as t

from ..core.boot_disk import ENVIRONMENT
from ..tables import places
from ..text import alternatives, grubenv
from .contents import Contents
from .shipped import Entry, Shipped
from .states import FILE, FOLDER, LINK, PathState, States, text_of

NEW, SAVE, ORIG = BESIDE = (".rpmnew", ".rpmsave", ".rpmorig")
UNIT_FOLDERS = ("/usr/lib/systemd/system", "/usr/lib/systemd/user")
ENABLING = re.compile(r"^/etc/systemd/(?:system|user)/(?:[^/]+\.(?:wants|requires|upholds)/)?[^/]+$")
BOOT_ENTRY = re.compile(r"^/boot/loader/entries/[^/]+?-(?P<version>[^/]+?)(?:\+\d+(?:-\d+)?)?\.conf$")
DEFAULT_ENTRY = "saved_entry"
PRESET_ALL = "preset-all"
# Folders that are links into /usr.
MERGED = ("/bin/", "/sbin/", "/lib/", "/lib64/")

State = t.Optional[PathState]


class Doings:
    """What a transaction makes of paths, by what left, what came, and what the paths held before it and hold after it.

    C(enabled) says whether the presets of the host enable a unit, of the system or of users; C(contents) has what files hold.
    """

    def __init__(
        self, leaving: Shipped, coming: Shipped, was: States, now: States, enabled: t.Callable[[str, bool], bool],
        contents: Contents,
    ) -> None:
        self._leaving, self._coming = leaving, coming
        self._was, self._now = was, now
        self._enabled = enabled
        self._contents = contents

    def changes(self) -> States:
        """Return what the transaction made of the paths that it changed."""
        changed = {path for path in {*self._was, *self._now} if self._differs(path)}
        made = {path for path in changed if self.did(path)}
        made |= {path for path in changed - made if self._is_folder_of(path, made)}
        return {path: self._now.get(path) for path in made}

    def did(self, path: str) -> bool:
        """Say whether the transaction made the difference in a path, which is no folder that came only with what is in it."""
        was, now = self._was.get(path), self._now.get(path)
        return (
            self._by_package(path, was, now) or self._second_file(path, now) or self._family(path, was, now)
            or self._alternative(path, was, now) or self._enabling(path, was, now) or self._boot_entry(path, was, now)
            or self._of_kernel_hooks(path, was, now) or self._default_entry(path, was, now))

    def _differs(self, path: str) -> bool:
        return self._was.get(path) != self._now.get(path)

    def _by_package(self, path: str, was: State, now: State) -> bool:
        entry = self._coming.files.get(path)
        if now is None:
            return entry is None and path in self._leaving.files
        return entry is not None and entry.is_in(now) and _replaces(entry, was, self._leaving.files.get(path))

    def _second_file(self, path: str, now: State) -> bool:
        base, suffix = os.path.splitext(path)
        old, new = self._leaving.files.get(base), self._coming.files.get(base)
        if suffix not in BESIDE or now is None or not any(entry and entry.config for entry in (old, new)):
            return False
        if suffix == NEW:
            return new is not None and new.holds(now)
        return _same(self._was.get(base), now)

    def _family(self, path: str, was: State, now: State) -> bool:
        folder, name = os.path.split(path)
        if folder not in alternatives.STATE_FOLDERS or any(state is not None and state.kind != FILE for state in (was, now)):
            return False
        try:
            before, after = self._parsed(name, was), self._parsed(name, now)
        except ValueError:
            return False
        if before and after and (before.auto, before.link) != (after.auto, after.link):
            return False
        if before is None and after is not None and not after.auto:
            return False
        old = {target.path: target for target in before.targets} if before else {}
        new = {target.path: target for target in after.targets} if after else {}
        came = [path for path, target in new.items() if old.get(path) != target]
        return all(_merged(path) in self._coming.files for path in came) and all(
            _merged(path) in self._leaving.files for path in old.keys() - new.keys())

    def _parsed(self, name: str, state: State) -> alternatives.Family | None:
        return None if state is None else alternatives.parse(name, self._text(state))

    def _text(self, state: PathState) -> str:
        """Return the text of a file. Raises ValueError where it was not kept, as for a text that says nothing."""
        text = text_of(self._contents, state)
        if text is None:
            raise ValueError("the content of this file was not kept")
        return text

    def _alternative(self, path: str, was: State, now: State) -> bool:
        folder, name = os.path.split(path)
        if folder != alternatives.LINK_FOLDER or any(state is not None and state.kind != LINK for state in (was, now)):
            return False
        return any(
            self._differs(place) and self._family(place, self._was.get(place), self._now.get(place))
            for place in self._families_of(name))

    def _families_of(self, name: str) -> t.Iterator[str]:
        """Yield the files of the families that have a link of some name."""
        for states in (self._was, self._now):
            for place, state in states.items():
                folder, family = os.path.split(place)
                if folder in alternatives.STATE_FOLDERS and state is not None and state.kind == FILE:
                    try:
                        parsed = self._parsed(family, state)
                    except ValueError:
                        continue
                    if parsed and name in (family, *parsed.followers):
                        yield place

    def _enabling(self, path: str, was: State, now: State) -> bool:
        if not ENABLING.match(path):
            return False
        if was is None and now is not None and now.kind == LINK:
            unit, user = _unit(now.content), path.startswith("/etc/systemd/user/")
            told = any(unit in text or PRESET_ALL in text for text in self._applying_presets())
            return unit in self._coming.units and told and self._enabled(unit, user)
        if now is None and was is not None and was.kind == LINK:
            unit = _unit(was.content)
            return unit in self._leaving.units and unit not in self._coming.units
        return False

    def _applying_presets(self) -> t.Iterator[str]:
        """Yield what rpm ran and what may apply presets: scriptlets only where a package came anew, and triggers."""
        leaving, coming = self._leaving, self._coming
        yield from (text for name, text in coming.scripts.items() if name not in leaving.scripts)
        for trigger in [*leaving.triggers, *coming.triggers]:
            if any(map(trigger.waits_for, (leaving if trigger.removal else coming).evrs.get(trigger.on, ()))):
                yield trigger.text

    def _boot_entry(self, path: str, was: State, now: State) -> bool:
        match = BOOT_ENTRY.match(path)
        if not match:
            return False
        name = os.path.basename(path)
        if was is None and now is not None:
            return any(f"-{release}" in name for release in self._coming.kernels)
        return now is None and any(f"-{release}" in name for release in self._leaving.kernels)

    def _of_kernel_hooks(self, path: str, was: State, now: State) -> bool:
        """Say whether hooks of kernel-install made or removed a path beside the entry of a kernel."""
        if not places.of_kernels(path):
            return False
        if was is None and now is not None:
            return bool(self._coming.kernels)
        return was is not None and now is None and bool(self._leaving.kernels)

    def _default_entry(self, path: str, was: State, now: State) -> bool:
        if path != ENVIRONMENT or was is None or now is None or (was.kind, now.kind) != (FILE, FILE):
            return False
        try:
            before, after = grubenv.parse(self._text(was)), grubenv.parse(self._text(now))
        except ValueError:
            return False
        changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        if not changed or not changed <= places.KERNEL_VARIABLES:
            return False
        if DEFAULT_ENTRY not in changed:
            return bool(self._coming.kernels or self._leaving.kernels)
        return _names(after.get(DEFAULT_ENTRY), self._coming.kernels) or _names(before.get(DEFAULT_ENTRY), self._leaving.kernels)

    def _is_folder_of(self, path: str, made: t.Collection[str]) -> bool:
        """Say whether a folder came or went with what the transaction made or removed in it."""
        was, now = self._was.get(path), self._now.get(path)
        there = now if was is None else was if now is None else None
        if there is None or there.kind != FOLDER:
            return False
        return any(inner.startswith(f"{path}/") and (self._now.get(inner) is None) == (now is None) for inner in made)


def _replaces(entry: Entry, was: State, old: Entry | None) -> bool:
    """Say whether rpm puts a file in the place of what is there: configuration that was edited may stay."""
    if not entry.config or was is None or entry.holds(was) or (old is not None and old.holds(was)):
        return True
    unchanged = old is not None and (old.kind, old.content) == (entry.kind, entry.content)
    return not entry.noreplace and not unchanged


def _same(one: State, other: State) -> bool:
    """Say whether two states are the same but for extended attributes, which rpm does not give to the second file."""
    return one is not None and other is not None and one[:5] == other[:5]


def _merged(path: str) -> str:
    return f"/usr{path}" if path.startswith(MERGED) else path


def _unit(target: str) -> str:
    """Return the unit of a package that a link leads to; empty when it leads elsewhere."""
    folder, name = os.path.split(os.path.normpath(target))
    return name if _merged(folder) in UNIT_FOLDERS else ""


def _names(entry: str | None, kernels: t.Iterable[str]) -> bool:
    return bool(entry) and any(f"-{release}" in f"-{entry}" for release in kernels)
