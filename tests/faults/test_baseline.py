# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts on which something was broken before: plan, swap, proof and later looks go on, and name what is new."""

from __future__ import annotations

import json

import pytest

from .conftest import repositories

SYSTEMD = {"packages": [{"family": "systemd"}], "manager": [{}]}
# Fails whenever it is started.
BROKEN = "[Unit]\nDescription=Fails\n[Service]\nType=oneshot\nExecStart=/bin/false\n[Install]\nWantedBy=multi-user.target\n"
TIMER = "[Timer]\nOnUnitInactiveSec=5s\nOnActiveSec=1s\nAccuracySec=100ms\n[Install]\nWantedBy=timers.target\n"
WORKS = "[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"


def start(live, name, text):
    """Have a unit, and start it."""
    live.write(f"/etc/systemd/system/{name}", text)
    live.command("systemctl", "daemon-reload")
    live.command("sh", "-c", f"systemctl start {name} || :")


def failed(live):
    """Return what host_info says of failed units."""
    found = live.module("host_info", {"gather": ["systemd"]})["host"]["systemd"]
    return set(found["failed_units_new"]), set(found["failed_units_before"]), found["failed_units_better"]


def adopted(live):
    """Adopt systemd with a snapshot and its prediction, and return the findings of the proof about failed units."""
    wanted = {"repositories": [repositories()], **SYSTEMD}
    prediction = live.module("dropin_info", wanted)
    live.module("host_snapshot", {"id": prediction["report"]["run_id"], "names": ["systemd"], "prediction": prediction["report"]})
    done = live.converge(**wanted)
    assert done["changed"] and "msg" not in done, done
    return proof(live)


def proof(live):
    report = live.module("proof_info", {})["report"]
    return {one["subject"]["name"]: one["baseline"] for one in report["findings"] if one["check"] == "unit.failed"}


@pytest.mark.parametrize("reset", [False, True], ids=["failed", "reset-before"])
def test_a_unit_that_was_failed_before(host, reset):
    live = host
    start(live, "broken.service", BROKEN)
    assert live.state() == "degraded"
    assert failed(live) == (set(), {"broken.service"}, [])
    if reset:
        live.command("systemctl", "reset-failed", "broken.service")
    found = adopted(live)
    assert found == ({} if reset else {"broken.service": True})
    # Somebody resets it, and it fails again after the swap.
    live.command("systemctl", "reset-failed")
    assert failed(live)[0] == set()
    live.command("sh", "-c", "systemctl start broken.service || :")
    assert failed(live) == (set(), {"broken.service"}, [])
    assert proof(live) == {"broken.service": True}
    # Neither a confirmation nor a second run is kept from going on.
    assert "msg" not in live.converge(repositories=[repositories()], **SYSTEMD)
    # What is new is named.
    start(live, "new.service", BROKEN)
    assert failed(live) == ({"new.service"}, {"broken.service"}, [])
    assert proof(live) == {"broken.service": True, "new.service": False}
    # And after the way back what was broken before is still no news.
    assert live.module("converge", {"state": "undone"}).get("changed")
    assert failed(live)[0] == {"new.service"}


def test_a_job_that_fails_each_time_its_timer_starts_it(host9):
    live = host9
    live.write("/etc/systemd/system/hourly.service", BROKEN.partition("[Install]")[0])
    start(live, "hourly.timer", TIMER)
    live.command("sh", "-c", "for n in $(seq 10); do journalctl -u hourly | grep -q 'Failed with' && break; sleep 1; done")
    assert set(adopted(live).values()) <= {True}
    assert failed(live)[0] == set()


def test_instances_and_a_unit_with_another_name(host9):
    live = host9
    live.write("/etc/systemd/system/many@.service", BROKEN.replace("/bin/false", "/bin/sh -c 'test %i = 2'"))
    start(live, "old.service", BROKEN)
    for number in (1, 2):
        live.command("sh", "-c", f"systemctl daemon-reload; systemctl start many@{number}.service || :")
    before = adopted(live)
    assert before == {"many@1.service": True, "old.service": True}
    live.command("rm", "/etc/systemd/system/old.service")
    live.command("systemctl", "reset-failed", "old.service")
    start(live, "renamed.service", BROKEN)
    live.command("sh", "-c", "systemctl start many@3.service || :")
    assert failed(live)[0] == set() and {"renamed.service", "many@3.service"} <= failed(live)[1]


def test_what_got_better_is_no_error(host9):
    live = host9
    start(live, "broken.service", BROKEN)
    adopted(live)
    start(live, "broken.service", WORKS)
    live.command("systemctl", "restart", "broken.service")
    assert failed(live) == (set(), set(), ["broken.service"])


def test_the_first_run_of_an_adoption_counts(host9):
    live = host9
    adopted(live)
    start(live, "new.service", BROKEN)
    # The second run begins with it, and it is no less new for that.
    assert live.converge(files=[{"path": "/etc/motd.d/second", "content": "two\n"}])["changed"]
    assert failed(live)[0] == {"new.service"}
    noted = live.command("sh", "-c", "head -n 2 /var/lib/centos-hyperscale/ledger/*.jsonl | grep run-began").splitlines()
    assert [sorted(json.loads(line)["baseline"]["failed"]) for line in noted] == [[], []]
