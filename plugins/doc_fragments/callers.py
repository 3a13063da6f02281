# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of who calls."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of every module that roles of this collection call."""

    DOCUMENTATION = r"""
options:
  roles:
    description: For the roles of this collection alone. The roles whose variables the other options are from, so that remedies
      name these variables. Without it remedies name options of the module.
    type: list
    elements: str
    default: []
    version_added: 0.6.0
"""
