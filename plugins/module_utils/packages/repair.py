# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a package transaction whole that was cut in its middle, with rpm alone and package files that are kept on the host.

A cut leaves some packages in their old and some in their new build, some in both, files without a name in the database,
and scriptlets that did not run. No solver is asked, because the packages are known: all that come are installed once
more, and what was to leave goes. Part of the detached runner.
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
from . import paths
from .paths import header_of, nevra_of

try:
    import rpm
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    rpm = None

# rpm unpacks a file as C(name;xxxxxxxx) and gives it its name when all are there. The digits are the time, in seconds since the
# epoch, at which the transaction was made.
LITTER = re.compile(r"^(?P<name>.+);(?P<time>[0-9a-f]{8})$")
# dnf keeps several builds of these beside each other (installonlypkgs); they are never replaced.
BESIDE = re.compile(r"^kernel(-core|-modules.*|-devel)?$|^kmod-(?!libs$)")


class Installer:
    """rpm's callback: opens the package files and remembers which package went wrong."""

    def __init__(self, progress: t.Callable[[int, int, str], None]) -> None:
        self.progress = progress
        self.broken: list[str] = []
        self._handle = -1
        self._done = self._total = 0

    def __call__(self, what: int, amount: int, total: int, key: t.Any, _data: t.Any) -> t.Any:
        if what == rpm.RPMCALLBACK_TRANS_START:
            self._total = total
        elif what == rpm.RPMCALLBACK_INST_OPEN_FILE:
            self._done += 1
            self.progress(self._done, self._total, os.path.basename(key))
            self._handle = os.open(key, os.O_RDONLY)
            return self._handle
        elif what == rpm.RPMCALLBACK_INST_CLOSE_FILE:
            os.close(self._handle)
        elif what in (rpm.RPMCALLBACK_UNPACK_ERROR, rpm.RPMCALLBACK_CPIO_ERROR):
            self.broken.append(os.path.basename(str(key)))
        return None


def make(
    come: t.Mapping[str, str], leave: t.Sequence[str], began: float, progress: t.Callable[[int, int, str], None],
) -> list[str]:
    """Install the packages that come (NEVRA -> path), take those away that leave, and return what rpm said.

    C(began) is when the transaction began that was cut.
    Raises Refused where a path cannot be written, Failed where rpm refuses or where a package could not be unpacked.
    """
    ts = rpm.TransactionSet()
    # The files were checked by signature when they were fetched, and by digest when they were taken out of the store.
    ts.setVSFlags(rpm._RPMVSF_NOSIGNATURES | rpm._RPMVSF_NODIGESTS)
    ts.setProbFilter(rpm.RPMPROB_FILTER_OLDPACKAGE | rpm.RPMPROB_FILTER_REPLACEPKG | rpm.RPMPROB_FILTER_REPLACEOLDFILES)
    headers = {path: header_of(ts, path) for path in come.values()}
    here = {nevra_of(header): header for header in ts.dbMatch()}
    unwritable.refuse("/", paths.of_headers(list(headers.values()), [here[nevra] for nevra in leave if nevra in here]))
    _clear_litter([*headers.values(), *(here[nevra] for nevra in leave if nevra in here)], began)
    for path, header in sorted(headers.items()):
        ts.addInstall(header, path, "i" if BESIDE.match(header["name"]) else "u")
    for nevra in leave:
        if nevra in here:
            ts.addErase(here[nevra])
    problems = [str(problem) for problem in (ts.check() and ts.problems() or ())]
    if problems:
        raise _failed("rpm refuses to: " + "; ".join(problems))
    ts.order()
    return _run(ts, progress)


def _run(ts: t.Any, progress: t.Callable[[int, int, str], None]) -> list[str]:
    installer = Installer(progress)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        rpm.setLogFile(log)
        ts.scriptFd = log.fileno()
        try:
            problems = ts.run(installer, "")
        finally:
            rpm.setLogFile(2)
        log.seek(0)
        said = [line.strip() for line in log if line.strip()]
    if problems or installer.broken:
        words = [str(problem[0]) for problem in problems or ()] + [f"{name} could not be unpacked" for name in installer.broken]
        raise _failed("; ".join([*words, *said[-5:]]))
    return said


def installed() -> set[str]:
    """Return the NEVRAs in rpm's database."""
    return {nevra_of(header) for header in rpm.TransactionSet().dbMatch()}


def _failed(reason: str) -> Failed:
    return Failed(Problem(
        "a package transaction that was cut cannot be made whole", reason, "Mend that on the host and run again"))


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
