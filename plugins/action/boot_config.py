# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run boot_config, or say why the host is refused where its Python cannot run it."""

from __future__ import annotations

import getpass
import socket
import typing as t

from ansible_collections.centos.hyperscale.plugins.plugin_utils._refusing import RefusingAction


class ActionModule(RefusingAction):
    """The controller's part of boot_config."""

    def module_defaults(self) -> dict[str, t.Any]:
        """Say who runs this, for anyone who tries at the same time."""
        return {"controller": f"{getpass.getuser()} on {socket.gethostname()}"}
