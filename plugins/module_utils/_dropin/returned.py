# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After going back: the packages are those of the snapshot again, and so is what a package does not bring back."""

from __future__ import annotations

import typing as t

from .checks import found
from .gather import state_of
from .model import LOW, MEDIUM, Finding, Subject
from .scenes import Scenes

# By what of a path differs: words, and how grave it is where that is not the row's own.
ASPECTS = {"kind": "type", "content": "content", "mode": "mode", "owner": "owner", "label": "SELinux label"}
MILD = {"label": MEDIUM}
# A unit that cannot be enabled has a state that only its file decides.
CHOSEN = ("enabled", "enabled-runtime", "disabled", "masked", "masked-runtime", "linked", "linked-runtime")


def packages(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 105: builds that are missing or too many, and reasons of installation that changed."""
    before, now = scenes.before("packages"), scenes.now("packages")
    for nevra in sorted(before.keys() ^ now.keys()):
        missing = nevra in before
        yield found(
            "rollback.package", Subject("build", nevra), nevra if missing else None, None if missing else nevra,
            f"{nevra} was installed when the snapshot was taken and is not now." if missing else
            f"{nevra} is installed and was not when the snapshot was taken.", proven=True)
    for nevra in sorted(before.keys() & now.keys()):
        if before[nevra] != now[nevra] and before[nevra] is not None:
            yield found(
                "rollback.package", Subject("reason", nevra), before[nevra], now[nevra],
                f"dnf has {nevra} as installed for '{now[nevra]}'; it was '{before[nevra]}'.", severity=LOW, proven=True,
                remedy="Set it with 'dnf mark'")


def states(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 106: files, units, alternatives, kernel; what was left below /etc/systemd as well."""
    yield from _files(scenes)
    yield from _units(scenes)
    for part, subject in (("alternatives", "alternative"), ("kernel", "kernel")):
        before, now = scenes.before(part), scenes.now(part)
        for name in sorted({*before, *now} - {"boot_id"}):
            if before.get(name) != now.get(name):
                yield found(
                    "rollback.differs", Subject(subject, name), before.get(name), now.get(name),
                    f"{subject} {name} was {before.get(name) or 'not there'} and is {now.get(name) or 'not there'}.", proven=True)


def _files(scenes: Scenes) -> t.Iterator[Finding]:
    before, now = scenes.before("files"), scenes.now("files")
    for path in sorted({*before, *now}):
        was, said = before.get(path), now.get(path)
        if path not in now and was is not None:
            said = state_of(scenes.view, path)
        if was == said:
            continue
        if was is None or said is None:
            yield found(
                "rollback.differs", Subject("path", path), was, said,
                f"{path} was there and is gone." if said is None else f"{path} was not there before.",
                severity=LOW if was is None else "", proven=True)
            continue
        aspects = [name for name in ASPECTS if was[name] != said[name]]
        severity = MEDIUM if all(name in MILD for name in aspects) else ""
        yield found(
            "rollback.differs", Subject("path", path), {name: was[name] for name in aspects},
            {name: said[name] for name in aspects}, f"{path}: {', '.join(ASPECTS[name] for name in aspects)} not as before.",
            severity=severity, proven=True)


def _units(scenes: Scenes) -> t.Iterator[Finding]:
    before, now = scenes.before("units"), scenes.now("units")
    for unit in sorted(before.keys() & now.keys()):
        was, said = (entry[unit].get("UnitFileState") or "" for entry in (before, now))
        if was != said and (was in CHOSEN or said in CHOSEN):
            yield found(
                "rollback.differs", Subject("unit", unit), was or None, said or None,
                f"{unit} was {was or 'without a state'} and is {said or 'without a state'}.", proven=True)
