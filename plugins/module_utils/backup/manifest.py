# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is saved before a package transaction, so that it can be taken back exactly: packages, files, reasons of installation.

One folder a run below C(saved/). Files are saved before the transaction. After it, what it made of them is noted, as far as
that can be computed (doings.py). On the way back a path is written or removed only if it is in that note and still holds what
the transaction left, or if the transaction of the way back changed it. Everything else stays as it is and is told.

A path has its state in a list, with the digest of what it holds; the contents lie beside, each once.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import time
import typing as t

from ..core import boot_disk, foreign, modes
from ..core.host_io import Target, is_folder, is_there, names_in, sync_folder
from ..core.writable import GONE, RESTORED, Touch
from ..packages import edits
from ..packages.jobfile import REASONS
from ..packages.store import Store
from ..tables import places
from . import displaced, local_edits, shipped, states as file_states, units
from .boot_entries import DEAD, dead_entries
from .contents import Contents
from .doings import BESIDE, ORIG, SAVE, Doings
from .presets import enabled_by_preset
from .restore import NOT_KEPT, Mounts, Restorer
from .shipped import Shipped

FOLDER = "saved"
# What files held before the transaction; what the transaction made of those that it changed; what files held before that is
# taken back; and what they hold, by digest.
BEFORE, AFTER, EDITED, CONTENTS = "files.json", "after.json", "edited.json", "contents"
# What the builds brought that left, and those that are about to leave on the way back.
LEAVING, GOING = "leaving.json", "going.json"
# Files of the builds that were not there before; what lay beside the kernels; the mounts that the paths were on.
MISSING, BESIDE_KERNELS, MOUNTS = "missing.json", "beside_kernels.json", "mounts.json"
ACTIVE, STOPPED = "active.json", "stopped.json"
PACKAGES = "packages"

LEFT = "was changed since the swap and is left as it is"


class Kept:
    """What one run saved."""

    def __init__(self, target: Target, run: str) -> None:
        self._target = target
        self._run = run
        self.folder = os.path.join(target.state_dir, FOLDER, run)
        self._contents = Contents(os.path.join(self.folder, CONTENTS))

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

    def save(self, leaving: t.Collection[str], comes: t.Iterable[str] = ()) -> None:
        """Save what the files of some installed builds, given as NEVRAs, and the places of a host hold, and what lies at the
        paths C(comes) of the builds that come: rpm writes over a file there that no package has."""
        brings, names = shipped.installed(leaving)
        try:
            self._target.private_folder(FOLDER)
            modes.make_folders(self.folder, modes.PRIVATE)
            self._write(ACTIVE, units.active(self._target, brings.files))
            self._write(LEAVING, shipped.plain(brings))
            differing = local_edits.differences(self._target, names)
            edited = local_edits.edited_of(differing)
            # What comes may be configuration: then rpm may leave second files beside what is in its way.
            paths = [*_with_beside([*brings.configuration, *self._in_the_way(comes, brings)]), *brings.ghosts, *edited]
            before = self._capture(paths, keeping=True)
            self._write(MISSING, sorted(differing.keys() - set(edited)))
            self._write(BESIDE_KERNELS, beside_kernels(self._target))
            self._write(MOUNTS, Mounts(self._target).plain())
            self._write(BEFORE, _plain(before))
        except OSError as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise foreign.refused(error, f"the files of this host cannot be saved below {self.folder}") from error
        self._warn_of_large(before, {*brings.ghosts, *(path for path in edited if edits.CONTENT & set(differing[path]["flags"]))})

    def _warn_of_large(self, before: file_states.States, paths: t.Collection[str]) -> None:
        """Tell which of some paths hold what is not kept and no package has."""
        contents = self._contents
        for path in sorted(before.keys() & paths):
            state = before[path]
            if state is not None and (state.kind == file_states.HUGE or (
                    state.kind == file_states.FILE and not contents.has(state.content))):
                self._target.warn(
                    f"{path} is too large to be saved: what the transaction makes of its content is not taken back")

    def note(self, coming: t.Collection[str]) -> None:
        """Note what the transaction made of the files. C(coming) are the NEVRAs of the builds that it brought."""
        before, brings = self._states(BEFORE), shipped.installed(coming)[0]
        known = self._read(BESIDE_KERNELS) or []
        made = [path for path in beside_kernels(self._target) if path not in known] if brings.kernels else []
        now = self._capture([*before, *made])
        self._write(AFTER, _plain(self._doings(self._brought(LEAVING), brings, before, now).changes()))

    def look_for_edits(self, going: t.Collection[str]) -> None:
        """Keep what the files hold before the transaction is taken back. C(going) are the NEVRAs of the builds that are to go."""
        brings, names = shipped.installed(going)
        paths = [
            *_with_beside([*brings.configuration, *self._in_the_way(self._brought(LEAVING).files, brings)]),
            *local_edits.edited_of(local_edits.differences(self._target, names))]
        self._write(STOPPED, units.stopped(self._target, self._read(ACTIVE) or []))
        self._write(GOING, shipped.plain(brings))
        self._write(EDITED, _plain(self._capture({*self._states(BEFORE), *self._states(AFTER), *paths}, keeping=True)))

    def set_aside(self, coming: Shipped, with_second: bool = True) -> list[str]:
        """Keep aside what somebody put at paths that no package had, and in second files beside configuration, since a
        transaction was cut and before its packages are unpacked once more; returns that in words. C(coming) is what these
        packages bring. C(with_second) is false where a transaction was at work since that may have written second files."""
        goes_back = self.looked
        had, known = self._brought(GOING if goes_back else LEAVING), self._states(EDITED if goes_back else BEFORE)
        paths = [path for path in coming.files if path not in had.files and _is_code(path, coming)]
        beside = {path + suffix: path for path in coming.configuration for suffix in BESIDE if with_second}
        contents = Contents(os.path.join(self.folder, CONTENTS), True)
        now = file_states.capture(self._target, [*paths, *beside], contents)
        contents.sync()
        changed = {
            path: state for path, state in now.items()
            if state is not None and state.kind != file_states.FOLDER and state != known.get(path)}
        theirs = {path: state for path, state in changed.items() if path not in beside and not coming.files[path].is_in(state)}
        # rpm itself writes there what it brings, or what the configuration held.
        second = {
            path: state for path, state in changed.items()
            if path in beside and not coming.files[beside[path]].holds(state) and not _is_copy(state, known.get(beside[path]))}
        return [
            f"{path} was written while its package was cut in its middle, and is {now_is}: "
            f"{f'what it held is in {place}' if place else NOT_KEPT}"
            for some, now_is in ((theirs, "the package's now"), (second, "rpm's to write"))
            for path, place in self._displace(some).items()]

    def _in_the_way(self, comes: t.Iterable[str], brings: Shipped) -> list[str]:
        """Return which paths of builds that come are there, and are not of the builds that go."""
        return [
            path for path in comes
            if path not in brings.files and is_there(self._target.path(path)) and not is_folder(self._target.path(path))]

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
        going, leaving = self._brought(GOING), self._brought(LEAVING)
        now = self._capture({*before, *made, *edited})
        back = self._doings(going, leaving, edited, now).changes()
        wanted: file_states.States = {}
        for path in (path for path in now if path not in settled):
            was, entry = edited.get(path), going.files.get(path)
            as_shipped = entry is not None and entry.is_in(was)
            # Of a package that was away when the way back began, nobody had removed the files one by one.
            went = was is None and entry is None and path in leaving.files and path in before
            if (path in made and (as_shipped or was == made[path])) or went:
                wanted[path] = before.get(path)
            elif not as_shipped or (was is not None and was == before.get(path)):
                # What held before the swap the very thing that a package brought is no package's.
                wanted[path] = was
        ours = {path: state for path, state in wanted.items() if path in back or now[path] == edited.get(path)}
        # Code goes with its package: what somebody made of it since cannot stay, and what it was before the swap comes back.
        code = [
            path for path in ours
            if _is_code(path, going, leaving) and not places.in_places(path)
            and edited.get(path) is not None and edited[path] not in (made.get(path), now[path], before.get(path))]
        newcomers = {path: state for path, state in ours.items() if before.get(path) is None and now.get(path) is None}
        dead = dead_entries(self._target, newcomers, self._contents)
        given_way = self._displace({
            **{path: edited[path] for path in code}, **{path: ours[path] for path in dead}})
        words = "was changed since the swap, and its package is another one now"
        told = {
            path: f"{DEAD if path in dead else words}: {f'what it held is in {place}' if place else NOT_KEPT}"
            for path, place in given_way.items()}
        told.update(self._kept_of_edited(
            {path: state for path, state in wanted.items() if path not in ours and state == edited.get(path)}, now))
        kept = {path: before[path] for path in code if path in before and path in made}
        told.update(self._bring({**{path: state for path, state in ours.items() if path not in given_way}, **kept}, now))
        # Where somebody brought a package to another build after a cut, what the transaction had made of its code is not known.
        # The same holds of configuration. rpm's copy of what somebody had made of it is removed above, since rpm made it.
        lost = {
            path for path in (*made, *before)
            if path not in settled and (path in made or _is_code(path, leaving) or _has_copy(path, made))}
        told.update(self._kept_of_before({path: before.get(path) for path in lost}, told))
        return [*self._told(settled, told), *self._returned()]

    def revoke(self, coming: Shipped) -> list[str]:
        """Bring the files to what they were before a transaction that could not be completed, as far as it or its reversal
        changed them; returns what is left otherwise, in words. C(coming) is what its builds would have brought."""
        before, leaving = self._states(BEFORE), self._brought(LEAVING)
        now = self._capture(before)
        made = {
            **self._doings(leaving, coming, before, now).changes(), **self._doings(coming, leaving, before, now).changes()}
        told = self._bring({path: before.get(path) for path in made}, now)
        told.update(self._kept_of_before({path: before[path] for path in before if _has_copy(path, made)}, told))
        return self._told(told=told)

    def _bring(self, wanted: file_states.States, now: file_states.States) -> dict[str, str]:
        """Bring paths to states, those that still hold what they did C(now). A folder comes before what is in it, and goes
        after that. Returns by path, in words, why others were not brought."""
        changed = {path: state for path, state in wanted.items() if now.get(path) != state}
        gone = sorted((path for path, state in changed.items() if state is None), reverse=True)
        written = sorted(path for path, state in changed.items() if state is not None)
        told: dict[str, str] = {}

        def aside(folder: int, name: str) -> None:
            place = displaced.move(self._target, self._run, path, folder, name)
            told[path] = f"was changed while it was brought back: what it held is in {place}"

        restorer = Restorer(self._target, self._contents, Mounts(self._target, self._read(MOUNTS)), aside)
        for path in [*gone, *written]:
            outcome = restorer.exchange(path, now.get(path), changed[path])
            if outcome.why:
                told[path] = f"{outcome.why}, and is left as it is"
        boot_disk.flush_each([path for path in changed if path.startswith(f"{boot_disk.BOOT}/")], self._target.root)
        return told

    def _displace(self, states: t.Mapping[str, file_states.PathState | None]) -> dict[str, str]:
        """Keep what somebody made of paths, where it cannot stay, and return by path where it is now; empty where it is not."""
        contents = self._contents
        return {
            path: displaced.lay(self._target, self._run, path, state, contents) for path, state in states.items() if state}

    def _kept_of_before(self, before: file_states.States, told: t.Mapping[str, str]) -> dict[str, str]:
        """Keep what somebody had made of paths before the transaction, where it has not come back because somebody changed them
        since. Returns the words of these paths, after those that C(told) has."""
        leaving, now = self._brought(LEAVING), file_states.capture(self._target, before, self._contents)
        theirs = {
            path: state for path, state in before.items()
            if state is not None and state.kind in (file_states.FILE, file_states.LINK) and state != now.get(path)
            and not (path in leaving.files and leaving.files[path].holds(state))}
        return {
            path: f"{told.get(path, LEFT)}; what it held before the swap is in {place}"
            for path, place in self._displace(theirs).items() if place}

    def _kept_of_edited(self, theirs: file_states.States, now: file_states.States) -> dict[str, str]:
        """Keep what somebody had made of paths before the way back, where somebody changed them since it began. Returns the words
        of these paths."""
        ghosts = {*self._brought(GOING).ghosts, *self._brought(LEAVING).ghosts}
        changed = {
            path: state for path, state in theirs.items()
            if state is not None and state.kind in (file_states.FILE, file_states.LINK) and state != now.get(path)
            and path not in ghosts}
        return {
            path: f"{LEFT}; what it held before the way back is in {place}"
            for path, place in self._displace(changed).items() if place}

    def _told(self, settled: t.Container[str] = (), told: t.Mapping[str, str] | None = None) -> list[str]:
        """Return in words what holds something else than before the transaction. C(told) has the words of some paths."""
        before, edited, words = self._states(BEFORE), self._states(EDITED), told or {}
        made = self._states(AFTER)
        now = self._capture({*before, *made, *edited})
        known = {*before, *made, *self._brought(GOING).configuration, *filter(places.in_places, now)} & now.keys()
        # Programs write ghosts at any time: only what the transaction did to them is of interest.
        known -= {path for path in self._brought(LEAVING).ghosts if path not in made}
        left = {path for path in known if now[path] != before.get(path) and path not in settled}
        return [f"{path} {words.get(path, LEFT)}" for path in sorted(left | words.keys())]

    def _returned(self) -> list[str]:
        """Return in words which files somebody had deleted before the transaction, and came back with their packages."""
        return [
            f"{path} was deleted before the swap, and came back with its package"
            for path in self._read(MISSING) or [] if not places.is_never(path) and is_there(self._target.path(path))]

    def _capture(self, paths: t.Iterable[str], keeping: bool = False) -> file_states.States:
        """Return what some paths and all that is in the places of a host hold. C(keeping): with its content."""
        trees = [path for place in places.SAVED for path in file_states.below(self._target, place)]
        contents = Contents(os.path.join(self.folder, CONTENTS), True) if keeping else self._contents
        found = file_states.capture(self._target, {*paths, *trees}, contents)
        contents.sync()
        return found

    def _doings(self, leaving: Shipped, coming: Shipped, was: file_states.States, now: file_states.States) -> Doings:
        return Doings(
            leaving, coming, was, now, lambda unit, user: enabled_by_preset(self._target, unit, user), self._contents)

    def _brought(self, name: str) -> Shipped:
        return shipped.from_plain(self._read(name))

    def touches(self) -> list[Touch]:
        """Return the paths that are written when the files are brought back that the transaction changed."""
        before = self._states(BEFORE)
        return [Touch(path, RESTORED if before.get(path) else GONE) for path in sorted(self._states(AFTER))]

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


def _is_code(path: str, *builds: Shipped) -> bool:
    """Say whether a path is a file of one of some builds that is no configuration of any."""
    entries = [build.files[path] for build in builds if path in build.files]
    return bool(entries) and not any(entry.config or entry.ghost for entry in entries)


def _has_copy(path: str, made: t.Container[str]) -> bool:
    """Say whether rpm made a copy of what somebody had made of a path."""
    return any(path + suffix in made for suffix in (SAVE, ORIG))


def _is_copy(state: file_states.PathState, other: file_states.PathState | None) -> bool:
    """Say whether a state has the content of another one."""
    return other is not None and (state.kind, state.content) == (other.kind, other.content)


def _plain(states: file_states.States) -> dict[str, t.Any]:
    return {path: None if state is None else list(state) for path, state in states.items()}


def _with_beside(paths: t.Iterable[str]) -> list[str]:
    """Return some paths, each with those of the second files that rpm may leave beside it."""
    return [path + suffix for path in paths for suffix in ("", *BESIDE)]


def beside_kernels(target: Target) -> list[str]:
    """Return what hooks of kernel-install have made beside the places that are saved."""
    root = target.path("/").rstrip("/")
    found = [path[len(root):] for pattern in places.BESIDE_KERNELS for path in glob.glob(f"{glob.escape(root)}{pattern}")]
    return sorted(inner for path in found for inner in file_states.below(target, path))


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
