# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts after role converge with sections of their own."""

from __future__ import annotations

import json


def test_file_has_the_wanted_attributes(host):
    unit = host.file("/etc/systemd/system/lab-hello.service")
    assert (unit.mode, unit.user, unit.group) == (0o644, "root", "root")
    assert "ExecStart=/usr/bin/echo hello" in unit.content_string


def test_file_that_was_to_go_is_gone(host):
    assert not host.file("/etc/lab-old.conf").exists


def test_units_are_as_wanted(host):
    assert host.service("lab-hello.service").is_enabled
    assert host.service("lab-hello.service").is_running
    assert host.check_output("systemctl show -p LoadState --value lab-unwanted.service") == "masked"


def test_ledger_keeps_what_was_before(host):
    lines = [json.loads(line) for line in host.check_output("cat /var/lib/centos-hyperscale/ledger/*.jsonl").splitlines()]
    began = [line for line in lines if line["event"] == "intent"]
    gone = next(line for line in began if line["action"]["subject"] == "/etc/lab-old.conf")
    assert gone["action"]["args"] == {"old": ["old\n", "0640", "root", "root"], "new": None}
    assert len(began) == len([line for line in lines if line["event"] == "verified"])
    assert sorted(line["action"]["kind"] for line in began) == ["file", "file", "unit", "unit", "unit", "unit-reload"]
    assert lines[-1]["event"] == "run-ended"
