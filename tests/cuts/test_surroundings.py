# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens around a job in its middle: the mirror, locks, the disk, other people. The next plain run ends well."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest
from faults.conftest import TREE
from lab import __main__ as lab_commands
from lab import hosts, server

from . import cells
from .live import ENVIRONMENT, FOLDER, CutHost, wish

BASE = ["/etc/yum.repos.d", "-name", "*.repo"]
TRANSACTION = cells.Step(cells.TRANSACTION, "", 1.0)
HOLD_RPM = """
import fcntl, subprocess, time
path = subprocess.run(["rpm", "--eval", "%{_rpmlock_path}"], stdout=subprocess.PIPE, text=True).stdout.strip()
handle = open(path, "a+")
fcntl.lockf(handle, fcntl.LOCK_EX)
time.sleep(600)
"""


def on(stream):
    """Say on which stream's host a test is; they share the tests, which are about the job and not about the stream."""
    return pytest.mark.parametrize("live", [pytest.param(stream, id=f"stream{stream}")], indirect=True, scope="module")


@pytest.fixture(name="live", scope="module")
def fixture_live(request):
    live = CutHost(request.param, lab_commands.build(), "around")
    yield live
    hosts.remove(live.host)


@pytest.fixture(name="stock", autouse=True)
def fixture_stock(live):
    """Begin each test on a host that is as it was."""
    live.bring(cells.STOCK)
    before = live.look()
    yield before
    live.bring(cells.STOCK)
    after = live.look()
    assert (after["packages"], after["reasons"]) == (before["packages"], before["reasons"])


class HeldJob:
    """A job that stands still where its transaction has begun and nothing was done, and what becomes of it."""

    def __init__(self, live, state=cells.ADOPTED):
        self.live = live
        live._ask_for(cells.Cell("", "", "", cells.BEGAN, live.stream), TRANSACTION, 0)
        argv = live.arguments("converge", {"lock_timeout": 5, **wish(state)}, variables={
            "ansible_python_interpreter": f"{FOLDER}/python"})
        self.controller = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=TREE,
            env=ENVIRONMENT, start_new_session=True)
        marker = live._marker(self.controller)
        self.name, self.process = marker["job"], marker["pid"]

    def goes_on(self):
        """Let the job go on to its end and return all that it said."""
        self.live.command("touch", f"{FOLDER}/go")
        return self.controller.communicate(timeout=240)[0]


def builds(look):
    """Return the packages of a look; the key, which is imported first, is none."""
    return [nevra for nevra in look["packages"] if not nevra.startswith("gpg-pubkey")]


def switch(live, fault):
    """Have the server answer this host's repository with a fault from now on, and let the host ask anew."""
    server.switch(live.name, fault)
    live.command("sh", "-c", "rm -rf /var/cache/dnf/*")


def through_switch(live):
    """Lead all repositories of the host over an address of its own, whose answers can be spoilt."""
    for path in live.command("find", *BASE).split():
        live.command("sed", "-i", f"s,{hosts.SERVER}/\\(switch/[^/]*/\\)\\?,{hosts.SERVER}/switch/{live.name}/,", path)


def adopted(live):
    """Bring the host there by a plain run, and say whether a second one has nothing to do."""
    first = live.bring(cells.ADOPTED)
    assert not first.get("failed") and "msg" not in first, first.get("msg")
    second = live.bring(cells.ADOPTED)
    assert not second["changed"], second["actions"]
    assert live.look()["failed"] == []


@on(9)
@pytest.mark.parametrize("fault", ["404-packages", "wrong-size", "truncated-metadata", "reset", "500"])
def test_a_mirror_that_fails_in_the_middle_changes_nothing(live, stock, fault):
    repositories = live.command("find", *BASE).split()
    kept = {path: live.command("cat", path) for path in repositories}
    through_switch(live)
    try:
        job = HeldJob(live)
        switch(live, fault)
        said = job.goes_on()
        assert '"refused": true' in said, said[-1500:]
        now = live.look()
        assert builds(now) == builds(stock) and now["rests"] == []
    finally:
        server.switch(live.name, "")
    adopted(live)
    live.bring(cells.STOCK)
    for path, text in kept.items():
        live.write(path, text + "\n")


@on(10)
def test_a_slow_mirror_is_only_slow(live):
    through_switch(live)
    job = HeldJob(live)
    switch(live, "sluggish")
    try:
        said = job.goes_on()
    finally:
        server.switch(live.name, "")
    assert "SUCCESS" in said or "CHANGED" in said, said[-1500:]
    adopted(live)


@on(10)
def test_the_package_database_is_locked_by_somebody(live, stock):
    job = HeldJob(live)
    live.write("/srv/hold.py", HOLD_RPM)
    live.command("systemd-run", "--quiet", "--collect", "--unit=hold", "python3", "/srv/hold.py")
    said = job.goes_on()
    assert "the lock of rpm is held by" in said and "/srv/hold.py" in said, said[-1500:]
    assert builds(live.look()) == builds(stock)
    live.command("systemctl", "stop", "hold")
    adopted(live)


@on(10)
@pytest.mark.parametrize("days", [-20, 20])
def test_the_clock_jumps_between_two_runs(live, days):
    first = live.ask("converge", {"repositories": wish(cells.ADOPTED)["repositories"], "packages": [{"family": "systemd"}]})
    assert first["changed"], first
    live.write(f"{FOLDER}/ask.json", json.dumps({"shift": days * 86400}))
    second = live.ask("converge", wish(cells.ADOPTED), {"ansible_python_interpreter": f"{FOLDER}/python"})
    assert second["changed"] and second["run_id"] > first["run_id"], (first["run_id"], second)
    adopted(live)


@on(9)
def test_a_second_controller_is_refused_by_the_name_of_the_first(live):
    job = HeldJob(live)
    second = live.bring(cells.ADOPTED)
    assert second["refused"] and "another run of centos.hyperscale is at work" in second["msg"], second
    assert "it was started by " in second["msg"]
    undo = live.bring(cells.STOCK)
    assert undo["refused"] and "it was started by " in undo["msg"]
    assert "CHANGED" in job.goes_on()
    adopted(live)


@on(10)
def test_somebody_restarts_the_host_while_a_transaction_runs(live):
    job = HeldJob(live)
    live.command("touch", f"{FOLDER}/go")
    live._wait_for_depth(job.name, 0.3)
    live.power_cut()
    os.killpg(job.controller.pid, signal.SIGKILL)
    adopted(live)


@on(9)
def test_a_run_against_a_host_in_mid_transaction_waits_for_it(live):
    job = HeldJob(live)
    live.command("touch", f"{FOLDER}/go")
    live._wait_for_depth(job.name, 0.3)
    os.killpg(job.controller.pid, signal.SIGKILL)
    live.command("kill", "-9", str(job.process))
    result = live.bring(cells.ADOPTED)
    assert result["interrupted"]["outcome"] == "the host finished its package transaction by itself", result["interrupted"]
    adopted(live)


@on(10)
def test_a_full_disk_while_packages_are_unpacked(live):
    job = HeldJob(live)
    live.command("mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", "/usr/lib/systemd/catalog")
    said = job.goes_on()
    live.command("umount", "/usr/lib/systemd/catalog")
    assert "FAILED" in said, said[-1500:]
    adopted(live)
