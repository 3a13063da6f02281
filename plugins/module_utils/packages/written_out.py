# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have on the disk what a transaction changed. Part of the detached runner.

rpm has one file system written out, and that after all scriptlets: after a power cut before that, the database may have packages
whose files are empty.
"""

from __future__ import annotations

import os
import typing as t

from ..core import boot_disk
from ..core.errors import Failed, Problem

# Where rpm has its database, and where scriptlets write.
ALWAYS = ("/", "/boot", "/etc", "/usr", "/var", "/var/lib", "/usr/lib/sysimage")


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
                f"what the transaction changed on the file system of {folder} cannot be written to the disk",
                error.strerror or str(error),
                "Look at 'dmesg' for an error of the disk, mend it, and run again: the next run checks the files")) from error
        finally:
            os.close(handle)
