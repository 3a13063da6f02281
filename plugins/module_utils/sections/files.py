# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(files): whole files with a wanted content, mode and owner, or their absence."""

from __future__ import annotations

import re
import typing as t

from ..core.engine import CONFIGURE, Action
from ..core.errors import Failed, Problem
from ..core.host_io import FileState, Target
from ..core.planning import Around, Planned
from ..text import merge

# What somebody made of a file of ours is kept beside it under this name, which no program reads.
ASIDE = ".saved"
OCTAL_MODE = re.compile(r"^[0-7]{3,5}$")

OPTIONS: dict[str, t.Any] = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str"},
    "mode": {"type": "str", "default": "0644"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


class FileAction(Action):
    """Brings one path from what it holds to what is wanted; both are kept whole, so undo is the same step back."""

    section = "files"
    kind = "file"
    phase = CONFIGURE
    writes_file = True

    @classmethod
    def between(cls, path: str, why: str, old: FileState | None, new: FileState | None) -> FileAction:
        """Make the action that brings a path from one state to the other."""
        args = {"old": list(old) if old else None, "new": list(new) if new else None}
        return cls(path, why, args, _shown(old), _shown(new))

    def _put(self, target: Target, wanted: list[str] | None) -> None:
        if wanted is None:
            target.remove(self.subject)
        else:
            target.write(self.subject, FileState(*wanted))

    def apply(self, target: Target) -> None:
        self._put(target, self.args["new"])

    def undo(self, target: Target) -> None:
        old, written = (FileState(*state) if state else None for state in (self.args["old"], self.args["new"]))
        now = target.read(self.subject)
        if now in (old, written):
            self._put(target, self.args["old"])
        elif now is None:
            self.left.append(f"{self.subject} was taken away since, and stays away")
        elif old is None:
            target.write(self.subject + ASIDE, now)
            target.remove(self.subject)
            self.left.append(f"{self.subject} was changed since: it is gone, and what it held is in {self.subject}{ASIDE}")
        else:
            self._take_out(target, old, written, now)

    def _take_out(self, target: Target, old: FileState, written: FileState | None, now: FileState) -> None:
        """Take our change out of a file that somebody changed since."""
        content = merge.without(written.content if written else "", old.content, now.content)
        if content is None:
            self.left.append(f"{self.subject} was changed since in the same lines, and is left as it is")
            return
        kept = [was if was_ours == is_now else is_now for was, was_ours, is_now in zip(old[1:], (written or now)[1:], now[1:])]
        target.write(self.subject, FileState(content, *kept))
        if content != old.content:
            self.left.append(f"{self.subject} was changed since: only what was written here is taken out of it")

    def verify(self, target: Target) -> None:
        found = target.read(self.subject)
        wanted = FileState(*self.args["new"]) if self.args["new"] else None
        if found != wanted:
            raise Failed(Problem(
                f"{self.subject} is not as it was written", "something else writes it too",
                "Find out what manages the file, and leave it to one of the two",
            ))


ACTIONS = {FileAction.kind: FileAction}


def validate(wants: t.Sequence[dict[str, t.Any]]) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    problems = []
    seen = set()
    for want in wants:
        path = want["path"]
        if not path.startswith("/") or path.endswith("/") or "/../" in path:
            problems.append(Problem(
                f"file path {path!r}", "it is not the absolute path of a file", "Give an absolute path without '..'"))
        if path in seen:
            problems.append(Problem(f"file {path}", "it is wanted twice", "Leave one of the two out"))
        seen.add(path)
        if want["state"] == "present" and want["content"] is None:
            problems.append(Problem(f"file {path}", "it has no content", "Give content, or state: absent"))
        if not OCTAL_MODE.match(want["mode"]):
            problems.append(Problem(
                f"file {path}", f"mode {want['mode']!r} is not an octal mode", "Write it as a string such as '0644'"))
    return problems


def gather(target: Target, wants: t.Sequence[dict[str, t.Any]]) -> dict[str, FileState | None]:
    """Return what each wanted path holds now."""
    return {want["path"]: target.read(want["path"]) for want in wants}


def plan(wants: t.Sequence[dict[str, t.Any]], state: dict[str, FileState | None], _around: Around) -> Planned:
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


def _shown(state: FileState | None) -> str:
    """Return a file as the diff shows it: its attributes, then its text."""
    if state is None:
        return ""
    return f"# {state.owner}:{state.group} {state.mode}\n{state.content}"
