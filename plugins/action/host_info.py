# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module, or say why its host is refused; meta/runtime.yml has the other modules of this kind."""

from __future__ import annotations

from ansible_collections.centos.hyperscale.plugins.plugin_utils.refusing import RefusingAction


class ActionModule(RefusingAction):
    """The controller's part of host_info, alternative, boot_config, host_snapshot and package_swap."""
