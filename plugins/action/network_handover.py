# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run network_handover, or say why the host is refused where its Python cannot run it."""

from __future__ import annotations

import getpass
import socket
import typing as t

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.centos.hyperscale.plugins.plugin_utils._confirming import ConfirmingAction


class ActionModule(ConfirmingAction):
    """The controller's part of network_handover."""

    def module_defaults(self) -> dict[str, t.Any]:
        """Say who runs this, for anyone who tries at the same time."""
        return {"controller": f"{getpass.getuser()} on {socket.gethostname()}"}

    def is_confirmation(self) -> bool:
        """Say whether it only confirms."""
        return self._task.args.get("state") == "confirmed"

    def confirms(self) -> bool:
        """Confirm unless the task leaves that to somebody else."""
        return boolean(self._task.args.get("confirm", True)) and not self._task.check_mode

    def patience(self) -> float:
        """Return the seconds that the host itself waits."""
        return float(self._task.args.get("confirm_seconds", super().patience()))
