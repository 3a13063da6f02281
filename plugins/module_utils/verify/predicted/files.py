# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files: gone, moved, of another type, owner, mode or content, in the way of others, changed here."""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
import typing as t

from ...facts.consumer import Consumer
from ...facts.view import View
from ...text.file_capabilities import of_text
from ..builds import Build, File
from ..checks import found
from ..digests import seen
from ..model import HIGH, LOW, MEDIUM, Finding, Subject
from ..rebuilds import renewed_paths
from ..swap import Swap, canonical
from .units import AUTH_MODULE, DEVICE_RULES, RUNTIME_FILES, UNIT_PATH, is_activation, left_behind

COMMAND = re.compile(r"^/(usr/)?(local/)?s?bin/[^/]+$")
# The parts of a mode that say what may be done at all, and as whom.
SPECIAL = 0o7000
WORLD_WRITABLE = 0o002
CHANGED_BY_NATURE = ("/var/log/", "/run/", "/var/run/")
DEBUGGING = ("/usr/lib/.build-id", "/usr/lib/debug/")
CREATES = re.compile(r"\b(useradd|groupadd|systemd-sysusers|sysusers)\b")
MANY = 40


def removed(swap: Swap) -> t.Iterator[Finding]:
    """Rows 27, 28, 13, 48: paths that no package carries any more, moved ones, and those left in a subpackage."""
    rest: dict[str, list[str]] = {}
    documentation: dict[str, list[str]] = {}
    for path, (build, file) in swap.lost_files.items():
        if file.kind == "directory" or _told_elsewhere(path):
            continue
        renewed = _renewed(swap, path, build)
        moved_to = renewed or _moved_to(swap, path, file)
        users = swap.users(path)
        left = None if file.documentation else left_behind(swap, Subject("path", path), path, build, users)
        if left is not None:
            yield left
        elif moved_to and not users and (renewed or file.documentation):
            continue  # the same under its new version, or reading matter in another place: nobody misses it
        elif moved_to:
            yield found(
                "file.moved", Subject("path", path), path, moved_to,
                f"{build.nevra} has {path}; it is {moved_to} in the new builds.", users,
                severity=(MEDIUM if COMMAND.match(path) else LOW) if swap.alone else "")
        elif file.documentation:
            documentation.setdefault(build.name, []).append(path)
        elif users or COMMAND.match(path):
            yield found(
                "file.removed", Subject("path", path), build.nevra, None, f"{build.nevra} carries {path}; no new build does.",
                users, swap.alone)
        else:
            rest.setdefault(build.name, []).append(path)
    for check, by_package in (("files.removed", rest), ("documentation.lost", documentation)):
        for name, paths in sorted(by_package.items()):
            yield found(
                check, Subject("package", name), paths[:MANY], None,
                f"{len(paths)} files of {name} are gone"
                + (f", of which the first {MANY} are listed." if len(paths) > MANY else "."))


def _told_elsewhere(path: str) -> bool:
    """Units, activation names, modules and rules have checks of their own; links named after a digest are new each time."""
    return path.startswith(DEBUGGING) or bool(
        UNIT_PATH.match(path) or is_activation(path) or AUTH_MODULE.search(path) or DEVICE_RULES.match(path)
        or RUNTIME_FILES.match(path))


def _moved_to(swap: Swap, path: str, file: File) -> str | None:
    """Return where a file went: the same name elsewhere, with the same content, or of a sort that names identify."""
    name = os.path.basename(path)
    candidates = [new for new in swap.new_by_name.get(name, ()) if new not in swap.old_files]
    # A name says which file it is only where there is one of it: every other folder has an index.html or a setup.sh.
    telling = len(candidates) == 1 and swap.old_by_name.get(name) == [path]
    telling = telling and ("." in name or (file.executable and swap.new_files[candidates[0]][1].executable))
    same = [new for new in candidates if _same_thing(file, swap.new_files[new][1], telling)]
    return min(same, key=lambda new: _distance(path, new)) if same else None


def _same_thing(old: File, new: File, telling: bool) -> bool:
    if old.kind != new.kind:
        return False
    same = old.target == new.target if old.kind == "symlink" else old.digest == new.digest and old.size > 0
    return same or telling


def _distance(a: str, b: str) -> tuple[int, str]:
    return -len(os.path.commonpath([a, b])), b


def _renewed(swap: Swap, path: str, build: Build) -> str | None:
    """Return what is the same path under the new version. A command is called by its name, whatever stands in it."""
    if COMMAND.match(path):
        return None
    for old, new in swap.pairs:
        if old.id == build.id:
            moved = next((other for other in renewed_paths(path, old, new) if other in swap.new_files), None)
            if moved:
                return moved
    # libx.so.1.2 is libx.so.1.3 now, and both are called libx.so.1 by all that use them.
    names = (link for link in swap.old_links.get(path, ()) if link in swap.new_files)
    return next(names, None) if ".so" in os.path.basename(path) else None


def types(swap: Swap) -> t.Iterator[Finding]:
    """Row 29: folders that become files or links, and the other way round."""
    above = _folders_above(swap)
    for path, (new, after) in swap.new_files.items():
        old, before = swap.old_files.get(path) or above.get(path) or (None, None)
        if old is None or before is None or before.kind == after.kind or before.ghost or after.ghost:
            continue
        words = f"{path} is a {before.kind} in {old.nevra} and a {after.kind} in {new.nevra}"
        if before.kind == "directory" or _led_to_folder(swap, path, before, after):
            clears = any(script.slot == "pretrans" and path in script.body for build in swap.new for script in build.scripts)
            stands = [] if clears else _standing(swap.view, path, before.kind)
            yield found(
                "file.type_changed", Subject("path", path), before.kind, after.kind,
                words + (", and a pretrans scriptlet names it, which may clear the way." if clears else ", which rpm refuses."),
                stands, alone=swap.alone and not clears, severity=MEDIUM if clears or not (stands or swap.alone) else "")
        elif not after.documentation:
            # Who follows the link finds what was there before.
            reached = after.kind == "file" or (after.kind == "symlink" and _carried_after(swap, path, after.target))
            yield found(
                "file.type_changed", Subject("path", path), before.kind, after.kind, words + ".",
                () if reached else swap.users(path), severity=LOW if reached else "")


def _folders_above(swap: Swap) -> dict[str, tuple[Build, File]]:
    """Folders that the old builds have things in without owning them: rpm made them, and they are in the way as well."""
    found_folders: dict[str, tuple[Build, File]] = {}
    for path, (build, _file) in swap.old_files.items():
        folder = os.path.dirname(path)
        # A link of the merged /usr was one all along.
        while folder not in ("/", *found_folders) and folder not in swap.old_files and canonical(folder + "/") == folder + "/":
            found_folders[folder] = (build, File(folder, "directory", 0o755, "root", "root", "", 0, 0, "", "", ""))
            folder = os.path.dirname(folder)
    return found_folders


def _led_to_folder(swap: Swap, path: str, before: File, after: File) -> bool:
    """Say whether a link to a folder becomes a folder, which rpm refuses while the link leads there."""
    if (before.kind, after.kind) != ("symlink", "directory"):
        return False
    whole = os.path.normpath(os.path.join(os.path.dirname(path), before.target))
    return swap.view is not None or whole in swap.old_files or any(other.startswith(whole + "/") for other in swap.old_files)


def _standing(view: View | None, path: str, kind: str) -> list[Consumer]:
    """What is on the host in the way of the new one, of the kind that rpm cannot replace."""
    if view is None or not _is_folder(view, path) or (view.readlink(path) is not None) != (kind == "symlink"):
        return []
    return [Consumer("folder", path, "is a folder here, and rpm cannot put anything else in its place"
                     if kind == "directory" else "is a link to a folder here, and rpm cannot put a folder in its place")]


def _carried_after(swap: Swap, path: str, target: str) -> bool:
    return swap.still_there(os.path.normpath(os.path.join(os.path.dirname(path), target)))


def attributes(swap: Swap) -> t.Iterator[Finding]:
    """Rows 31, 32, 33: owner, mode and capabilities of paths that stay."""
    for path, (new, after) in swap.new_files.items():
        entry = swap.old_files.get(path)
        if entry is None or entry[1].kind != after.kind or after.kind == "symlink" or after.ghost or entry[1].ghost:
            continue  # rpm sets nothing on what it only owns as a ghost
        old, before = entry
        if (before.user, before.group) != (after.user, after.group):
            yield found(
                "owner.changed", Subject("path", path), f"{before.user}:{before.group}", f"{after.user}:{after.group}",
                f"{path} belongs to {before.user}:{before.group} in {old.nevra} and to {after.user}:{after.group} "
                f"in {new.nevra}.", swap.users(path), swap.alone)
        if before.mode != after.mode:
            yield found(
                "mode.changed", Subject("path", path), f"{before.mode:04o}", f"{after.mode:04o}",
                f"{path} has mode {before.mode:04o} in {old.nevra} and {after.mode:04o} in {new.nevra}.",
                severity=_mode_severity(before.mode, after.mode))
        if of_text(before.capabilities) != of_text(after.capabilities):
            yield found(
                "capabilities.changed", Subject("path", path), before.capabilities or None, after.capabilities or None,
                f"{path} has capabilities {before.capabilities or 'none'} in {old.nevra} and {after.capabilities or 'none'} in "
                f"{new.nevra}.", swap.users(path))


def _mode_severity(before: int, after: int) -> str:
    """Rights that programs get or lose are grave; that the world may write, too; a right taken from others may hurt them."""
    if (before ^ after) & SPECIAL or (after & ~before) & WORLD_WRITABLE or (before & 0o111 and not after & 0o111):
        return HIGH
    return MEDIUM if before & ~after else LOW


def users_missing(swap: Swap) -> t.Iterator[Finding]:
    """Row 31: owners that this host does not know and that no new build creates."""
    made = {relation.name for build in swap.new for relation in build.provides}
    for kind, known in (("user", _known(pwd.getpwnam)), ("group", _known(grp.getgrnam))):
        owned: dict[str, list[str]] = {}
        for path, (_build, file) in swap.new_files.items():
            owned.setdefault(file.user if kind == "user" else file.group, []).append(path)
        for name, paths in sorted(owned.items()):
            if name and f"{kind}({name})" not in made and not known(swap.view, kind, name) and not _created(swap, name):
                yield found(
                    "user.missing", Subject(kind, name), None, sorted(paths)[:MANY],
                    f"{len(paths)} paths of the new builds belong to {kind} {name}, which this host does not have.",
                    [Consumer("path", path, f"{kind} {name}") for path in sorted(paths)[:MANY]])


def _created(swap: Swap, name: str) -> bool:
    """Say whether a scriptlet that runs before the files are there makes the user or group."""
    word = re.compile(r"(?<![\w-])" + re.escape(name) + r"(?![\w-])")
    return any(
        script.slot in ("prein", "pretrans") and CREATES.search(script.body) and word.search(script.body)
        for build in swap.new for script in build.scripts)


def _known(lookup: t.Callable[[str], t.Any]) -> t.Callable[[View | None, str, str], bool]:
    def known(view: View | None, kind: str, name: str) -> bool:
        if view is not None and view.root != "/":
            text = view.text("/etc/passwd" if kind == "user" else "/etc/group") or ""
            return name == "root" or any(line.startswith(name + ":") for line in text.splitlines())
        try:
            lookup(name)
        except KeyError:
            return False
        return True
    return known


def contents(swap: Swap) -> t.Iterator[Finding]:
    """Rows 37 and 38: what is empty now, and what is of another kind of content."""
    for old, new in swap.pairs:
        if _carried(old) and not _carried(new) and not any(path in swap.new_files for path in _carried(old)):
            yield found(
                "file.emptied", Subject("package", new.name, new.arch), len(_carried(old)), 0,
                f"{old.nevra} carries {len(_carried(old))} files, {new.nevra} none.")
    for path, (new, after) in swap.new_files.items():
        entry = swap.old_files.get(path)
        if entry is None or entry[1].kind != "file" or after.kind != "file" or after.ghost or entry[1].ghost:
            continue
        old, before = entry
        if before.size and not after.size:
            yield found(
                "file.emptied", Subject("path", path), before.size, 0,
                f"{path} has {before.size} bytes in {old.nevra} and none in {new.nevra}.", swap.users(path))
        elif before.content and after.content and not after.documentation and _sort(before.content) != _sort(after.content):
            yield found(
                "content.changed", Subject("path", path), before.content, after.content,
                f"{path} is '{before.content}' in {old.nevra} and '{after.content}' in {new.nevra}.",
                severity=LOW if "ELF" in before.content + after.content else "")


def _carried(build: Build) -> list[str]:
    return [path for path, file in build.files.items() if file.kind != "directory" and not file.ghost]


def _sort(content: str) -> str:
    """Return what matters of libmagic's words: an ELF program, a script of some interpreter, or anything else."""
    if content.startswith("ELF"):
        return " ".join(content.split()[:2])
    script = re.search(r"(\S+) script", content)
    return script.group(1) if script else "data"


def links(swap: Swap) -> t.Iterator[Finding]:
    """Rows 30 and 59: links that will lead nowhere, those of the host and those that the new builds bring."""
    if swap.references is not None:
        for path in swap.lost_files:
            for link in swap.references.to_path(path):
                if link.type == "link" and not swap.still_there(link.name):
                    yield found(
                        "symlink.dangling", Subject("path", link.name), path, None,
                        f"{link.name} points to {path}, which no package carries after the swap.", [link])
    for path, (build, file) in swap.new_files.items():
        if file.kind != "symlink" or not file.target or swap.view is None or file.ghost:
            continue
        whole = os.path.normpath(os.path.join(os.path.dirname(path), file.target))
        before = swap.old_files.get(path)
        if (before and before[1].target == file.target) or whole.startswith(("/proc", "/run", "/dev", "/etc", "/var")):
            continue
        if not swap.still_there(whole) and (whole in swap.lost_files or not swap.view.exists(whole)):
            yield found(
                "symlink.dangling", Subject("path", path), None, file.target,
                f"{build.nevra} brings the link {path}, and nothing is at {whole}.", severity=LOW)


def in_the_way(swap: Swap) -> t.Iterator[Finding]:
    """Row 35: files that nobody owns where a new build carries one."""
    for path, (build, file) in swap.new_files.items():
        if file.kind == "directory" or file.ghost or file.config or path in swap.old_files:
            continue
        if not swap.host.exists(path) or _is_folder(swap.host, path) or swap.installed.owners(path):
            continue
        if any(swap.place(path) == swap.place(old) for old in swap.old_files if os.path.basename(old) == os.path.basename(path)):
            continue
        if not _same_on_disk(swap.host, path, file, build):
            yield found(
                "unowned.overwritten", Subject("path", path), None, build.nevra,
                f"{path} is on this host, no package owns it, and {build.nevra} brings its own.", [Consumer("path", path)])


def _same_on_disk(view: View, path: str, file: File, build: Build) -> bool:
    target = view.readlink(path)
    if target is not None:
        return file.kind == "symlink" and target == file.target
    return file.kind == "file" and seen(view, path, build.digest_algorithm) == file.digest


def _is_folder(view: View, path: str) -> bool:
    """Say whether a path leads to a folder."""
    info = view.status(path)
    return info is not None and stat.S_ISDIR(info.st_mode)
