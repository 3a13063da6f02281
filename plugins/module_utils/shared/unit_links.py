# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links that systemctl puts and takes away when it enables, disables or masks a unit, as paths that are written."""

from __future__ import annotations

import os
import typing as t

from ..core.host_io import Target
from ..core.writable import GONE, LINKED, Touch
from ..text import unit_files

# Where systemctl keeps what it enables and masks.
LOCAL_UNITS = "/etc/systemd/system"
# Where systemd looks for the file of a unit; the first counts.
UNIT_FOLDERS = (LOCAL_UNITS, "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")


def of_mask(unit: str, masked: bool) -> list[Touch]:
    """Return the path of a unit that is masked, or is not any more."""
    return [Touch(f"{LOCAL_UNITS}/{unit}", LINKED if masked else GONE)]


def of_enabled(target: Target, units: t.Iterable[str], enabled: bool) -> list[Touch]:
    """Return the paths for some units that are enabled, or are not any more. The file of one that a package of the same run
    brings is not known yet: it is looked whether links can be put beside the others."""
    found, open_units, known = [], list(units), set()
    while open_units:
        unit = open_units.pop()
        text = _text(target, unit)
        known.add(unit)
        # systemd makes a link under such a name first.
        found += [Touch(f"{LOCAL_UNITS}/.#{unit}", LINKED)] if enabled else []
        found += [Touch(f"{LOCAL_UNITS}/{link}", LINKED if enabled else GONE) for link in unit_files.links(unit, text)]
        open_units += [other for other in unit_files.also(text) if other not in known]
    return found


def _text(target: Target, unit: str) -> str:
    stem, at, _instance = unit.partition("@")
    names = [unit, f"{stem}@{os.path.splitext(unit)[1]}"] if at else [unit]
    for name in names:
        for folder in UNIT_FOLDERS:
            file = target.read(f"{folder}/{name}")
            if file is not None:
                return file.content
    return ""
