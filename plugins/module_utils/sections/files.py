# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(files): whole files with a wanted content, mode and owner, or their absence."""

from __future__ import annotations

import re
import typing as t

from ..core.engine import Action
from ..core.errors import Problem
from ..core.host_io import FileState, Target
from ..core.planning import Context, Planned
from ..shared.file import FileAction

OCTAL_MODE = re.compile(r"^[0-7]{3,5}$")

OPTIONS: dict[str, t.Any] = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str"},
    "mode": {"type": "str", "default": "0644"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}

ACTIONS = {FileAction.kind: FileAction}


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    problems = []
    seen = set()
    for want in wants:
        path = want["path"]
        if not path.startswith("/") or path.endswith("/") or "/../" in path:
            problems.append(Problem(
                "file.path", f"file path {path!r}", "it is not the absolute path of a file",
                "Give an absolute path without '..' and without a slash at its end",
                subject=path))
        if path in seen:
            problems.append(Problem("file.twice", f"file {path}", "it is wanted twice", "Leave one of the two out", subject=path))
        seen.add(path)
        if want["state"] == "present" and want["content"] is None:
            problems.append(Problem(
                "file.no_content", f"file {path}", "it has no content", "Give content, or 'state: absent'", subject=path))
        if not OCTAL_MODE.match(want["mode"]):
            problems.append(Problem(
                "file.mode", f"file {path}", f"mode {want['mode']!r} is not an octal mode", "Write it as a string such as '0644'",
                subject=path))
    return problems


def gather(target: Target, wants: t.Sequence[dict[str, t.Any]]) -> dict[str, FileState | None]:
    """Return what each wanted path holds now."""
    return {want["path"]: target.read(want["path"]) for want in wants}


def plan(wants: t.Sequence[dict[str, t.Any]], state: dict[str, FileState | None], _context: Context) -> Planned:
    """Return one action for each path that is not as wanted."""
    actions: list[Action] = []
    for want in wants:
        old = state[want["path"]]
        new = None
        if want["state"] == "present":
            new = FileState(want["content"], f"{int(want['mode'], 8):04o}", want["owner"], want["group"])
        if old != new:
            actions.append(FileAction.between(want["path"], "the wanted content differs", old, new))
    return Planned(actions)
