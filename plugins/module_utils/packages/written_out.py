# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have on the disk what a transaction changed. Part of the detached runner.

rpm has one file system written out, and that after all scriptlets: after a power cut before that, the database may have packages
whose files are empty. A host whose PID 1 needs such a file does not boot. rpm can write out each file before it gives it its
name, and does so where its macro C(_flush_io) says so.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..core import boot_disk
from ..core.errors import Failed, Problem

try:
    import rpm
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    rpm = None

FLUSH_MACRO = "_flush_io"
# Where rpm has its database, and where scriptlets write.
ALWAYS = ("/", "/boot", "/etc", "/usr", "/var", "/var/lib", "/usr/lib/sysimage")


@contextlib.contextmanager
def each_file() -> t.Iterator[None]:
    """Have rpm write out the content of each file before the file has its name, in transactions that run within. Where the
    host's own macros say whether rpm does that, they hold."""
    if rpm.expandMacro(f"%{{?{FLUSH_MACRO}}}"):
        yield
        return
    rpm.addMacro(FLUSH_MACRO, "1")
    try:
        yield
    finally:
        rpm.delMacro(FLUSH_MACRO)


def write_out(folders: t.Iterable[str]) -> None:
    """Write out each file system that one of some folders is on. Raises Failed where a disk reports an error."""
    done: set[int] = set()
    for folder in sorted({*ALWAYS, *folders}):
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            continue  # nothing of the transaction is there
        try:
            device = os.fstat(handle).st_dev
            if device not in done:
                boot_disk.syncfs(handle)
                done.add(device)
        except OSError as error:
            raise Failed(Problem(
                "transaction.not_on_disk",
                f"what the transaction changed on the file system of {folder} cannot be written to the disk",
                error.strerror or str(error),
                "Look at 'dmesg' for an error of the disk, mend it, and run again: the next run checks the files",
                subject=folder)) from error
        finally:
            os.close(handle)
