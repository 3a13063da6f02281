# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot files are written out for a reader that replays no journal; none stays frozen. C(tests/grub) does it for real."""

from __future__ import annotations

import errno
import os
import time

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import boot_disk
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed

NAMES = {boot_disk.FIFREEZE: "freeze", boot_disk.FITHAW: "thaw", boot_disk.EXT4_IOC_CHECKPOINT: "checkpoint"}


class Kernel:
    """Answers the calls, and notes them with the process that made them: a child makes some."""

    def __init__(self, folder):
        self.log, self.mounts = folder / "log", folder / "mountinfo"
        self.log.touch()
        self.fails = {}
        self.stuck = False
        self.is_on("xfs")

    def is_on(self, fstype):
        self.mounts.write_text(f"21 1 252:1 / / rw - {fstype} /dev/vda1 rw\n")

    def note(self, what):
        with self.log.open("a") as log:
            log.write(f"{os.getpid()} {what}\n")

    def syncfs(self, _handle):
        self.note("sync")

    def ioctl(self, _handle, number, _argument):
        name = NAMES[number]
        self.note(name)
        if self.stuck and name == "freeze":
            time.sleep(2)
        failures = self.fails.get(name, [])
        if failures:
            # Every child begins with the list anew, so what was asked already is counted in the log.
            asked = self.calls.count(name) - 1
            number = failures[asked] if asked < len(failures) else failures[-1]
            if number:
                raise OSError(number, os.strerror(number))

    @property
    def calls(self):
        return [line.split()[1] for line in self.log.read_text().splitlines()]

    def calls_of(self, pid):
        return [line.split()[1] for line in self.log.read_text().splitlines() if line.startswith(f"{pid} ")]


@pytest.fixture(name="kernel")
def fixture_kernel(tmp_path, monkeypatch):
    kernel = Kernel(tmp_path)
    monkeypatch.setattr(boot_disk, "MOUNTINFO", str(kernel.mounts))
    monkeypatch.setattr(boot_disk, "syncfs", kernel.syncfs)
    monkeypatch.setattr(boot_disk.fcntl, "ioctl", kernel.ioctl)
    return kernel


@pytest.mark.parametrize(("fstype", "fails", "calls"), [
    ("xfs", {}, ["sync", "freeze", "thaw"]),
    ("ext4", {}, ["sync", "checkpoint"]),
    ("ext3", {}, ["sync", "checkpoint"]),
    ("ext4", {"checkpoint": [errno.ENOTTY]}, ["sync", "checkpoint", "freeze", "thaw"]),
    ("ext4", {"checkpoint": [errno.ENODEV]}, ["sync", "checkpoint"]),
    ("btrfs", {}, ["sync"]),
    ("vfat", {}, ["sync"]),
    ("overlay", {}, ["sync"]),
    ("tmpfs", {}, ["sync"]),
])
def test_each_file_system_is_written_out_in_its_way(kernel, tmp_path, fstype, fails, calls):
    kernel.is_on(fstype)
    kernel.fails = fails
    boot_disk.flush(str(tmp_path / "not/there/yet"))
    assert kernel.calls == calls


def test_without_proc_it_is_synced(kernel, tmp_path):
    kernel.mounts.unlink()
    boot_disk.flush(str(tmp_path))
    assert kernel.calls == ["sync"]


def test_the_innermost_mount_counts(kernel, tmp_path):
    kernel.mounts.write_text(
        f"21 1 252:1 / / rw - xfs /dev/vda1 rw\n22 21 252:2 / {tmp_path} rw - ext4 /dev/vda2 rw\n"
        f"23 22 252:3 / {tmp_path}/bo rw - xfs /dev/vda3 rw\n")
    (tmp_path / "boot").mkdir()
    boot_disk.flush(str(tmp_path / "boot/file"))
    assert kernel.calls == ["sync", "checkpoint"]


def test_another_root_is_left_alone(kernel, tmp_path):
    boot_disk.flush(str(tmp_path), str(tmp_path))
    boot_disk.flush_each([str(tmp_path)], str(tmp_path))
    assert kernel.calls == []


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOTTY])
def test_where_it_may_not_be_frozen_as_in_a_container(kernel, tmp_path, number):
    kernel.fails = {"freeze": [number]}
    boot_disk.flush(str(tmp_path))
    assert kernel.calls == ["sync", "freeze"]


def test_where_no_checkpoint_may_be_asked_for_as_in_a_container(kernel, tmp_path):
    kernel.is_on("ext4")
    kernel.fails = {"checkpoint": [errno.EPERM]}
    boot_disk.flush(str(tmp_path))
    assert kernel.calls == ["sync", "checkpoint"]


@pytest.mark.parametrize(("fstype", "call"), [("xfs", "freeze"), ("ext4", "checkpoint")])
def test_an_error_of_the_disk_is_told(kernel, tmp_path, fstype, call):
    kernel.is_on(fstype)
    kernel.fails = {call: [errno.EIO]}
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        boot_disk.flush(str(tmp_path))
    assert kernel.calls == ["sync", call]


def test_what_another_program_froze_is_waited_for_and_not_thawed(kernel, tmp_path):
    kernel.fails = {"freeze": [errno.EBUSY, errno.EBUSY, 0]}
    boot_disk.flush(str(tmp_path))
    assert kernel.calls == ["sync", "freeze", "freeze", "freeze", "thaw"]


def test_what_another_program_keeps_frozen_stays_so(kernel, tmp_path, monkeypatch):
    monkeypatch.setattr(boot_disk, "BUSY_SECONDS", 0.05)
    kernel.fails = {"freeze": [errno.EBUSY]}
    with pytest.raises(Failed, match="frozen by another program"):
        boot_disk.flush(str(tmp_path))
    assert "thaw" not in kernel.calls


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError])
def test_it_is_thawed_whatever_is_raised(kernel, tmp_path, monkeypatch, error):
    waited = boot_disk._waited

    def fails(child, path):
        waited(child, path)
        raise error

    monkeypatch.setattr(boot_disk, "_waited", fails)
    with pytest.raises(error):
        boot_disk.flush(str(tmp_path))
    assert kernel.calls_of(os.getpid()) == ["sync", "thaw"]


def test_it_is_thawed_when_the_freeze_is_stuck(kernel, tmp_path, monkeypatch):
    monkeypatch.setattr(boot_disk, "FREEZE_SECONDS", 0.1)
    kernel.stuck = True
    with pytest.raises(Failed, match=r"more than 0\.1 seconds"):
        boot_disk.flush(str(tmp_path))
    assert kernel.calls_of(os.getpid()) == ["sync", "thaw"]


def test_it_is_thawed_when_the_child_dies(kernel, tmp_path, monkeypatch):
    monkeypatch.setattr(boot_disk, "_as_child", lambda _handle: os.kill(os.getpid(), 9))
    with pytest.raises(Failed, match="was killed"):
        boot_disk.flush(str(tmp_path))
    assert kernel.calls_of(os.getpid()) == ["sync", "thaw"]


def test_each_file_system_is_flushed_once(kernel, tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(boot_disk, "flush", flushed.append)
    boot_disk.flush_each([str(tmp_path / "a"), str(tmp_path / "gone/b"), "/proc/self/none"])
    assert sorted(flushed) == sorted(["/proc/self", str(tmp_path)])
    assert kernel.calls == []


@pytest.mark.parametrize("change", [
    lambda folder: (folder / "new").write_text(""),
    lambda folder: (folder / "there").write_text("longer"),
    lambda folder: (folder / "there").unlink(),
    lambda folder: (folder / "inner/there").rename(folder / "there"),
    lambda folder: (folder / "there").chmod(0o600),
])
def test_a_change_is_flushed_and_nothing_else(kernel, tmp_path, change):
    folder = tmp_path / "boot"
    (folder / "inner").mkdir(parents=True)
    (folder / "there").write_text("x")
    (folder / "inner/there").write_text("y")
    before = boot_disk.contents(str(folder))
    boot_disk.flush_changes(before, str(folder))
    assert kernel.calls == []
    change(folder)
    boot_disk.flush_changes(before, str(folder))
    assert kernel.calls == ["sync", "freeze", "thaw"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_folder_that_cannot_be_read_may_have_changed(kernel, tmp_path, monkeypatch, when):
    (tmp_path / "boot/inner").mkdir(parents=True)
    folder, real = str(tmp_path / "boot"), os.scandir
    before = boot_disk.contents(folder)

    def denied(path):
        if str(path).endswith("/inner"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", denied)
    assert boot_disk.contents(folder) is None
    if when == "before":
        before = None
        monkeypatch.setattr(os, "scandir", real)
    boot_disk.flush_changes(before, folder)
    assert kernel.calls == ["sync", "freeze", "thaw"]


def test_where_there_is_no_boot_folder(kernel, tmp_path):
    boot_disk.flush_changes(boot_disk.contents(str(tmp_path / "none")), str(tmp_path / "none"))
    assert kernel.calls == []


def test_a_file_is_overwritten_in_its_place(tmp_path):
    block = tmp_path / "grubenv"
    block.write_bytes(b"old" * 300)
    block.chmod(0o640)
    before = block.stat()
    boot_disk.overwrite(str(block), b"new" * 300)
    after = block.stat()
    assert block.read_bytes() == b"new" * 300
    assert (after.st_ino, after.st_mode, after.st_size) == (before.st_ino, before.st_mode, before.st_size)


def test_a_file_that_cannot_be_synced_is_as_before(tmp_path, monkeypatch):
    def fails(_handle):
        raise OSError(errno.EIO, "no")

    block = tmp_path / "grubenv"
    block.write_bytes(b"old" * 300)
    monkeypatch.setattr(boot_disk.os, "fsync", fails)
    with pytest.raises(OSError, match="no"):
        boot_disk.overwrite(str(block), b"new" * 300)
    assert block.read_bytes() == b"old" * 300


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(OSError, match="symbolic"):
        boot_disk.overwrite(str(tmp_path / "link"), b"new")
    assert (tmp_path / "real").read_bytes() == b"old"


def test_a_file_system_is_written_out_once_the_other_program_has_thawed_it(kernel, tmp_path, monkeypatch):
    monkeypatch.setattr(boot_disk, "BUSY_SECONDS", 0.0)
    kernel.fails = {"freeze": [errno.EBUSY]}
    with pytest.raises(Failed) as failed:
        boot_disk.flush(str(tmp_path))
    assert [problem.code for problem in failed.value.problems] == ["boot_disk.frozen"]
    kernel.fails = {}
    boot_disk.flush(str(tmp_path))
    assert kernel.calls[-2:] == ["freeze", "thaw"]


def test_a_run_after_a_killed_process_writes_out(kernel, tmp_path, monkeypatch):
    child = boot_disk._as_child
    monkeypatch.setattr(boot_disk, "_as_child", lambda _handle: os.kill(os.getpid(), 9))
    with pytest.raises(Failed) as failed:
        boot_disk.flush(str(tmp_path))
    assert [problem.code for problem in failed.value.problems] == ["boot_disk.killed"]
    monkeypatch.setattr(boot_disk, "_as_child", child)
    boot_disk.flush(str(tmp_path))
    assert kernel.calls[-2:] == ["freeze", "thaw"]
