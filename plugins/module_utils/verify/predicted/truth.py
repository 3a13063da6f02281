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
import re
import typing as t

from ...facts import kind as host_kind
from ...facts.consumer import Consumer
from ...packages import installonly
from ..builds import Build, Relation
from ..checks import found
from ..model import Finding, Subject
from ..swap import Swap, nevra_of, of_names
from .relations import overlaps

try:
    import rpm
except ImportError:  # said by whoever calls, before anything here is used
    rpm = None

# rpm's problem types (rpmprob.h).
BAD_ARCH, REQUIRES, CONFLICT, NEW_FILE_CONFLICT, FILE_CONFLICT, DISK_SPACE, DISK_NODES = 0, 4, 5, 6, 7, 9, 10
OF_INSTALLED = "(installed)"
NO_EPOCH = re.compile(r"-0:")  # where a package says that its epoch is 0; a NEVRA here never does


class Incoming(t.NamedTuple):
    """A build that comes: what is known of it, and the file that holds its header (or the whole package)."""

    build: Build
    header: t.Any
    path: str


def problems(swap: Swap, root: str, incoming: t.Sequence[Incoming]) -> t.Iterator[Finding]:
    """Rows 6, 7, 10, 22, 34, 46, 99: what rpm's check and its test transaction find."""
    ts = rpm.TransactionSet(root)
    # Digests and signatures of the headers were checked when they were read.
    ts.setVSFlags(rpm._RPMVSF_NOSIGNATURES | rpm._RPMVSF_NODIGESTS)
    for entry in incoming:
        ts.addInstall(entry.header, entry.path, "i" if installonly.is_one(entry.build) else "u")
    # Of a kernel, the build that goes is not the one that the new build would replace.
    gone = [*swap.gone, *(build for build in swap.old if installonly.is_one(build))]
    leaving = {build.nevra for build in gone}
    for name in sorted({build.name for build in gone}):
        for header in ts.dbMatch("name", name):
            if nevra_of(header) in leaving:
                ts.addErase(header)
    # Where the packages are written when an image is built, the room on this host does not matter.
    elsewhere = swap.view is not None and swap.view.kind is not None and swap.view.kind.name == host_kind.IMAGE_MODE
    for problem in _tested(ts, rpm.RPMPROB_FILTER_DISKSPACE | rpm.RPMPROB_FILTER_DISKNODES if elsewhere else 0):
        yield _finding(swap, problem)


def _tested(ts: t.Any, left_out: int) -> list[t.Any]:
    """Check and test the transaction; return rpm's problems but for some, given by rpm's flags."""
    handles: dict[str, t.Any] = {}

    def callback(what: int, _amount: int, _total: int, path: str, _data: t.Any) -> int | None:
        if what == rpm.RPMCALLBACK_INST_OPEN_FILE:
            handles[path] = stack.enter_context(open(path, "rb"))  # noqa: SIM115 - the stack closes it
            return handles[path].fileno()
        if what == rpm.RPMCALLBACK_INST_CLOSE_FILE and path in handles:
            handles.pop(path).close()
        return None

    with contextlib.ExitStack() as stack:
        rpm.setLogFile(stack.enter_context(open(os.devnull, "w", encoding="ascii")))
        stack.callback(rpm.setLogFile, 2)  # where rpm writes to when nobody says otherwise
        ts.check()
        ts.order()
        ts.setFlags(rpm.RPMTRANS_FLAG_TEST)
        # Going to a lower version is a finding of its own; the payload is not there to be verified.
        ts.setProbFilter(rpm.RPMPROB_FILTER_OLDPACKAGE | rpm.RPMPROB_FILTER_REPLACEPKG | left_out)
        if hasattr(ts, "setVfyLevel"):
            ts.setVfyLevel(0)
        ended = ts.run(callback, "")
        found_problems = list(ts.problems() or ())
        if ended is not None and not found_problems:
            raise OSError("rpm ended its test transaction with an error and gives no reason")
        return found_problems


def _finding(swap: Swap, problem: t.Any) -> Finding:
    subject = (problem._str or "").strip()
    mine, other = (NO_EPOCH.sub("-", nevr or "") for nevr in (problem.pkgNEVR, problem.altNEVR))
    words = f"{problem}."
    if problem.type == REQUIRES and OF_INSTALLED in words:
        had = sorted(build.nevra for build in swap.old if any(r.name == subject.split()[0] for r in build.provides))
        return found(
            "dependent.broken", Subject("package", _name(other)), other, None,
            words + (f" {', '.join(had)} provides it now." if had else ""), [Consumer("package", other, f"requires {subject}")])
    if problem.type == REQUIRES:
        return found("requires.unsatisfied", Subject("capability", subject, "", _name(mine)), None, mine, words)
    if problem.type == CONFLICT:
        name = subject.split()[0]
        if OF_INSTALLED in words:
            # The other way round: what is installed does not stand the new build.
            return found(
                "conflict.gained", Subject("capability", name, "", _name(other)), None, subject, words,
                [Consumer("package", other, f"conflicts with {subject}")])._replace(
                    title=f"{other} conflicts with the new build of {_name(mine)}",
                    description="An installed package declares a conflict that the new build comes under.")
        here = [Consumer("package", nevra, f"provides {have}") for nevra, have in swap.installed.providers(name)]
        return found(
            "conflict.gained", Subject("capability", name, "", _name(mine)), None, subject, words,
            here or [Consumer("package", other, "cannot be installed with it")])
    if problem.type in (FILE_CONFLICT, NEW_FILE_CONFLICT):
        return found(
            "file.conflict", Subject("path", subject), other, mine, words, [Consumer("package", other, "owns it as well")])
    if problem.type in (DISK_SPACE, DISK_NODES):
        unit = "bytes" if problem.type == DISK_SPACE else "inodes"
        return found(
            "disk.space", Subject("mount", subject), None, problem._num, f"{problem._num} more {unit} are needed on {subject}.")
    if problem.type == BAD_ARCH:
        arch = mine.rpartition(".")[2]
        return found(
            "cpu.baseline", Subject("package", _name(mine), arch), None, arch, words, [Consumer("processor", os.uname().machine)])
    # What rpm refuses for another reason is no less refused.
    return found("transaction.unsolvable", Subject("transaction", _name(mine) or "this host"), None, mine or None, words)


def _name(nevr: str) -> str:
    return nevr.rsplit("-", 2)[0]


def broken_already(swap: Swap) -> t.Iterator[Finding]:
    """Row 26: requirements of installed packages that nothing here answers, whatever the swap does."""
    provided: dict[str, list[Relation]] = {}
    staying = (relation for _nevra, header in swap.installed.headers() for relation in of_names(header, "PROVIDE"))
    for relation in (*staying, *(relation for build in swap.old for relation in build.provides)):
        provided.setdefault(relation.name, []).append(relation)
    carried = set(swap.old_files) | set(swap.new_files)
    for nevra, header in swap.installed.headers():
        for want in sorted(set(of_names(header, "REQUIRE"))):
            # Requirements in brackets are conditions, and rpmlib() is rpm's own.
            if want.name.startswith(("rpmlib(", "(")) or any(overlaps(have, want) for have in provided.get(want.name, ())):
                continue
            if want.name in carried or (want.name.startswith("/") and swap.installed.owners(want.name)):
                continue
            yield found(
                "installed.broken", Subject("package", header["name"], "", want.name), nevra, nevra, f"{nevra} requires {want}, "
                "which nothing on this host provides.", baseline=True, proven=True)
