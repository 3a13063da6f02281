# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preset files of systemd (systemd.preset(5)): which units they enable when a package comes anew."""

from __future__ import annotations

import fnmatch
import re
import typing as t

# Of two files of one name, the one in the folder that comes first here counts. Files are read in the order of their names.
FOLDERS = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd")
SYSTEM, USER = "system-preset", "user-preset"
SUFFIX = ".preset"
VERBS = ("enable", "disable", "ignore")
INSTANCE = re.compile(r"@[^.]+\.")


def rules(lines: t.Iterable[str]) -> list[tuple[str, str]]:
    """Return the rules that some lines hold, in their order: verb and pattern."""
    split = (line.split() for line in lines)
    return [(words[0], words[1]) for words in split if len(words) > 1 and words[0] in VERBS]


def enables(known: t.Iterable[tuple[str, str]], unit: str) -> bool:
    """Say whether the first rule that matches a unit, or its template, enables it; without such a rule it is enabled."""
    names = (unit, INSTANCE.sub("@.", unit))
    return next(
        (verb == "enable" for verb, pattern in known if any(fnmatch.fnmatchcase(name, pattern) for name in names)), True)
