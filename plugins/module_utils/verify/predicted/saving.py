# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a way back could not restore: local changes that the swap overwrites, ghosts that go, what is too large to be saved, and
state that an older build cannot read."""

from __future__ import annotations

import os
import re
import stat
import typing as t

from ...facts import mounts
from ...facts.consumer import Consumer
from ...facts.view import View
from ...packages import edits, rpmdb
from ...packages.builds import VENDOR, release_segment
from ...tables import one_way, places
from ..builds import Build, File
from ..checks import found
from ..model import HIGH, INFO, LOW, MEDIUM, Finding, Link, Subject
from ..swap import Swap
from .files import CHANGED_BY_NATURE

# What rpm's letters say of a file that is not as its package brought it.
WORDS = {
    "S": "content", "5": "content", "M": "mode or type", "D": "device", "L": "link", "U": "owner", "G": "group",
    "P": "capabilities", "?": "what could not be read"}
GHOST, DOCUMENTATION = "g", ("d", "l", "r")
STREAM = re.compile(r"\.el(?P<stream>\d+)")
FSTAB = "/etc/fstab"
# dracut makes it anew when the kernel comes back.
INITRAMFS = re.compile(r"^(/boot|/lib/modules/[^/]+)/initr[^/]*\.img$|^/lib/modules/[^/]+/initrd$")


def is_kept_ghost(path: str, file: File) -> bool:
    """Say whether a path of a package is a ghost that rpm removes with it, and that is not made anew."""
    return file.ghost and not file.config and not places.is_never(path)


def changed_here(view: View, names: t.Collection[str]) -> dict[str, dict[str, str]]:
    """Return which files of some installed packages are not as their package brought them, by what rpm says. Where rpm cannot
    tell, that is noted."""
    if not names:
        return {}
    status, out = view.said(*edits.VERIFY, *sorted(set(names)))
    told = edits.parse(out)
    if not edits.answered(status, told):
        view.unanswered(edits.VERIFY, status)
    return {path: said for path, said in told.items() if said["flags"] != edits.MISSING and said["kind"] != GHOST}


def overwritten(file: File, flags: str) -> list[str]:
    """Return in words what rpm overwrites of a file that was changed. Configuration with another content has rules of its own."""
    if file.config and edits.CONTENT & set(flags):
        return []
    return list(dict.fromkeys(WORDS.get(letter, letter) for letter in flags))


def local_edits(swap: Swap) -> t.Iterator[Finding]:
    """Row 36: files that were changed here in content, mode, owner, link, type or capabilities, and that the swap replaces."""
    told = changed_here(swap.host, {build.name for build, _file in swap.old_files.values()})
    for path, said in sorted(told.items()):
        entry = swap.old_files.get(path)
        if entry is None or path.startswith(CHANGED_BY_NATURE):
            continue
        build, file = entry
        words = overwritten(file, said["flags"])
        if words and not (file.config and _is_of_another_kind(swap.host, path, file)):
            yield found(
                "local_edit.overwritten", Subject("path", path), ", ".join(words), swap.new_files[path][0].nevra
                if path in swap.new_files else None,
                f"{path} of {build.nevra} differs from what the package put there: {', '.join(words)}.",
                [Consumer("path", path, "changed on this host")],
                severity=LOW if said["kind"] in DOCUMENTATION else MEDIUM if file.kind == "directory" else "")


def _is_of_another_kind(view: View, path: str, file: File) -> bool:
    """Say whether something else is at the path of a configuration file, for which rpm leaves a second file as well."""
    info = view.status(path, follow=False)
    kinds = {"file": stat.S_ISREG, "directory": stat.S_ISDIR, "symlink": stat.S_ISLNK}
    return info is None or file.kind not in kinds or not kinds[file.kind](info.st_mode)


def ghosts(swap: Swap) -> t.Iterator[Finding]:
    """Row 107: files that the old builds own without carrying them, and that rpm removes because no new build does."""
    for path, size in sorted(_dropped_ghosts(swap).items()):
        build = swap.old_files[path][0]
        kept = f"it has {size} bytes" + (", more than is saved" if size > places.MOST_OF_A_FILE else "")
        yield found(
            "ghost.dropped", Subject("path", path), build.nevra, None,
            f"{path} is on this host, {build.nevra} owns it as a ghost and no package after the swap does, so rpm removes it; "
            f"{kept}.", [Consumer("path", path, "is on this host")])


def _dropped_ghosts(swap: Swap) -> dict[str, int]:
    """Return the ghosts that are on the host and go, with their sizes."""
    found_sizes = {}
    for path, (_build, file) in swap.old_files.items():
        if is_kept_ghost(path, file) and not swap.still_there(path):
            info = swap.host.status(path, follow=False)
            # rpm removes no folder that holds something.
            if info is not None and not stat.S_ISDIR(info.st_mode):
                found_sizes[path] = info.st_size
    return found_sizes


def over_limit(swap: Swap) -> t.Iterator[Finding]:
    """What a run saves of files but not what is in them, because it is too large: a rollback does not bring that back."""
    at_stake = _at_stake(swap)
    saved = 0
    for path, size in sorted(_saved(swap, at_stake).items()):
        too_large = size > places.MOST_OF_A_FILE
        if (too_large or saved + size > places.MOST_OF_A_RUN) and path in at_stake:
            reason = (f"more than {places.MOST_OF_A_FILE >> 20} MiB" if too_large else
                      f"and with what is saved before it more than {places.MOST_OF_A_RUN >> 20} MiB for a run")
            again = INITRAMFS.match(path) is not None
            yield found(
                "save.too_large", Subject("path", path), size, None, f"{path} has {size} bytes, {reason}.",
                [Consumer("path", path, "is not saved")], severity=INFO if again else "",
                remedy="dracut makes it anew when its kernel comes back" if again else "")
        saved += 0 if too_large or saved + size > places.MOST_OF_A_RUN else size


def _at_stake(swap: Swap) -> set[str]:
    """Return the files whose content the swap takes away, and that no package brings back."""
    names = {build.name for build in swap.old}
    carried = {path: file for build in swap.old for path, file in build.files.items()}
    edited = {path for path, said in changed_here(swap.host, names).items() if edits.CONTENT & set(said["flags"])}
    ghosts_here = {path for path, file in carried.items() if is_kept_ghost(path, file)}
    return (edited & carried.keys()) | {path for path in ghosts_here if not swap.still_there(path)}


def _saved(swap: Swap, at_stake: t.Iterable[str]) -> dict[str, int]:
    """Return the files that a run saves, with their sizes: what is at stake, configuration, and the places of the table."""
    carried = [(path, file) for build in swap.old for path, file in build.files.items()]
    paths = {*at_stake, *(path for path, file in carried if file.config or is_kept_ghost(path, file))}
    for place in places.SAVED:
        paths |= {place, *_files_below(swap.host, place)}
    sizes = {}
    for path in paths:
        info = None if places.is_never(path) else swap.host.status(path, follow=False)
        if info is not None and stat.S_ISREG(info.st_mode):
            sizes[path] = info.st_size
    return sizes


def _files_below(view: View, top: str) -> t.Iterator[str]:
    if not stat.S_ISDIR(getattr(view.status(top), "st_mode", 0)):
        return
    for folder, _folders, names in os.walk(view.real(top), onerror=lambda error: view.note(top, error)):
        inner = os.path.relpath(folder, view.real(top))
        yield from (os.path.normpath(os.path.join(top, inner, name)) for name in names)


def one_way_state(swap: Swap) -> t.Iterator[Finding]:
    """Row 81: state that a new build makes and the old one cannot read after going back."""
    old = {build.name: build for build in swap.old}
    told: set[str] = set()
    for new in swap.new:
        before = old.get(new.name)
        for row in _rows(before, new):
            if row.id in told:
                continue
            told.add(row.id)
            users = _in_use(swap.host, row)
            yield found(
                "oneway.state", Subject("state", row.id), before.evr if before else None, new.evr,
                f"{row.title}: {row.made}. After going back {row.reader}.", users,
                severity=(HIGH if row.grave else LOW) if users else INFO, remedy=row.remedy,
                links=[Link(*row.link)])


def _rows(old: Build | None, new: Build) -> list[one_way.Row]:
    match = STREAM.search(new.evr)
    of_the_sig = _is_of_the_sig(new) and (old is None or not _is_of_the_sig(old))
    # A package that was not there makes no state that an older build of it would have to read, unless another one reads it.
    before = _version(old) if old else _version(new)
    return one_way.coming_with(
        new.name, before, _version(new), of_the_sig, int(match.group("stream")) if match else None, rpmdb.compare_evr)


def _is_of_the_sig(build: Build) -> bool:
    return build.vendor == VENDOR or release_segment(build.evr.rpartition("-")[2]) is not None


def _version(build: Build) -> str:
    return build.evr.rpartition(":")[2].rpartition("-")[0]


def _in_use(view: View, row: one_way.Row) -> list[Consumer]:
    """Return what on the host is such state, or will be."""
    if row.probe == one_way.EXISTS:
        paths = sorted({path for pattern in row.places for path in view.glob(pattern)})
        return [Consumer("path", path, "holds it, or will") for path in paths]
    try:
        mounted = [(mount.mountpoint, mount.fstype) for mount in mounts.gather(view.root)]
    except OSError as error:
        view.note(mounts.MOUNTINFO, error)
        mounted = []
    mounted += mounts.parse_fstab(view.text(FSTAB) or "")
    return [
        Consumer("mount", point, f"is of type {fstype}") for point, fstype in sorted(set(mounted)) if fstype in row.places]
