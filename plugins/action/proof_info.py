# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run proof_info, or say why the host is refused where its Python cannot run it."""

from __future__ import annotations

from ansible_collections.centos.hyperscale.plugins.plugin_utils._reporting import ReportingAction


class ActionModule(ReportingAction):
    """The controller's part of proof_info."""
