# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is saved before a package transaction, so that it can be taken back exactly: packages, files, reasons of installation.

One folder a run below C(saved/). Files are saved before the transaction and noted after it: what differs from that note
when the transaction is taken back was changed by somebody since, is left as it is, and is told.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import typing as t

from ..core.errors import Problem, Refused
from ..core.host_io import Target, is_there, names_in, sync_folder
from ..packages import rpmdb
from ..packages.store import Store
from ..packages.worker import REASONS
from . import states as file_states, units

try:
    import rpm
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    rpm = None

FOLDER = "saved"
BEFORE, AFTER, EDITED = "files.json", "after.json", "edited.json"
ACTIVE, STOPPED = "active.json", "stopped.json"
PACKAGES = "packages"
# What packages, their scriptlets and what they trigger write outside of their own files.
TREES = (
    "/etc/systemd", "/etc/alternatives", "/var/lib/alternatives", "/etc/dnf", "/etc/yum.repos.d", "/etc/sysconfig",
    "/etc/sysctl.d", "/etc/kernel", "/etc/default/grub", "/etc/modules-load.d", "/etc/modprobe.d", "/etc/udev",
    "/etc/tmpfiles.d", "/etc/sysusers.d", "/etc/pam.d", "/etc/nsswitch.conf", "/etc/ld.so.conf.d", "/boot/loader/entries",
    "/boot/grub2/grubenv",
)
# The second files that rpm leaves beside configuration.
BESIDE = (".rpmnew", ".rpmsave", ".rpmorig")
VERIFY = ["rpm", "-V", "--nomtime", "--nodeps", "--noscripts"]
MISSING = "missing"


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

    def save(self, leaving: t.Sequence[str]) -> None:
        """Save what the files of some installed packages, given by name, and TREES hold."""
        try:
            self._target.private_folder(FOLDER)
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            self._write(ACTIVE, units.active(self._target, _files(leaving)))
            self._write(BEFORE, _plain(file_states.capture(self._target, self._paths(leaving))))
        except OSError as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise Refused(Problem(
                f"the files of this host cannot be saved below {self.folder}", f"{error.strerror or error}",
                "Nothing was changed. Make room there and run again")) from error

    def _paths(self, leaving: t.Sequence[str]) -> list[str]:
        paths = [path for tree in TREES for path in file_states.below(self._target, tree)]
        for path in _configuration(leaving):
            paths += [path, *(path + suffix for suffix in BESIDE)]
        return paths + edited_files(self._target, leaving)

    def note(self) -> None:
        """Note what the transaction made of the files."""
        before = self._states(BEFORE)
        trees = [path for tree in TREES for path in file_states.below(self._target, tree)]
        self._write(AFTER, _plain(file_states.capture(self._target, {*before, *trees})))

    def look_for_edits(self) -> None:
        """Keep what somebody changed since the transaction, before that is taken back."""
        after = self._states(AFTER)
        trees = [path for tree in TREES for path in file_states.below(self._target, tree)]
        now = file_states.capture(self._target, {*self._states(BEFORE), *after, *trees})
        self._write(STOPPED, units.stopped(self._target, self._read(ACTIVE) or []))
        self._write(EDITED, _plain({path: state for path, state in now.items() if state != after.get(path)}))

    def put_back(self, settled: t.Container[str] = ()) -> list[str]:
        """Bring the files to what they were before the transaction, but for those changed since; returns these paths.

        C(settled) are paths that other steps have taken back further by now.
        """
        before, edited = self._states(BEFORE), self._states(EDITED)
        trees = [path for tree in TREES for path in file_states.below(self._target, tree)]
        wanted = {path: state for path, state in {**dict.fromkeys(trees), **before, **edited}.items() if path not in settled}
        now = file_states.capture(self._target, wanted)
        # A folder comes before what is in it, and goes after that.
        gone = [path for path in now if now[path] is not None and wanted[path] is None]
        for path in sorted(gone, reverse=True):
            file_states.put(self._target, path, None)
        for path in sorted(now.keys() - set(gone)):
            if now[path] != wanted[path]:
                file_states.put(self._target, path, wanted[path])
        return sorted(path for path in edited if edited[path] != before.get(path))

    def start_again(self) -> None:
        """Start what ran before the transaction, but for what was stopped when that was about to be taken back."""
        stopped = self._read(STOPPED) or []
        units.start(self._target, [unit for unit in self._read(ACTIVE) or [] if unit not in stopped])

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


def _files(names: t.Iterable[str]) -> list[str]:
    """Return the files of some installed packages."""
    ts = rpmdb.transaction_set()
    return [entry.name for name in sorted(set(names)) for header in ts.dbMatch("name", name) for entry in rpm.files(header)]


def _configuration(names: t.Iterable[str]) -> list[str]:
    """Return the configuration files of some installed packages."""
    ts = rpmdb.transaction_set()
    return [
        entry.name for name in sorted(set(names)) for header in ts.dbMatch("name", name)
        for entry in rpm.files(header) if entry.fflags & rpm.RPMFILE_CONFIG]


def edited_files(target: Target, names: t.Iterable[str]) -> list[str]:
    """Return the files of some installed packages that differ from what their package brought."""
    wanted = sorted(set(names))
    if not wanted:
        return []
    _status, out = target.probe([*VERIFY, *wanted])
    told = [line for line in out.splitlines() if "/" in line and not line.startswith(MISSING)]
    return [line[line.index("/"):].partition(" (")[0] for line in told]


def sweep(target: Target, *paths: str) -> None:
    """Take away what writes that were cut left beside some paths, and anywhere in TREES."""
    trees = [path for tree in TREES for path in [*file_states.below(target, tree), tree]]
    folders = {os.path.dirname(path) for path in (*paths, *trees) if path.startswith("/")}
    for folder in sorted(folders):
        target.clear_scratch(folder)


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
