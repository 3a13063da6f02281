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
    description: Seconds to wait for the locks of dnf and rpm, and for a guard that settles what a restart of the host has cut;
      then the holder is named and nothing is changed.
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
  way_back:
    description: What to do where a build that leaves the host could not be brought back, because no repository that is enabled
      there offers exactly it any more. V(exact) refuses before anything is changed, V(available) saves what is on offer and
      does without the rest. Who goes to stock is never held up by that.
    type: str
    choices: [exact, available]
    default: exact
    version_added: 0.4.0
  saved_days:
    description: Days that packages and files are kept which were saved before a change. V(0) keeps them for as long as the change
      can be taken back. What is older goes with the next run that changes something, and its way back is then by the
      repositories.
    type: int
    default: 0
    version_added: 0.4.0
"""
