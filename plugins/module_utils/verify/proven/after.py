# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a swap, what became of packages and files: local changes, second files, differences from the packages, symbols."""

from __future__ import annotations

import collections
import typing as t

from ...facts.consumer import Consumer
from ...packages import edits
from ..builds import Build
from ..checks import found
from ..gather import GHOST, state_of
from ..model import HIGH, LOW, MEDIUM, Finding, Subject
from ..predicted import config, files, hosting, saving, truth
from ..scenes import Scenes, parted
from ..swap import Installed, Swap
from . import smoke, symbols

# The letters in which rpm says that owner, group, mode or capabilities differ, and the checks that announce it.
ATTRIBUTES = {"owner.changed": "UG", "mode.changed": "M", "capabilities.changed": "P"}
# The aspects of a path, with the letters in which rpm says that it differs in them.
EDITS = {
    "content": frozenset("S5L"), "kind": frozenset("ML"), "mode": frozenset("M"), "owner": frozenset("UG"),
    "capabilities": frozenset("P")}
# Configuration, documentation, ghosts, licences and readme files may differ from what the package brought.
FREE = frozenset("cdglr")


def unforeseen(scenes: Scenes) -> t.Iterator[Finding]:
    """Yield the builds that left the host and are not in the snapshot."""
    for nevra in scenes.unforeseen:
        yield found(
            "package.unforeseen", Subject("package", nevra.rsplit("-", 2)[0], nevra.rpartition(".")[2]), nevra, None,
            f"{nevra} was installed when the snapshot was taken, was not among the packages named then, and is gone.",
            proven=True)


def duplicates(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 24: packages installed twice now."""
    counted = collections.Counter((name, arch) for name, _evr, arch in map(parted, scenes.snapshot.content["packages"]))
    for finding in hosting.duplicates(Swap(scenes.new, [], installed=scenes.swap.installed)):
        yield _as_before(finding, counted[finding.subject.name, finding.subject.arch] > 1)


def _as_before(finding: Finding, before: bool) -> Finding:
    """Return a finding of what is there now; what was so before the swap is not blamed on it."""
    return finding._replace(baseline=True, blocking=False) if before else finding


def broken(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 26: requirements that nothing provides; those that held before the swap are broken by it."""
    known = set(scenes.before("broken"))
    for finding in truth.broken_already(Swap([], [], installed=Installed(scenes.ts, ()))):
        if finding.key in known:
            yield finding
        else:
            yield found(
                "installed.broken", finding.subject, None, finding.after, finding.diagnosis, severity=HIGH, proven=True,
                remedy="Install what it lacks, or go back")._replace(
                    description="An installed package requires what nothing here provides, and did not lack it before the swap.")


def users_missing(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 31: owners that do not exist; what a package promised to create must be there by now."""
    def missing(builds: t.Sequence[Build]) -> list[Finding]:
        made = [build._replace(provides=[]) for build in builds]
        return list(files.users_missing(Swap([], made, installed=scenes.swap.installed, view=scenes.view)))

    known = {finding.key for finding in missing(scenes.old)}
    had = scenes.snapshot.content.get("accounts") or {}
    for finding in missing(scenes.new):
        # Files of the old builds had the same owner, and there was no such account.
        there = had.get(finding.subject.type)
        yield _as_before(finding, finding.key in known and there is not None and finding.subject.name not in there)


def local_edits(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 36: files that were changed here, and are now as the new package brought them, or gone."""
    states = scenes.before("files")
    for path, said in scenes.before("verify").items():
        before, was = scenes.swap.old_files.get(path), states.get(path)
        if said["flags"] == edits.MISSING or said["kind"] == GHOST or before is None or was is None:
            continue
        now = state_of(scenes.view, path)
        lost = [
            name for name, letters in EDITS.items()
            if set(said["flags"]) & letters and (now is None or now[name] != was[name])
            and not (before[1].config and edits.CONTENT & set(said["flags"]))]
        if lost:
            carried = scenes.swap.new_files.get(path)
            became = "as the new package brought it" if now else "gone"
            yield found(
                "local_edit.overwritten", Subject("path", path), ", ".join(lost), carried[0].nevra if carried else None,
                f"{path} of {before[0].nevra} was changed on this host before the swap ({', '.join(lost)}), and is {became} now.",
                [Consumer("path", path, "was changed on this host")], proven=True,
                severity=LOW if said["kind"] in saving.DOCUMENTATION else MEDIUM if was["kind"] == "directory" else "")


def ghosts(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 107: files that the old builds owned without carrying them, and that are gone with them."""
    for path, was in scenes.before("ghosts").items():
        before = scenes.swap.old_files.get(path)
        if before is not None and not scenes.swap.still_there(path) and not scenes.view.exists(path):
            yield found(
                "ghost.dropped", Subject("path", path), before[0].nevra, None,
                f"{path} was a {was['kind']} on this host, which {before[0].nevra} owned as a ghost, and is gone.",
                [Consumer("path", path, "was on this host")], proven=True)


def second_files(scenes: Scenes) -> t.Iterator[Finding]:
    """Rows 49, 50, 35: files beside configuration that were not there before."""
    known = set(scenes.before("leftovers"))
    paths = {
        path for carried in (scenes.swap.old_files, scenes.swap.new_files) for path, (_build, file) in carried.items()
        if file.config and file.kind != "directory"}
    for path in sorted(paths):
        for suffix, check in config.BESIDE.items():
            if path + suffix not in known and scenes.view.exists(path + suffix):
                old, new = scenes.swap.old_files.get(path), scenes.swap.new_files.get(path)
                yield found(
                    check, Subject("path", path), old[0].nevra if old else None, new[0].nevra if new else None,
                    f"{path}{suffix} is there and was not before.",
                    [Consumer("configuration", path + suffix, "appeared with the swap")], proven=True)


def differing(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 100: what rpm finds different from the packages now and did not before."""
    before = scenes.before("verify")
    announced = {check: scenes.announced(check) for check in ATTRIBUTES}
    for path, said in sorted(scenes.now("verify").items()):
        known = before.get(path, {"flags": ""})["flags"]
        if said["flags"] == edits.NOT_INSTALLED:
            if path in scenes.swap.old_files and known not in (edits.NOT_INSTALLED, edits.MISSING):
                yield found(
                    "verify.differs", Subject("path", path), None, said["flags"],
                    f"{path} was there before the swap, and rpm did not install it now.",
                    [Consumer("package", nevra, "owns it") for nevra in _owners(scenes, path)], proven=True, severity=MEDIUM,
                    remedy="Take 'nodocs' out of tsflags in dnf.conf, or out of the macros of rpm, and reinstall the package")
            continue
        if said["kind"] in FREE:
            continue
        free = "".join(letters for check, letters in ATTRIBUTES.items() if path in announced[check])
        if said["flags"] == edits.MISSING:
            news = "" if known == edits.MISSING else edits.MISSING
        else:
            news = "".join(letter for letter in said["flags"] if letter not in (known if known != edits.MISSING else "") + free)
        if news:
            owners = [Consumer("package", nevra, "owns it") for nevra in _owners(scenes, path)]
            yield found(
                "verify.differs", Subject("path", path), known or None, said["flags"],
                f"rpm -V says {said['flags']} of {path}; before the swap it said {known or 'nothing'}.",
                owners, proven=True, severity=MEDIUM if _is_folder(scenes, path) else "")


def _is_folder(scenes: Scenes, path: str) -> bool:
    """Nothing in a folder is lost by its mode or owner, which tmpfiles.d often sets anew."""
    entry = scenes.swap.new_files.get(path)
    return entry is not None and entry[1].kind == "directory"


def _owners(scenes: Scenes, path: str) -> list[str]:
    entry = scenes.swap.new_files.get(path)
    return [entry[0].nevra] if entry else scenes.swap.installed.owners(path)


def smoked(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 103: commands that worked before, or that came with the swap, and do not work."""
    before = scenes.before("smoke")
    for name, said in sorted(scenes.now("smoke").items()):
        outcome = smoke.Outcome(**said)
        was = before.get(name)
        if outcome.status != 0 and (was is None or was["status"] == 0):
            yield found(
                "smoke.failed", Subject("package", name), was["status"] if was else None, outcome.status, smoke.words(outcome),
                [Consumer("command", outcome.command)], proven=True)


def unresolved(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 4: symbols, symbol versions and libraries that a program does not find now and did before."""
    before = scenes.before("symbols")["unresolved"]
    now = dict(scenes.now("symbols")["unresolved"])
    # What used the old libraries is looked at even where the new ones have other names.
    rest = [path for path in before if path not in now and scenes.view.is_file(path) and scenes.swap.still_there(path)]
    now.update(symbols.unresolved(scenes.view, rest))
    left_out = scenes.snapshot.content["symbols"]["left_out"]
    for path, said in sorted(now.items()):
        news = sorted(set(said) - set(before.get(path, ())))
        if path not in before:
            # A library may rest on symbols and folders of the programs that load it, and nobody looked at this one before.
            news = news if symbols.program(scenes.ts, path) else []
        if news:
            yield found(
                "symbol.unresolved", Subject("path", path), None, news[:files.MANY],
                f"{path} does not find {', '.join(news[:5])}" + (f" and {len(news) - 5} more." if len(news) > 5 else "."),
                [Consumer("package", nevra, "owns it") for nevra in _owners(scenes, path)], proven=True,
                severity="" if path in before or not left_out else MEDIUM)
