# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Complete or revert a package transaction that was cut in its middle, with rpm alone and package files that are on the host.

A cut leaves some packages in their old and some in their new build, some in both, files without a name in the database, files
without content, and scriptlets that did not run. No solver is asked, because the packages are known: all that come are installed
once more, which writes their files and runs their scriptlets, and what was to leave goes. rpm's database is compared with that
afterwards. Part of the detached runner.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
import time
import typing as t

from ..core import unwritable
from ..core.errors import Failed, Problem
from ..core.host_io import is_folder
from . import filepolicy, paths
from .callback import Callback
from .paths import header_of, nevra_of

try:
    import rpm
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    rpm = None

# rpm unpacks a file as C(name;xxxxxxxx) and gives it its name when all are there. The digits are the time, in seconds since the
# epoch, at which the transaction was made.
LITTER = re.compile(r"^(?P<name>.+);(?P<time>[0-9a-f]{8})$")


class Work(t.NamedTuple):
    """What rpm is to do: packages to install (NEVRA -> path of the file), NEVRAs to take away, and those of what is installed
    that lie beside others of their name.

    C(tsflags) are those of dnf's configuration that the transaction had; C(policies) say by NEVRA which files are installed.
    """

    come: t.Mapping[str, str]
    leave: t.Sequence[str]
    beside: t.Collection[str]
    tsflags: t.Sequence[str] = ()
    policies: t.Mapping[str, filepolicy.Policy | None] | None = None


def make(work: Work, began: float, callback: Callback) -> None:
    """Do that. C(began) is when the transaction began that was cut.

    Raises Refused where a path cannot be written, Failed where rpm refuses, or where its database is not as wanted afterwards.
    """
    main = None if work.policies is None else filepolicy.strictest(work.policies.values())
    with filepolicy.in_force(main):
        _make(work, main, began, callback)
    prove(work.come, work.leave, callback)
    if main is not None:
        install_files(work, main, callback)


def _make(work: Work, main: filepolicy.Policy | None, began: float, callback: Callback) -> None:
    ts = _transaction_set()
    headers = {path: header_of(ts, path) for path in work.come.values()}
    here = {nevra_of(header): header for header in ts.dbMatch()}
    leaving = [here[nevra] for nevra in work.leave if nevra in here]
    unwritable.refuse("/", paths.of_headers(list(headers.values()), leaving))
    _clear_litter([*headers.values(), *leaving], began)
    for path, header in sorted(headers.items()):
        ts.addInstall(header, path, "i" if nevra_of(header) in work.beside else "u")
    for header in leaving:
        ts.addErase(header)
    ts.setFlags(filepolicy.flag_bits(main.flags(work.tsflags) if main else work.tsflags))
    _run(ts, callback)


def install_files(work: Work, main: filepolicy.Policy, callback: Callback) -> None:
    """Install those packages once more, without scriptlets, that by their own policy have other files than C(main) gave them."""
    for policy, nevras in filepolicy.others(work.policies or {}, main).items():
        with filepolicy.in_force(policy):
            ts = _transaction_set()
            for nevra in nevras:
                path = work.come[nevra]
                ts.addInstall(header_of(ts, path), path, "i" if nevra in work.beside else "u")
            without = rpm.RPMTRANS_FLAG_NOSCRIPTS | rpm.RPMTRANS_FLAG_NOTRIGGERS
            ts.setFlags(filepolicy.flag_bits(policy.flags(work.tsflags)) | without)
            _run(ts, callback)


def _transaction_set() -> t.Any:
    ts = rpm.TransactionSet()
    # The files were checked by signature when they were fetched, and by digest when they were taken out of the store.
    ts.setVSFlags(rpm._RPMVSF_NOSIGNATURES | rpm._RPMVSF_NODIGESTS)
    ts.setProbFilter(rpm.RPMPROB_FILTER_OLDPACKAGE | rpm.RPMPROB_FILTER_REPLACEPKG | rpm.RPMPROB_FILTER_REPLACEOLDFILES)
    return ts


def _run(ts: t.Any, callback: Callback) -> None:
    """Check, order and run a transaction, and keep what rpm said.

    rpm returns None when all went well, what it refuses the transaction for, or an empty list when a package failed.
    """
    refused = [str(problem) for problem in (ts.check() and ts.problems() or ())]
    if refused:
        raise _failed("rpm refuses to: " + "; ".join(refused))
    ts.order()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        rpm.setLogFile(log)
        ts.scriptFd = log.fileno()
        try:
            problems = ts.run(callback, "")
        finally:
            rpm.setLogFile(2)
        log.seek(0)
        said = [line.strip() for line in log if line.strip()]
    callback.output += said
    if problems is not None or callback.broken:
        words = [str(problem[0]) for problem in problems or ()]
        words += [f"{name} could not be unpacked" for name in callback.broken]
        raise _failed("; ".join([*words, *said[-5:]]) or "rpm ended with an error and did not say which")


def prove(come: t.Iterable[str], leave: t.Iterable[str], callback: Callback) -> None:
    """Compare rpm's database with what was to come and to leave: dnf and rpm end well where a package could not be unpacked."""
    here = set(installed())
    missing, still = sorted(set(come) - here), sorted(set(leave) & here)
    wrong = [f"{nevra} is missing" for nevra in missing] + [f"{nevra} is still there" for nevra in still]
    wrong += [f"{name} could not be unpacked" for name in callback.broken]
    if not wrong:
        return
    said = [line for line in callback.output if "error" in line.lower()]
    # A %preun that fails keeps its package, each time anew.
    removal = f". Where the scriptlets of a package that is still there fail, 'rpm -e --noscripts {' '.join(still)}' removes it"
    raise Failed(Problem(
        "transaction.incomplete", "rpm did not carry out the whole transaction", "; ".join([*wrong[:10], *said[:5]]),
        "Mend what rpm names, such as a full disk, and run again: the next run completes it" + (removal if still else "")))


def installed() -> dict[str, int]:
    """Return the NEVRAs in rpm's database, with the time at which each was installed."""
    ts = rpm.TransactionSet()
    ts.setVSFlags(rpm._RPMVSF_NOSIGNATURES | rpm._RPMVSF_NODIGESTS)
    return {nevra_of(header): header["installtime"] or 0 for header in ts.dbMatch()}


def _failed(reason: str) -> Failed:
    return Failed(Problem(
        "transaction.cannot_complete",
        "a package transaction that was cut cannot be completed", reason, "Mend that on the host and run again"))


def _clear_litter(headers: t.Sequence[t.Any], began: float) -> None:
    """Take away what rpm had unpacked of these packages since then and not yet given its name.

    A file of somebody else that has such a name does not have such a time in it, or was written at another time.
    """
    mine = {entry.name for header in headers for entry in rpm.files(header)}
    window = range(int(began), int(time.time()) + 1)
    for folder in sorted({os.path.dirname(path) for path in mine}):
        for name in os.listdir(folder) if is_folder(folder) else ():
            match = LITTER.match(name)
            path = os.path.join(folder, name)
            if not match or os.path.join(folder, match.group("name")) not in mine or int(match.group("time"), 16) not in window:
                continue
            info = os.lstat(path)
            if (stat.S_ISLNK(info.st_mode) or stat.S_ISREG(info.st_mode)) and int(info.st_ctime) in window:
                os.unlink(path)
