# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a power cut leaves of a transaction: right after its end, and in its middle.

The page cache of a container survives such a cut; that of a machine does not. rpm has one file system written out, with
syncfs(2), once and after all scriptlets. Before that the names of what it unpacked may be on the disk without their content.
Each test goes on where the one before it ended.
"""

from __future__ import annotations

import json
import subprocess
import time

import pytest
from lab import common, disks, hosts

from .conftest import TREE

pytestmark = pytest.mark.parametrize("machine", [
    pytest.param((9, disks.Kind("ext4")), id="ext4"), pytest.param((9, disks.Kind("xfs")), id="xfs"),
], indirect=True, scope="module")

# Packages with many files, which the stock machine has not.
BY_HAND = ["nftables", "dnsmasq", "openssh-clients"]
# What their scriptlets run, and what is run in its place: it takes longer than the test.
HELPER, HELD = "/usr/lib/systemd/systemd-update-helper", "#!/bin/sh\ntouch /run/held\nsleep 600\n"
HELD_SECONDS = 120
SETS = {
    "hyperscale_adopt": ["repos", "packages"],
    "hyperscale_packages_sets": ["compression", "container-tools", "e2fsprogs", "ethtool"]}


def damage(machine, *names):
    """Return what rpm finds wrong with files of packages: missing, or of another size. Configuration may be the host's own."""
    lines = machine.attempt("rpm", "-V", "--nomtime", *names).stdout.splitlines()
    return [line for line in lines if line.startswith(("missing", "S")) and line.split()[1] != "c"]


def cut(machine):
    """Cut the power and wait until the machine is up again."""
    before = machine.boot_id()
    machine.cut_power()
    machine.wait_for_boot(before)


def test_what_is_left_right_after_a_transaction_by_hand(machine):
    machine.command("dnf", "-y", "install", *BY_HAND)
    cut(machine)
    machine.command("rpm", "-q", *BY_HAND)
    assert damage(machine, *BY_HAND) == []


def test_files_of_a_transaction_by_hand_that_is_cut_in_a_scriptlet_are_lost(machine, record_property):
    """This is the case to guard against: files without content, of packages that the database may have or not have."""
    paths = machine.command("rpm", "-ql", *BY_HAND).splitlines()
    machine.command("rpm", "-e", *BY_HAND)
    machine.command("sync")
    machine.write("/root/held", HELD, "0755")
    machine.command("mount", "--bind", "/root/held", HELPER)
    machine.command("systemd-run", "--quiet", "--unit=by-hand", "dnf", "-y", "install", *BY_HAND)
    deadline = time.monotonic() + HELD_SECONDS
    while not machine.has("/run/held"):
        assert time.monotonic() < deadline, machine.attempt("journalctl", "--unit=by-hand", "--no-pager").stdout
    # Any program that syncs a file of its own has the journal written out, and with it the names of all files.
    machine.command("python3", "-c", "import os; os.fsync(os.open('/root/other', os.O_CREAT | os.O_WRONLY))")
    cut(machine)
    empty = machine.attempt("find", *paths, "-maxdepth", "0", "-type", "f", "-empty").stdout.splitlines()
    known = machine.attempt("rpm", "-q", *BY_HAND).stdout
    record_property("empty", len(empty))
    record_property("known", known)
    print(f"{len(empty)} of {len(paths)} files are empty; rpm: {known}")
    assert empty, "all files were on the disk, so the test shows nothing"
    machine.attempt("rpm", "-e", "--noscripts", *BY_HAND)
    machine.attempt("find", *paths, "-maxdepth", "0", "-type", "f", "-delete")


def test_files_of_a_transaction_of_the_collection_are_there(machine, tmp_path):
    status, said = machine.play("adopt", {**SETS, "hyperscale_reports": str(tmp_path)})
    cut(machine)
    assert status == 0 and "failed=0" in said
    packages = json.loads((tmp_path / f"{machine.name}.prediction.json").read_text())["packages"]
    names = [package["name"] for package in packages]
    assert names and damage(machine, *names) == []
    assert machine.command("rpm", "-q", *names).splitlines() == [package["to_nevra"] for package in packages]
    status, said = machine.play("adopt", {**SETS, "hyperscale_reports": str(tmp_path)})
    assert status == 0 and "changed=0" in said


HOLDER = """\
Name: holder
Version: 1
Release: 1
Summary: Holds a transaction after all files are unpacked
License: x
BuildArch: noarch
%description
x
%transfiletriggerin -- /usr
test ! -e /root/hold || { touch /run/held; sleep 600; }
%files
"""


def cut_in_the_middle(machine, folder, sets):
    """Cut the power while a transaction of the collection runs triggers, after all files are unpacked; return its builds."""
    machine.command("sh", "-c", "touch /root/hold; rm -f /run/held; sync")
    play = subprocess.Popen(
        ["ansible-playbook", "-i", str(machine.inventory), "-e",
         json.dumps({**sets, "hyperscale_reports": str(folder)}), "playbooks/adopt.yml"],
        cwd=TREE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 4 * HELD_SECONDS
    while not machine.has("/run/held"):
        assert time.monotonic() < deadline and play.poll() is None, machine.attempt("journalctl", "--no-pager", "-n", "50").stdout
    machine.command("python3", "-c", "import os; os.fsync(os.open('/root/other', os.O_CREAT | os.O_WRONLY))")
    cut(machine)
    play.kill()
    play.wait()
    machine.command("rm", "-f", "/root/hold")
    packages = json.loads((folder / f"{machine.name}.prediction.json").read_text())["packages"]
    assert packages
    return {package["name"]: package["to_nevra"] for package in packages}


def is_completed(machine, folder, sets, builds):
    """Have the next run complete a transaction that was cut, and the one after it change nothing."""
    status, said = machine.play("adopt", {**sets, "hyperscale_reports": str(folder)})
    assert status == 0 and "failed=0" in said
    assert damage(machine, *builds) == []
    assert machine.command("rpm", "-q", *builds).splitlines() == list(builds.values())
    status, said = machine.play("adopt", {**sets, "hyperscale_reports": str(folder)})
    assert status == 0 and "changed=0" in said


def test_files_of_a_transaction_of_the_collection_that_is_cut_in_its_middle_are_there(machine, tmp_path):
    """PID 1 needs some of them: without their content the machine would not boot again."""
    status, said = machine.play("rollback", {})
    assert status == 0 and "failed=0" in said
    (tmp_path / "holder.spec").write_text(HOLDER)
    common.run(["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {tmp_path}", "--define", f"_rpmdir {tmp_path}",
                tmp_path / "holder.spec"])
    subprocess.run(
        [*hosts.ssh(machine.host), "--", "tee", "/root/holder.rpm"], stdout=subprocess.DEVNULL, check=True,
        input=(tmp_path / "noarch" / "holder-1-1.noarch.rpm").read_bytes())
    machine.command("rpm", "-i", "/root/holder.rpm")
    builds = cut_in_the_middle(machine, tmp_path, SETS)
    assert damage(machine, *(name for name in builds if machine.attempt("rpm", "-q", name).returncode == 0)) == []
    is_completed(machine, tmp_path, SETS, builds)


def test_files_that_were_lost_where_the_host_has_rpm_write_out_nothing_are_written_again_by_the_next_run(
        machine, tmp_path, record_property):
    """A setting of the host holds, at its own risk; these packages are not needed to boot."""
    status, said = machine.play("rollback", {})
    assert status == 0 and "failed=0" in said
    machine.write("/etc/rpm/macros.flush", "%_flush_io 0\n")
    sets = {**SETS, "hyperscale_packages_sets": ["container-tools", "ethtool"]}
    builds = cut_in_the_middle(machine, tmp_path, sets)
    lost = damage(machine, *builds)
    record_property("lost", len(lost))
    print(f"{len(lost)} files of {len(builds)} packages are lost: {lost[:10]}")
    assert lost, "all files were on the disk, so the test shows nothing"
    is_completed(machine, tmp_path, sets, builds)
