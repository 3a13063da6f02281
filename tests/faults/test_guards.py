# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards under fire on live hosts: their tool fails, the power goes, somebody changes the state by hand, the ledger is gone.

That a wall clock does not matter is held by the unit tests: a container cannot set it. SELinux is on virtual machines only.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest

from lab import calls, hosts

from . import made
from .conftest import TREE
from .test_boot_room import INSISTS, SETTINGS, fixture_booted
from .test_cut_transactions import RUNS, SAVED, fixture_swap
from .test_handover import GRACE, GUARDS, fixture_before, fixture_net, ranked, wait_for_router

# Fixtures of other files, which pytest finds among the names of this one.
__all__ = ["fixture_booted", "fixture_swap", "fixture_before", "fixture_net"]

NM_DROP_IN = "/etc/systemd/system/NetworkManager.service.d"
# NetworkManager does not start as often as this says.
FAILS = """\
[Unit]
StartLimitIntervalSec=0
[Service]
Restart=no
ExecStartPre=/bin/sh -c 'echo >> /var/lib/lab-starts; test $(wc -l < /var/lib/lab-starts) -gt {}'
"""
UNITS = "/etc/systemd/system"
# Time to confirm, in seconds, in which somebody has done something on a machine that is busy.
AT_WORK = 60


def guard_of(live, kind):
    """Return the record of the newest guard of a kind; None where there is none, or the host cannot be reached."""
    shown = hosts.command(live.host, ["sh", "-c", f"cat $(ls -d {GUARDS}/{kind}-* | tail -n 1)/record.json"])
    return json.loads(shown.stdout) if shown.returncode == 0 and shown.stdout else None


def waited_for(live, kind, says, seconds=240):
    """Wait until the record of a guard is as wanted, and return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        record = guard_of(live, kind)
        if record is not None and says(record):
            return record
        time.sleep(1)
    raise AssertionError(f"the guard is not as wanted after {seconds} seconds: {guard_of(live, kind)}")


def ended(record):
    return record["state"] in ("back", "others")


def is_gone(live):
    """Assert that no unit of a guard is left, on the disk or in systemd."""
    assert "centos-hyperscale-guard" not in live.command("sh", "-c", f"ls -R {UNITS}")
    assert "centos-hyperscale-guard" not in live.command("systemctl", "list-timers", "--all", "--no-legend")
    assert live.command("systemctl", "--failed", "--no-legend") == ""


@pytest.fixture(name="failing")
def fixture_failing(net):
    """Have NetworkManager fail to start as often as is asked for."""
    def fails(times):
        net.command("mkdir", "-p", NM_DROP_IN)
        net.write(f"{NM_DROP_IN}/lab.conf", FAILS.format(times))
        net.command("rm", "-f", "/var/lib/lab-starts")
        net.command("systemctl", "daemon-reload")

    yield fails
    net.command("rm", "-rf", NM_DROP_IN)
    net.command("systemctl", "daemon-reload")


def test_network_tool_fails_three_times(net, before, failing):  # noqa: F811
    failing(3)
    assert net.hand_over(confirm=False, confirm_seconds=20)["pending"]
    record = waited_for(net, "network", ended)
    assert record["state"] == "back" and record["tries"] == 4 and len(record["attempts"]) == 3, record
    assert "NetworkManager" in record["attempts"][0]["failed"]
    assert net.settled(before, read=ranked) == ([], []) and net.runs() == ["NetworkManager.service"]
    is_gone(net)
    again = calls.run(net.arguments("network_handover", {"renderer": "networkmanager"}), TREE)
    told = " ".join((again.stdout + again.stderr).split())
    assert '"changed": false' in told and "[WARNING]: The host had to" in told and "by itself" in told, told


def test_network_power_goes_between_two_attempts(net, before, failing):  # noqa: F811
    failing(2)
    assert net.hand_over(confirm=False, confirm_seconds=20)["pending"]
    waited_for(net, "network", lambda record: record["tries"] >= 1)
    net.power_cut()
    record = waited_for(net, "network", ended)
    assert record["state"] == "back" and "nobody confirmed" in record["why"], record
    wait_for_router(net)
    assert net.settled(before, read=ranked) == ([], []) and net.runs() == ["NetworkManager.service"]


def test_network_somebody_edits_a_file_at_the_console(net, before):  # noqa: F811
    assert net.hand_over(confirm=False, confirm_seconds=AT_WORK)["pending"]
    path = net.command("sh", "-c", "ls /etc/systemd/network/50-centos-hyperscale-*.network | head -n 1")
    net.command("sh", "-c", f"echo '# mine' >> {path}")
    record = waited_for(net, "network", ended)
    assert record["state"] == "others" and path in record["why"], record
    assert net.runs() == ["systemd-networkd.service"] and net.command("tail", "-n", "1", path) == "# mine"
    is_gone(net)
    told = net.module("network_handover", {"state": "confirmed"})
    assert "did not go back" in told["msg"] and path in told["msg"], told
    net.command("sed", "-i", "$d", path)
    assert net.module("network_handover", {"state": "undone"})["confirmed"]


def test_network_ledger_is_gone(net, before):  # noqa: F811
    assert net.hand_over(confirm=False, confirm_seconds=AT_WORK)["pending"]
    net.command("mv", "/var/lib/centos-hyperscale/ledger", "/var/lib/lab-ledger")
    try:
        assert waited_for(net, "network", ended)["state"] == "back"
        assert net.settled(before, read=ranked) == ([], [])
    finally:
        net.command("mv", "/var/lib/lab-ledger", "/var/lib/centos-hyperscale/ledger")


def power_goes(swap, hold):
    """Cut the power while the transaction is in a scriptlet, which waits no more after that."""
    process = made.start(swap.live, "converge", swap.want, hold)
    hosts.power_cut(swap.live.host)
    (swap.live.host.folder / "root" / made.HOLD[1:] / hold).unlink()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    time.sleep(2)
    assert swap.live.state() in ("running", "degraded")


@pytest.mark.parametrize("hold", ["pre-beta-2", "post-gamma-2", "posttrans-gamma-2"])
def test_transaction_power_goes_and_the_host_completes_it_at_boot(swap, hold):  # noqa: F811
    power_goes(swap, hold)
    record = waited_for(swap.live, "transaction", ended)
    assert record["state"] == "back" and swap.installed() == swap.builds(2) and swap.is_as_shipped()
    is_gone(swap.live)
    result = swap.settled()
    assert result["interrupted"]["outcome"] in record["why"], (result, record)
    assert swap.settled()["interrupted"] is None


def test_transaction_a_run_that_comes_meanwhile_waits_for_the_guard(swap):  # noqa: F811
    power_goes(swap, "pre-beta-2")
    assert swap.settled()["interrupted"] and swap.installed() == swap.builds(2)


def test_transaction_packages_cannot_be_had_and_the_power_goes_again(swap):  # noqa: F811
    process = made.start(swap.live, "converge", swap.want, "pre-beta-2")
    swap.lose_what_is_kept(RUNS, SAVED)
    hosts.power_cut(swap.live.host)
    (swap.live.host.folder / "root" / made.HOLD[1:] / "pre-beta-2").unlink()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    waited_for(swap.live, "transaction", lambda record: record["tries"] >= 1)
    hosts.power_cut(swap.live.host)
    time.sleep(2)
    waited_for(swap.live, "transaction", lambda record: record["tries"] >= 3)
    swap.offer_again()
    assert waited_for(swap.live, "transaction", ended)["state"] == "back" and swap.installed() == swap.builds(2)


def test_transaction_ledger_is_gone(swap):  # noqa: F811
    process = made.start(swap.live, "converge", swap.want, "pre-beta-2")
    swap.live.command("sh", "-c", "rm -f /var/lib/centos-hyperscale/ledger/*")
    hosts.power_cut(swap.live.host)
    (swap.live.host.folder / "root" / made.HOLD[1:] / "pre-beta-2").unlink()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    record = waited_for(swap.live, "transaction", ended)
    assert "the ledger does not have it" in record["why"] and swap.installed() == swap.builds(2)


def unit_of_transaction(live):
    """Return the unit of the transaction that runs."""
    return live.command("systemctl", "list-units", "--plain", "--no-legend", "centos-hyperscale-0*.service").split()[0]


def test_transaction_goes_on_while_systemd_stops_its_unit(swap):  # noqa: F811
    process = made.start(swap.live, "converge", swap.want, "post-alpha-2")
    unit = unit_of_transaction(swap.live)
    runner = swap.live.command("systemctl", "show", "-p", "MainPID", "--value", unit)
    scriptlet = swap.live.command("pgrep", "-P", runner)
    # It can be ended by the signal to end, as with rpm itself.
    lines = swap.live.command("grep", "-E", "^Sig(Blk|Ign):", f"/proc/{scriptlet}/status").split()
    assert not any(int(mask, 16) >> (signal.SIGTERM - 1) & 1 for mask in lines[1::2]), lines
    # This is what a shutdown does with the unit.
    swap.live.command("systemctl", "stop", "--no-block", unit)
    time.sleep(2)
    assert swap.live.command("pgrep", "-P", runner) == scriptlet
    swap.live.command("rm", "-f", f"{made.HOLD}/post-alpha-2")
    said = process.communicate(timeout=180)
    assert process.returncode == 0, said
    assert swap.live.command("rpm", "-q", "--qf", "%{VERSION}", "alpha") == "2"


def test_transaction_unit_is_exempt_from_the_killers_of_memory(swap):  # noqa: F811
    process = made.start(swap.live, "converge", swap.want, "post-alpha-2")
    unit = unit_of_transaction(swap.live)
    shown = swap.live.command("systemctl", "show", "-p", "OOMScoreAdjust,OOMPolicy,ManagedOOMPreference,MainPID", unit)
    said = dict(line.split("=", 1) for line in shown.splitlines())
    assert (said["OOMScoreAdjust"], said["OOMPolicy"], said["ManagedOOMPreference"]) == ("-900", "continue", "omit")
    # A container may not be allowed to lower it: what any unit gets with that setting is what this one has.
    gets = swap.live.command(
        "systemd-run", "--quiet", "--wait", "--pipe", "--property=OOMScoreAdjust=-900", "cat", "/proc/self/oom_score_adj")
    assert swap.live.command("cat", f"/proc/{said['MainPID']}/oom_score_adj") == gets
    swap.live.command("rm", "-f", f"{made.HOLD}/post-alpha-2")
    process.communicate(timeout=180)
    assert process.returncode == 0


def test_boot_run_dies_and_the_kernel_insists_on_being_the_default(booted):  # noqa: F811
    host = booted("size=400m", INSISTS)
    live = host.live
    host.maker('#!/bin/sh\nset -e\n[ "$1" != add ] || head -c 4194304 /dev/urandom > "/boot/initramfs-$2.img"\n')
    live.write("/etc/kernel/install.d/90-insists.install", INSISTS)
    live.command("chmod", "0755", "/etc/kernel/install.d/90-insists.install")
    with subprocess.Popen(
            live.arguments("converge", host.wish), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=TREE,
            start_new_session=True) as controller:
        deadline = time.monotonic() + 300
        while '"phase": "running"' not in hosts.command(live.host, ["sh", "-c", f"cat {RUNS}/*/status.json"]).stdout:
            assert controller.poll() is None and time.monotonic() < deadline
            time.sleep(0.2)
        os.killpg(controller.pid, signal.SIGKILL)
    hosts.command(live.host, ["pkill", "-9", "-f", "AnsiballZ"])
    while not hosts.command(live.host, ["sh", "-c", f"ls {RUNS}/*/end.json"]).stdout:
        assert time.monotonic() < deadline
        time.sleep(1)
    time.sleep(2)
    assert host.default() == host.stock and host.whole()
    assert "UPDATEDEFAULT=no" in live.command("cat", "/etc/sysconfig/kernel")
    assert guard_of(live, "boot")["state"] == "armed"
    result = host.converge()
    assert "msg" not in result and result["interrupted"], result
    assert live.command("cat", "/etc/sysconfig/kernel") + "\n" == SETTINGS
    is_gone(live)


def test_network_nobody_confirms_within_grace(net, before):  # noqa: F811
    assert net.hand_over(confirm=False, confirm_seconds=20)["pending"]
    took, record = net.back_by_itself(20 + GRACE)
    assert took < 20 + GRACE and record["state"] == "back" and record["left"] == []
    net.is_as_before(before)
