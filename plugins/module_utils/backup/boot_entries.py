# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot entries that must not come back with what was saved: their kernel or initramfs is gone, so that they boot nothing."""

from __future__ import annotations

import os

from ..core.host_io import Target
from ..facts import boot_loader
from ..text import bls
from . import states as file_states
from .contents import Contents

# Why such an entry is not put back, for a person.
DEAD = "was changed since the swap, and its kernel went with its package"


def dead_entries(target: Target, states: file_states.States, contents: Contents) -> list[str]:
    """Return those of the paths that are boot entries whose kernel or initramfs is not on the host, given what they held."""
    return sorted(
        path for path, state in states.items()
        if state is not None and state.kind == file_states.FILE and _is_entry(path)
        and boot_loader.missing_images(target.root, _entry(path, file_states.text_of(contents, state) or "")))


def _is_entry(path: str) -> bool:
    return os.path.dirname(path) == boot_loader.ENTRIES and path.endswith(".conf")


def _entry(path: str, text: str) -> bls.Entry:
    return bls.Entry(os.path.basename(path)[:-len(".conf")], path, text)
