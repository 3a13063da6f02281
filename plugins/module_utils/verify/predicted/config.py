# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files: what rpm will do with each, and what is left over from earlier times."""

from __future__ import annotations

import stat
import typing as t

from ...facts.consumer import Consumer
from ...facts.view import View
from .. import config_fate
from ..builds import Build, File
from ..checks import found
from ..digests import seen
from ..model import Finding, Subject
from ..swap import Swap

LEFTOVERS = ("*.rpmnew", "*.rpmsave", "*.rpmorig")
LEFTOVER_FOLDERS = ("/etc", "/etc/*", "/etc/*/*", "/usr/lib/systemd")
OVERRIDES = ("/etc/dnf/protected.d/*.conf", "/etc/dnf/plugins/*.conf", "/etc/rpm/macros*", "/etc/rpm/*/macros*",
             "/etc/dracut.conf.d/*.conf", "/etc/yum/protected.d/*.conf")
BESIDE = {".rpmnew": "config.rpmnew", ".rpmsave": "config.rpmsave", ".rpmorig": "config.rpmorig"}


def fates(swap: Swap) -> t.Iterator[Finding]:
    """Rows 49, 50, 35: the files for which rpm will leave a second one beside."""
    for path in sorted(_configuration(swap)):
        old, new = swap.old_files.get(path), swap.new_files.get(path)
        if new is None and swap.still_there(path):
            continue
        decided = config_fate.fate(_entry(old), _entry(new), on_disk(swap.host, path, old, new))
        if decided.beside:
            yield found(
                BESIDE[decided.beside], Subject("path", path), old[0].nevra if old else None, new[0].nevra if new else None,
                f"{path}: {decided.reason}.", [Consumer("configuration", path, "changed on this host")])


def _configuration(swap: Swap) -> set[str]:
    return {
        path for files in (swap.old_files, swap.new_files) for path, (_build, file) in files.items()
        if file.config and file.kind != "directory"}


def _entry(carried: tuple[Build, File] | None) -> config_fate.Entry | None:
    if carried is None:
        return None
    file = carried[1]
    return config_fate.Entry(file.kind, file.digest, file.target, file.config, file.noreplace, file.ghost, file.missingok)


def on_disk(
    view: View, path: str, old: tuple[Build, File] | None, new: tuple[Build, File] | None,
) -> config_fate.Disk | None:
    """Return what lies at a path, digested as the builds digest it."""
    info = view.status(path, follow=False)
    if info is None:
        return None
    if stat.S_ISLNK(info.st_mode):
        return config_fate.Disk("symlink", "", view.readlink(path) or "", to_directory=_trusted_folder(view, path))
    if stat.S_ISDIR(info.st_mode):
        return config_fate.Disk("directory", "", "", empty=not view.names(path))
    if not stat.S_ISREG(info.st_mode):
        return config_fate.Disk("other", "", "")
    algorithms = [carried[0].digest_algorithm for carried in (old, new) if carried]
    first = seen(view, path, algorithms[0])
    return config_fate.Disk("file", first, "", new_digest=seen(view, path, algorithms[-1]) if len(set(algorithms)) > 1 else "")


def _trusted_folder(view: View, path: str) -> bool:
    """Say whether a link leads to a folder, and is root's or of that folder's owner: rpm lets such a link stand."""
    folder, link = view.status(path), view.status(path, follow=False)
    return folder is not None and link is not None and stat.S_ISDIR(folder.st_mode) and link.st_uid in (0, folder.st_uid)


def flags(swap: Swap) -> t.Iterator[Finding]:
    """Row 51: files that become configuration or cease to be, and those whose protection changes."""
    for path in sorted(_configuration(swap)):
        old, new = swap.old_files.get(path), swap.new_files.get(path)
        if old is None or new is None:
            continue
        before, after = _protection(old[1]), _protection(new[1])
        if before != after:
            edited = swap.view is not None and not old[1].ghost and _edited(swap.view, path, old, new)
            yield found(
                "config.flags_changed", Subject("path", path), before, after,
                f"{path} is {before} in {old[0].nevra} and {after} in {new[0].nevra}.",
                [Consumer("configuration", path, "changed on this host")] if edited else [], swap.alone)


def _protection(file: File) -> str:
    names = [name for name, on in (("config", file.config), ("noreplace", file.noreplace), ("ghost", file.ghost)) if on]
    return ", ".join(names) or "an ordinary file"


def _edited(view: View, path: str, old: tuple[Build, File], new: tuple[Build, File] | None) -> bool:
    disk = on_disk(view, path, old, new)
    return disk is not None and disk.kind == "file" and disk.digest != old[1].digest


def defaults(swap: Swap) -> t.Iterator[Finding]:
    """Row 52: configuration that the packager changed, and which comes into effect where nobody edited it."""
    for path in sorted(_configuration(swap)):
        old, new = swap.old_files.get(path), swap.new_files.get(path)
        if old is None or new is None or old[1].ghost or new[1].ghost or old[1].kind != "file" or new[1].kind != "file":
            continue
        if old[1].digest == new[1].digest or old[0].digest_algorithm != new[0].digest_algorithm:
            continue
        in_use = swap.view is not None and not _edited(swap.view, path, old, new)
        yield found(
            "config.default_changed", Subject("path", path), old[1].digest, new[1].digest,
            f"{path} has other content in {new[0].nevra}"
            + (", and was not changed here, so the new content comes into effect." if in_use else "."),
            [Consumer("configuration", path, "takes effect")] if in_use else [], swap.alone)


def leftovers(swap: Swap) -> t.Iterator[Finding]:
    """Row 56: second files that an earlier update left."""
    for path in (path for folder in LEFTOVER_FOLDERS for name in LEFTOVERS for path in swap.host.glob(f"{folder}/{name}")):
        yield found(
            "config.leftover", Subject("path", path), path, path, f"{path} was there before the swap.", baseline=True,
            proven=True)


def overrides(swap: Swap) -> t.Iterator[Finding]:
    """Row 57: configuration of the package manager and of dracut that no package owns."""
    for path in (path for pattern in OVERRIDES for path in swap.host.glob(pattern)):
        if not swap.installed.owners(path) and path not in swap.old_files:
            yield found("config.override", Subject("path", path), path, path, f"{path} is of no package.", proven=True)
