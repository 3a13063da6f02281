# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a swap, or after going back: units of the packages and mounts that are active and were not."""

from __future__ import annotations

import typing as t

from ...facts import covered
from ...facts.consumer import Consumer
from ..checks import found
from ..model import INFO, LOW, MEDIUM, Finding, Subject, finding_key
from ..predicted.activation import pulls
from ..predicted.units import UNIT_PATH, brought
from ..scenes import Scenes
from . import aftermath

CHECK = "unit.activated"
# What systemd calls a unit that it cannot name any more when it is re-executed: another name each time.
NAMELESS = "orphaned-"
RUNNING = ("active", "activating", "reloading")
UNMOUNT = (
    "Save what was written to {folder} since, then run 'umount {folder}'. 'systemctl mask {unit}' keeps it from coming back")


def activated(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 109: mounts that the packages' units made, and other units of theirs, that are active and were not."""
    mine = _brought(scenes)
    over = {unit: covered.mount_point(unit) for unit in mine if unit.endswith(covered.MOUNT_KINDS)}
    before = set(scenes.before("mounts"))
    new = set(scenes.now("mounts")) - before
    for unit, folder in sorted(over.items()):
        if folder in new and not folder.startswith(covered.OF_THE_KERNEL):
            yield _mounted(scenes, unit, folder, mine[unit])
    for unit, was in started(scenes):
        if over.get(unit) not in new:
            gone = " Its file is gone: it stays until it is stopped or the host boots." if _left(scenes, unit) else ""
            yield found(
                CHECK, Subject("unit", unit), was, "active",
                f"{unit} is active and was {was} when the snapshot was taken.{gone}",
                remedy=f"Run 'systemctl stop {unit}' if nothing here uses it" if gone else "",
                severity=INFO if unit.endswith((".swap", ".target", ".slice")) else LOW, proven=True)


def started(scenes: Scenes) -> t.Iterator[tuple[str, str]]:
    """Yield units of the builds, and units without a file, that are active and were not, with what they were.

    What a run turned on is no news, nor is what systemd starts with it. What is new, and pulled in by no link but by what
    stands in a unit file, is told as a new unit: headers tell no more.
    """
    mine, meant = _brought(scenes), _meant(scenes)
    linked = {pull.unit for pull in pulls(scenes.swap.new_files)}
    new = {finding.subject.name for finding in brought(scenes.swap)}
    for unit, was in aftermath.started(scenes):
        if unit in mine and unit not in meant and (unit in linked or unit not in new):
            yield unit, was
    before = scenes.before("units")
    for unit in sorted(unit for unit in scenes.now("units") if _left(scenes, unit) and not unit.startswith(NAMELESS)):
        was = before.get(unit, {}).get("ActiveState") or "not loaded"
        if was not in RUNNING and not aftermath.FLEETING.search(unit):
            yield unit, was


def _meant(scenes: Scenes) -> set[str]:
    """Return the units that runs turned on, with those that trigger one of them and those that one of them wants or requires."""
    if not scenes.course.on:
        return set()
    now, found = scenes.now("units"), set(scenes.course.on)
    asked = {unit: {*(said.get("WantedBy") or "").split(), *(said.get("RequiredBy") or "").split()} for unit, said in now.items()}
    while True:
        more = {name for unit in found for name in (now.get(unit, {}).get("TriggeredBy") or "").split()}
        more |= {unit for unit, by in asked.items() if by & found}
        if more <= found:
            return found
        found |= more


def _left(scenes: Scenes, unit: str) -> bool:
    """Say whether a unit is active without a file: it was started by a build that is no longer here."""
    said = scenes.now("units").get(unit, {})
    return said.get("ActiveState") == "active" and said.get("LoadState") == "not-found"


def _brought(scenes: Scenes) -> dict[str, str | None]:
    """Return the units of the builds on both sides and those that the prediction named, each with a build.

    After going back the builds that started something are on neither side.
    """
    named = {
        finding["subject"]["name"]: finding["after"] for finding in (scenes.prediction or {}).get("findings", ())
        if finding["check"] in (CHECK, "unit.new")}
    files = {**scenes.swap.old_files, **scenes.swap.new_files}
    matches = ((UNIT_PATH.match(path), build.nevra) for path, (build, _file) in files.items())
    return {**named, **{match.group("unit"): nevra for match, nevra in matches if match}}


def _mounted(scenes: Scenes, unit: str, folder: str, nevra: str | None) -> Finding:
    subject = Subject("unit", unit)
    users = {*_foreseen(scenes, finding_key(CHECK, subject)), *covered.cut_off(scenes.view, folder)}
    hides = f" It hides {len(users)} files or users that the folder had." if users else ""
    return found(
        CHECK, subject, "not mounted", "mounted",
        f"{unit} of {nevra} is mounted over {folder}, and nothing was when the snapshot was taken.{hides} It is not unmounted by "
        "this collection, because files may have been written to it since.",
        sorted(users), proven=True, severity="" if users else MEDIUM, remedy=UNMOUNT.format(unit=unit, folder=folder))


def _foreseen(scenes: Scenes, key: str) -> list[Consumer]:
    """Return who the prediction says would be affected."""
    return [
        Consumer(one["type"], one["name"], one["detail"]) for finding in (scenes.prediction or {}).get("findings", ())
        if finding["key"] == key for one in finding["consumers"]]
