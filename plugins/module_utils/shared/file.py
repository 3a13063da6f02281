# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step that brings one path from what it holds to what is wanted. Several sections write files by it."""

from __future__ import annotations

import os

from ..core import exchange
from ..core.engine import CONFIGURE, Action
from ..core.errors import Failed, Problem
from ..core.exchange import ASIDE
from ..core.host_io import DISPLACED, STATE_DIR, FileState, Target
from ..core.writable import REMOVED, TAKEN_BACK, WRITTEN, Touch
from ..text import merge


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

    def touches(self, _target: Target, undoing: bool = False) -> list[Touch]:
        wanted = self.args["old" if undoing else "new"]
        # On the way back a link that somebody has put there since is left as it is.
        return [Touch(self.subject, WRITTEN if wanted else TAKEN_BACK if undoing else REMOVED)]

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
        if old is None and target.is_link(self.subject):
            self.left.append(f"{self.subject} is a symbolic link by now, and is left as it is")
        elif now == old:
            return
        elif now == written:
            self._back(target, now, old)
        elif now is None:
            self.left.append(f"{self.subject} was taken away since, and stays away{self._kept(target, old)}")
        elif old is None:
            place = exchange.free(target, self.subject + ASIDE)
            target.write(place, now)
            if self._back(target, now, None):
                self.left.append(f"{self.subject} was changed since: it is gone, and what it held is in {place}")
        else:
            self._take_out(target, old, written, now)

    def _back(self, target: Target, now: FileState | None, wanted: FileState | None) -> bool:
        """Bring the path back from what was read of it, and say whether that was done: not where somebody writes it right now."""
        if wanted is not None:
            done = exchange.write(target, self.subject, now, wanted)
        else:
            done = now is None or exchange.remove(target, self.subject, now)
        if not done:
            self.left.append(f"{self.subject} was changed while it was taken back, and is left as it is")
        return done

    def _take_out(self, target: Target, old: FileState, written: FileState | None, now: FileState) -> None:
        """Take our change out of a file that somebody changed since."""
        content = merge.without(written.content if written else "", old.content, now.content)
        if content is None:
            self.left.append(f"{self.subject} was changed since in the same lines, and is left as it is{self._kept(target, old)}")
            return
        kept = [was if was_ours == is_now else is_now for was, was_ours, is_now in zip(old[1:], (written or now)[1:], now[1:])]
        if self._back(target, now, FileState(content, *kept)) and content != old.content:
            self.left.append(f"{self.subject} was changed since: only what was written here is taken out of it")

    def _kept(self, target: Target, old: FileState | None) -> str:
        """Keep what the path held before this step, which cannot come back there, and return in words where it is."""
        if old is None:
            return ""
        target.private_folder(DISPLACED, self.run)
        place = exchange.free(target, os.path.join(STATE_DIR, DISPLACED, self.run, self.subject[1:]))
        target.write(place, old)
        return f": what it held before is in {place}"

    def verify(self, target: Target) -> None:
        found = target.read(self.subject)
        wanted = FileState(*self.args["new"]) if self.args["new"] else None
        if found != wanted:
            raise Failed(Problem(
                "file.not_as_written", f"{self.subject} is not as it was written", "something else writes it too",
                "Find out what manages the file, and leave it to one of the two", subject=self.subject,
            ))


def _shown(state: FileState | None) -> str:
    """Return a file as the diff shows it: its attributes, then its text."""
    if state is None:
        return ""
    return f"# {state.owner}:{state.group} {state.mode}\n{state.content}"
