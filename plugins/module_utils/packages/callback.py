# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dnf and rpm call during a transaction, be it the planned one or one that completes another. Part of the detached runner.

rpm ends the process in the middle of the transaction where a callback in Python raises an exception. So nothing here raises one.
"""

from __future__ import annotations

import os
import re
import typing as t

from ..core.secrets import masked
from .jobfile import RUNNING, Folder

try:
    import dnf.callback
    import rpm
    Progress = dnf.callback.TransactionProgress
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    Progress = object


UNPACKED = re.compile(r"Error (?:in cpio payload of|unpacking) rpm package (?P<package>\S+)")


class Callback(Progress):
    """Keeps what rpm and the scriptlets say, and tells the step that the transaction is at.

    dnf calls its methods by name, rpm calls the object itself.
    """

    def __init__(self, folder: Folder) -> None:
        super().__init__()
        self.folder = folder
        self.output: list[str] = []
        # Package files that rpm could not open or unpack.
        self.broken: list[str] = []
        self._last = (0, "")
        self._handle = -1
        self._done = self._total = 0

    def progress(self, package, action, ti_done, ti_total, ts_done, ts_total):
        """Tell where the transaction is."""
        self.folder.touched = True
        now = (ts_done, str(package))
        if now != self._last:
            self._last = now
            self.folder.status(RUNNING, done=ts_done, total=ts_total, package=str(package))

    def scriptout(self, msgs):
        """Keep what scriptlets printed; dnf hands over what it read, as bytes."""
        text = msgs.decode("utf-8", "replace") if isinstance(msgs, bytes) else str(msgs or "")
        self.output.extend(masked(line) for line in text.splitlines() if line.strip())

    def error(self, message):
        """Keep what went wrong. dnf tells in words which package could not be unpacked, and ends well all the same."""
        self.output.append(masked(str(message)))
        match = UNPACKED.match(str(message))
        if match:
            self.broken.append(match.group("package"))

    def __call__(self, what: int, amount: int, total: int, key: t.Any, _data: t.Any) -> t.Any:
        """Answer rpm. C(key) is the path of a package file, or what rpm calls a package that goes."""
        try:
            return self._answer(what, total, key)
        except Exception as error:  # rpm would end the process in the middle of the transaction
            self.error(f"error: {' '.join(str(error).split()) or repr(error)}")
            return None

    def _answer(self, what: int, total: int, key: t.Any) -> t.Any:
        self.folder.touched = True
        if what == rpm.RPMCALLBACK_TRANS_START:
            self._total = total
        elif what == rpm.RPMCALLBACK_INST_OPEN_FILE:
            return self._open(key)
        elif what == rpm.RPMCALLBACK_INST_CLOSE_FILE:
            os.close(self._handle)
        elif what in (rpm.RPMCALLBACK_UNPACK_ERROR, rpm.RPMCALLBACK_CPIO_ERROR):
            self.broken.append(os.path.basename(str(key)))
        return None

    def _open(self, path: str) -> int:
        """Return a descriptor of a package file. For one that cannot be opened it is that of an empty file, which rpm cannot
        unpack: rpm ends the process where it gets none."""
        self._done += 1
        self.progress(os.path.basename(path), None, None, None, self._done, self._total)
        try:
            self._handle = os.open(path, os.O_RDONLY)
        except OSError as error:
            self.broken.append(os.path.basename(path))
            self.error(f"error: {path} cannot be opened: {error.strerror or error}")
            self._handle = os.open(os.devnull, os.O_RDONLY)
        return self._handle
