# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run converge, or say why the host is refused where its Python cannot run it."""

from __future__ import annotations

import getpass
import socket
import typing as t

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.centos.hyperscale.plugins.plugin_utils._confirming import ConfirmingAction


class ActionModule(ConfirmingAction):
    """The controller's part of converge."""

    def module_defaults(self) -> dict[str, t.Any]:
        """Say who runs this, for anyone who tries at the same time."""
        return {"controller": f"{getpass.getuser()} on {socket.gethostname()}"}

    def is_confirmation(self) -> bool:
        """What waited for a proof may be the network."""
        return boolean(self._task.args.get("proven", False))

    def confirms(self) -> bool:
        """What was taken back is confirmed here; what was brought about is for the proof to confirm."""
        return self._task.args.get("state") == "undone" and not self._task.check_mode
