# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two sets of package files, without any host: for packagers and CI, before anything reaches a fleet."""

from __future__ import annotations

import datetime
import time
import typing as t

from ..core.errors import Problem, Refused
from ..packages import rpmdb
from . import headers, report
from .builds import Build, of_header
from .checks import FILES, found
from .groups import HINTS, OF_HEADERS, Recorder
from .model import Finding, Subject
from .swap import Swap, pair


def compare(old: t.Sequence[str], new: t.Sequence[str], waivers: t.Sequence[dict[str, t.Any]]) -> dict[str, t.Any]:
    """Return the report on two lists of paths of RPM files. Raises Refused when there is nothing to compare."""
    report.validate_waivers(waivers)
    if not old or not new:
        raise Refused(Problem(
            "option.package_files", "package files", "one of the two lists is empty", "Give the old and the new package files"))
    began = time.time()
    before, trouble = _read(old)
    after, more = _read(new)
    recorder = Recorder(FILES)
    recorder.run(("package.unreadable",), lambda: trouble + more)
    recorder.run(("cpu.baseline",), lambda: _architectures(before, after))
    if trouble or more:
        # What is compared with half of the packages would blame the rest.
        recorder.skip([name for group in (*OF_HEADERS, *HINTS) for name in group.checks], "a package could not be read")
    else:
        coming, beside = _split(before, after)
        recorder.groups((*OF_HEADERS, *HINTS), Swap(before, coming, beside))
    findings = report.waived(recorder.findings, waivers, datetime.datetime.now(datetime.timezone.utc).date())
    context = report.Context(
        "predict", "", "", began, report.versions(), [], report.cost(began, len(before) + len(after), 0, 0, 0))
    return report.build(context, pairs(before, after), findings, recorder.coverage())


def pairs(old: t.Sequence[Build], new: t.Sequence[Build]) -> list[tuple[Build | None, Build | None]]:
    """Pair the builds by name and architecture; what has no counterpart stands alone."""
    return sorted(pair(old, new), key=lambda both: t.cast(Build, both[1] or both[0]).id)


def _split(old: t.Sequence[Build], new: t.Sequence[Build]) -> tuple[list[Build], list[Build]]:
    """Tell the new builds that come with an update of the old ones from those that are only on offer beside them.

    One comes that has the name of an old one or obsoletes one, and one that another needs which comes. A new subpackage
    that nothing asks for stays away from hosts that are updated, and with it whatever moved there.
    """
    names = {build.name for build in old}
    coming = [build for build in new if build.name in names or any(r.name in names for r in build.obsoletes)]
    rest = [build for build in new if build not in coming]
    while True:
        asked = {relation.name for build in coming for relation in build.requires}
        more = [build for build in rest if asked & ({relation.name for relation in build.provides} | build.files.keys())]
        if not more:
            return sorted(coming, key=new.index), rest
        coming, rest = coming + more, [build for build in rest if build not in more]


def _read(paths: t.Sequence[str]) -> tuple[list[Build], list[Finding]]:
    builds: list[Build] = []
    trouble: list[Finding] = []
    for path in paths:
        try:
            builds.append(of_header(headers.read(path)))
        except headers.Unreadable as error:
            trouble.append(_unreadable(path, str(error)))
        except Exception as error:  # a header that rpm takes and that makes no sense all the same
            trouble.append(_unreadable(path, f"{type(error).__name__}: {' '.join(str(error).split())}"))
    return sorted(builds, key=lambda build: (build.name, rpmdb.EVR_ORDER(build.evr), build.arch)), trouble


def _unreadable(path: str, why: str) -> Finding:
    return found("package.unreadable", Subject("file", path), None, None, f"{path}: {why}.")


def _architectures(old: t.Sequence[Build], new: t.Sequence[Build]) -> t.Iterator[Finding]:
    """Row 99 without a host: a name that is there for another architecture only."""
    for build in new:
        known, come = ({other.arch for other in builds if other.name == build.name} for builds in (old, new))
        if known and not known & come and "noarch" not in {*known, *come}:
            yield found(
                "cpu.baseline", Subject("package", build.name, build.arch), sorted(known), build.arch,
                f"{build.nevra} is for {build.arch}; the old build is for {', '.join(sorted(known))}.", alone=True)
