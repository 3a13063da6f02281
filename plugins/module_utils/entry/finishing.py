# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What settles at boot a transaction that a restart of the host has cut: all sections, and nothing of Ansible. Detached."""

from __future__ import annotations

from ..core import guard_fire
from ..core.guard_cut import CutGuard
from ..sections.registry import REGISTRY

ENTRY = "entry.finishing"


def main(verb: str, folder: str) -> int:
    """Act as a unit of the guard."""
    return guard_fire.main(CutGuard(REGISTRY.kinds), verb, folder)
