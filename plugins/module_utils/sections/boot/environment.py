# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one writer of GRUB's environment block. Detached code holds a copy of this module."""

from __future__ import annotations

import typing as t

from ...core import boot_disk
from ...core.host_io import FileState, Target
from ...text import grubenv


def put_variables(target: Target, path: str, changes: t.Mapping[str, str | None]) -> None:
    """Set variables of the environment block, C(None) takes one away; GRUB sees them from then on.

    A block that is there is written in place, as GRUB and grub2-editenv do: a full /boot has no room for a second one.
    """
    held = target.read(path) or FileState("", "0600", "root", "root")
    content = grubenv.with_variables(held.content, changes)
    if content != held.content and grubenv.valid(held.content):
        boot_disk.overwrite(target.path(target.final(path)), content.encode("utf-8", "surrogateescape"))
    elif content != held.content:
        target.write(path, held._replace(content=content))
    boot_disk.flush(path, target.root)
