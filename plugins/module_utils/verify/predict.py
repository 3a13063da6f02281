# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predict on a host what a planned transaction would break there, before anything is changed."""

from __future__ import annotations

import datetime
import platform
import time
import typing as t

from ..core import foreign, ledger, modes
from ..core.errors import Problem
from ..facts.view import View
from ..packages import installonly, rpmdb, solver
from . import fetch, report
from .builds import Build
from .checks import PREDICT, found
from .compare import pairs
from .groups import HINTS, OF_HEADERS, Group, Recorder
from .knowledge import applying
from .model import Finding, Remediation, Subject
from .predicted import activation, config, files, hosting, kernel, offers, paths, relations, saving, settings, truth, units
from .swap import Installed, Swap, builds_of, nevra_of

# What a host alone tells, beside what the headers do.
OF_HOST = (
    Group(("siblings.split",), relations.siblings),
    Group(("multilib.partner",), relations.partners),
    Group(("installed.broken",), truth.broken_already),
    Group(("installed.duplicate",), hosting.duplicates),
    Group(("third_party.in_the_way",), hosting.third_parties),
    Group(("user.missing",), files.users_missing),
    Group(("symlink.dangling",), files.links),
    Group(("unowned.overwritten",), files.in_the_way),
    Group(("local_edit.overwritten",), saving.local_edits),
    Group(("ghost.dropped",), saving.ghosts),
    Group(("save.too_large",), saving.over_limit),
    Group(("oneway.state",), saving.one_way_state),
    Group(("config.rpmnew", "config.rpmsave", "config.rpmorig"), config.fates),
    Group(("unit.stopped",), activation.unwanted),
    Group(("unit.activated",), activation.activated),
    Group(("config.shadowed",), units.shadowed),
    Group(("config.leftover",), config.leftovers),
    Group(("config.override",), config.overrides),
    Group(("sysctl.reset",), settings.reset),
    Group(("fapolicyd.trust",), units.fapolicyd),
    Group(("mount.read_only", "mount.noexec"), hosting.mounts),
    Group(("path.unwritable",), paths.unwritable_paths),
    Group(("disk.space",), hosting.room),
    Group(("process.old_code",), hosting.old_code),
    Group(("cpu.baseline",), hosting.processor),
    Group(("kernel_module.lost",), kernel.loaded),
    Group(("kernel_module.root_missing",), kernel.mounted),
    Group(("kernel_module.external",), kernel.external),
    Group(("kernel_module.options",), kernel.options),
    Group(("kernel.secure_boot",), kernel.secure_boot),
    Group(("kernel.tools_lag", "firmware.lag"), kernel.tools),
)
OF_RPM = (
    "requires.unsatisfied", "dependent.broken", "conflict.gained", "file.conflict", "disk.space", "cpu.baseline",
    "transaction.unsolvable")
OF_OFFERS = ("evr.stock_wins", "evr.held_back", "return.unavailable", "protected.removed", "kernel.last_stock_evicted")
OF_SOLVER = ("transaction.unsolvable", "build.hidden", "protected.removed", "plan.refused")
OF_READING = ("package.unreadable", "metadata.wrong", "signature.invalid")
# Codes of what the planner and the solver refuse with, by the check that reports them; all others are C(plan.refused).
HIDDEN = (
    "package.hidden", "package.not_offered", "package.no_successor", "package.version_not_offered",
    "package.capability_not_offered", "package.source_not_offered")
PROTECTED = "transaction.protected"
UNSOLVED = ("transaction.unsolvable", "transaction.erases_unnamed", "transaction.nothing_found")


class Witness:
    """Looks at a transaction while its dnf Base is open, and keeps what the checks need of it.

    C(folder) keeps headers by digest. When the solver found no transaction, the wanted builds are looked at all the same.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.fetched = fetch.Fetched([], [], 0, 0, 0)
        self.beside: list[Build] = []
        self.offers: offers.Offers | None = None
        self.going: list[str] = []
        self.repos: list[str] = []
        self.without: list[str] = []

    def look(self, base, specs: t.Sequence[solver.RepoSpec], coming: t.Sequence[t.Any], going: t.Sequence[str] | None) -> None:
        """Read the headers of what comes, of what is on offer beside it, and what the repositories have of the same names."""
        modes.make_folders(self.folder, modes.PRIVATE)
        self.fetched = fetch.fetch(base, coming, self.folder, fetch.rings_of(base, specs))
        beside = fetch.fetch(base, offers.beside(base, coming), self.folder, None)
        self.beside = [entry.build for entry in beside.incoming]
        self.fetched = self.fetched.plus(beside)
        names = {package.name for package in coming}
        here = base.sack.query().installed()
        if going is None:
            going = [_nevra(package) for package in here.filter(name=sorted(names)) if not installonly.is_one(package)]
        self.going = list(going)
        names |= {package.name for package in here if _nevra(package) in set(going)}
        self.offers = offers.gather(base, coming, names)
        self.without = solver.problems_without(base)
        self.repos = sorted(repo.id for repo in base.repos.iter_enabled())


def _nevra(package: t.Any) -> str:
    return f"{package.name}-{package.evr}.{package.arch}"


def predict(
    view: View, witness: Witness, problems: t.Sequence[Problem], waivers: t.Sequence[dict[str, t.Any]],
) -> dict[str, t.Any]:
    """Return the report. C(problems) are what the planner refused with; C(witness) saw the transaction, if there was one."""
    began = time.time()
    recorder = Recorder(PREDICT, view)
    problems = list(problems)
    ts = None
    try:
        ts = rpmdb.transaction_set(view.root)
    except OSError as error:
        # The planner reads the same database, and mostly has said so already.
        problems = problems or foreign.problems(error)
    recorder.run(OF_SOLVER, lambda: [_refusal(problem, witness.without) for problem in problems])
    new = sorted((entry.build for entry in witness.fetched.incoming), key=lambda b: (b.name, rpmdb.EVR_ORDER(b.evr), b.arch))
    old = _installed_builds(ts, witness.going) if ts is not None else []
    swap = Swap(old, new, witness.beside, Installed(ts, witness.going), view)
    if witness.offers is not None:
        recorder.run(OF_READING, lambda: witness.fetched.findings)
    if ts is None:
        recorder.skip_rest("the package database cannot be read")
    elif any(finding.check == "package.unreadable" for finding in witness.fetched.findings):
        recorder.skip_rest("a package could not be read, and what is compared with half of them would blame the rest")
    elif witness.offers is None:
        recorder.skip_rest(report.NOTHING_TO_DO if not problems else "the planner refused before packages were chosen")
    else:
        _carry_out(recorder, swap, witness, t.cast(offers.Offers, witness.offers))
    today = datetime.datetime.now(datetime.timezone.utc).date()
    fetched = witness.fetched
    context = report.Context(
        PREDICT, platform.node(), ledger.new_id(), began, report.versions(), witness.repos,
        report.cost(began, len(fetched.incoming), fetched.bytes_read, fetched.bytes_offered, fetched.from_cache),
        report.kind_of(view), report.unreadable(view))
    repo_of = {f"{offer.name}-{offer.evr}.{offer.arch}": offer.repo for offer in witness.offers.chosen} if witness.offers else {}
    findings = report.waived(recorder.findings, waivers, today)
    return report.build(context, pairs(swap.old, swap.new), findings, recorder.coverage(), repo_of)


def _carry_out(recorder: Recorder, swap: Swap, witness: Witness, offered: offers.Offers) -> None:
    view = t.cast(View, swap.view)
    recorder.groups((*OF_HEADERS, *HINTS), swap)
    recorder.groups(OF_HOST, swap)
    recorder.run(OF_RPM, lambda: truth.problems(swap, view.root, witness.fetched.incoming))
    running = (view.text("/proc/sys/kernel/osrelease") or "").strip()
    recorder.run(OF_OFFERS, lambda: [
        *offers.order(offered), *offers.way_back(swap, offered), *offers.protected(swap, offered, running),
        *offers.evicted(swap, offered, running)])
    recorder.run(("known.break",), lambda: known_breaks(swap))


def known_breaks(swap: Swap) -> t.Iterator[Finding]:
    """Rows marked K: what release notes announce and metadata do not carry, where somebody here is affected."""
    old = {build.name: build for build in swap.old}
    for build in swap.new:
        before = _version(old[build.name]) if build.name in old else None
        for row in applying(build.name, before, _version(build), rpmdb.compare_evr):
            consumers = row.detect(swap.host)
            if consumers:
                yield found(
                    "known.break", Subject("break", row.id), before, _version(build),
                    f"{build.name} goes from {before} to {_version(build)}; the change came with {row.since}.", consumers,
                    severity=row.severity, links=[row.link],
                )._replace(
                    title=row.title, description=row.description, blocking=row.blocking,
                    remediations=(Remediation("hint", row.remedy.rstrip(".")),))


def _version(build: Build) -> str:
    return build.evr.rpartition(":")[2].rpartition("-")[0]


def _installed_builds(ts: t.Any, nevras: t.Sequence[str]) -> list[Build]:
    wanted = set(nevras)
    names = sorted({nevra.rsplit("-", 2)[0] for nevra in nevras})
    return builds_of(header for name in names for header in ts.dbMatch("name", name) if nevra_of(header) in wanted)


def _refusal(problem: Problem, without: t.Sequence[str]) -> Finding:
    """Turn what the planner refused with into a finding. C(without): what the solver says without the swap (row 26)."""
    words = f"{problem.fact}: {problem.reason}."
    if problem.code in HIDDEN:
        return found("build.hidden", Subject("package", problem.subject), None, None, words, remedy=problem.remedy)
    if problem.code == PROTECTED:
        return found("protected.removed", Subject("package", problem.subject), None, None, words, remedy=problem.remedy)
    if problem.code in UNSOLVED:
        words += f" Without the swap the solver already says: {'; '.join(without)}." if without else ""
        return found("transaction.unsolvable", Subject("transaction", "this host"), None, None, words, remedy=problem.remedy)
    what = f"{problem.code} {problem.subject}".rstrip()
    return found("plan.refused", Subject("plan", what), None, None, words, remedy=problem.remedy)._replace(
        title=f"No plan can be made: {problem.fact}")
