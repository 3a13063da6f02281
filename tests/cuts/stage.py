# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One stream's host through many cells: what an uncut run does there, and what became of each cut."""

from __future__ import annotations

import subprocess
import time
import traceback
import typing as t

from lab import hosts

from . import cells, judgement
from .live import CutHost, NeverReached

SNAPSHOT = "before-the-cuts"
PHASES = {cells.ADOPTED: "prove", cells.STOCK: "rollback"}
# The depth of a transaction that takes a second cannot always be met.
TRIES = 3


class Stage:
    """The host of a stream. It goes on from cell to cell as long as it ends as it should; else a new one takes its place."""

    def __init__(self, stream: int, images: dict[int, t.Any]) -> None:
        self.stream = stream
        self.images = images
        self.steps: dict[str, list[cells.Step]] = {}
        self.known: dict[str, list[judgement.Look]] = {cells.STOCK: [], cells.ADOPTED: []}
        # What proofs of uncut runs find: without, and with a start of the host while it is adopted.
        self.accepted: dict[bool, set[str]] = {False: set(), True: set()}
        self.started = False
        self.live: CutHost | None = None
        self.state = ""

    def rehearse(self) -> list[str]:
        """Adopt and go back without a cut, then once more with a start of the host in between; learn the steps and what is good
        from that, and return what it leaves behind."""
        live = self._fresh()
        self.known[cells.STOCK].append(live.look())
        left = []
        for started in (False, True):
            for way in (cells.ADOPT, cells.ROLLBACK):
                left += self._rehearse(live, way, started)
            live.power_cut()
            self.known[cells.STOCK].append(live.look())
        return sorted(set(left))

    def _rehearse(self, live: CutHost, way: str, started: bool) -> list[str]:
        state = cells.ENDS[way]
        wrong = judgement.of_runs(live.bring(state), None)
        self.steps[way] = live.steps()
        wrong += judgement.of_runs(live.bring(state), live.bring(state))
        if wrong:
            raise RuntimeError(f"an uncut run on stream {self.stream} went wrong: {'; '.join(wrong)}")
        self.state = state
        look = live.look()
        left = judgement.differences(self.known[state], look) if self.known[state] else []
        self.known[state].append(look)
        if started and state == cells.ADOPTED:
            live.power_cut()
            self.known[state].append(live.look())
        proof = self._proof(live, state)
        if state == cells.STOCK:
            words = judgement.of_proof(proof, self.accepted[False])
            left += [f"{word} (with a start of the host between)" if started else word for word in words]
        keys = {finding["key"] for finding in proof["findings"]}
        for one in (started, True):
            self.accepted[one] |= keys
        return left

    def play(self, cell: cells.Cell) -> cells.Record:
        """Cut one job, run again, and judge."""
        try:
            struck, told, seconds, wrong = self._play(cell)
        except NeverReached as reason:
            struck, told, seconds, wrong = "", "", 0.0, [f"nothing was cut: {reason}"]
        except (AssertionError, RuntimeError, subprocess.SubprocessError, OSError, ValueError, KeyError, hosts.LabError) as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            struck, told, seconds, wrong = "", "", 0.0, [f"{error!r} in {where.name}, line {where.lineno}"]
        self.state = "" if wrong else cells.ENDS[cell.way]
        return cells.Record(*cell, not wrong, round(seconds, 1), struck, told, [judgement.short(word) for word in wrong])

    def _play(self, cell: cells.Cell) -> tuple[str, str, float, list[str]]:
        end = cells.ENDS[cell.way]
        live, struck = self._cut(cell)
        began = time.monotonic()
        first = live.bring(end)
        seconds = time.monotonic() - began
        wrong = judgement.of_runs(first, None)
        if wrong:
            after = judgement.of_runs(live.bring(end), None)
            return struck, "", seconds, [*wrong, *(f"and once more: {word}" for word in after or ["it went well"])]
        told = (first["interrupted"] or {}).get("outcome", "")
        wrong = judgement.of_runs(first, live.bring(end))
        live.state()
        wrong += judgement.differences(self.known[end], live.look())
        wrong += judgement.of_proof(self._proof(live, end), self.accepted[self.started])
        if cell.fault == cells.DISK_FULL:
            live.give_back_disk()
        return struck, told, seconds, wrong

    def _cut(self, cell: cells.Cell) -> tuple[CutHost, str]:
        """Bring the host to where a cell starts and cut its job, on a new host when that is over before the moment comes."""
        steps = self.steps[cells.journal_of(cell.way)]
        step = next(step for step in steps if step.label == cell.label)
        job = cells.ADOPTED if cell.way != cells.ROLLBACK else cells.STOCK
        for left in reversed(range(TRIES)):
            live = self._at(cells.STARTS[cell.way])
            self.state = ""
            self.started = self.started or cell.fault == cells.POWER_CUT
            try:
                return live, live.cut(job, cell, step)
            except NeverReached:
                if not left:
                    raise
        raise NeverReached

    def _at(self, state: str) -> CutHost:
        """Return the host at one of the two states."""
        live = self.live if self.live and self.state else self._fresh()
        if self.state != state:
            wrong = judgement.of_runs(live.bring(state), None)
            if wrong:
                raise RuntimeError(f"an uncut run on stream {self.stream} went wrong: {'; '.join(wrong)}")
            self.state = state
        if self.started and state == cells.STOCK:
            live.power_cut()
            self.started = False
        return live

    def _fresh(self) -> CutHost:
        self.started = False
        self.live = CutHost(self.stream, self.images)
        taken = self.live.ask("host_snapshot", {"id": SNAPSHOT})
        if "msg" in taken:
            raise RuntimeError(f"no snapshot of stream {self.stream}: {judgement.short(taken['msg'])}")
        self.state = cells.STOCK
        return self.live

    def _proof(self, live: CutHost, state: str) -> dict[str, t.Any]:
        return live.ask("proof_info", {"snapshot": SNAPSHOT, "phase": PHASES[state]})

    def leave(self) -> None:
        """Take the host away."""
        if self.live:
            hosts.remove(self.live.host)
            self.live = None
