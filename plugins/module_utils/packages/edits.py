# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How rpm is asked which files of installed packages differ from what their package brought."""

from __future__ import annotations

import re
import typing as t

VERIFY = ["rpm", "-V", "--nomtime", "--nodeps", "--noscripts"]

LINE = re.compile(r"^(?P<flags>[SM5DLUGTPC.?]{8,9}|missing) +(?:(?P<kind>[acdglmnr]) )?(?P<path>/.*?)(?: \(.*\))?$")
MISSING = "missing"
# The letters that say that a file holds something else.
CONTENT = frozenset("S5")
# In place of flags, of a file that rpm did not install, as C(tsflags=nodocs) has it: it verifies no such file.
NOT_INSTALLED = "not installed"


def parse(out: str) -> dict[str, dict[str, str]]:
    """Return what rpm printed of files: path -> flags (or C(missing)) and kind, in rpm's letters."""
    found = {}
    for match in filter(None, map(LINE.match, out.splitlines())):
        flags = match.group("flags")
        found[match.group("path")] = {
            "flags": flags if flags == MISSING else flags.replace(".", ""), "kind": match.group("kind") or ""}
    return found


def answered(status: int, found: t.Sized) -> bool:
    """Say whether rpm told what differs. Its status is the number of packages that differ, 254 at most, or 1 where it cannot
    tell; C(found) are the files that it named."""
    return status == 0 or (status > 0 and len(found) > 0)
