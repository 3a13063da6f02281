# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdict and findings beside the report: the same objects, and nothing where there is no report."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.plugin_utils import reporting


@pytest.mark.parametrize("answer", [
    {"failed": True, "msg": "no"}, {"report": {"verdict": "drop_in", "findings": [{"key": "1"}]}}])
def test_parts_of_the_report(monkeypatch, answer):
    monkeypatch.setattr(reporting.RefusingAction, "run", lambda self, tmp, task_vars: dict(answer))
    result = reporting.ReportingAction.run(object.__new__(reporting.ReportingAction))
    if "report" in answer:
        assert result["verdict"] == "drop_in" and result["findings"] is result["report"]["findings"]
    else:
        assert result == answer
