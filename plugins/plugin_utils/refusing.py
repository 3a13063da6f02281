# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module; where the host's Python cannot run it at all, say whether the host is one that is refused."""

from __future__ import annotations

import getpass
import socket
import typing as t

from ansible import constants
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import system
from ansible_collections.centos.hyperscale.plugins.module_utils.text import masking

READ_OS_RELEASE = "cat /etc/os-release"
# Where AnsiballZ unpacks a module. A swap may bring a unit that mounts a tmpfs over /tmp, over the running module as well.
TEMPORARY = {"TMPDIR": "/var/tmp"}
# The setting by which a module reports how it was invoked, and the variable that sets it for one task.
INVOCATION, ASK_FOR_INVOCATION = "INJECT_INVOCATION", {"ansible_inject_invocation": True}
# The modules that note on the host who runs them, for anyone who tries at the same time.
NOTING_WHO = ("alternative", "boot_config", "converge", "network_handover", "package_swap")


def could_not_run(result: t.Mapping[str, t.Any]) -> bool:
    """Tell a module that never ran from one that failed: the module itself reports how it was invoked."""
    return bool(result.get("failed")) and not result.get("unreachable") and "invocation" not in result


def keeps_invocation(task_vars: t.Mapping[str, t.Any]) -> bool:
    """Say whether results are to have how the module was invoked: from ansible-core 2.21 on only where that is asked for."""
    if INVOCATION not in constants.config.get_configuration_definitions():
        return True
    return bool(constants.config.get_config_value(INVOCATION, variables=task_vars))


def who() -> str:
    """Return the name of the user and the machine that run this."""
    return f"{getpass.getuser()} on {socket.gethostname()}"


class RefusingAction(ActionBase):
    """The controller's part of modules that a retired stream's Python cannot run."""

    @property
    def module(self) -> str:
        """The name of the task's module within this collection: several share one action."""
        return self._task.action.rpartition(".")[2]

    def module_defaults(self) -> dict[str, t.Any]:
        """Return arguments that the controller knows best, for what the task does not say."""
        return {"controller": who()} if self.module in NOTING_WHO else {}

    def _compute_environment_string(self, raw_environment_out: dict[str, t.Any] | None = None) -> str:
        """Return the environment of the remote command: that of the task and, unless it names one, a temporary folder."""
        environment: dict[str, t.Any] = {}
        super()._compute_environment_string(environment)
        environment = {**TEMPORARY, **environment}
        if raw_environment_out is not None:
            raw_environment_out.clear()
            raw_environment_out.update(environment)
        return self._connection._shell.env_prefix(**environment)

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        wanted = keeps_invocation(task_vars or {})
        asking = task_vars if wanted else {**(task_vars or {}), **ASK_FOR_INVOCATION}
        try:
            answer = self._execute_module(module_args={**self.module_defaults(), **self._task.args}, task_vars=asking)
        except AnsibleConnectionFailure:
            raise
        except AnsibleError as error:
            # No usable Python was found on the host.
            refusal = self._refusal()
            if refusal is None:
                raise
            result.update(failed=True, msg=refusal, cause=str(error))
            return result
        if could_not_run(answer):
            # What Python prints of an error did not go through the module's own way out.
            answer = masking.shown(answer)
        refusal = self._refusal() if could_not_run(answer) else None
        if not wanted:
            answer.pop("invocation", None)
        if refusal is None:
            result.update(answer)
        else:
            result.update(failed=True, msg=refusal, cause=answer.get("msg"))
        return result

    def _refusal(self) -> str | None:
        """Return the refusal that os-release alone allows, None for a system that would be supported."""
        answer = self._low_level_execute_command(READ_OS_RELEASE)
        if answer.get("rc") != 0:
            return None
        problem = system.system_refusal(system.parse(answer["stdout"]))
        return str(problem) if problem else None
