# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module that may hand the network over, and confirm; meta/runtime.yml has the other modules of this kind."""

from __future__ import annotations

from ansible_collections.centos.hyperscale.plugins.plugin_utils.confirming import ConfirmingAction


class ActionModule(ConfirmingAction):
    """The controller's part of converge and network_handover."""
