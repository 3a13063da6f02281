# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof: a host after a swap, or after going back, against its own snapshot and against what was predicted."""

from __future__ import annotations

import datetime
import os
import time
import typing as t

from ..core.errors import Problem, Refused
from ..facts.consumer import Consumer
from ..facts.view import View
from . import compare, report
from .checks import CHECKS, PROVE
from .groups import OF_HEADERS, Recorder
from .model import PREDICTED, PROVEN, Finding, Skipped
from .predicted import files, hosting, kernel, relations
from .proven import activation, after, aftermath, btrfs_trial, cow, left, returned, settings
from .report import ROLLBACK
from .scenes import Course, Scenes
from .snapshot import Snapshot

PHASES = (PROVE, ROLLBACK)

Find = t.Callable[[Scenes], t.Iterable[Finding]]


def booted(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 104: what is installed to be booted next is no surprise before the next boot."""
    then, now = scenes.before("kernel"), scenes.now("kernel")
    if (then["boot_id"], then["running"]) == (now["boot_id"], now["running"]):
        raise Skipped("the host was not booted since the snapshot")
    return kernel.booted(scenes.swap)


# What only a host after the swap can tell. The keys are those that the prediction uses for the same thing.
AFTER: tuple[tuple[tuple[str, ...], Find], ...] = (
    (("package.unforeseen",), after.unforeseen),
    (("siblings.split",), lambda scenes: relations.siblings(scenes.swap)),
    (("multilib.partner",), lambda scenes: relations.partners(scenes.swap)),
    (("installed.duplicate",), after.duplicates),
    (("installed.broken",), after.broken),
    (("cpu.baseline",), lambda scenes: hosting.processor(scenes.swap)),
    (("user.missing",), after.users_missing),
    (("symlink.dangling",), lambda scenes: files.links(scenes.swap)),
    (("local_edit.overwritten",), after.local_edits),
    (("ghost.dropped",), after.ghosts),
    (("config.rpmnew", "config.rpmsave", "config.rpmorig"), after.second_files),
    (("verify.differs",), after.differing),
    (("smoke.failed",), after.smoked),
    (("btrfs.trial",), btrfs_trial.tried),
    (("cow.copied",), cow.copied),
    (("symbol.unresolved",), after.unresolved),
    (("unit.install_changed",), aftermath.install_sections),
    (("unit.stopped",), aftermath.stopped),
    (("unit.activated",), activation.activated),
    (("unit.failed",), aftermath.failed),
    (("scriptlet.failed",), aftermath.scriptlets),
    (("selinux.domain",), aftermath.domains),
    (("sysctl.reset",), settings.reset),
    (("process.old_code",), lambda scenes: hosting.still_old_code(scenes.swap)),
    (("kernel.boot_files",), lambda scenes: kernel.boot_files(scenes.swap)),
    (("kernel.not_intended",), booted),
    (("kernel.tools_lag",), lambda scenes: kernel.tools(scenes.swap)),
)
BACK: tuple[tuple[tuple[str, ...], Find], ...] = (
    (("rollback.package",), returned.packages),
    *((("rollback.differs",), find) for find in returned.STATES),
    *((("rollback.left",), find) for find in left.LEFT),
)
# It waits for what was denied until the proof began, so what the other checks take is no time lost.
LAST: tuple[tuple[tuple[str, ...], Find], ...] = ((("selinux.denied",), aftermath.denials),)


def prove(
    snapshot: Snapshot, view: View, ts: t.Any, phase: str = PROVE, waivers: t.Sequence[dict[str, t.Any]] = (),
    course: Course | None = None,
) -> dict[str, t.Any]:
    """Return the report, and under C(joined) what of the prediction happened. C(course) is what was done on purpose since."""
    report.validate_waivers(waivers)
    if snapshot.content["packages"] is None:
        raise Refused(Problem(
            "snapshot.no_packages",
            f"the snapshot {snapshot.id} lacks the list of packages", "nobody can say what went and what came since",
            "Mend the package database and take a snapshot anew, before the swap", subject=snapshot.id))
    began = time.time()
    scenes = Scenes(snapshot, view, ts, course)
    recorder = Recorder(PROVE, view)
    recorder.groups(OF_HEADERS, scenes.swap)
    for checks, find in AFTER:
        recorder.run(checks, lambda find=find: find(scenes))
    for checks, find in BACK:
        if phase == ROLLBACK:
            recorder.run(checks, lambda find=find: find(scenes))
        else:
            recorder.skip(checks, "it is for after going back")
    for checks, find in LAST:
        recorder.run(checks, lambda find=find: find(scenes))
    seen = [_seen(finding, scenes) for finding in recorder.findings]
    findings = report.waived(seen, waivers, datetime.datetime.now(datetime.timezone.utc).date())
    context = report.Context(
        phase, os.uname().nodename, snapshot.id, began, report.versions(), (snapshot.prediction or {}).get("repos") or [],
        report.cost(began, 0, 0, 0, 0), report.kind_of(view), report.unreadable(view))
    whole = report.build(context, compare.pairs(scenes.old, scenes.new), findings, recorder.coverage())
    predicted = snapshot.prediction
    whole["joined"] = report.joined(predicted["findings"], whole["findings"]) if predicted and phase == PROVE else None
    return whole


def _seen(finding: Finding, scenes: Scenes) -> Finding:
    """What headers tell has happened by now; who was affected is known from the time before."""
    if finding.confidence == PREDICTED:
        finding = finding._replace(confidence=PROVEN)
    name = finding.subject.name
    if finding.check in ("config.flags_changed", "config.default_changed"):
        edited = "5" in (scenes.snapshot.content.get("verify") or {}).get(name, {}).get("flags", "")
        if finding.check == "config.flags_changed":
            return _affecting(finding, {Consumer("configuration", name, "was changed on this host")} if edited else set())
        return _affecting(finding, set() if edited else {Consumer("configuration", name, "takes effect")})
    return finding


def _affecting(finding: Finding, consumers: t.Collection[Consumer]) -> Finding:
    check = CHECKS[finding.check]
    return finding._replace(consumers=tuple(sorted(consumers)), severity=check.affected if consumers else check.severity)
