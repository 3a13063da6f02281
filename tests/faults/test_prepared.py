# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts as operators leave them are adopted and taken back, and are then what they were."""

from __future__ import annotations

import pytest

from lab import hosts

from . import prepared
from .conftest import WORKER, LiveHost, repositories

NUMBERS = range(6)
BEFORE = "before"
ACCOUNTS = ("/etc/passwd", "/etc/group")
# What stays on purpose, and settings of the host's own files, which systemd applies.
MEANT = ("rollback.left", "sysctl.reset")
# What fingerprint.py does not see: each must say the same before and after.
PROBES = (
    ("iptables-nft-save",), ("dnf", "-q", "repolist", "--all"),
    ("dnf", "-q", "repoquery", "--installed", "--qf", "%{name} %{reason}"),
    ("systemctl", "is-system-running"), ("systemctl", "show", "--property=DefaultLimitNOFILE"),
)


@pytest.fixture(name="live", params=[9, 10], ids=["stream9", "stream10"])
def fixture_live(request, images):
    live = LiveHost(f"prepared-{WORKER}-{request.param}", request.param, images)
    yield live
    hosts.remove(live.host)


def prepare(live, number):
    """Do to a host what its operators did, and return its plan."""
    plan = prepared.host(live.stream, number)
    for preparation in plan.preparations:
        for path, text in preparation.files.items():
            live.command("mkdir", "-p", path.rpartition("/")[0])
            live.write(path, text)
        for argv in preparation.commands:
            live.command(*argv)
    print(f"prepared: {', '.join(preparation.name for preparation in plan.preparations)}; {plan.sections}")
    return plan


def probes(live):
    """Return what the probes say, each line with its command, without counters and times."""
    return [
        f"{' '.join(argv)}: {line}" for argv in PROBES for line in hosts.command(live.host, argv).stdout.splitlines()
        if not line.startswith(("#", ":"))]


def accounts(live):
    """Return the lines of each file of users and groups."""
    return [live.command("cat", path).splitlines() for path in ACCOUNTS]


def adopt(live, sections):
    """Predict, keep a snapshot, adopt and prove, as the playbook does."""
    wishes = {"repositories": [repositories()], **sections}
    report = live.module("dropin_info", wishes)["report"]
    names = sorted({package["name"] for package in report["packages"]})
    live.module("host_snapshot", {"id": BEFORE, "names": names})
    result = live.converge(**wishes)
    assert result.get("changed"), result
    proof = live.module("proof_info", {"snapshot": BEFORE})
    assert proof["verdict"] != "unknown", proof["text"]


def back(live):
    """Take everything back and return the findings that count, but for what is so on purpose."""
    result = live.module("converge", {"state": "undone"})
    assert result.get("changed") and not result.get("failed"), result
    assert result.get("snapshot", BEFORE) == BEFORE
    proof = live.module("proof_info", {"snapshot": BEFORE, "phase": "rollback"})
    return [
        f"{finding['check']} [{finding['severity']}] {finding['diagnosis']}" for finding in proof["findings"]
        if finding["severity"] != "info" and not finding["baseline"] and finding["check"] not in MEANT]


def differences(live, before):
    """Return what is not as it was and has no reason to be."""
    owned = set(live.command("rpm", "-qa", "--qf", "[%{FILENAMES}\n]").splitlines())
    return prepared.differences(before, live.fingerprint(), owned)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_prepared_host_goes_back_to_what_it_was(live, number):
    plan = prepare(live, number)
    before, said, people = live.fingerprint(), probes(live), accounts(live)
    adopt(live, plan.sections)
    found = back(live) + differences(live, before)
    now = probes(live)
    found += [f"gone: {line}" for line in said if line not in now] + [f"new: {line}" for line in now if line not in said]
    found += [line for old, new in zip(people, accounts(live)) for line in prepared.accounts(old, new)]
    assert not found, "\n".join(found)
    assert live.module("converge", {"state": "undone"})["changed"] is False


@pytest.mark.parametrize("number", NUMBERS[:2])
def test_what_was_edited_since_survives(live, number):
    plan = prepare(live, number)
    before = live.fingerprint()
    adopt(live, plan.sections)
    for argv, _path, _line in prepared.LATER:
        live.command(*argv)
    live.write("/etc/systemd/system/later.service", "[Service]\nExecStart=/usr/bin/true\n")
    live.command("useradd", "--system", "later")
    live.command("dnf", "-y", "-q", "install", "libndp")
    back(live)
    for _argv, path, line in prepared.LATER:
        assert live.command("tail", "-n", "1", path) == line, path
    assert live.command("cat", "/etc/systemd/system/later.service").endswith("/usr/bin/true")
    assert live.command("id", "--user", "later") and live.command("rpm", "-q", "libndp")
    edited = {path for _argv, path, _line in prepared.LATER}
    assert [line for line in differences(live, before) if line.split(":")[0] in edited] != []
