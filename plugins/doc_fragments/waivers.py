# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of waivers."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of every module that reports findings."""

    DOCUMENTATION = r"""
options:
  waivers:
    description: Findings that somebody took on. They stay in the report with their severity, are no longer blocking, and do
      not count for the verdict.
    type: list
    elements: dict
    default: []
    suboptions:
      key:
        description: Key of the finding, 16 hex digits.
        type: str
        required: true
      by:
        description: Who decided.
        type: str
        required: true
      reason:
        description: Why.
        type: str
        required: true
      until:
        description: Last day on which the waiver holds, as YYYY-MM-DD, by UTC. After that it is a finding itself.
        type: str
        required: true
"""
