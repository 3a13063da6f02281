# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step that points a family of alternatives to a target."""

from __future__ import annotations

from ...core.engine import CONFIGURE, Action
from ...core.errors import Failed, Problem
from ...core.host_io import Target
from ...core.writable import Touch
from .state import State, differing, read, unknown


class AlternativeAction(Action):
    """Points a family, with its followers, to a target, or lets the priorities do so."""

    section = "alternatives"
    kind = "alternative"
    phase = CONFIGURE

    def touches(self, _target: Target, _undoing: bool = False) -> list[Touch]:
        return [Touch(f"{folder}/{self.subject}") for folder in ("/etc/alternatives", "/var/lib/alternatives")]

    def apply(self, target: Target) -> None:
        problem = unknown(self.subject, self.args["path"], read(target, self.subject))
        if problem:
            raise Failed(problem)
        self._point(target, self.args["path"])

    def undo(self, target: Target) -> None:
        state = read(target, self.subject)
        if state is None:
            return
        old = self.args["old"]
        if self._is_anothers(state):
            self.left.append(f"alternatives family {self.subject} was set to {state.current} since, and is left as it is")
        else:
            self._point(target, old["path"] if not old["auto"] and state.family.target(old["path"]) else None)

    def _is_anothers(self, state: State) -> bool:
        """Say whether somebody chose something else than what this step set or what there was before."""
        ours, old = self.args["path"], self.args["old"]
        chosen = not state.family.auto and state.current not in (ours, old["path"])
        return chosen or (state.family.auto and not old["auto"] and ours is not None)

    def _point(self, target: Target, path: str | None) -> None:
        target.run(["alternatives", "--set", self.subject, path] if path else ["alternatives", "--auto", self.subject])

    def verify(self, target: Target) -> None:
        state = read(target, self.subject)
        wrong = differing(state, self.args["path"]) if state else ["it is not registered"]
        if wrong:
            raise Failed(Problem(
                f"alternatives family {self.subject} is not as it was set", "; ".join(wrong),
                f"Look at 'alternatives --display {self.subject}' on the host"))
