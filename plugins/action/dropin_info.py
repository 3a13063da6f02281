# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module that returns a report; meta/runtime.yml has the other modules of this kind."""

from __future__ import annotations

from ansible_collections.centos.hyperscale.plugins.plugin_utils.reporting import ReportingAction


class ActionModule(ReportingAction):
    """The controller's part of dropin_info and proof_info."""
