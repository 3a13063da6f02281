# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that the links of packages pull in: those that the new builds newly activate, and those that they no longer do."""

from __future__ import annotations

import os
import re
import typing as t

from ...facts import covered, mounts
from ...facts.consumer import Consumer
from ...facts.view import View
from ...text import presets
from .. import unit_states
from ..builds import Build, File
from ..checks import found
from ..model import INFO, LOW, MEDIUM, Finding, Subject
from ..swap import Swap
from .units import MASK, UNIT_PATH

WANTS_LINK = re.compile(r"^/(usr/)?lib/systemd/system/(?P<by>[^/]+)\.(?P<how>wants|requires|upholds)/(?P<unit>[^/]+)$")
# Where a unit of this host's own stands, as systemd.unit(5) orders these; the first that has the name decides.
OWN_FOLDERS = (
    "/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient", "/run/systemd/generator.early",
    "/etc/systemd/system", "/etc/systemd/system.attached", "/run/systemd/system", "/run/systemd/system.attached",
    "/run/systemd/generator", "/usr/local/lib/systemd/system")
VENDOR_FOLDER = "/usr/lib/systemd/system"
GENERATORS = "/usr/lib/systemd/system-generators"
# Where a generator of that name takes the place of a package's, or turns it off with a link to /dev/null.
OWN_GENERATORS = ("/etc/systemd/system-generators", "/run/systemd/system-generators", "/usr/local/lib/systemd/system-generators")
APPLIES_PRESET = re.compile(r"\bpreset\b|install-system-units")
# Every start of a service asks for these, and so for all that they newly want.
AT_ANY_START = (
    "sysinit.target", "basic.target", "local-fs.target", "sockets.target", "timers.target", "paths.target", "slices.target",
    "swap.target")
AT_BOOT = (*AT_ANY_START, "multi-user.target", "remote-fs.target", "getty.target")
NEXT_START, NEXT_BOOT = "as soon as any service is started after systemd has read its units again", "at the next boot"
HIDES = (
    "Keep the folder as it is with 'systemctl mask {unit}', before the swap. Or move what is in {folder} elsewhere first, for "
    "example to /var/tmp, and restart who uses it")
EMPTY = "Mask it with 'systemctl mask {unit}' if {folder} is to stay on the file system that it is on"
Files = t.Mapping[str, tuple[Build, File]]
Loaded = t.Mapping[str, t.Mapping[str, str]]


class Pull(t.NamedTuple):
    """A link of a package that has one unit pull in another."""

    path: str
    unit: str
    by: str


def pulls(files: Files) -> list[Pull]:
    """Return the links of some builds by which a unit wants, requires or upholds another."""
    matches = ((path, WANTS_LINK.match(path)) for path in sorted(files))
    return [
        Pull(path, match.group("unit"), match.group("by")) for path, match in matches
        if match and files[path][1].target != MASK]


def activated(swap: Swap) -> t.Iterator[Finding]:
    """Row 109: units that links of the new builds pull in on this host and that nothing pulled in before, and presets."""
    mounted = {mount.mountpoint for mount in mounts.gather(swap.host.root)}
    newly = _newly(swap)
    for unit, pull in sorted(newly.items()):
        build = swap.new_files[pull.path][0]
        when = NEXT_START if _reaches(pull, newly) else NEXT_BOOT
        words = f"{build.nevra} has {pull.path}, so {unit} becomes active {when}."
        subject = Subject("unit", unit)
        folder = covered.mount_point(unit) if unit.endswith(covered.MOUNT_KINDS) else ""
        if not folder or folder.startswith(covered.OF_THE_KERNEL):
            mild = unit.endswith((".swap", ".target", ".slice"))
            yield found("unit.activated", subject, None, build.nevra, words, severity=INFO if mild else LOW)
            continue
        if folder not in mounted and not covered.is_link(swap.host, folder):
            yield _over(swap.host, subject, folder, build.nevra, words)
    for unit, build in sorted(_preset(swap).items()):
        if unit not in newly:
            yield found(
                "unit.activated", Subject("unit", unit), None, build.nevra,
                f"{build.nevra} is new on this host and applies the preset of {unit}, which enables it: it becomes active "
                f"{NEXT_BOOT}.", severity=INFO)
    yield from _generators(swap)


def _generators(swap: Swap) -> t.Iterator[Finding]:
    """Tell generators that are new on this host: which units they make is in no header."""
    for path, (build, _file) in sorted(swap.new_files.items()):
        folder, name = os.path.split(path)
        if folder != GENERATORS or path in swap.old_files or any(swap.host.exists(f"{own}/{name}") for own in OWN_GENERATORS):
            continue
        yield found(
            "unit.activated", Subject("generator", name), None, build.nevra,
            f"{build.nevra} brings the generator {path}, which was not there. What units it makes is decided on this host, "
            f"whenever systemd reads its units; they become active {NEXT_BOOT}.",
            severity=INFO, remedy=f"'ln -s /dev/null {OWN_GENERATORS[0]}/{name}' turns it off, see systemd.generator(7)")


def _over(view: View, subject: Subject, folder: str, nevra: str, words: str) -> Finding:
    """Return the finding about a mount over a folder: what is in it blocks the swap."""
    hidden = covered.consumers(view, folder)
    names = {"unit": subject.name, "folder": folder}
    if not hidden:
        return found(
            "unit.activated", subject, None, nevra, f"{words} {folder} has nothing in it that would be hidden.",
            severity=MEDIUM, remedy=EMPTY.format(**names))
    count = len(covered.entries(view, folder))
    return found(
        "unit.activated", subject, None, nevra,
        f"{words} It is mounted over {folder}, which is not empty: {count} {'entry' if count == 1 else 'entries'} there would be "
        "hidden from every program.",
        hidden, remedy=HIDES.format(**names))


def _newly(swap: Swap) -> dict[str, Pull]:
    """Return the units that the new builds newly activate, each with the link that does so.

    What is newly activated pulls in more in turn. A unit that does not run on this host, such as one for the initrd or for
    rescue, pulls nothing in.
    """
    loaded = unit_states.known(swap.host)
    links = [pull for pull in pulls(swap.new_files) if not _active(swap, pull.unit, loaded) and not _masked(swap.host, pull)]
    before = _pulled_before(swap, {pull.unit for pull in links}, loaded)
    links = [pull for pull in links if pull.unit not in before]
    newly: dict[str, Pull] = {}
    while True:
        more = {
            pull.unit: pull for pull in links
            if pull.unit not in newly and (_lives(pull.by, loaded) or pull.by in newly)}
        if not more:
            return newly
        newly.update(more)


def _lives(by: str, loaded: Loaded) -> bool:
    """Say whether a unit that wants others is active, or is so after each boot."""
    return by in AT_BOOT or loaded.get(by, {}).get("ActiveState") == "active"


def _reaches(pull: Pull, newly: t.Mapping[str, Pull]) -> bool:
    """Say whether a unit is pulled in by what every start of a service asks for."""
    seen: set[str] = set()
    while pull.by in newly and pull.by not in seen:
        seen.add(pull.by)
        pull = newly[pull.by]
    return pull.by in AT_ANY_START


def _pulled_before(swap: Swap, units: t.Collection[str], loaded: Loaded) -> set[str]:
    """Return which of some units were there, and pulled in on this host, before the swap."""
    old = {pull.unit for pull in pulls(swap.old_files) if _lives(pull.by, loaded)}
    carried = {os.path.basename(path) for path in swap.old_files if UNIT_PATH.match(path)}
    return {
        unit for unit in units
        if (unit in carried or any(swap.host.exists(f"{folder}/{unit}") for folder in (*OWN_FOLDERS, VENDOR_FOLDER)))
        and (unit in old or _linked_here(swap.host, unit, loaded))}


def _linked_here(view: View, unit: str, loaded: Loaded) -> bool:
    """Say whether a link on this host pulls a unit in."""
    links = [link for folder in (*OWN_FOLDERS, VENDOR_FOLDER) for link in view.glob(f"{folder}/*.*/{unit}")]
    return any(view.readlink(link) != MASK and _lives(os.path.basename(os.path.dirname(link)).rpartition(".")[0], loaded)
               for link in links)


def _active(swap: Swap, unit: str, loaded: Loaded) -> bool:
    """Say whether a unit is active, be it by the name that it is an alias of."""
    names = {unit}
    names.update(
        os.path.basename(file.target) for path, (_build, file) in swap.new_files.items()
        if file.target and os.path.basename(path) == unit and UNIT_PATH.match(path))
    return any(loaded.get(name, {}).get("ActiveState") in ("active", "activating", "reloading") for name in names)


def _masked(view: View, pull: Pull) -> bool:
    """Say whether this host masks a unit, or the link that would pull it in."""
    if any(view.readlink(f"{folder}/{pull.by}.{how}/{pull.unit}") == MASK
           for folder in ("/etc/systemd/system", "/run/systemd/system") for how in ("wants", "requires", "upholds")):
        return True
    own = next((path for path in (f"{folder}/{pull.unit}" for folder in OWN_FOLDERS) if view.exists(path)), None)
    if own is None:
        return False
    return view.readlink(own) == MASK or (view.is_file(own) and os.path.getsize(view.real(own)) == 0)


def _preset(swap: Swap) -> dict[str, Build]:
    """Return the units that packages new to this host apply presets to, and that the presets on this host enable."""
    here = {build.name for build in swap.old}
    rules = _preset_rules(swap.host)
    applied = {}
    for build in swap.new:
        if build.name in here or swap.installed.named(build.name):
            continue
        text = "\n".join(script.body for script in build.scripts if script.slot == "postin")
        words = {word for line in text.splitlines() if APPLIES_PRESET.search(line) for word in line.split()}
        for path in build.files:
            match = UNIT_PATH.match(path)
            if match and match.group("unit") in words and presets.enables(rules, match.group("unit")):
                applied[match.group("unit")] = build
    return applied


def _preset_rules(view: View) -> list[tuple[str, str]]:
    """Return the rules of the presets on this host, those that come first first."""
    paths: dict[str, str] = {}
    for folder in presets.FOLDERS:
        for path in view.glob(f"{folder}/{presets.SYSTEM}/*{presets.SUFFIX}"):
            paths.setdefault(os.path.basename(path), path)
    return [rule for _name, path in sorted(paths.items()) for rule in presets.rules(view.lines(path))]


def unwanted(swap: Swap) -> t.Iterator[Finding]:
    """Row 101, before the swap: active units that the package's own links pulled in, and which the new build does not link.

    They stay up until the next boot, and do not come back then.
    """
    loaded = unit_states.known(swap.host)
    carried = {os.path.basename(path): file for path, (_build, file) in swap.new_files.items() if UNIT_PATH.match(path)}
    linked = {pull.unit for pull in pulls(swap.new_files)}
    for path, unit, _by in pulls(swap.lost_files):
        if unit not in carried:
            continue
        # A unit that became another name of one is pulled in by that.
        names = {unit, os.path.basename(carried[unit].target)}
        if names & linked:
            continue
        if loaded.get(unit, {}).get("ActiveState") == "active" and not swap.host.glob(f"/etc/systemd/system/*.*/{unit}"):
            yield found(
                "unit.stopped", Subject("unit", unit), path, None,
                f"{unit} is active because of {path}, which the new build does not have; nothing else enables it.",
                [Consumer("unit", unit, "is active")], severity=MEDIUM, remedy="Enable the unit if you want it")
