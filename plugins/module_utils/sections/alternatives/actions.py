# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step that points a family of alternatives to a target."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import typing as t

from ...core.engine import CONFIGURE, Action
from ...core.errors import Failed, Problem
from ...core.host_io import Target, is_there, sync_folder
from ...core.writable import LINK, Touch
from ...shared import unit_links
from . import services
from .state import State, beside, chosen, damaged, differing, read, state_folder, unknown, within

# Where what a cut write left is kept.
KEPT = "alternatives"
# A file beside a family's that stays longer was left by a write that was cut: one that is under way takes less.
WRITING_SECONDS = 5.0
POLL_SECONDS = 0.2


class AlternativeAction(Action):
    """Points a family, with its followers, to a target, or lets the priorities do so."""

    section = "alternatives"
    kind = "alternative"
    phase = CONFIGURE

    def touches(self, target: Target, _undoing: bool = False) -> list[Touch]:
        # It may switch units either way: to enable one is the harder.
        units = unit_links.of_enabled(target, self.args["old"].get("units", ()), True)
        files = [f"{state_folder(target)}/{self.subject}", beside(target, self.subject)]
        state = _read(target, self.subject)
        links = state.links if state else [within(self.subject)]
        return [*(Touch(path) for path in files), *(Touch(link, LINK) for link in links), *units]

    def apply(self, target: Target) -> None:
        state = _read(target, self.subject)
        problem = unknown(self.subject, self.args["path"], state)
        if problem:
            raise Failed(problem)
        self._point(target, t.cast(State, state), self.args["path"])

    def undo(self, target: Target) -> None:
        state = _read(target, self.subject)
        if state is None:
            return
        if self._is_anothers(state):
            self.left.append(f"alternatives family {self.subject} was set to {state.current} since, and is left as it is")
            return
        was = self.args["old"].get("units", {})
        units = self._units_back(state, was)
        self._point(target, state, self._back(state))
        services.bring(target, state.family, units)
        self.left += [
            f"unit {name} was {'enabled' if enabled else 'disabled'} since, and stays so"
            for name, enabled in units.items() if enabled != was[name]]

    def _units_back(self, state: State, was: t.Mapping[str, bool]) -> dict[str, bool]:
        """Return which units are to be enabled again. Where the choice does not stand, alternatives alone switched them."""
        ours = chosen(state.family, self.args["path"])
        if ours is None or state.current != ours.path:
            return {name: enabled for name, enabled in was.items() if name in state.units}
        return services.wanted_back(was, state.units, ours.service)

    def _is_anothers(self, state: State) -> bool:
        """Say whether somebody chose something else than what this step set or what there was before."""
        ours, old = self.args["path"], self.args["old"]
        by_hand = not state.auto and state.current not in (None, ours, old["path"])
        return by_hand or (state.auto and not old["auto"] and ours is not None)

    def _back(self, state: State) -> str | None:
        """Return the path that was chosen by hand before; None where the priorities select, because no path can be."""
        old = self.args["old"]
        if old["auto"]:
            return None
        if old["path"] and not unknown(self.subject, old["path"], state):
            return str(old["path"])
        was = f"pointed to {old['path']}, which alternatives cannot select" if old["path"] else "had no link before"
        self.left.append(f"alternatives family {self.subject} {was}: the priorities select now")
        return None

    def _point(self, target: Target, state: State, path: str | None) -> None:
        wanted = chosen(state.family, path)
        _clear_way(target, self.subject)
        if state.current is None and wanted is not None:
            _lead(target, within(self.subject), wanted.path)
        target.run(["alternatives", "--set", self.subject, path] if path else ["alternatives", "--auto", self.subject])

    def verify(self, target: Target) -> None:
        state = _read(target, self.subject)
        wrong = differing(state, self.args["path"]) if state else ["it is not registered"]
        if wrong:
            raise Failed(Problem(
                "alternatives.not_as_set", f"alternatives family {self.subject} is not as it was set", "; ".join(wrong),
                f"Look at 'alternatives --display {self.subject}' on the host", subject=self.subject))


def _read(target: Target, name: str) -> State | None:
    try:
        return read(target, name)
    except ValueError as error:
        raise Failed(damaged(target, error)) from error


def _clear_way(target: Target, name: str) -> None:
    """Put aside what a cut write of alternatives left: while it is there, alternatives writes the family no more."""
    real = target.path(beside(target, name))
    until = time.monotonic() + WRITING_SECONDS
    while is_there(real) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    if is_there(real):
        shutil.move(real, os.path.join(target.private_folder(KEPT), f"{target.job}.{os.path.basename(real)}"))
        sync_folder(os.path.dirname(real))


def _lead(target: Target, link: str, path: str) -> None:
    """Make the link of a family that is missing: without it, alternatives neither shows nor sets the family."""
    real = target.path(link)
    with contextlib.suppress(FileExistsError):
        os.symlink(path, real)
    sync_folder(os.path.dirname(real))
