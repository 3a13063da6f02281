# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that alternatives switches with a family, and how they are brought back.

Whenever it writes a family, it applies the presets to the unit of the chosen target if that is not enabled, and disables the
units of all other targets. It starts and stops none.
"""

from __future__ import annotations

import os
import typing as t

from ...core.errors import Failed, Problem
from ...core.host_io import Target, is_there
from ...facts.legacy import SCRIPT_FOLDERS
from ...text.alternatives import Family

# Where alternatives looks whether a service is a unit; what is not is a SysV script to it.
UNIT_FOLDERS = ("/lib/systemd/system", "/etc/systemd/system")
ENABLED = {"enabled": True, "disabled": False}


def unit(service: str) -> str:
    """Return the unit of a service."""
    return f"{service}.service"


def units(target: Target, family: Family) -> dict[str, bool]:
    """Return the units of a family's targets that can be enabled and disabled, and whether they are enabled."""
    found = {}
    for name in sorted({unit(one.service) for one in family.targets if one.service}):
        if any(os.path.exists(target.path(f"{folder}/{name}")) for folder in UNIT_FOLDERS):
            status, out = target.probe(["systemctl", "is-enabled", name])
            word = out.strip()
            if not word:
                raise Failed(Problem(
                    "alternatives.unit_unknown",
                    f"whether unit {name} is enabled, which alternatives switches with family {family.name}, could not be told",
                    f"systemctl is-enabled ended with status {status} and said nothing",
                    f"Find out why 'systemctl is-enabled {name}' does not answer, and run again", subject=name))
            found.update({name: ENABLED[word]} if word in ENABLED else {})
    return found


def scripts(target: Target, family: Family) -> list[str]:
    """Return the SysV scripts of a family's targets."""
    names = {one.service for one in family.targets if one.service}
    return sorted(
        name for name in names
        if not any(os.path.exists(target.path(f"{folder}/{unit(name)}")) for folder in UNIT_FOLDERS)
        and any(is_there(target.path(f"{folder}/{name}")) for folder in SCRIPT_FOLDERS))


def wanted_back(was: t.Mapping[str, bool], now: t.Mapping[str, bool], chosen: str) -> dict[str, bool]:
    """Return which units are to be enabled when a choice is taken back: as before the choice, but for what somebody did since.

    C(chosen) is the service of the target that was chosen: its unit was enabled by preset or not at all, and is disabled now by
    somebody alone. The units of all others were disabled, so that one which is enabled now was enabled by somebody.
    """
    return {
        name: was[name] and now[name] if name == unit(chosen) else was[name] or now[name]
        for name in was if name in now}


def bring(target: Target, family: Family, wanted: t.Mapping[str, bool]) -> None:
    """Enable and disable what is not as it is to be."""
    now = units(target, family)
    for name, enabled in wanted.items():
        if now.get(name, enabled) != enabled:
            target.run(["systemctl", "enable" if enabled else "disable", name])
