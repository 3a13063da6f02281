# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module that reports findings, and lay verdict and findings beside the report.

They are parts of the report and neither sent nor kept twice: a fleet's reports are large.
"""

from __future__ import annotations

import typing as t

from ansible_collections.centos.hyperscale.plugins.plugin_utils.refusing import RefusingAction


class ReportingAction(RefusingAction):
    """The controller's part of modules that return a report."""

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        report = result.get("report")
        if report:
            result.update(verdict=report["verdict"], findings=report["findings"])
        return result
