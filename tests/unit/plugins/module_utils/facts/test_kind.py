# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kind of host a root is: decided on evidence, of which no single part that another system could bring suffices."""

from __future__ import annotations

import os
import socket

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.entry import admission
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import kind

HERE, THERE, RUN, OTHER_RUN = (1, 2), (3, 4), (5, 1), (6, 1)
BOOTED = kind.Evidence("systemd", HERE, HERE, RUN, RUN, True, kind.SOCKETS, False, False, False, False, False)
CHROOT = BOOTED._replace(root_of_pid1=THERE, run_of_pid1=OTHER_RUN, systemd_folder=False, sockets=())


@pytest.mark.parametrize(("seen", "name", "foreign"), [
    (BOOTED, kind.BOOTED, ()),
    # A container with its own systemd on a machine in image mode.
    (BOOTED._replace(ostree_argument=True), kind.BOOTED, ()),
    (BOOTED._replace(ostree_folder=True), kind.BOOTED, ()),
    (BOOTED._replace(usr_read_only=True), kind.BOOTED, ()),
    (BOOTED._replace(ostree_booted=True), kind.IMAGE_MODE, ()),
    (BOOTED._replace(ostree_folder=True, ostree_argument=True), kind.IMAGE_MODE, ()),
    (BOOTED._replace(ostree_folder=True, composefs=True), kind.IMAGE_MODE, ()),
    (BOOTED._replace(ostree_folder=True, usr_read_only=True), kind.IMAGE_MODE, ()),
    (CHROOT, kind.NO_SYSTEMD, ("/proc",)),
    # A container build: process 1 is what is built with.
    (BOOTED._replace(pid1="sh", systemd_folder=False, sockets=()), kind.NO_SYSTEMD, ()),
    (BOOTED._replace(pid1="sh"), kind.NO_SYSTEMD, ()),
    # What an image was made with.
    (CHROOT._replace(systemd_folder=True), kind.NO_SYSTEMD, ("/proc",)),
    (CHROOT._replace(ostree_booted=True, ostree_argument=True), kind.NO_SYSTEMD, ("/proc",)),
    (CHROOT._replace(run_of_pid1=RUN), kind.FOREIGN, ("/run", "/proc")),
    # Only the bus of the build machine is bound in.
    (CHROOT._replace(sockets=kind.SOCKETS[2:]), kind.FOREIGN, ("/run", "/proc")),
    (CHROOT._replace(pid1="init", run_of_pid1=RUN), kind.FOREIGN, ("/run", "/proc")),
    (CHROOT._replace(pid1=None, root_of_pid1=None, run_of_pid1=None, sockets=kind.SOCKETS), kind.FOREIGN, ("/run",)),
    (CHROOT._replace(pid1=None, root_of_pid1=None, run_of_pid1=None), kind.NO_SYSTEMD, ()),
    # Something was mounted over /run of the host.
    (BOOTED._replace(run=OTHER_RUN), kind.FOREIGN, ("/run",)),
    (BOOTED._replace(systemd_folder=False), kind.NO_SYSTEMD, ()),
    (BOOTED._replace(root_of_pid1=None, run_of_pid1=None, trouble="/proc/1/root/.: Permission denied"), kind.UNKNOWN, ()),
    (BOOTED._replace(pid1=None, root_of_pid1=None, trouble="/proc/1/comm: Permission denied"), kind.UNKNOWN, ()),
])
def test_the_decision(seen, name, foreign):
    found = kind.decide(seen)
    assert (found.name, found.foreign) == (name, foreign)
    assert found.evidence
    assert (found.refusal is None) == (name == kind.BOOTED)
    assert found.runs == (name not in (kind.NO_SYSTEMD, kind.FOREIGN))


def test_each_refusal_has_the_way_on():
    def says(seen):
        return str(kind.decide(seen).refusal)

    assert "Containerfile" in says(BOOTED._replace(ostree_booted=True)) and "/run/ostree-booted exists" in says(
        BOOTED._replace(ostree_booted=True))
    assert "after its first boot" in says(CHROOT) and "image builds are not supported by this version" in says(CHROOT)
    assert "Unmount /run and /proc in this root" in says(CHROOT._replace(run_of_pid1=RUN))
    assert "/proc/1/root/.: Permission denied" in says(
        BOOTED._replace(root_of_pid1=None, trouble="/proc/1/root/.: Permission denied"))


def test_a_root_of_files_is_read_as_what_it_is(tmp_path):
    seen = kind.gather(str(tmp_path))
    assert seen.pid1 is None and seen.sockets == () and kind.decide(seen).name == kind.NO_SYSTEMD
    (tmp_path / "run/systemd").mkdir(parents=True)
    (tmp_path / "sysroot/ostree").mkdir(parents=True)
    (tmp_path / "run/ostree-booted").touch()
    here = os.getcwd()
    os.chdir(tmp_path)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("run/systemd/private")
        os.chdir(here)
        seen = kind.gather(str(tmp_path))
    assert seen.sockets == ("/run/systemd/private",) and seen.ostree_folder and seen.ostree_booted
    assert kind.decide(seen).foreign == ("/run",)


def test_a_folder_that_is_no_socket_is_none(tmp_path):
    (tmp_path / "run/systemd/private").mkdir(parents=True)
    (tmp_path / "run/systemd/system").mkdir()
    assert kind.decide(kind.gather(str(tmp_path))).name == kind.NO_SYSTEMD


@pytest.mark.parametrize(("mounts", "composefs", "read_only"), [
    ("22 1 0:20 / / rw - overlay composefs rw", True, False),
    ("22 1 0:20 / / rw - overlay composefs:abc ro", True, False),
    ("22 1 8:1 / / ro - ext4 /dev/sda1 rw", False, True),
    ("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 8:1 /usr /usr ro - ext4 /dev/sda1 rw", False, True),
    ("22 1 8:1 / / rw - overlay overlay rw,lowerdir=/composefs", False, False),
])
def test_mounts_that_tell_image_mode(tmp_path, mounts, composefs, read_only):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(mounts + "\n")
    seen = kind.gather(str(tmp_path))
    assert (seen.composefs, seen.usr_read_only) == (composefs, read_only)


@pytest.mark.parametrize(("uid", "name"), [(65534, "nobody"), (4000000000, "a user without a name")])
def test_an_ordinary_user_is_told_who_it_is(uid, name):
    problem = admission.user_refusal(uid)
    assert name in problem.fact and f"uid {uid}" in problem.fact and "become: true" in problem.remedy
    assert admission.user_refusal(0) is None


@pytest.mark.parametrize(("code", "seen"), [
    ("host.no_systemd", CHROOT), ("host.mounts_of_another", CHROOT._replace(run_of_pid1=RUN)),
    ("host.systemd_unknown", BOOTED._replace(root_of_pid1=None, trouble="/proc/1/root/.: Permission denied")),
])
def test_a_root_is_taken_once_its_own_systemd_booted_it_and_can_be_seen(code, seen):
    assert kind.decide(seen).refusal.code == code
    assert kind.decide(BOOTED).refusal is None


def test_a_module_that_becomes_root_is_taken():
    assert admission.user_refusal(65534).code == "module.not_root"
    assert admission.user_refusal(0) is None
