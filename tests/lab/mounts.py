# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk of a machine that is down, mounted on this computer."""

from __future__ import annotations

import contextlib
import pathlib
import typing as t

from .common import run


@contextlib.contextmanager
def mounted(disk: pathlib.Path, folder: pathlib.Path) -> t.Iterator[pathlib.Path]:
    """Mount a disk for a while and give the folder where it is seen."""
    folder.mkdir(exist_ok=True)
    run(["mount", "-o", "loop", disk, folder])
    try:
        yield folder
    finally:
        run(["umount", folder])
