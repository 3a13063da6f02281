# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight said of hosts that were prepared to be hurt; that it changed nothing is proven by the fingerprints."""

from __future__ import annotations

import json
import os
import pathlib

import jsonschema
import pytest

REPORTS = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "reports"
SCHEMA = pathlib.Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]) / "docs" / "dropin-report.schema.json"


@pytest.fixture
def report(host):
    return json.loads((REPORTS / f"{host.backend.get_hostname()}.prediction.json").read_text())


def of(report, check, name):
    return [finding for finding in report["findings"] if finding["check"] == check and finding["subject"]["name"] == name]


def names(findings):
    return {consumer["name"] for finding in findings for consumer in finding["consumers"]}


def test_report_has_the_published_form(report):
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))


def test_all_checks_of_the_phase_were_carried_out(report):
    assert [check for check in report["checks"] if check["status"] == "error"] == []
    assert report["verdict"] == "not_drop_in"


def test_the_unit_that_calls_a_removed_tool_is_named(report):
    found = of(report, "file.removed", "/usr/sbin/telinit")
    assert names(found) == {"/etc/systemd/system/lab-local.service"}
    assert found[0]["severity"] == "high"


def test_a_call_in_a_comment_is_not_one(report):
    assert names(of(report, "file.removed", "/usr/sbin/runlevel")) == set()


def test_a_required_unit_that_goes_asks_for_a_decision(report):
    found = of(report, "unit.vanished", "runlevel3.target")
    assert "/etc/systemd/system/lab-old.target" in names(found)
    assert found[0]["blocking"]


def test_an_edited_configuration_file_will_get_a_second_one_beside(report):
    assert of(report, "config.rpmnew", "/etc/systemd/logind.conf")


def test_only_headers_were_fetched(report):
    assert report["cost"]["bytes_read"] < report["cost"]["bytes_offered"] / 10


def test_person_and_packager_get_a_text(host):
    name = host.backend.get_hostname()
    assert "lab-local.service" in (REPORTS / f"{name}.prediction.txt").read_text()
    assert "Steps:" in (REPORTS / f"{name}.prediction.bugs.txt").read_text()
