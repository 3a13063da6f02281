# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of how a run goes about it."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module that plans or runs the engine."""

    DOCUMENTATION = r"""
options:
  lock_timeout:
    description: Seconds to wait for the locks of dnf and rpm; then the holder is named and nothing is changed.
    type: int
    default: 300
  key_fingerprints:
    description: Full fingerprints of the keys that sign Hyperscale builds.
    type: list
    elements: str
    default: [9B04530E0ED6ABC4B2C358DD2A01FA2AEB3DAC40]
  controller:
    description: A name for who runs this, told to anyone who tries at the same time. Default is the user and the name of
      the controller.
    type: str
"""
