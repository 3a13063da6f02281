# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One stream's host through many cells: what an uncut run does there, and what became of each cut."""

from __future__ import annotations

import subprocess
import time
import traceback
import typing as t

from faults.conftest import TREE
from lab import hosts

from . import cells, judgement
from .admin import Admin
from .live import CutHost, NeverReached

SNAPSHOT = "before-the-cuts"
PHASES = {cells.ADOPTED: "prove", cells.STOCK: "rollback"}
# What is kept of a host on which a cell failed.
FAILURES = TREE / ".cache" / "cuts-failed.log"
# The depth of a transaction that takes a second cannot always be met.
TRIES = 3


class Wrong(Exception):
    """What must go well for a cut to tell anything did not."""


class Outcome(t.NamedTuple):
    """What became of a cell: the last word of a transaction that was struck, what the next run told of the cut one, the seconds
    to recovery, what is wrong, and the state that the host is at."""

    struck: str = ""
    told: str = ""
    seconds: float = 0.0
    wrong: t.Sequence[str] = ()
    state: str = ""


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
        # The packages that admins have changed with rpm on the host.
        self.by_hand: set[str] = set()
        # The paths that an admin had written before the adoption whose work stands.
        self.saved: set[str] = set()
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
        first = live.bring(state)
        self.steps[way] = live.steps()
        wrong = judgement.of_runs(first, live.bring(state))
        if wrong:
            raise Wrong(f"an uncut run on stream {self.stream} went wrong: {'; '.join(wrong)}")
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
        """Cut one job, let an admin work, run again, and judge."""
        try:
            outcome = self._play(cell)
        except NeverReached as reason:
            outcome = Outcome(wrong=[f"nothing was cut: {reason}"])
        except (AssertionError, Wrong, subprocess.SubprocessError, OSError, ValueError, KeyError, hosts.LabError) as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            outcome = Outcome(wrong=[f"{error!r} in {where.name}, line {where.lineno}"])
        if outcome.wrong:
            self._keep(cell, outcome)
        self.state = "" if outcome.wrong else outcome.state
        return cells.Record(
            *cell, not outcome.wrong, round(outcome.seconds, 1), outcome.struck, outcome.told,
            [judgement.short(word) for word in outcome.wrong])

    def _keep(self, cell: cells.Cell, outcome: Outcome) -> None:
        """Write down what was wrong in full, with the end of the ledger: the host is taken away."""
        try:
            end = self.live.ledger_end() if self.live else []
        except (AssertionError, ValueError, OSError) as error:
            end = [f"the ledger cannot be read: {error}"]
        with open(FAILURES, "a", encoding="utf-8") as log:
            log.write("\n".join([cell.name, f"struck: {outcome.struck}", *outcome.wrong, *end, "", ""]))

    def _play(self, cell: cells.Cell) -> Outcome:
        live, struck = self._cut(cell)
        admin = Admin(live, cell, self._tells(cell), self.saved)
        admin.work()
        began = time.monotonic()
        results: list[dict[str, t.Any]] = []
        for result in live.next_runs(cell):
            results.append(result)
            wrong = judgement.of_runs(result, None)
            if wrong:
                after = judgement.of_runs(live.bring(cells.ENDS[cell.way]), None)
                wrong += [f"and once more: {word}" for word in after or ["it went well"]]
                return Outcome(struck, "", time.monotonic() - began, wrong)
        seconds = time.monotonic() - began
        outcome = Outcome(struck, (results[0]["interrupted"] or {}).get("outcome", ""), seconds, [], cells.ENDS[cell.way])
        return self._judge(cell, live, admin, outcome, results)

    def _judge(
        self, cell: cells.Cell, live: CutHost, admin: Admin, outcome: Outcome, results: list[dict[str, t.Any]],
    ) -> Outcome:
        """Return an outcome with what is wrong with the host, and clear the admin's works away where nothing is."""
        end, touched = outcome.state, self._touched(admin)
        wrong = judgement.of_runs(results[-1], live.bring(end))
        live.state()
        wrong += judgement.differences(self.known[end], live.look(), touched)
        wrong += judgement.of_proof(self._proof(live, end), self.accepted[self.started], touched)
        told = [line for result in results for line in result["left"]]
        wrong += admin.lost(told)
        if not wrong and end == cells.ADOPTED and (admin.comes_back or admin.moved or cell.role == cells.SWAP_ALONE):
            end, wrong = cells.STOCK, self._gone_back(live, admin, told)
        if not wrong:
            admin.clear()
            self.saved = admin.paths if end == cells.ADOPTED else set()
            if cell.fault == cells.DISK_FULL:
                live.give_back_disk()
        return outcome._replace(wrong=wrong, state=end)

    def _gone_back(self, live: CutHost, admin: Admin, told: t.Sequence[str]) -> list[str]:
        """Take back what a cell adopted, and return what is wrong then: some works can be seen only after that. And where
        a role had a transaction of its own, or the job found other packages, the next cell would start from another ledger than
        the uncut run had."""
        result = live.bring(cells.STOCK)
        wrong = judgement.of_runs(result, None)
        if wrong:
            return wrong
        wrong += judgement.differences(self.known[cells.STOCK], live.look(), self._touched(admin))
        return wrong + admin.lost([*told, *result["left"]], back=True)

    def _touched(self, admin: Admin) -> judgement.Touched:
        """Return what no run answers for, with what admins of earlier cells left on the host."""
        self.by_hand |= admin.packages
        return admin.touched._replace(reasons=self.by_hand)

    def _tells(self, cell: cells.Cell) -> bool:
        """Say whether a run after a cut takes a transaction back that was done, and so tells what is otherwise than before it."""
        if cell.way not in (cells.ROLLBACK, cells.ROLLBACK_ROLE) or cell.label == cells.LEDGER:
            return False
        labels = [step.label for step in self.steps[cells.ROLLBACK]]
        mine, swap = labels.index(cell.label), labels.index(cells.TRANSACTION)
        if mine == swap and cell.fault == cells.POWER_CUT:
            # The host takes it back by itself as soon as it is up, and nobody knows whether an admin is at work before that.
            return False
        # A disk that is full before the line of its end does not keep that from being written.
        return mine < swap or (mine == swap and cell.moment not in (cells.DONE, cells.BEFORE + cells.DONE, cells.LAST))

    def _cut(self, cell: cells.Cell) -> tuple[CutHost, str]:
        """Bring the host to where a cell starts and cut its job, on a new host when that is over before the moment comes."""
        known = [cells.Step("", cells.LEDGER, 0.0), *self.steps[cell.job]]
        step = next(step for step in known if step.label == cell.label)
        job = cells.ENDS[cell.job]
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
                raise Wrong(f"an uncut run on stream {self.stream} went wrong: {'; '.join(wrong)}")
            self.state, self.saved = state, set()
        if self.started and state == cells.STOCK:
            live.power_cut()
            self.started = False
        return live

    def _fresh(self) -> CutHost:
        self.started = False
        self.by_hand = set()
        self.live = CutHost(self.stream, self.images)
        taken = self.live.ask("host_snapshot", {"id": SNAPSHOT})
        if "msg" in taken:
            raise Wrong(f"no snapshot of stream {self.stream}: {judgement.short(taken['msg'])}")
        # The proof compares the kernel with the default one as soon as the host was started since the snapshot.
        self.live.power_cut()
        self.state = cells.STOCK
        return self.live

    def _proof(self, live: CutHost, state: str) -> dict[str, t.Any]:
        return live.ask("proof_info", {"snapshot": SNAPSHOT, "phase": PHASES[state]})

    def leave(self) -> None:
        """Take the host away."""
        if self.live:
            hosts.remove(self.live.host)
            self.live = None
