# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that rpm is going to write and cannot: it would break off in the middle of the transaction."""

from __future__ import annotations

import typing as t

from ...core import unwritable, writable
from ...core.writable import Touch
from ...facts.consumer import Consumer
from ..builds import Build
from ..checks import found
from ..model import Finding, Subject
from ..swap import Swap

# Other checks tell these.
TOLD = (writable.READ_ONLY, writable.FULL)


def unwritable_paths(swap: Swap) -> t.Iterator[Finding]:
    """Row 47: flags, mount points, quotas, folders and files in each other's place, and what cannot be looked at."""
    obstacles = [one for one in writable.obstacles(swap.host.root, touches(swap)) if one.kind not in TOLD]
    for where in sorted({(one.kind, one.where) for one in obstacles}):
        mine = [one for one in obstacles if (one.kind, one.where) == where]
        problem = unwritable.problems(mine)[0]
        yield found(
            "path.unwritable", Subject("path", where[1]), None, where[0], f"{problem.fact}: {problem.reason}.",
            [Consumer("path", one.touched) for one in mine[:10]], remedy=problem.remedy, proven=True)


def touches(swap: Swap) -> list[Touch]:
    """Return what rpm writes. A file may take a folder's place only where the old build has it and a scriptlet clears it."""
    before = swap.old_files
    coming = [
        Touch(path, _how(file.kind, build, before[path][1].kind if path in before else ""))
        for path, (build, file) in swap.new_files.items() if not file.ghost]
    gone = [
        Touch(path, writable.GONE) for path, (_build, file) in before.items()
        if path not in swap.new_files and not file.ghost and file.kind != "directory"]
    return coming + gone


def _how(kind: str, build: Build, was: str) -> str:
    if kind == "directory":
        return writable.FOLDER
    cleared = was == "directory" and any(script.slot == "pretrans" for script in build.scripts)
    return writable.CLEARED if cleared else writable.LINK if kind == "symlink" else writable.FILE
