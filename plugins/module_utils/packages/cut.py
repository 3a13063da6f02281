# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package transaction that may have been cut: what became of it, and how the next run completes or reverts it.

It is finished when it has its end mark. Without the mark, rpm's database is compared with the plan, and the transaction is
completed, or else reverted. Packages that are not on the host are downloaded. Where neither can be done, an operator is told
which packages are missing and where to copy them to. What somebody did with its packages since is not undone.
"""

from __future__ import annotations

import functools
import os
import typing as t

from ..core import modes
from ..core.errors import Failed, Problem, Refused
from ..core.host_io import Target, names_in
from . import damage, jobfile, launch, outcomes, rpmdb, solver
from .paths import header_of, nevra_of
from .store import Store

try:
    import rpm
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    rpm = None

WHOLE = "whole"  # ends the name of the job that completes or reverts another
# What became of a transaction: it did not begin, it is unfinished, it was done, it was reverted.
NOT_BEGUN, UNFINISHED, DONE, REVERTED = "not begun", "unfinished", "done", "reverted"


class Way(t.NamedTuple):
    """One way out of the middle: NEVRAs to install, which are all there already with C(there), and NEVRAs to remove."""

    reverts: bool
    install: list[str]
    erase: list[str]
    there: bool


class Cut:
    """The transaction of one job. C(items) are its lines as planned, for where the runner did not come to solve it; C(begun) says
    whether a runner was started at all."""

    def __init__(self, target: Target, job: str, items: t.Sequence[solver.Item], begun: bool = True) -> None:
        self.target = target
        self.job = job
        self.begun = begun
        self.folder = launch.folder_of(target, job)
        self.plan = self.folder.read(jobfile.PLAN) or {"items": items, "before": {}}
        self.items = [solver.Item(*item) for item in self.plan["items"]]

    @property
    def completing(self) -> str:
        """The name of the job that completes or reverts this one."""
        return f"{self.job}.{WHOLE}"

    @property
    def state(self) -> str:
        """What became of the transaction by what its runner left: NOT_BEGUN, UNFINISHED, DONE or REVERTED.

        Where all that is gone, the database alone says whether it had begun. Where no runner was started, what somebody did with
        the same packages since is no part of it.
        """
        if not self.begun:
            return NOT_BEGUN
        mark = self.folder.read(jobfile.MARK)
        if mark is not None:
            return DONE if mark["done"] else REVERTED
        if self.folder.began is None:
            return UNFINISHED if outcomes.judge(self.parts) in (outcomes.PARTIAL, outcomes.COMPLETE) else NOT_BEGUN
        result = self.folder.read(jobfile.RESULT)
        if result is not None and result["ok"]:
            return DONE
        return UNFINISHED if _began(self.folder) else NOT_BEGUN

    @functools.cached_property
    def _here(self) -> dict[str, int]:
        """What is installed, by NEVRA, and when that was done."""
        try:
            return {package.nevra: package.install_time for package in rpmdb.installed_or_refuse()}
        except Refused as refusal:
            raise Failed(refusal.problems[0]) from refusal

    @functools.cached_property
    def parts(self) -> list[outcomes.Part]:
        """The plan, compared with what is installed."""
        # What a job began to complete or revert, it may have installed anew itself.
        before = {} if _began(launch.folder_of(self.target, self.completing)) else self.plan["before"]
        return outcomes.compare(self.items, self._here, before)

    @property
    def carried(self) -> Store:
        """The packages that come, kept until the transaction has its end mark."""
        return Store(os.path.join(self.folder.path, jobfile.CARRIED))

    def way(self, reverts: bool) -> Way:
        """Return the way to the builds that come, or with C(reverts) back. What somebody changed since is no part of it."""
        ours = [part for part in self.parts if not part.superseded]
        install = {nevra for part in ours for nevra in (part.leaves if reverts else part.comes)}
        here = {nevra for part in ours for nevra in part.here}
        return Way(reverts, sorted(install), sorted(here - install), install <= here)

    def walk(self, way: Way, files: t.Mapping[str, str], job: jobfile.Job, anew: bool = True) -> list[str]:
        """Go one way to its end; returns in words what somebody had made of files that were written over.

        C(files) are packages on the host, NEVRA -> path, and C(job) is filled in. Raises Failed or Refused where it fails. Where
        all builds are there, and not all of their packages, or without C(anew), only those are installed again whose files are
        damaged.
        """
        here = sorted({nevra for part in self.parts if not part.superseded for nevra in part.here})
        changed = damage.look(self.target, here)
        install = way.install
        if way.there and not (anew and files.keys() >= set(install)):
            install = sorted({one.nevra for one in damage.lost(self.target, changed)}.intersection(install))
        replaced = [one for one in changed if one.nevra in {*install, *way.erase} or not way.there]
        run = self.job.partition(".")[0]
        words = [] if way.reverts else self._unfinished_scriptlets(way.install, install)
        words += damage.keep(self.target, run, replaced, self.folder.began or 0.0)
        damage.make_way(self.target, [one for one in replaced if one.nevra in install])
        local = [files[nevra] for nevra in install if nevra in files]
        launch.ended(self.target, self.completing)
        launch.clear(self.target, self.completing)
        launch.raise_for(launch.carry_out(self.target, job._replace(
            run=self.completing, install=install, erase=way.erase, expected=self.items, local=local,
            offline=len(local) == len(install), completes=self.job, reverts=way.reverts)))
        return words

    def _unfinished_scriptlets(self, wanted: t.Collection[str], installed: t.Collection[str]) -> list[str]:
        """Return in words which builds are there and are not installed again, although the runner may have been cut in their
        scriptlets: what was installed after its last word, somebody else installed."""
        status = os.path.join(self.folder.path, jobfile.STATUS)
        last = os.stat(status).st_mtime if os.path.exists(status) else 0.0
        names = [nevra for nevra in wanted if nevra not in installed and self._here.get(nevra, 0) <= last]
        words = f"the scriptlets of {', '.join(names)} may not have run to their end: 'dnf reinstall' of it runs them"
        return [words] if names else []

    def copied(self) -> tuple[dict[str, str], list[str]]:
        """Return the packages that an operator copied to where the carried ones are (NEVRA -> path), and in words why others do
        not count: a copy is the very file that was there, or signed by a key that rpm knows."""
        known = {entry["file"] for entry in self.carried.index().values()}
        found, words = {}, []
        for name in names_in(self.carried.folder):
            path = os.path.join(self.carried.folder, name)
            if name in known or not name.endswith(".rpm"):
                continue
            try:
                header = header_of(rpm.TransactionSet(), path)
            except (OSError, rpm.error) as error:
                words.append(f"{path} does not count: {error}")
                continue
            if rpmdb.of_header(header).signing_key is None:
                words.append(f"{path} does not count: it is not signed")
            else:
                found[nevra_of(header)] = path
        return found, words

    def no_way(self, tried: t.Sequence[tuple[Way, Exception]], files: t.Mapping[str, str], words: t.Sequence[str]) -> Failed:
        """Say that the transaction can be neither completed nor reverted, and what an operator can do. C(words) are more
        reasons."""
        reasons, remedies = [], []
        for way, error in tried:
            missing = [nevra for nevra in way.install if nevra not in files]
            reasons.append(f"it cannot be {'reverted' if way.reverts else 'completed'}" + (
                f" without {', '.join(missing)}, which the host does not have ({_said(error)})" if missing else f" ({error})"))
            if missing:
                remedies.append(f"copy the package files of {', '.join(missing)} to {self.carried.folder}")
        modes.make_folders(self.carried.folder, modes.PRIVATE)
        choice = "mend what the reasons name"
        if remedies:
            choice = f"enable a repository that offers them, or {'; or '.join(remedies)}"
        return Failed(Problem(
            "transaction.cut", "a package transaction was cut in its middle", "; ".join([*reasons, *words]),
            f"{choice[0].upper()}{choice[1:]}; then run again. Instead, you can bring all of its packages to one side "
            "('rpm -U --oldpackage --replacepkgs FILES') and run again"))


def _said(error: Exception) -> str:
    problems = getattr(error, "problems", ())
    return "; ".join(f"{one.fact}: {one.reason}" for one in problems) or str(error)


def _began(folder: jobfile.Folder) -> bool:
    """Say whether rpm had begun with the packages of a job."""
    status, result = folder.read(jobfile.STATUS), folder.read(jobfile.RESULT)
    if result is not None:
        return not result["ok"] and not result["refused"] and bool(result.get("touched"))
    return status is not None and status["phase"] == jobfile.RUNNING
