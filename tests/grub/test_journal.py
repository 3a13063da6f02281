# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GRUB would read after a power cut right after each write to /boot: its own file system drivers read a copy of the disk,
which is mounted and whose journal nobody replayed. The tables in docs/boot.md are those of these tests."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from . import inside, writes

TREE = pathlib.Path(__file__).resolve().parents[2]
MKFS = {
    "ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q"], "btrfs": ["mkfs.btrfs", "-q"],
    "vfat": ["mkfs.vfat", "-F", "32"],
}
# What /boot may be on: file system, options for making it, options for mounting it.
KINDS = {
    "ext4": ("ext4", [], ""),
    "ext4 with data in the journal": ("ext4", [], "data=journal"),
    "ext4 without a journal": ("ext4", ["-O", "^has_journal"], ""),
    "xfs": ("xfs", [], ""),
    "xfs with shared blocks": ("xfs", [], ""),
    "btrfs": ("btrfs", [], ""),
    "vfat": ("vfat", [], ""),
}
OLD, NEW = "old", "new"
TRIES = 6


def has_vfat():
    """Say whether this machine's kernel knows vfat. It knows all others, or the tests fail."""
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "vfat"], check=False, capture_output=True)
    return "\tvfat\n" in pathlib.Path("/proc/filesystems").read_text(encoding="ascii")


def within(folder, kind, **wanted):
    """Return what comes of something done with a new file system as /boot."""
    fstype, options, mount = KINDS[kind]
    if fstype == "vfat" and not has_vfat():
        pytest.skip("the kernel of this machine has no vfat")
    wanted.update(folder=str(folder), mkfs=[*MKFS[fstype], *options], options=mount)
    result = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", sys.executable, inside.__file__, json.dumps(wanted)],
        env={**os.environ, "PYTHONPATH": str(TREE / ".cache/collections"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout)


def grub_reads(image, path):
    """Return what GRUB reads of a file of /boot, None where it sees none."""
    result = subprocess.run(
        ["grub-fstest", image, "cat", f"(loop0)/{pathlib.Path(path).relative_to(writes.BOOT)}"], capture_output=True, check=False)
    if result.returncode:
        assert b"not found" in result.stderr, result.stderr
        return None
    return result.stdout.hex()


def seen(folder, kind, names, busy=False):
    """Carry out some writes and return for each whether GRUB sees the old or the new files."""
    found = {}
    told = within(folder, kind, writes=list(names), busy=busy, shared="shared" in kind)
    for name, write in told.items():
        assert all(write["before"][path] != write["after"][path] for path in write["after"]), name
        grub = {path: grub_reads(write["copy"], path) for path in write["after"]}
        found[name] = NEW if grub == write["after"] else OLD if grub == write["before"] else "neither"
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_grub_sees_each_write_at_once(tmp_path, kind):
    assert seen(tmp_path, kind, writes.OURS) == dict.fromkeys(writes.OURS, NEW)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_grub_sees_each_write_at_once_while_others_write(tmp_path, kind):
    assert seen(tmp_path, kind, writes.OURS, busy=True) == dict.fromkeys(writes.OURS, NEW)


@pytest.mark.parametrize(("kind", "busy", "expected"), [
    ("ext4", False, (OLD, NEW, NEW)),
    ("ext4", True, (OLD, OLD, NEW)),
    ("xfs", False, (OLD, OLD, NEW)),
    ("btrfs", False, (OLD, NEW, OLD)),
])
def test_what_common_ways_to_write_leave(tmp_path, kind, busy, expected):
    """The judge does see the old file where only the journal has the new one. While others write, the journal may be written out
    in between by itself, so there it is enough that this is seen once."""
    wanted = dict(zip(writes.COMMON, expected))
    found = []
    while wanted not in found and len(found) < (TRIES if busy else 1):
        found.append(seen(tmp_path, kind, writes.COMMON, busy))
    assert wanted in found, found


@pytest.mark.parametrize(("whom", "status"), [("child", 3), ("parent", -9)])
def test_xfs_does_not_stay_frozen_when_a_process_is_killed(tmp_path, whom, status):
    assert within(tmp_path, "xfs", killed=whom) == {"status": status, "written": True}


def test_xfs_that_another_program_froze_is_waited_for(tmp_path):
    found = within(tmp_path, "xfs", frozen=1.0, patience=10.0)
    assert (found["problem"], found["still_frozen"]) == ("", False)
    assert 0.5 < found["took"] < 10


def test_xfs_that_another_program_keeps_frozen_stays_so(tmp_path):
    found = within(tmp_path, "xfs", frozen=3.0, patience=0.5)
    assert "frozen by another program" in found["problem"]
    assert found["still_frozen"]
