# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two sets of package files, without any host: for packagers and CI, before anything reaches a fleet."""

from __future__ import annotations

import datetime
import platform
import time
import typing as t

from .. import _rpmdb
from .._errors import Problem, Refused
from . import headers, report
from .builds import Build, of_header
from .checks import CHECKS, FILES, found
from .groups import OF_HEADERS, Recorder
from .model import Finding, Subject
from .swap import Swap

try:
    import rpm
except ImportError:  # said by whoever calls, before anything here is used
    rpm = None


def compare(old: t.Sequence[str], new: t.Sequence[str], waivers: t.Sequence[dict[str, t.Any]]) -> dict[str, t.Any]:
    """Return the report on two lists of paths of RPM files. Raises Refused when there is nothing to compare."""
    report.validate_waivers(waivers)
    if not old or not new:
        raise Refused(Problem("package files", "one of the two lists is empty", "Give the old and the new package files"))
    began = time.time()
    before, trouble = _read(old)
    after, more = _read(new)
    recorder = Recorder(FILES)
    recorder.run(("package.unreadable",), lambda: trouble + more)
    recorder.run(("cpu.baseline",), lambda: _architectures(before, after))
    if trouble or more:
        # What is compared with half of the packages would blame the rest.
        recorder.skip([name for group in OF_HEADERS for name in group.checks], "a package could not be read")
    else:
        recorder.groups(OF_HEADERS, Swap(before, after))
    findings = report.waived(recorder.findings, waivers, datetime.datetime.now(datetime.timezone.utc).date())
    context = report.Context(
        "predict", "", "", began, versions(), [], report.cost(began, len(before) + len(after), 0, 0, 0))
    return report.build(context, pairs(before, after), findings, recorder.coverage())


def versions() -> dict[str, str]:
    """Return what the report was made with."""
    return {"rpm": getattr(rpm, "__version__", ""), "python": platform.python_version()}


def pairs(old: t.Sequence[Build], new: t.Sequence[Build]) -> list[tuple[Build | None, Build | None]]:
    """Pair the builds by name and architecture; what has no counterpart stands alone."""
    before, after = {build.id: build for build in old}, {build.id: build for build in new}
    return [(before.get(key), after.get(key)) for key in sorted({*before, *after})]


def _read(paths: t.Sequence[str]) -> tuple[list[Build], list[Finding]]:
    builds: list[Build] = []
    trouble: list[Finding] = []
    for path in paths:
        try:
            builds.append(of_header(headers.read(path)))
        except headers.Unreadable as error:
            trouble.append(found("package.unreadable", Subject("file", path), None, None, f"{path}: {error}."))
    return sorted(builds, key=lambda build: (build.name, _rpmdb.EVR_ORDER(build.evr), build.arch)), trouble


def _architectures(old: t.Sequence[Build], new: t.Sequence[Build]) -> t.Iterator[Finding]:
    """Row 99 without a host: a name that is there for another architecture only."""
    before = {build.name: {other.arch for other in old if other.name == build.name} for build in old}
    for build in new:
        known = before.get(build.name, set())
        if known and build.arch not in known and "noarch" not in {*known, build.arch}:
            yield found(
                "cpu.baseline", Subject("package", build.name, build.arch), sorted(known), build.arch,
                f"{build.nevra} is for {build.arch}; the old build is for {', '.join(sorted(known))}.", severity=CHECKS["cpu.baseline"].severity)
