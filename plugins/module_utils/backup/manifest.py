# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is saved before a package transaction, so that it can be taken back exactly: packages, files, reasons of installation.

One folder a run below C(saved/). Files are saved before the transaction. After it, what it made of them is noted, as far as
that can be computed (doings.py). On the way back a path is written or removed only if it is in that note and still holds what
the transaction left, or if the transaction of the way back changed it. Everything else stays as it is and is told.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import typing as t

from ..core import boot_disk
from ..core.errors import Failed, Problem, Refused
from ..core.host_io import Target, is_there, names_in, sync_folder
from ..packages import edits
from ..packages.jobfile import REASONS
from ..packages.store import Store
from ..text.alternatives import LINK_FOLDER, STATE_FOLDERS
from . import shipped, states as file_states, units
from .boot_entries import DEAD, dead_entries
from .doings import BESIDE, Doings
from .presets import enabled_by_preset
from .shipped import Shipped

FOLDER = "saved"
# What has to give way and is somebody's, by run.
DISPLACED = "displaced"
# What files held before the transaction; what the transaction made of those that it changed; what files held before that is
# taken back.
BEFORE, AFTER, EDITED = "files.json", "after.json", "edited.json"
# What the builds brought that left, and those that are about to leave on the way back.
LEAVING, GOING = "leaving.json", "going.json"
ACTIVE, STOPPED = "active.json", "stopped.json"
PACKAGES = "packages"
# What packages, their scriptlets and what they trigger write outside of their own files.
TREES = (
    "/etc/systemd", LINK_FOLDER, *STATE_FOLDERS, "/etc/dnf", "/etc/yum.repos.d", "/etc/sysconfig",
    "/etc/sysctl.d", "/etc/kernel", "/etc/default/grub", "/etc/modules-load.d", "/etc/modprobe.d", "/etc/udev",
    "/etc/tmpfiles.d", "/etc/sysusers.d", "/etc/pam.d", "/etc/nsswitch.conf", "/etc/ld.so.conf.d", "/boot/loader/entries",
    "/boot/grub2/grubenv",
)


class Kept:
    """What one run saved."""

    def __init__(self, target: Target, run: str) -> None:
        self._target = target
        self.folder = os.path.join(target.state_dir, FOLDER, run)

    @property
    def packages(self) -> Store:
        """The packages that left the host."""
        return Store(os.path.join(self.folder, PACKAGES))

    @property
    def there(self) -> bool:
        """Say whether the files were saved to the end."""
        return is_there(os.path.join(self.folder, BEFORE))

    @property
    def noted(self) -> bool:
        """Say whether it was noted what the transaction made of the files."""
        return is_there(os.path.join(self.folder, AFTER))

    def reasons(self) -> dict[str, str]:
        """Return why the packages that left had been installed, by C(name.arch), in dnf's words."""
        return self._read(REASONS) or {}

    def save(self, leaving: t.Collection[str]) -> None:
        """Save what the files of some installed builds, given as NEVRAs, and TREES hold."""
        brings, names = shipped.installed(leaving)
        try:
            self._target.private_folder(FOLDER)
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            self._write(ACTIVE, units.active(self._target, brings.files))
            self._write(LEAVING, shipped.plain(brings))
            paths = [*_with_beside(brings.configuration), *edited_files(self._target, names)]
            self._write(BEFORE, _plain(self._capture(paths)))
        except OSError as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise Refused(Problem(
                f"the files of this host cannot be saved below {self.folder}", f"{error.strerror or error}",
                "Nothing was changed. Make room there and run again")) from error

    def note(self, coming: t.Collection[str]) -> None:
        """Note what the transaction made of the files. C(coming) are the NEVRAs of the builds that it brought."""
        before = self._states(BEFORE)
        now = self._capture(before)
        self._write(AFTER, _plain(self._doings(self._brought(LEAVING), shipped.installed(coming)[0], before, now).changes()))

    def look_for_edits(self, going: t.Collection[str]) -> None:
        """Keep what the files hold before the transaction is taken back. C(going) are the NEVRAs of the builds that are to go."""
        brings, names = shipped.installed(going)
        paths = [*_with_beside(brings.configuration), *edited_files(self._target, names)]
        self._write(STOPPED, units.stopped(self._target, self._read(ACTIVE) or []))
        self._write(GOING, shipped.plain(brings))
        self._write(EDITED, _plain(self._capture({*self._states(BEFORE), *self._states(AFTER), *paths})))

    @property
    def looked(self) -> bool:
        """Say whether it was kept what the files held before the transaction was about to be taken back."""
        return is_there(os.path.join(self.folder, EDITED))

    def put_back(self, settled: t.Container[str] = ()) -> list[str]:
        """Bring the files that the transaction changed to what they were before it, and those that the way back changed to what
        they were before that; returns what is left otherwise than before the transaction, in words.

        C(settled) are paths that other steps have taken back further by now.
        """
        before, made, edited = self._states(BEFORE), self._states(AFTER), self._states(EDITED)
        if not self.looked:
            return self._told(settled)
        going = self._brought(GOING)
        now = self._capture({*before, *made, *edited})
        back = self._doings(going, self._brought(LEAVING), edited, now).changes()
        wanted: file_states.States = {}
        for path in (path for path in now if path not in settled):
            was, entry = edited.get(path), going.files.get(path)
            as_shipped = entry is not None and entry.is_in(was)
            if path in made and (as_shipped or was == made[path]):
                wanted[path] = before.get(path)
            elif not as_shipped:
                wanted[path] = was
        ours = {path: state for path, state in wanted.items() if path in back or now[path] == edited.get(path)}
        code = [
            path for path in ours
            if path in going.files and not (path in before or _in_trees(path) or going.files[path].config)
            and edited.get(path) is not None and now[path] != edited[path]]
        lost = [path for path in code if edited[path].kind == file_states.OTHER]
        newcomers = {path: state for path, state in ours.items() if before.get(path) is None and now.get(path) is None}
        dead = dead_entries(self._target, newcomers)
        displaced = self._displace({
            **{path: edited[path] for path in code if path not in lost}, **{path: ours[path] for path in dead}})
        self._bring({path: state for path, state in ours.items() if path not in displaced}, now)
        words = "was changed since the swap, and its package is another one now"
        return [
            *self._told(settled),
            *(f"{path} {DEAD if path in dead else words}: what it held is in {place}" for path, place in displaced.items()),
            *(f"{path} {words}: what it held was not kept, because it is no file or too large" for path in lost)]

    def revoke(self, coming: Shipped) -> list[str]:
        """Bring the files to what they were before a transaction that could not be completed, as far as it or its reversal
        changed them; returns what is left otherwise, in words. C(coming) is what its builds would have brought."""
        before, leaving = self._states(BEFORE), self._brought(LEAVING)
        now = self._capture(before)
        made = {
            **self._doings(leaving, coming, before, now).changes(), **self._doings(coming, leaving, before, now).changes()}
        self._bring({path: before.get(path) for path in made}, now)
        return self._told()

    def _bring(self, wanted: file_states.States, now: file_states.States) -> None:
        """Bring paths to states, those that still hold what they did C(now). A folder comes before what is in it, and goes
        after that."""
        changed = {path: state for path, state in wanted.items() if now.get(path) != state}
        gone = sorted((path for path, state in changed.items() if state is None), reverse=True)
        written = sorted(path for path, state in changed.items() if state is not None and state.kind != file_states.OTHER)
        for path in [*gone, *written]:
            file_states.exchange(self._target, path, now.get(path), changed[path])
        boot_disk.flush_each([path for path in changed if path.startswith(f"{boot_disk.BOOT}/")], self._target.root)

    def _displace(self, states: file_states.States) -> dict[str, str]:
        """Keep what somebody made of paths, where it cannot stay, and return by path where it is now."""
        run = os.path.basename(self.folder)
        places = {path: os.path.join(self._target.private_folder(DISPLACED, run), path[1:]) for path in states}
        for path, place in places.items():
            file_states.put_at(place, t.cast(file_states.PathState, states[path]))
        return places

    def _told(self, settled: t.Container[str] = ()) -> list[str]:
        """Return in words what holds something else than before the transaction."""
        before, edited = self._states(BEFORE), self._states(EDITED)
        now = self._capture({*before, *edited})
        known = {*before, *self._brought(GOING).configuration, *filter(_in_trees, now)} & now.keys()
        return [
            f"{path} was changed since the swap and is left as it is"
            for path in sorted(known) if now[path] != before.get(path) and path not in settled]

    def _capture(self, paths: t.Iterable[str]) -> file_states.States:
        """Return what some paths and all that is in TREES hold."""
        trees = [path for tree in TREES for path in file_states.below(self._target, tree)]
        return file_states.capture(self._target, {*paths, *trees})

    def _doings(self, leaving: Shipped, coming: Shipped, was: file_states.States, now: file_states.States) -> Doings:
        return Doings(leaving, coming, was, now, lambda unit, user: enabled_by_preset(self._target, unit, user))

    def _brought(self, name: str) -> Shipped:
        return shipped.from_plain(self._read(name))

    def start_again(self) -> None:
        """Start what ran before the transaction, but for what was stopped when that was about to be taken back, and stop what
        the builds had started that went on the way back."""
        stopped = self._read(STOPPED) or []
        units.start(self._target, [unit for unit in self._read(ACTIVE) or [] if unit not in stopped])
        if self.looked:
            units.stop_gone(self._target, self._brought(GOING).files)

    def clear(self) -> None:
        """Take all of it away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _states(self, name: str) -> file_states.States:
        found = self._read(name) or {}
        return {path: None if state is None else file_states.PathState(*state) for path, state in found.items()}

    def _read(self, name: str) -> t.Any:
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8") as handle:
                return json.load(handle)
        except FileNotFoundError:
            return None

    def _write(self, name: str, content: t.Any) -> None:
        beside = os.path.join(self.folder, f".{name}")
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
            json.dump(content, handle, sort_keys=True)
            handle.flush()
            os.fsync(handle.fileno())
        os.rename(beside, os.path.join(self.folder, name))
        sync_folder(self.folder)


def _plain(states: file_states.States) -> dict[str, t.Any]:
    return {path: None if state is None else list(state) for path, state in states.items()}


def _with_beside(paths: t.Iterable[str]) -> list[str]:
    """Return some paths, each with those of the second files that rpm may leave beside it."""
    return [path + suffix for path in paths for suffix in ("", *BESIDE)]


def _in_trees(path: str) -> bool:
    return any(path == tree or path.startswith(f"{tree}/") for tree in TREES)


def edited_files(target: Target, names: t.Iterable[str]) -> list[str]:
    """Return the files of some installed packages that differ from what their package brought."""
    wanted = sorted(set(names))
    if not wanted:
        return []
    status, out = target.probe([*edits.VERIFY, *wanted])
    told = edits.parse(out)
    if not edits.answered(status, told):
        raise Failed(Problem(
            "rpm cannot tell which files of this host were edited", f"'{' '.join(edits.VERIFY)}' ended with status {status}",
            "Look at what 'rpm -V' says of the installed packages, mend it, and run again"))
    return [path for path, said in told.items() if said["flags"] != edits.MISSING]


def sweep(target: Target, job: str, *paths: str) -> None:
    """Take away what the writes of a step that was cut left beside some paths, and anywhere in TREES."""
    trees = [path for tree in TREES for path in [*file_states.below(target, tree), tree]]
    folders = {os.path.dirname(path) for path in (*paths, *trees) if path.startswith("/")}
    for folder in sorted(folders):
        target.clear_scratch(folder, job)


def runs(target: Target) -> list[str]:
    """Return the runs that saved something, oldest first."""
    return names_in(os.path.join(target.state_dir, FOLDER))


def prune(target: Target, standing: t.Container[str], days: int) -> None:
    """Take away what was saved by runs that do not stand, and, unless C(days) is 0, what is older than that."""
    oldest = time.time() - days * 86400 if days else 0.0
    for run in runs(target):
        kept = Kept(target, run)
        if run not in standing or os.stat(kept.folder).st_mtime < oldest:
            kept.clear()
