# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which problem a step raises."""

from __future__ import annotations

from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed


def code_of(act):
    """Return the code of what an act fails with, empty where it does not fail."""
    try:
        act()
    except Failed as failed:
        return failed.problems[0].code
    return ""
