# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of installed packages differ from what these brought."""

from __future__ import annotations

import typing as t

from ..core.errors import Failed, Problem
from ..core.host_io import Target
from ..packages import edits


def differences(target: Target, names: t.Iterable[str]) -> dict[str, dict[str, str]]:
    """Return which files of some installed packages are not as their package brought them, in whatever rpm compares: content,
    mode, owner, link, type and capabilities, also of documentation and configuration; and which are missing."""
    wanted = sorted(set(names))
    if not wanted:
        return {}
    status, out = target.probe([*edits.VERIFY, *wanted])
    told = edits.parse(out)
    if not edits.answered(status, told):
        raise Failed(Problem(
            "backup.edits_unknown",
            "rpm cannot tell which files of this host were edited", f"'{' '.join(edits.VERIFY)}' ended with status {status}",
            "Look at what 'rpm -V' says of the installed packages, mend it, and run again"))
    return told


def edited_of(differing: t.Mapping[str, t.Mapping[str, str]]) -> list[str]:
    """Return those files that are there, of what differs from its package."""
    return [path for path, said in differing.items() if said["flags"] != edits.MISSING]
