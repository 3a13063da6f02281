# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package transaction of a run as an action: saved before, noted after, taken back exactly, completed when it was cut."""

from __future__ import annotations

import typing as t

from ..backup import shipped
from ..backup.manifest import Kept
from ..core import boot_disk, foreign, ledger
from ..core.engine import TRANSACT, Action
from ..core.errors import Failed, Problem, Refused, from_record
from ..core.host_io import SCRATCH, Target
from ..core.writable import OVERWRITTEN, Touch
from ..facts import boot_loader
from . import cut, database_paths, jobfile, launch, outcomes, paths, solver
from .rpmdb import Package, installed

LOCK = "lock"  # kind of the steps that write version locks, which are lifted for our own transactions
# What a transaction that its runner ended is told as, by its state, and how one that was cut is.
SETTLED = {
    cut.DONE: "the host finished its package transaction by itself",
    cut.REVERTED: "its package transaction was cut in its middle and was taken back"}
CUT = "its package transaction was cut in its middle and {}"

# How a transaction treats a build that could not be brought back: refuse, or save what is on offer.
EXACT, AVAILABLE = "exact", "available"


class TransactionAction(Action):
    """The one package transaction of a run, carried out detached. Undo is the transaction the other way, with what was saved."""

    section = "packages"
    kind = "transaction"
    phase = TRANSACT
    settles_later = True
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

    def shares(self) -> set[str]:
        # A build that a later transaction brought may need what this one brought.
        return {"the packages of this host"}

    def touches(self, target: Target, undoing: bool = False) -> list[Touch]:
        with foreign.told():
            return self._touches(target, undoing)

    def _touches(self, target: Target, undoing: bool) -> list[Touch]:
        brought = {item.nevra for item in solver.brought(self.items)}
        own = [*database_paths.of_rpm(target), *database_paths.of_dnf(target), *self._of_boot()]
        if not undoing:
            return own + paths.of_names(self.comes, paths.installed({item.nevra for item in self.leaving}))
        kept = Kept(target, self.run)
        saved = kept.packages.whole()
        come = paths.of_files(saved[item.nevra] for item in self.leaving if item.nevra in saved)
        return own + kept.touches() + paths.of_headers(come, paths.installed(brought))

    def _of_boot(self) -> list[Touch]:
        """Return what hooks of kernel-install write for the kernels that come or go, by names that they choose."""
        kernels = any(item.installonly for item in self.items)
        return [Touch(f"{boot_loader.ENTRIES}/{SCRATCH}new"), Touch(boot_disk.ENVIRONMENT, OVERWRITTEN)] if kernels else []

    def apply(self, target: Target) -> None:
        with foreign.told():
            self._apply(target)

    def _apply(self, target: Target) -> None:
        kept = Kept(target, ledger.run_of(target.job))
        kept.save([item.nevra for item in self.leaving], self.comes)
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
        with foreign.told():
            self._undo(target)

    def _undo(self, target: Target) -> None:
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
                offline=all(nevra in saved for nevra in install), reasons=kept.reasons(), as_saved=kept.folder))
        if kept.there:
            self.left = kept.put_back()

    def _going(self, here: t.Sequence[Package]) -> list[str]:
        """Return what is installed that goes when it is taken back: builds that came, or that took the place of one since."""
        back = {item.nevra for item in self.leaving}
        names = {(item.name, item.arch) for item in self.leaving if not item.installonly}
        replaced = [package.nevra for package in here if (package.name, package.arch) in names and package.nevra not in back]
        return sorted({*replaced, *self._brought_alone(here)})

    def _brought_alone(self, here: t.Sequence[Package]) -> list[str]:
        """Return what is installed of packages that came anew: in the build that came, or in one that took its place."""
        back = {item.name for item in self.leaving}
        alone = [item for item in solver.brought(self.items) if item.name not in back]
        names, exact = {(item.name, item.arch) for item in alone if not item.installonly}, {item.nevra for item in alone}
        return [
            package.nevra for package in here if package.nevra in exact or (package.name, package.arch) in names]

    def _job(self, target: Target, **more: t.Any) -> jobfile.Job:
        given = dict({"install": [], "erase": [], "expected": None}, **more)
        specs = [] if given.get("offline") else [solver.RepoSpec(*spec) for spec in self.args["specs"]]
        return jobfile.Job(
            run=target.job, specs=specs, weak_deps=self.args["weak_deps"], lock_timeout=self.args["lock_timeout"],
            own_locks=own_locks(target), **given)

    def _carry_out(self, target: Target, job: jobfile.Job) -> None:
        target.begins()
        launch.raise_for(launch.carry_out(target, job))

    def verify(self, target: Target) -> None:
        with foreign.told():
            here = {package.nevra for package in installed()}
        missing = sorted(item.nevra for item in solver.brought(self.items) if item.nevra not in here)
        left = sorted(item.nevra for item in self.leaving if item.nevra in here)
        if missing or left:
            raise Failed(Problem(
                "transaction.not_in_rpmdb", "the rpmdb does not show the transaction that was carried out",
                f"missing: {', '.join(missing) or 'none'}; still there: {', '.join(left) or 'none'}",
                "Look at 'dnf history info' on the host",
            ))

    def at_work(self, target: Target, job: str) -> str:
        """Return the unit that works on it, be it one that completes it."""
        return next((launch.unit_name(name) for name in (job, f"{job}.{cut.WHOLE}") if launch.alive(target, name)), "")

    def is_half(self, target: Target, job: str) -> bool:
        """Say whether a transaction that does not run any more is unfinished: it had begun, and has no end mark."""
        return self._cut(target, job).state == cut.UNFINISHED

    def _cut(self, target: Target, job: str) -> cut.Cut:
        """Return the transaction of a job, which is that of another run where it took this one back."""
        items = self.items if ledger.run_of(job) == self.run else solver.inverse(self.items)
        return cut.Cut(target, job, items, ledger.begun(target, job))

    def settle(self, target: Target, job: str, undoing: bool) -> tuple[str, bool]:
        """Find out what became of this transaction, complete or revert it where it was cut, and say so."""
        with foreign.told():
            return self._settle(target, job, undoing)

    def _settle(self, target: Target, job: str, undoing: bool) -> tuple[str, bool]:
        kept = Kept(target, self.run)
        ending = launch.ended(target, job)
        launch.tell(target, ending.result or {})
        found = self._cut(target, job)
        state, words = found.state, SETTLED.get(found.state, "")
        if state == cut.UNFINISHED:
            words, done = self._completed(target, found, undoing, kept)
        elif state == cut.REVERTED:
            # It may have been cut before its files were brought back.
            done = False
            self._revoke(found, found.carried.whole(), kept)
        else:
            done = state == cut.DONE
            words = words or f"its package transaction did not succeed: {_words(ending)}"
        if done and undoing:
            self.left += kept.put_back(_taken_back_after(target, job)) if kept.there else []
        elif done and kept.there and not kept.noted:
            kept.note(self._coming)
        elif not done and not undoing:
            kept.clear()
        return words, done

    def _completed(self, target: Target, found: cut.Cut, undoing: bool, kept: Kept) -> tuple[str, bool]:
        """Complete a transaction that was cut in its middle, or where that cannot be done go back to before it."""
        judged = outcomes.judge(found.parts)
        copies, words = found.copied()
        files = {**copies, **kept.packages.whole(), **found.carried.whole()}
        told = outcomes.superseded(found.parts)
        tried: list[tuple[cut.Way, Exception]] = []
        job = self._completing(target, found.folder.read(jobfile.REASONS) or {}, undoing, kept)
        self._set_aside(kept, files, found.way(reverts=False))
        # What came as a whole need not be installed anew where that fails.
        for anew in {outcomes.REVERTED: (), outcomes.COMPLETE: (True, False)}.get(judged, (True,)):
            way = found.way(reverts=False)
            try:
                self.left += [*told, *found.walk(way, files, job, anew)]
                return CUT.format("was finished" if judged == outcomes.COMPLETE else "was completed"), True
            except (Failed, Refused) as failure:
                tried.append((way, failure))
                found = self._cut(target, found.job)  # what was tried has changed what is installed
        if tried and undoing:
            raise found.no_way(tried, files, words) from tried[-1][1]
        return self._reverted(target, found, tried, (files, words, told), kept)

    def _reverted(
        self, target: Target, found: cut.Cut, tried: list[tuple[cut.Way, Exception]],
        known: tuple[dict[str, str], list[str], list[str]], kept: Kept,
    ) -> tuple[str, bool]:
        """Revert a transaction that was cut: it cannot be completed, or somebody brought back what it had changed."""
        files, words, told = known
        way = found.way(reverts=True)
        self._set_aside(kept, files, way, not tried)
        try:
            told += found.walk(way, files, self._completing(target, kept.reasons(), True, kept))
        except (Failed, Refused) as failure:
            raise found.no_way([*tried, (way, failure)], files, words) from failure
        self.left += told
        self._revoke(found, files, kept)
        why = f", because it cannot be completed: {tried[0][1]}" if tried else " by somebody else since"
        return CUT.format("was taken back") + why, False

    def _set_aside(self, kept: Kept, files: t.Mapping[str, str], way: cut.Way, with_second: bool = True) -> None:
        """Keep aside what somebody put where packages are unpacked once more."""
        if kept.there:
            come = shipped.of_package_files(files[nevra] for nevra in way.install if nevra in files)
            self.left += kept.set_aside(come, with_second)

    def _revoke(self, found: cut.Cut, files: t.Mapping[str, str], kept: Kept) -> None:
        """Bring back the files that a transaction changed which was reverted."""
        come = {item.nevra for item in solver.brought(found.items)}
        if kept.there:
            self.left += kept.revoke(shipped.of_package_files(path for nevra, path in files.items() if nevra in come))
        found.carried.clear()

    def _completing(self, target: Target, reasons: dict[str, str], as_saved: bool, kept: Kept) -> jobfile.Job:
        """Return what a job needs to know that completes or reverts this transaction. C(as_saved): saved builds come."""
        return self._job(target, reasons=reasons, as_saved=kept.folder if as_saved else "")


def _taken_back_after(target: Target, job: str) -> set[str]:
    """Return what the steps are about that a run of undoing took back after its transaction had failed."""
    run, _dot, number = job.partition(".")
    later = ledger.undone_in(target, run, after=int(number))
    return {step.action["subject"] for step in later}


def own_locks(target: Target) -> list[str]:
    """Return the lines of the version lock list that are ours: those that the newest standing step on them left."""
    steps = [step.action for step in ledger.standing(target) if step.action["kind"] == LOCK]
    return list(steps[-1]["args"]["ours"]) if steps else []


def _words(ending: launch.Ending) -> str:
    if ending.result is not None:
        return "; ".join(str(from_record(problem)) for problem in ending.result["problems"])
    return f"it ended while {ending.status['phase']}" if ending.status else "it had not begun"


def _lines(nevras: t.Iterable[str]) -> str:
    return "".join(f"{nevra}\n" for nevra in sorted(nevras))
