# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rpm itself says of the transaction: its check of relations, and a test transaction, on headers alone.

Both run twice: the first time without the swap, so that what was broken before is not blamed on it.
"""

from __future__ import annotations

import os
import typing as t

from .builds import Build
from .checks import found
from .model import Consumer, Finding, Subject

try:
    import rpm
except ImportError:  # said by whoever calls, before anything here is used
    rpm = None

# rpm's problem types as the bindings number them (rpmprob.h); not all bindings have names for them.
REQUIRES, CONFLICT, NEW_FILE_CONFLICT, FILE_CONFLICT, DISK_SPACE, DISK_NODES, OBSOLETES = 4, 5, 6, 7, 9, 10, 11


class Incoming(t.NamedTuple):
    """A build that comes: what is known of it, and the file that holds its header (or the whole package)."""

    build: Build
    header: t.Any
    path: str


def problems(root: str, incoming: t.Sequence[Incoming], erase: t.Sequence[str]) -> list[Finding]:
    """Return what rpm's check and its test transaction find. C(erase) has NEVRAs that leave without a successor."""
    before = {_identity(problem) for problem in _checked(_transaction(root, (), ()))}
    ts = _transaction(root, incoming, erase)
    first = _checked(ts)
    said = [problem for problem in first if _identity(problem) not in before]
    baseline = [problem for problem in first if _identity(problem) in before]
    results = [_finding(problem, False) for problem in said] + [_finding(problem, True) for problem in baseline]
    if not said:
        results += [_finding(problem, False) for problem in _tested(ts)]
    return [finding for finding in results if finding is not None]


def broken_already(root: str) -> list[Finding]:
    """Return what is broken on the host without any swap."""
    return [finding for finding in (_finding(problem, True) for problem in _checked(_transaction(root, (), ()))) if finding]


def _transaction(root: str, incoming: t.Sequence[Incoming], erase: t.Sequence[str]) -> t.Any:
    ts = rpm.TransactionSet(root)
    # Digests and signatures of the headers were checked when they were read.
    ts.setVSFlags(rpm._RPMVSF_NOSIGNATURES | rpm._RPMVSF_NODIGESTS)
    for entry in incoming:
        side_by_side = entry.build.name.startswith("kernel") and "kernel" in entry.build.name
        ts.addInstall(entry.header, entry.path, "i" if side_by_side and _installonly(entry.build.name) else "u")
    for nevra in erase:
        for header in ts.dbMatch("name", nevra.rsplit("-", 2)[0]):
            from .swap import nevra_of
            if nevra_of(header) == nevra:
                ts.addErase(header)
    return ts


def _installonly(name: str) -> bool:
    from .._rpmdb import side_by_side
    return side_by_side(name)


def _checked(ts: t.Any) -> list[t.Any]:
    ts.check()
    return list(ts.problems() or ())


def _tested(ts: t.Any) -> list[t.Any]:
    """Run the test transaction: rpm opens each package by its file and goes no further than its header."""
    handles: dict[str, t.Any] = {}

    def callback(what: int, _amount: int, _total: int, path: str, _data: t.Any) -> int | None:
        if what == rpm.RPMCALLBACK_INST_OPEN_FILE:
            handles[path] = open(path, "rb")
            return handles[path].fileno()
        if what == rpm.RPMCALLBACK_INST_CLOSE_FILE and path in handles:
            handles.pop(path).close()
        return None

    ts.order()
    ts.setFlags(rpm.RPMTRANS_FLAG_TEST)
    if hasattr(ts, "setVfyLevel"):
        ts.setVfyLevel(0)  # the payload is not there to be verified
    quiet, silent = rpm.setVerbosity(rpm.RPMLOG_CRIT), open(os.devnull, "w", encoding="ascii")
    rpm.setLogFile(silent)
    try:
        ts.run(callback, "")
    finally:
        rpm.setLogFile(None)
        if quiet is not None:
            rpm.setVerbosity(quiet)
        silent.close()
        for handle in handles.values():
            handle.close()
    return list(ts.problems() or ())


def _identity(problem: t.Any) -> tuple[int, str, str]:
    return problem.type, problem.pkgNEVR or "", str(problem)


def _finding(problem: t.Any, baseline: bool) -> Finding | None:
    mine, other, subject = problem.pkgNEVR or "", problem.altNEVR or "", problem._str or ""
    words = str(problem)
    if problem.type == REQUIRES:
        # rpm calls the installed package the alternative where a requirement of its own breaks.
        installed = "(installed)" in words
        if baseline:
            return found("installed.broken", Subject("package", mine or other), words, words, words + ".", baseline=True, proven=True)
        if installed:
            return found("dependent.broken", Subject("package", _name(other or mine)), other or mine, None, words + ".",
                         [Consumer("package", other or mine, "requires " + subject)])
        return found("requires.unsatisfied", Subject("capability", subject.strip(), "", _name(other or mine)), None, other or mine, words + ".")
    if problem.type == CONFLICT:
        return found("conflict.gained", Subject("capability", subject.strip(), "", _name(mine)), None, mine, words + ".",
                     [Consumer("package", other or mine, "conflicts")], baseline=baseline)
    if problem.type in (FILE_CONFLICT, NEW_FILE_CONFLICT):
        return found("file.conflict", Subject("path", subject), other, mine, words + ".", [Consumer("package", other, "owns it as well")])
    if problem.type in (DISK_SPACE, DISK_NODES):
        unit = "bytes" if problem.type == DISK_SPACE else "inodes"
        return found("disk.space", Subject("mount", subject), None, problem._num, f"{problem._num} more {unit} are needed on {subject}.")
    return None


def _name(nevr: str) -> str:
    return nevr.rsplit("-", 2)[0]
