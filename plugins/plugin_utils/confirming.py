# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module that may hand the network over, then reach the host over a new connection and confirm."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.centos.hyperscale.plugins.plugin_utils.refusing import RefusingAction

CONFIRMING = "centos.hyperscale.network_handover"
# Between attempts to connect: switches and neighbours may take a moment to learn where the host is.
RETRY_SECONDS = 2.0
# What the host returns that is to be told as it is after the confirmation.
CURRENT = ("pending", "host", "reboot")


def waits(result: t.Mapping[str, t.Any]) -> bool:
    """Say whether a result leaves a hand-over of the network open."""
    return any(pending["section"] == "network" and pending["waits_for"] == "proof" for pending in result.get("pending") or [])


class ConfirmingAction(RefusingAction):
    """The controller's part of modules that hand the network over: converge, and network_handover itself."""

    def confirms(self) -> bool:
        """Say whether this task is to confirm what its module left open.

        What converge brought about is for the proof to confirm, what it took back is confirmed here. A hand-over is, unless the
        task leaves that to somebody else.
        """
        args = self._task.args
        wanted = args.get("state") == "undone" if self.module == "converge" else boolean(args.get("confirm", True))
        return wanted and not self._task.check_mode

    def is_confirmation(self) -> bool:
        """Say whether this task itself is one: its connection must be a new one then.

        What waited for the proof that converge is told of may be the network.
        """
        args = self._task.args
        return boolean(args.get("proven", False)) if self.module == "converge" else args.get("state") == "confirmed"

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        if self.is_confirmation():
            self._reconnect()
        result = super().run(tmp, task_vars)
        if result.get("failed") or not waits(result) or not self.confirms():
            return result
        answer = self._confirm(task_vars)
        warnings = [*(result.get("warnings") or []), *(answer.get("warnings") or [])]
        if warnings:
            result["warnings"] = answer["warnings"] = warnings
        if answer.get("failed"):
            return {**result, **answer, "confirmed": False}
        result.update({name: answer[name] for name in CURRENT}, confirmed=True)
        result["actions"] = [*result["actions"], *answer["actions"]]
        return result

    def _confirm(self, task_vars: dict[str, t.Any] | None) -> dict[str, t.Any]:
        """Confirm over a connection that is opened now; tried until the host has gone back for sure."""
        options = {"state": "confirmed", **self.module_defaults()}
        passed_on = ("key_fingerprints", "lock_timeout", "roles")
        options.update({name: self._task.args[name] for name in passed_on if name in self._task.args})
        deadline = time.monotonic() + self.patience()
        while True:
            try:
                self._reconnect()
                return self._execute_module(module_name=CONFIRMING, module_args=options, task_vars=task_vars)
            except AnsibleConnectionFailure:
                if time.monotonic() > deadline:
                    raise
            time.sleep(RETRY_SECONDS)

    def _reconnect(self) -> None:
        """Have the next command open a connection of its own; of connections that persist, that of ssh can do so."""
        if hasattr(self._connection, "reset"):
            self._connection.reset()

    def patience(self) -> float:
        """Return for how many seconds a new connection is tried: as long as the host itself waits."""
        return float(self._task.args.get("confirm_seconds", 120.0))
