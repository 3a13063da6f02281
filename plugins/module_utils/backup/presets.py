# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the presets of a host say of a unit (systemd.preset(5))."""

from __future__ import annotations

import os

from ..core.host_io import Target, names_in
from ..text import presets


def enabled_by_preset(target: Target, unit: str, user: bool) -> bool:
    """Say whether the presets enable a unit, which they do where no line names it. C(user): one of user managers."""
    files: dict[str, str] = {}
    for folder in presets.FOLDERS:
        place = target.path(os.path.join(folder, presets.USER if user else presets.SYSTEM))
        for name in names_in(place):
            if name.endswith(presets.SUFFIX):
                files.setdefault(name, os.path.join(place, name))
    known: list[tuple[str, str]] = []
    for name in sorted(files):
        with open(files[name], encoding="utf-8", errors="replace") as handle:
            known += presets.rules(handle)
    return presets.enables(known, unit)
