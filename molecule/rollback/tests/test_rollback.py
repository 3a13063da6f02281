# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts after an adoption and the way back: their packages, and what their operators had done to them."""

from __future__ import annotations

import json
import os
import pathlib

import pytest

REPORTS = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "reports"


@pytest.fixture(name="report")
def fixture_report(host):
    return json.loads((REPORTS / f"{host.backend.get_hostname()}.rollback.json").read_text())


def test_the_builds_are_those_of_before(host):
    assert sorted(host.check_output("rpm -qa --qf '%{NEVRA}\\n'").splitlines()) == host.file("/srv/builds").content_string.split()


def test_the_proof_is_of_the_way_back_and_clean(report):
    assert report["phase"] == "rollback"
    assert [finding["diagnosis"] for finding in report["findings"] if finding["severity"] in ("medium", "high")] == []


def test_edits_are_as_they_were(host):
    assert host.file("/etc/systemd/logind.conf").content_string.endswith("\nKillUserProcesses=no\n")
    assert host.file("/etc/systemd/journald.conf").mode == 0o600
    assert host.file("/etc/dnf/dnf.conf").content_string.endswith("\nexcludepkgs=dnsmasq\n")
    assert host.file("/etc/dnf/plugins/versionlock.list").content_string == "iptables-libs-0:1.0-1.*\n"
    assert host.check_output("systemctl is-enabled debug-shell.service || :") == "masked"


@pytest.mark.parametrize("path", [
    "/etc/systemd/system/system.slice.d", "/etc/yum.repos.d/CentOS-Stream-Hyperscale.repo", "/etc/systemd/logind.conf.rpmnew",
    "/etc/systemd/logind.conf.rpmsave"])
def test_nothing_of_the_adoption_is_left(host, path):
    assert not host.file(path).exists


def test_repositories_are_gone(host):
    assert "hyperscale" not in host.check_output("dnf -q repolist --all")


def test_nothing_failed(host):
    assert host.check_output("systemctl is-system-running") == "running"
    assert host.run("systemctl restart user@0.service").rc == 0
