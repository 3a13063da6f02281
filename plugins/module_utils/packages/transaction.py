# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package transaction of a run as an action: saved before, noted after, taken back exactly, made whole when it was cut."""

from __future__ import annotations

import os
import typing as t

from ..backup import shipped
from ..backup.manifest import Kept
from ..core import ledger
from ..core.engine import TRANSACT, Action
from ..core.errors import Failed, Problem, Refused
from ..core.host_io import Target
from ..core.writable import Touch
from . import jobfile, launch, paths, solver
from .rpmdb import Package, installed, side_by_side
from .store import Store

LOCK = "lock"  # kind of the steps that write version locks, which are lifted for our own transactions
WHOLE = "whole"  # ends the name of the job that makes another whole
MENDED = "mended.json"

# How a transaction treats a build that could not be brought back: refuse, or save what is on offer.
EXACT, AVAILABLE = "exact", "available"


class TransactionAction(Action):
    """The one package transaction of a run, carried out detached. Undo is the transaction the other way, with what was saved."""

    section = "packages"
    kind = "transaction"
    phase = TRANSACT
    in_order = True
    saves = True
    # The paths of what comes, as the repositories tell them; the runner reads the headers themselves before it begins.
    comes: t.Sequence[str] = ()

    @classmethod
    def of(
        cls, items: list[solver.Item], install: list[t.Any], erase: list[str], needs: solver.Needs, weak_deps: bool,
        lock_timeout: float, way_back: str, local: list[str],
    ) -> TransactionAction:
        """Make the action for a solution."""
        old = [item.nevra for item in items if item.action not in solver.COMING]
        new = [item.nevra for item in items if item.action in solver.COMING]
        args = {
            "install": sorted(solver.nevra_of(package) for package in install), "erase": sorted(erase),
            "items": items, "specs": needs.specs, "weak_deps": weak_deps, "lock_timeout": lock_timeout,
            "release": needs.install, "way_back": way_back, "local": local,
        }
        subject = f"{len(new)} packages in, {len(old)} out"
        return cls(subject, "installed builds are not the wanted ones", args, _lines(old), _lines(new))

    @property
    def items(self) -> list[solver.Item]:
        """The lines of the transaction."""
        return [solver.Item(*item) for item in self.args["items"]]

    @property
    def leaving(self) -> list[solver.Item]:
        """The lines of the builds that go."""
        come = {item.nevra for item in solver.brought(self.items)}
        return [item for item in self.items if item.action not in solver.COMING and item.nevra not in come]

    @property
    def _coming(self) -> list[str]:
        return [item.nevra for item in solver.brought(self.items)]

    def touches(self, target: Target, undoing: bool = False) -> list[Touch]:
        brought = {item.nevra for item in solver.brought(self.items)}
        if not undoing:
            return paths.of_names(self.comes, paths.installed({item.nevra for item in self.leaving}))
        saved = Kept(target, self.run).packages.whole()
        come = paths.of_files(saved[item.nevra] for item in self.leaving if item.nevra in saved)
        return paths.of_headers(come, paths.installed(brought))

    def apply(self, target: Target) -> None:
        kept = Kept(target, ledger.run_of(target.job))
        kept.save([item.nevra for item in self.leaving])
        try:
            self._carry_out(target, self._job(
                target, install=self.args["install"], erase=self.args["erase"], expected=self.items,
                local=self.args.get("local", []), keep=[item.nevra for item in self.leaving], keep_in=kept.packages.folder,
                keep_all=self.args.get("way_back") == EXACT))
        except Refused:
            kept.clear()
            raise
        kept.note(self._coming)

    def undo(self, target: Target) -> None:
        kept = Kept(target, self.run)
        here = installed()
        install = [item.nevra for item in self.leaving if item.nevra not in {package.nevra for package in here}]
        erase = self._brought_alone(here)
        saved = kept.packages.whole()
        if kept.there and (install or erase or not kept.looked):
            kept.look_for_edits(self._going(here))
        if install or erase:
            self._carry_out(target, self._job(
                target, install=install, erase=erase, local=[saved[nevra] for nevra in install if nevra in saved],
                offline=all(nevra in saved for nevra in install), reasons=kept.reasons()))
        self._put_back(kept)

    def _put_back(self, kept: Kept, settled: t.Container[str] = ()) -> None:
        if kept.there:
            self.left = kept.put_back(settled)

    def _going(self, here: t.Sequence[Package]) -> list[str]:
        """Return what is installed that goes when it is taken back: builds that came, or that took the place of one since."""
        back = {item.nevra for item in self.leaving}
        names = {(item.name, item.arch) for item in self.leaving if not side_by_side(item.name)}
        replaced = [package.nevra for package in here if (package.name, package.arch) in names and package.nevra not in back]
        return sorted({*replaced, *self._brought_alone(here)})

    def _brought_alone(self, here: t.Sequence[Package]) -> list[str]:
        """Return what is installed of packages that came anew: in the build that came, or in one that took its place."""
        back = {item.name for item in self.leaving}
        alone = [item for item in solver.brought(self.items) if item.name not in back]
        names, exact = {(item.name, item.arch) for item in alone}, {item.nevra for item in alone}
        return [
            package.nevra for package in here
            if package.nevra in exact or ((package.name, package.arch) in names and not side_by_side(package.name))]

    def _job(self, target: Target, **more: t.Any) -> jobfile.Job:
        given = dict({"install": [], "erase": [], "expected": None}, **more)
        specs = [] if given.get("offline") else [solver.RepoSpec(*spec) for spec in self.args["specs"]]
        return jobfile.Job(
            run=target.job, specs=specs, weak_deps=self.args["weak_deps"], lock_timeout=self.args["lock_timeout"],
            own_locks=own_locks(target), **given)

    def _carry_out(self, target: Target, job: jobfile.Job) -> None:
        launch.raise_for(launch.carry_out(target, job))

    def verify(self, target: Target) -> None:
        here = {package.nevra for package in installed()}
        missing = sorted(item.nevra for item in solver.brought(self.items) if item.nevra not in here)
        left = sorted(item.nevra for item in self.leaving if item.nevra in here)
        if missing or left:
            raise Failed(Problem(
                "the rpmdb does not show the transaction that was carried out",
                f"missing: {', '.join(missing) or 'none'}; still there: {', '.join(left) or 'none'}",
                "Look at 'dnf history info' on the host",
            ))

    def at_work(self, target: Target, job: str) -> str:
        """Return the unit that works on it, be it one that makes it whole."""
        return next((launch.unit_name(name) for name in (job, f"{job}.{WHOLE}") if launch.alive(target, name)), "")

    def is_half(self, target: Target, job: str) -> bool:
        """Say whether a transaction that does not run any more ended in its middle, and was not made whole since."""
        folder = launch.folder_of(target, job)
        status, result = folder.read(jobfile.STATUS), folder.read(jobfile.RESULT)
        if folder.read(MENDED) is not None or status is None:
            return False
        if result is None:
            return status["phase"] == jobfile.RUNNING
        return not result["ok"] and not result["refused"] and bool(result.get("touched"))

    def settle(self, target: Target, job: str, undoing: bool) -> tuple[str, bool]:
        """Find out what became of this transaction, make it whole where it was cut, and say so."""
        kept = Kept(target, self.run)
        ending = launch.ended(target, job)
        launch.tell(target, ending.result or {})
        if self.is_half(target, job):
            words, done = self._made_whole(target, job, undoing, kept)
        elif ending.result is not None and ending.result["ok"]:
            words, done = "the host finished its package transaction by itself", True
        else:
            words, done = f"its package transaction did not succeed: {_words(ending)}", False
        if done and undoing:
            self._put_back(kept, _taken_back_after(target, job))
        elif done and kept.there and not kept.noted:
            kept.note(self._coming)
        elif not done and not undoing:
            kept.clear()
        return words, done

    def _made_whole(self, target: Target, job: str, undoing: bool, kept: Kept) -> tuple[str, bool]:
        """Complete a transaction that was cut in its middle, or where that cannot be done go back to before it."""
        folder = launch.folder_of(target, job)
        items = [solver.Item(*item) for item in folder.read(jobfile.ITEMS) or self.args["items"]]
        come = {item.nevra for item in solver.brought(items)}
        leave = {item.nevra for item in items} - come
        carried = {**kept.packages.whole(), **Store(os.path.join(folder.path, jobfile.CARRIED)).whole()}
        try:
            self._whole(target, job, come, leave, carried, folder.read(jobfile.REASONS) or {})
            words, done = "its package transaction was cut in its middle and was made whole", True
        except (Failed, Refused) as failure:
            if undoing:
                raise
            self._whole(target, job, leave, come, carried, kept.reasons(), failure)
            if kept.there:
                self.left = kept.revoke(shipped.of_package_files(path for nevra, path in carried.items() if nevra in come))
            words, done = f"its package transaction was cut in its middle and was taken back, because {failure}", False
        folder.write(MENDED, {"done": done})
        Store(os.path.join(folder.path, jobfile.CARRIED)).clear()
        return words, done

    def _whole(
        self, target: Target, job: str, come: t.Collection[str], leave: t.Collection[str], files: t.Mapping[str, str],
        reasons: dict[str, str], earlier: Exception | None = None,
    ) -> None:
        missing = sorted(set(come) - files.keys())
        if missing:
            first = f"; before that: {earlier}" if earlier else ""
            raise Failed(Problem(
                "a package transaction was cut in its middle and cannot be made whole",
                f"these packages are not, or not whole, on the host: {', '.join(missing)}{first}",
                "Install them by hand from where they are to be had ('rpm -U --oldpackage --replacepkgs'), then run again"))
        name = f"{job}.{WHOLE}"
        launch.ended(target, name)
        launch.clear(target, name)
        names = sorted(come)
        launch.raise_for(launch.carry_out(target, jobfile.Job(
            run=name, specs=[], install=names, erase=sorted(leave), expected=None, weak_deps=False,
            lock_timeout=self.args["lock_timeout"], own_locks=[], local=[files[nevra] for nevra in names], offline=True,
            reasons=reasons, whole=True, began=launch.folder_of(target, job).began)))


def _taken_back_after(target: Target, job: str) -> set[str]:
    """Return what the steps are about that a run of undoing took back after its transaction had failed."""
    run, _dot, number = job.partition(".")
    steps = ledger.steps(target, run)[0]
    return {step.action["subject"] for step in steps if step.number > int(number) and step.status == ledger.DONE}


def own_locks(target: Target) -> list[str]:
    """Return the lines of the version lock list that are ours: those that the newest standing step on them left."""
    steps = [step.action for step in ledger.standing(target) if step.action["kind"] == LOCK]
    return list(steps[-1]["args"]["ours"]) if steps else []


def _words(ending: launch.Ending) -> str:
    if ending.result is not None:
        return "; ".join(str(Problem(*problem)) for problem in ending.result["problems"])
    return f"it ended while {ending.status['phase']}" if ending.status else "it had not begun"


def _lines(nevras: t.Iterable[str]) -> str:
    return "".join(f"{nevra}\n" for nevra in sorted(nevras))
