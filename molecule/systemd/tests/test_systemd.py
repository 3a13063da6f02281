# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts after role systemd: the packages, what PID 1 runs, and that nothing broke."""

from __future__ import annotations

import json
import os
import pathlib
import re

import jsonschema
import pytest

REPORTS = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "reports"
SCHEMA = pathlib.Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]) / "docs" / "dropin-report.schema.json"


def family(host):
    """Return the installed packages of the source systemd: name to (version, release)."""
    rows = host.check_output("rpm -qa --qf '%{NAME} %{VERSION} %{RELEASE} %{SOURCERPM}\\n'").splitlines()
    parts = [row.split() for row in rows]
    return {name: (version, release) for name, version, release, source in parts if re.match(r"systemd-\d", source)}


def test_the_whole_family_is_one_hyperscale_build(host):
    found = family(host)
    assert {"systemd", "systemd-libs", "systemd-pam", "systemd-udev", "systemd-resolved"} <= set(found)
    assert len(set(found.values())) == 1
    assert ".hs." in found["systemd"][1]


def test_the_jump_is_the_true_one(host):
    assert int(family(host)["systemd"][0].split(".")[0]) >= 260


def test_pid_1_runs_what_is_installed(host):
    says = host.check_output(
        "busctl get-property org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager Version")
    assert family(host)["systemd"][0] in says
    assert not host.check_output("readlink /proc/1/exe").endswith("(deleted)")


def test_nothing_failed(host):
    assert host.check_output("systemctl is-system-running") == "running"
    assert host.check_output("systemctl --failed --no-legend") == ""


def test_a_new_login_gets_a_user_manager(host):
    # An old logind refuses the session class that the new pam_systemd asks for.
    host.check_output("systemctl restart user@0.service")
    assert host.check_output("systemctl is-active user@0.service") == "active"
    assert host.check_output("systemctl is-system-running") == "running"


def test_dracut_came_along_where_the_build_conflicts_with_the_stock_one(host):
    assert ".hs." in host.check_output("rpm -q dracut")


def test_what_nobody_asked_for_is_not_there(host):
    assert not host.package("systemd-networkd").is_installed


@pytest.fixture
def proof(host):
    return json.loads((REPORTS / f"{host.backend.get_hostname()}.proof.json").read_text())


def finding(report, check, name):
    found = [entry for entry in report["findings"] if entry["check"] == check and entry["subject"]["name"] == name]
    assert len(found) == 1, [(entry["check"], entry["subject"]["name"]) for entry in report["findings"]]
    return found[0]


def test_nothing_happened_that_was_not_predicted(proof):
    by_key = {entry["key"]: entry for entry in proof["findings"]}
    assert [by_key[key]["diagnosis"] for key in proof["joined"]["not_predicted"]] == []
    assert len(proof["joined"]["happened"]) > 100


def test_every_check_of_the_proof_was_carried_out(proof):
    assert [check for check in proof["checks"] if check["status"] == "error"] == []


def test_proof_has_the_published_form(proof):
    jsonschema.validate(proof, json.loads(SCHEMA.read_text()))


def test_the_local_unit_that_calls_a_removed_tool_is_named(proof):
    found = finding(proof, "file.removed", "/usr/sbin/telinit")
    assert [consumer["name"] for consumer in found["consumers"]] == ["/etc/systemd/system/lab-local.service"]
    assert found["severity"] == "high"


def test_a_waived_finding_stays_visible(proof):
    found = finding(proof, "unit.vanished", "runlevel3.target")
    assert (found["severity"], found["blocking"], found["waiver"]["by"]) == ("high", False, "the scenario")


def test_the_second_configuration_file_lies_where_it_was_foretold(host, proof):
    finding(proof, "config.rpmnew", "/etc/systemd/logind.conf")
    assert host.file("/etc/systemd/logind.conf.rpmnew").is_file
    assert host.file("/etc/systemd/logind.conf").contains("^KillUserProcesses=yes$")


def test_snapshot_is_for_root_alone(host):
    assert host.check_output("find /var/lib/centos-hyperscale/snapshots -perm /077") == ""
