# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rpm itself says of the transaction: its check of relations, and a test transaction, on headers alone.

A test transaction opens each package by its file and reads no further than its header, so the first bytes do. rpm asks
only about what the transaction changes, so what was broken before is not blamed on it; that is looked for apart.
"""

from __future__ import annotations

import contextlib
import os
import sys
import typing as t

from .. import _rpmdb
from .builds import Build
from .checks import found
from .model import Consumer, Finding, Subject
from .swap import Swap, nevra_of

try:
    import rpm
except ImportError:  # said by whoever calls, before anything here is used
    rpm = None

# rpm's problem types (rpmprob.h).
REQUIRES, CONFLICT, NEW_FILE_CONFLICT, FILE_CONFLICT, DISK_SPACE, DISK_NODES = 4, 5, 6, 7, 9, 10
OF_INSTALLED = "(installed)"


class Incoming(t.NamedTuple):
    """A build that comes: what is known of it, and the file that holds its header (or the whole package)."""

    build: Build
    header: t.Any
    path: str


def problems(swap: Swap, root: str, incoming: t.Sequence[Incoming]) -> t.Iterator[Finding]:
    """Rows 6, 7, 10, 22, 34, 46: what rpm's check and its test transaction find."""
    ts = rpm.TransactionSet(root)
    # Digests and signatures of the headers were checked when they were read.
    ts.setVSFlags(rpm._RPMVSF_NOSIGNATURES | rpm._RPMVSF_NODIGESTS)
    for entry in incoming:
        ts.addInstall(entry.header, entry.path, "i" if _rpmdb.side_by_side(entry.build.name) else "u")
    leaving = {build.nevra for build in swap.gone}
    for name in sorted({build.name for build in swap.gone}):
        for header in ts.dbMatch("name", name):
            if nevra_of(header) in leaving:
                ts.addErase(header)
    for problem in _tested(ts):
        finding = _finding(swap, problem)
        if finding is not None:
            yield finding


def _tested(ts: t.Any) -> list[t.Any]:
    """Check and test the transaction; return rpm's problems."""
    handles: dict[str, t.Any] = {}

    def callback(what: int, _amount: int, _total: int, path: str, _data: t.Any) -> int | None:
        if what == rpm.RPMCALLBACK_INST_OPEN_FILE:
            handles[path] = stack.enter_context(open(path, "rb"))
            return handles[path].fileno()
        if what == rpm.RPMCALLBACK_INST_CLOSE_FILE and path in handles:
            handles.pop(path).close()
        return None

    with contextlib.ExitStack() as stack:
        rpm.setLogFile(stack.enter_context(open(os.devnull, "w", encoding="ascii")))
        stack.callback(rpm.setLogFile, sys.stderr)
        ts.check()
        ts.order()
        ts.setFlags(rpm.RPMTRANS_FLAG_TEST)
        # Going to a lower version is a finding of its own; the payload is not there to be verified.
        ts.setProbFilter(rpm.RPMPROB_FILTER_OLDPACKAGE | rpm.RPMPROB_FILTER_REPLACEPKG)
        if hasattr(ts, "setVfyLevel"):
            ts.setVfyLevel(0)
        ts.run(callback, "")
        return list(ts.problems() or ())


def _finding(swap: Swap, problem: t.Any) -> Finding | None:
    subject, mine, other = (problem._str or "").strip(), problem.pkgNEVR or "", problem.altNEVR or ""
    words = f"{problem}."
    if problem.type == REQUIRES and OF_INSTALLED in words:
        return found(
            "dependent.broken", Subject("package", _name(other)), other, None, words,
            [Consumer("package", other, f"requires {subject}")])
    if problem.type == REQUIRES:
        return found("requires.unsatisfied", Subject("capability", subject, "", _name(mine)), None, mine, words)
    if problem.type == CONFLICT:
        name = subject.split()[0]
        here = [Consumer("package", nevra, f"provides {have}") for nevra, have in swap.installed.providers(name)]
        return found(
            "conflict.gained", Subject("capability", name, "", _name(mine)), None, subject, words,
            here or [Consumer("package", mine, "cannot be installed")])
    if problem.type in (FILE_CONFLICT, NEW_FILE_CONFLICT):
        return found("file.conflict", Subject("path", subject), other, mine, words, [Consumer("package", other, "owns it as well")])
    if problem.type in (DISK_SPACE, DISK_NODES):
        unit = "bytes" if problem.type == DISK_SPACE else "inodes"
        return found("disk.space", Subject("mount", subject), None, problem._num, f"{problem._num} more {unit} are needed on {subject}.")
    return None


def _name(nevr: str) -> str:
    return nevr.rsplit("-", 2)[0]


def broken_already(swap: Swap) -> t.Iterator[Finding]:
    """Row 26: requirements of installed packages that nothing here provides, whatever the swap does."""
    headers = swap.installed.headers()
    provided = {name for _nevra, header in headers for name in header["providename"] or ()}
    provided |= {relation.name for build in swap.old for relation in build.provides}
    carried = set(swap.old_files) | set(swap.new_files)
    for nevra, header in headers:
        for name in sorted(set(header["requirename"] or ()) - provided):
            # Requirements in brackets are conditions, and rpmlib() is rpm's own.
            if name.startswith(("rpmlib(", "(")) or name in carried or swap.installed.provides(name):
                continue
            yield found(
                "installed.broken", Subject("package", header["name"], "", name), nevra, nevra, f"{nevra} requires {name}, which "
                "nothing on this host provides.", baseline=True, proven=True)
