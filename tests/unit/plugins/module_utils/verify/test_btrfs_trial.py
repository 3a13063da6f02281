# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trial of btrfs: what each failing step is called, and that nothing is left, however it ends."""

from __future__ import annotations

import pathlib
import types

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import mounts as host_mounts, view
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.model import HIGH, Skipped
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.proven import btrfs_trial

TRIALS = "var/lib/centos-hyperscale/trials"
KERNEL, OTHER = "6.12.1-0.hs1.hsx.el9.x86_64", "5.14.0-611.el9.x86_64"
TOOLS = "btrfs-progs-6.14-1.hs.el9.x86_64"


class Machine:
    """Loop devices and mounts as files below a root. C(fails) is the beginning of a command that fails, C(says) how."""

    def __init__(self, root, fails="nothing", says=(1, "no such luck")):
        self.root, self.fails, self.says, self.asked = root, fails, says, []
        for folder in ("proc/self", "proc/sys/kernel", "sys/block", "var/lib/btrfs", f"lib/modules/{KERNEL}"):
            (root / folder).mkdir(parents=True)
        self.mountinfo = root / "proc/self/mountinfo"
        self.mountinfo.write_text("1 0 253:0 / / rw - xfs /dev/vda rw\n")
        (root / "proc/sys/kernel/osrelease").write_text(KERNEL + "\n")
        (root / f"lib/modules/{KERNEL}/modules.dep").write_text("kernel/fs/btrfs/btrfs.ko:\n")
        self.view = view.View(str(root), self.run, may_try=True)

    def run(self, argv):
        command = " ".join(argv)
        self.asked.append(command)
        if command.startswith(self.fails):
            return self.says
        if argv[0] == "mount":
            self.mount(argv[-1], argv[-2])
        if argv[0] == "umount":
            lines = [line for line in self.mountinfo.read_text().splitlines() if argv[1] not in line]
            self.mountinfo.write_text("\n".join(lines) + "\n")
        if command.startswith("losetup --find"):
            return 0, self.attach(argv[-1]) + "\n"
        if command.startswith("losetup --detach"):
            (self.root / "sys/block" / pathlib.Path(argv[-1]).name / "loop/backing_file").unlink()
        if command.startswith("btrfs scrub"):
            (self.root / "var/lib/btrfs" / f"scrub.status.{self.fsid}").touch()
        return 0, ""

    @property
    def fsid(self):
        return next(command for command in self.asked if command.startswith("mkfs")).split()[3]

    def mount(self, point, device):
        with open(self.mountinfo, "a", encoding="ascii") as lines:
            lines.write(f"2 1 0:50 / {point} rw - btrfs {device} rw\n")

    def attach(self, image, name="loop3"):
        held = self.root / "sys/block" / name / "loop"
        held.mkdir(parents=True, exist_ok=True)
        (held / "backing_file").write_text(f"{image}\n")
        return f"/dev/{name}"

    def left(self):
        """Return what a trial left."""
        mounts = [mount.mountpoint for mount in host_mounts.gather(str(self.root)) if mount.fstype == "btrfs"]
        return [
            *mounts, *self.root.glob("sys/block/*/loop/backing_file"), *self.root.glob("var/lib/btrfs/*"),
            *(path for path in self.root.glob(f"{TRIALS}/*") if path.name != "lock")]


@pytest.fixture(name="roomy", autouse=True)
def fixture_roomy(monkeypatch):
    monkeypatch.setattr(host_mounts, "free_bytes", lambda root, path: btrfs_trial.ROOM_BYTES)


def test_a_good_trial_goes_through_every_step_and_leaves_nothing(tmp_path):
    machine = Machine(tmp_path)
    btrfs_trial.attempt(machine.view)
    words = [command.split()[0] if command.split()[0] != "btrfs" else " ".join(command.split()[:2]) for command in machine.asked]
    assert words == ["mkfs.btrfs", "losetup", "mount", "umount", "mount", "btrfs scrub", "umount", "btrfs check", "btrfs device",
                     "losetup"]
    assert machine.left() == []


@pytest.mark.parametrize("fails", ["mkfs.btrfs", "mount", "btrfs scrub", "btrfs check"])
def test_a_step_of_btrfs_that_fails_is_a_failure_with_what_it_said(tmp_path, fails):
    machine = Machine(tmp_path, fails)
    with pytest.raises(btrfs_trial.Failure, match=f"'{fails}.*status 1 and said: no such luck"):
        btrfs_trial.attempt(machine.view)
    assert machine.left() == []


@pytest.mark.parametrize(("fails", "says", "words"), [
    ("losetup --find", (1, "cannot find an unused loop device"), "cannot find an unused loop device"),
    ("losetup --find", (view.NOT_FOUND, ""), "losetup: no such command"),
])
def test_without_a_loop_device_nothing_was_tried(tmp_path, fails, says, words):
    machine = Machine(tmp_path, fails, says)
    with pytest.raises(btrfs_trial.Impossible, match=words):
        btrfs_trial.attempt(machine.view)
    assert machine.left() == []


def test_without_room_nothing_was_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(host_mounts, "free_bytes", lambda root, path: btrfs_trial.ROOM_BYTES - 1)
    machine = Machine(tmp_path)
    with pytest.raises(btrfs_trial.Impossible, match="MiB are free"):
        btrfs_trial.attempt(machine.view)
    assert (machine.asked, machine.left()) == ([], [])


def test_other_data_than_was_written_is_a_failure(tmp_path):
    machine = Machine(tmp_path)
    plain = machine.run

    def spoil(argv):
        for path in tmp_path.glob(f"{TRIALS}/*/mount/data"):
            path.write_bytes(b"rot")
        return plain(argv)

    with pytest.raises(btrfs_trial.Failure, match="something else was read back"):
        btrfs_trial.attempt(view.View(str(tmp_path), spoil, may_try=True))
    assert machine.left() == []


def test_what_cannot_be_taken_away_is_told_beside_the_failure(tmp_path):
    machine = Machine(tmp_path, "btrfs scrub")
    plain = machine.run
    stuck = view.View(str(tmp_path), lambda argv: (32, "target is busy") if argv[0] == "umount" and len(machine.asked) > 5
                      else plain(argv))
    with pytest.raises(btrfs_trial.Failure, match="no such luck.*could not be taken away.*target is busy"):
        btrfs_trial.attempt(stuck)


def test_what_a_killed_trial_left_is_taken_away_first_and_nothing_else(tmp_path):
    machine = Machine(tmp_path)
    old = tmp_path / TRIALS / "btrfs-old"
    (old / "mount").mkdir(parents=True)
    machine.mount(str(old / "mount"), machine.attach(str(old / "image")))
    other = machine.attach("/srv/data/image", "loop5")
    machine.mount("/srv/data/mount", other)
    btrfs_trial.attempt(machine.view)
    assert machine.asked[:2] == [f"umount {old}/mount", "losetup --detach /dev/loop3"]
    assert machine.left() == ["/srv/data/mount", tmp_path / "sys/block/loop5/loop/backing_file"]


def test_two_trials_do_not_meet(tmp_path):
    machine = Machine(tmp_path)
    plain = machine.run

    def second(argv):
        with pytest.raises(btrfs_trial.Impossible, match="another trial"):
            btrfs_trial.attempt(machine.view)
        return plain(argv)

    btrfs_trial.attempt(view.View(str(tmp_path), second, may_try=True))
    assert machine.left() == []


def scenes(machine, names=("btrfs-progs",), installed=(TOOLS,)):
    return types.SimpleNamespace(
        snapshot=types.SimpleNamespace(content={"names": list(names)}), new=[], installed=set(installed), view=machine.view)


def test_a_failed_trial_is_a_grave_finding(tmp_path):
    found, = btrfs_trial.tried(scenes(Machine(tmp_path, "btrfs check")))
    assert (found.check, found.severity, found.after, found.confidence) == ("btrfs.trial", HIGH, TOOLS, "proven")
    assert "no such luck" in found.diagnosis


def test_a_good_trial_finds_nothing(tmp_path):
    assert list(btrfs_trial.tried(scenes(Machine(tmp_path)))) == []


@pytest.mark.parametrize(("names", "installed"), [(["zstd"], [TOOLS]), (["btrfs-progs"], ["zstd-1-1.el9.x86_64"])])
def test_nothing_is_tried_where_btrfs_is_not_the_matter(tmp_path, names, installed):
    with pytest.raises(Skipped, match="not among"):
        list(btrfs_trial.tried(scenes(Machine(tmp_path), names, installed)))


def test_check_mode_tries_nothing(tmp_path):
    machine = Machine(tmp_path)
    machine.view.may_try = False
    with pytest.raises(Skipped, match="check mode"):
        list(btrfs_trial.tried(scenes(machine)))
    assert machine.asked == []


def test_a_kernel_that_will_have_btrfs_after_a_boot_is_waited_for(tmp_path):
    machine = Machine(tmp_path)
    (tmp_path / "proc/sys/kernel/osrelease").write_text(OTHER)
    with pytest.raises(Skipped, match=f"{OTHER} has no btrfs; prove again after a boot into {KERNEL}"):
        list(btrfs_trial.tried(scenes(machine)))


def test_a_host_without_btrfs_is_unknown_and_no_pass(tmp_path):
    machine = Machine(tmp_path)
    (tmp_path / f"lib/modules/{KERNEL}/modules.dep").write_text("")
    with pytest.raises(btrfs_trial.Impossible, match="no kernel of this host has btrfs"):
        list(btrfs_trial.tried(scenes(machine)))
