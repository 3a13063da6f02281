# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are cut, that meet others, and that are taken back."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import zipfile

from lab import hosts, rpms

from .conftest import TREE, repositories

STATE = "/var/lib/centos-hyperscale/runs"
ADOPTION = {"packages": [{"family": "systemd"}], "manager": [{}]}


HOLD_RPM = """
import fcntl, subprocess, time
path = subprocess.run(["rpm", "--eval", "%{_rpmlock_path}"], stdout=subprocess.PIPE, text=True).stdout.strip()
handle = open(path, "a+")
fcntl.lockf(handle, fcntl.LOCK_EX)
time.sleep(300)
"""


# Holds a host as a run does, and as one that was killed leaves it.
HOLD_HOST = """
import fcntl, json, os, struct, time
os.makedirs("/var/lib/centos-hyperscale", mode=0o700, exist_ok=True)
handle = os.open("/var/lib/centos-hyperscale/lock", os.O_RDWR | os.O_CREAT, 0o600)
fcntl.fcntl(handle, fcntl.F_OFD_SETLK, struct.pack("@hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
os.write(handle, json.dumps({"who": "ann", "pid": os.getpid(), "since": time.time()}).encode())
open("/srv/held", "w").close()
time.sleep(600)
"""

# Looks whether somebody is at work without a pause, as predictions of many controllers do, with the module's own code.
LOOK = """
import sys
sys.path.insert(0, "/srv/code")
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io, lock
target = host_io.Target(None, "/tmp")
while True:
    lock.at_work(target)
"""


def start_and_hold(live):
    """Start a swap whose transaction waits for rpm's lock in the middle; returns the controller's process."""
    assert live.converge(repositories=[repositories()])["changed"]
    live.write("/srv/hold.py", HOLD_RPM)
    live.command("systemd-run", "--quiet", "--unit=hold", "python3", "/srv/hold.py")
    time.sleep(1)
    argv = live.arguments("converge", {"repositories": [repositories()], **ADOPTION})
    controller = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=TREE, start_new_session=True)
    for _try in range(300):
        if hosts.command(live.host, ["grep", "-rlF", '"phase": "waiting"', STATE]).returncode == 0:
            return controller
        time.sleep(0.1)
    raise AssertionError("no transaction came to wait for the lock")


def release_and_finish(live):
    """Give the lock back and wait until the host has ended the transaction by itself."""
    swaps = live.command("find", STATE, "-name", "job.json").split()
    live.command("systemctl", "stop", "hold")
    for _try in range(240):
        if len(live.command("find", STATE, "-name", "result.json").split()) == len(swaps):
            return
        time.sleep(0.5)
    raise AssertionError("the transaction never ended")


def older_build():
    """Return the version of the older Hyperscale build of systemd that the repository of Stream 9 has."""
    folder = rpms.web_root() / rpms.repositories(9)["main"]["path"] / "Packages"
    versions = {path.name.split("-")[1] for path in folder.glob("systemd-2*.rpm")}
    return min(versions, key=lambda version: [int(part) for part in version.split(".")])


def test_lost_controller_leaves_the_host_to_finish_and_the_next_run_tells(host):
    controller = start_and_hold(host)
    os.killpg(controller.pid, signal.SIGKILL)
    hosts.command(host.host, ["pkill", "-9", "-f", "AnsiballZ"])
    meanwhile = host.converge(check=True, repositories=[repositories()], **ADOPTION)
    assert "still running" in meanwhile["interrupted"]["outcome"]
    release_and_finish(host)
    assert ".hs." in host.release()
    result = host.adopt()
    assert result["interrupted"]["outcome"] == "the host finished its package transaction by itself"
    assert host.state() == "running"
    again = host.adopt()
    assert (again["changed"], again["interrupted"]) == (False, None)


def test_lost_ssh_connection_leaves_the_host_to_finish(host9):
    controller = start_and_hold(host9)
    hosts.command(host9.host, ["pkill", "-9", "-f", "sshd: root"])
    controller.wait(timeout=120)
    release_and_finish(host9)
    result = host9.adopt()
    assert not result.get("failed"), result
    assert ".hs." in host9.release() and host9.state() == "running"
    assert host9.adopt()["changed"] is False


def test_a_runner_that_dies_is_reported_and_the_next_run_does_the_rest(host9):
    controller = start_and_hold(host9)
    host9.command("pkill", "-9", "-f", "/var/lib/centos-hyperscale/runs/.*/code")
    controller.wait(timeout=120)
    host9.command("systemctl", "stop", "hold")
    assert ".hs." not in host9.release()
    result = host9.adopt()
    assert result["changed"], result
    assert ".hs." in host9.release() and host9.state() == "running"


def test_a_second_run_during_a_first_is_refused_by_name(host9):
    host9.write("/srv/hold.py", HOLD_HOST)
    host9.command("systemd-run", "--quiet", "--unit=hold", "python3", "/srv/hold.py")
    host9.command("sh", "-c", "until [ -e /srv/held ]; do sleep 0.1; done")
    result = host9.adopt()
    assert "another run of centos.hyperscale is at work" in result["msg"] and "started by ann at" in result["msg"], result["msg"]
    host9.command("systemctl", "kill", "--signal=KILL", "hold")
    assert not host9.adopt().get("failed")


def put_code(live, folder):
    """Copy the code that modules share to a host, below /srv/code."""
    with zipfile.ZipFile(folder / "code.zip", "w") as packed:
        for path in sorted((TREE / "plugins" / "module_utils").rglob("*.py")):
            packed.write(path, f"ansible_collections/centos/hyperscale/{path.relative_to(TREE)}")
    live.put(folder / "code.zip", "/srv/code.zip")
    live.command("python3", "-m", "zipfile", "-e", "/srv/code.zip", "/srv/code")


def test_who_looks_whether_somebody_is_at_work_keeps_nobody_from_starting(host9, tmp_path):
    put_code(host9, tmp_path)
    host9.write("/srv/look.py", LOOK)
    assert host9.adopt()["changed"]
    host9.command("systemd-run", "--quiet", "--unit=look", "python3", "/srv/look.py")
    for _time in range(10):
        result = host9.converge(repositories=[repositories()])
        assert not result.get("failed"), result
    host9.command("systemctl", "is-active", "look")


def test_dnf_lock_is_waited_for_and_its_holder_named(host9):
    host9.write("/srv/hold.py", (
        "import dnf, time\nbase = dnf.Base()\nimport dnf.lock\n"
        "with dnf.lock.build_metadata_lock('/var/cache/dnf', True):\n    time.sleep(60)\n"))
    holder = subprocess.Popen(
        ["ssh", *hosts.ssh_options(), f"root@{host9.host.address}", "--", "python3", "/srv/hold.py"], stdin=subprocess.DEVNULL)
    time.sleep(2)
    result = host9.module("converge", {"repositories": [repositories()], "lock_timeout": 2})
    assert "/srv/hold.py" in result["msg"] and "not free within 2 seconds" in result["msg"], result["msg"]
    hosts.command(host9.host, ["pkill", "-f", "/srv/hold.py"])
    holder.wait(timeout=30)
    assert host9.adopt()["changed"]


def test_adoption_survives_a_power_cut(host):
    assert host.adopt()["changed"]
    hosts.power_cut(host.host)
    time.sleep(2)
    assert host.state() == "running"
    assert host.adopt()["changed"] is False


def test_absent_takes_out_exactly_what_was_put_in(host):
    before = set(host.fingerprint())
    wish = repositories(flavours=["main", "experimental"], settings={"main": {"priority": 50}})
    assert host.converge(repositories=[wish])["changed"]
    assert host.converge(repositories=[dict(wish, state="absent")])["changed"]
    assert host.converge(repositories=[dict(wish, state="absent")])["changed"] is False
    ours = (
        "/var/lib/centos-hyperscale", "/var/cache/dnf", "/var/lib/dnf", "/var/lib/rpm", "/usr/lib/sysimage",
        "/etc/yum.repos.d/centos.repo", "/etc/centos-hyperscale.ledger")
    left = [line for line in set(host.fingerprint()) ^ before if not line.startswith(ours)]
    assert left == []
    assert "enabled=0" in host.command("sed", "-n", "/^.crb/,$p", "/etc/yum.repos.d/centos.repo")
    assert "gpg-pubkey" not in host.command("rpm", "-qa")


def test_one_flavour_goes_and_the_other_stays(host9):
    assert host9.converge(repositories=[repositories(flavours=["main", "experimental"])])["changed"]
    gone = repositories(flavours=["experimental"], state="absent")
    assert host9.converge(repositories=[gone])["changed"]
    installed = host9.command("rpm", "-qa", "centos-release*")
    assert "centos-release-hyperscale-9" in installed and "experimental" not in installed


def test_everything_is_taken_back(host):
    stock = host.release()
    assert host.adopt()["changed"]
    assert ".hs." in host.release()
    result = host.module("converge", {"state": "undone"})
    assert result["changed"], result
    assert host.release() == stock
    assert "centos-release-hyperscale" not in host.command("rpm", "-qa")
    assert host.state() == "running" and host.login_works()
    assert host.module("converge", {"state": "undone"})["changed"] is False


def test_swap_back_to_stock(host):
    stock = host.release()
    assert host.adopt()["changed"]
    result = host.module("package_swap", {"family": "systemd", "to": "stock"})
    assert result["changed"], result
    assert host.release() == stock
    assert host.state() == "running" and host.login_works()
    assert host.module("package_swap", {"family": "systemd", "to": "stock"})["changed"] is False


def test_per_transaction_leaves_repositories_disabled(host9):
    wish = repositories(enabled="per_transaction")
    assert host9.converge(repositories=[wish], **ADOPTION)["changed"]
    assert ".hs." in host9.release()
    assert "centos-hyperscale" not in host9.command("dnf", "-q", "repolist", "--enabled").replace("release", "")
    assert host9.converge(repositories=[wish], **ADOPTION)["changed"] is False


def test_an_older_build_is_pinned_and_upgraded(host9):
    older = older_build()
    result = host9.adopt(version=older)
    assert result["changed"], result
    assert f"systemd-{older}-" in host9.release()
    result = host9.adopt()
    assert result["changed"] is False, result
    assert host9.adopt(version="latest")["changed"]
    assert f"systemd-{older}-" not in host9.release() and host9.state() == "running"
    assert host9.login_works()


def test_two_swaps_are_taken_back_to_the_first_state(host9):
    stock = host9.release()
    assert host9.adopt(version=older_build())["changed"]
    assert host9.adopt(version="latest")["changed"]
    result = host9.module("converge", {"state": "undone"})
    assert result["changed"], result
    assert host9.release() == stock and host9.state() == "running"
