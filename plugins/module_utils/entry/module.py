# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way out of a module: results, warnings and its line in the host's log leave it without secrets."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..core import secrets

LONGEST_LINE = 4096
ONLY_HIDDEN = "# What differs here is a secret, and is not shown.\n"


class MaskingModule(AnsibleModule):
    """AnsibleModule whose results, warnings and log hold no secret, and a diff only where it was asked for."""

    def _log_invocation(self) -> None:
        """Log how the module was called. Ansible would log the options as they are, with the whole content of files."""
        self.log(f"Invoked with {json.dumps(self._invocation(), sort_keys=True, default=str)}"[:LONGEST_LINE])

    def _invocation(self) -> t.Any:
        """Return the options without their secrets. These, and those of the environment, are secret wherever they stand since."""
        given = dict(getattr(self, "params", None) or {})
        secrets.learn_all(given)
        secrets.learn_all(dict(os.environ))
        return secrets.shown(given)

    def _told(self, result: dict[str, t.Any]) -> dict[str, t.Any]:
        diff = result.pop("diff", None)
        told = {"invocation": {"module_args": self._invocation()}, **secrets.shown(result)}
        if diff and self._diff:
            told["diff"] = [shown_step(step) for step in diff]
        return told

    def exit_json(self, **result: t.Any) -> t.NoReturn:
        """End the module with its result."""
        super().exit_json(**self._told(result))

    def fail_json(self, msg: str, **result: t.Any) -> t.NoReturn:
        """End the module with what is in the way."""
        super().fail_json(msg=secrets.masked(msg), **self._told(result))

    def warn(self, warning: str, **more: t.Any) -> None:
        """Tell the operator something."""
        super().warn(secrets.masked(warning), **more)


def shown_step(step: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return one entry of a diff without secrets. Where nothing else differs, that is said."""
    shown: dict[str, t.Any] = secrets.shown(step)
    if shown["before"] == shown["after"] and step["before"] != step["after"]:
        shown["after"] += ONLY_HIDDEN
    return shown
