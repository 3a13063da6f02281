# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one writer of the ledger: appends the lines of one run, each synced, into space that was reserved for them."""

from __future__ import annotations

import ctypes
import errno
import os
import time
import typing as t

from . import identity, ledger, ledger_lines
from .errors import Failed, Problem, Refused
from .host_io import Target, sync_folder

# fallocate(2): the size of the file stays as it is.
KEEP_SIZE = 0x01
# What is reserved behind the end of the file before a step begins: enough for all lines that tell of its end and of taking the
# steps of the run back. A line of these has some hundred bytes, and a reason at most MOST_REASON.
RESERVED = 256 * 1024
MOST_REASON = 4096
# The errors of a file system that reserves nothing; there a full disk can keep a step from being recorded.
UNABLE = (errno.EOPNOTSUPP, errno.ENOSYS)


class Book:
    """Appends the steps of one run to its file."""

    def __init__(self, target: Target, run: str) -> None:
        self.run = run
        folder = target.private_folder(ledger.FOLDER)
        self._path = os.path.join(folder, run + ledger.SUFFIX)
        created = not os.path.exists(self._path)
        self._handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            self._begin(target, folder)
        except OSError as error:
            if created:
                os.unlink(self._path)
            os.close(self._handle)
            raise Refused(self._problem(error)) from error

    def _begin(self, target: Target, folder: str) -> None:
        # What a power cut left half-written would spoil the line after it.
        os.ftruncate(self._handle, ledger_lines.whole_bytes(os.pread(self._handle, self._end, 0)))
        self._reserve()
        if self._end == 0:
            self._append(ledger.header(target, self.run))
            sync_folder(folder)
            target.job = ledger.job_name(self.run, ledger.HEADER)
            identity.note(target, ledger.sequence_of(self.run))

    @property
    def _end(self) -> int:
        return os.fstat(self._handle).st_size

    def write(self, event: str, number: int | None = None, **more: t.Any) -> None:
        """Append one line and sync it to disk. Before a step begins, the space for what follows is reserved."""
        if isinstance(more.get("error"), str):
            more["error"] = more["error"][:MOST_REASON]
        end = self._end
        try:
            self._append({"time": time.time(), "event": event, "number": number, **more})
            if event == ledger.INTENT:
                self._reserve()
        except OSError as error:
            os.ftruncate(self._handle, end)
            raise Failed(self._problem(error)) from error

    def _append(self, line: t.Mapping[str, t.Any]) -> None:
        text = ledger_lines.encode(line)
        if os.write(self._handle, text) < len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._handle)

    def _reserve(self) -> None:
        if _fallocate(self._handle, self._end, RESERVED) not in (0, *UNABLE):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def _problem(self, error: OSError) -> Problem:
        return Problem(
            "ledger.cannot_write",
            f"{error.filename or self._path}, which belongs to the ledger, cannot be written", error.strerror or repr(error),
            "Make room there, 1 MiB at least, or let root write there, and run again: the next run goes on from here")

    def close(self) -> None:
        """Close the file and give the space back that was reserved; the lines are on disk already."""
        os.ftruncate(self._handle, self._end)
        os.close(self._handle)


def _fallocate(handle: int, offset: int, length: int) -> int:
    """Reserve space for a file without changing its size; return 0 or the number of the error."""
    libc = ctypes.CDLL(None, use_errno=True)
    function = getattr(libc, "fallocate64", libc.fallocate)
    function.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    return 0 if function(handle, KEEP_SIZE, offset, length) == 0 else ctypes.get_errno()
