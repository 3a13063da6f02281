# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the presets of a host say of a unit (systemd.preset(5))."""

from __future__ import annotations

import fnmatch
import os
import re

from ..core.host_io import Target

# Of two files of one name, the one in the folder that comes first here counts.
FOLDERS = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd")
VERBS = ("enable", "disable", "ignore")
INSTANCE = re.compile(r"@[^.]+\.")


def enabled_by_preset(target: Target, unit: str, user: bool) -> bool:
    """Say whether the presets enable a unit, which they do where no line names it. C(user): one of user managers."""
    kind = "user-preset" if user else "system-preset"
    files: dict[str, str] = {}
    for folder in FOLDERS:
        place = target.path(os.path.join(folder, kind))
        for name in os.listdir(place) if os.path.isdir(place) else ():
            if name.endswith(".preset"):
                files.setdefault(name, os.path.join(place, name))
    template = INSTANCE.sub("@.", unit)
    for name in sorted(files):
        with open(files[name], encoding="utf-8", errors="replace") as handle:
            for words in (line.split() for line in handle):
                named = len(words) > 1 and any(fnmatch.fnmatch(name, words[1]) for name in (unit, template))
                if named and words[0] in VERBS:
                    return words[0] == "enable"
    return True
