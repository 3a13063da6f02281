# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback for benchmark and tests: counts what really runs on each host, by module."""

from __future__ import annotations

import collections
import json
import os

from ansible.plugins.callback import CallbackBase

# Actions that never leave the controller.
LOCAL = {
    "assert", "debug", "fail", "include_role", "import_role", "include_tasks", "set_fact", "validate_argument_spec", "meta",
}


class CallbackModule(CallbackBase):
    """Writes {host: {module: calls}} to the file that COUNT_CALLS names."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "count_calls"

    def __init__(self):
        super().__init__()
        self.calls = collections.defaultdict(collections.Counter)

    def _count(self, result, **_more):
        name = result._task.action.rsplit(".", 1)[-1]
        if name not in LOCAL:
            self.calls[result._host.get_name()][name] += 1

    v2_runner_on_ok = v2_runner_on_failed = _count

    def v2_playbook_on_stats(self, stats):
        """Write the counts."""
        with open(os.environ["COUNT_CALLS"], "w", encoding="utf-8") as handle:
            json.dump(self.calls, handle)
