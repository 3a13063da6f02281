# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GRUB would read after a power cut right after each write to /boot: its own file system drivers read a copy of the disk,
which is mounted and whose journal nobody replayed. The table in docs/boot.md is held by these tests."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from . import inside

TREE = pathlib.Path(__file__).resolve().parents[2]
MKFS = {
    "ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q"], "btrfs": ["mkfs.btrfs", "-q"], "vfat": ["mkfs.vfat", "-F", "32"],
}
# The file systems that a host of CentOS Stream may have /boot on. All must be here but vfat, which some kernels lack.
KINDS = {
    "ext4": ("ext4", [], ""),
    "ext4 with data in the journal": ("ext4", [], "data=journal"),
    "ext4 without a journal": ("ext4", ["-O", "^has_journal"], ""),
    "xfs": ("xfs", [], ""),
    "xfs with shared blocks": ("xfs", [], ""),
    "btrfs": ("btrfs", [], ""),
    "vfat": ("vfat", [], ""),
}
OTHERS = ("rename and fsync", "rename, fsync and syncfs", "in place and fsync")
OURS = [name for name in inside.WRITES if name not in OTHERS]
OLD, NEW = "old", "new"


def has_vfat():
    """Say whether this kernel knows vfat, after having asked for its module."""
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "vfat"], check=False, capture_output=True)
    return "\tvfat\n" in pathlib.Path("/proc/filesystems").read_text()


def grub_reads(image, path):
    """Return what GRUB reads of a file of /boot, None where it sees none."""
    result = subprocess.run(
        ["grub-fstest", image, "cat", f"(loop0)/{pathlib.Path(path).relative_to('/boot')}"], capture_output=True, check=False)
    if result.returncode:
        assert b"not found" in result.stderr, result.stderr
        return None
    return result.stdout.hex()


def seen(tmp_path, kind, writes, busy=False):
    """Carry out some writes and return for each whether GRUB sees the old or the new files."""
    fstype, options, mount = KINDS[kind]
    if fstype == "vfat" and not has_vfat():
        pytest.skip("this kernel has no vfat")
    wanted = {
        "folder": str(tmp_path), "mkfs": [*MKFS[fstype], *options], "options": mount, "writes": writes, "busy": busy,
        "shared": "shared" in kind}
    result = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", sys.executable, inside.__file__, json.dumps(wanted)],
        env={**os.environ, "PYTHONPATH": str(TREE / ".cache/collections"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]
    found = {}
    for name, told in json.loads(result.stdout).items():
        assert told["before"] != told["after"], name
        grub = {path: grub_reads(told["copy"], path) for path in told["after"]}
        found[name] = NEW if grub == told["after"] else OLD if grub == told["before"] else "neither"
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_grub_sees_each_write_at_once(tmp_path, kind):
    assert seen(tmp_path, kind, OURS) == dict.fromkeys(OURS, NEW)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_grub_sees_each_write_at_once_while_others_write(tmp_path, kind):
    assert seen(tmp_path, kind, OURS, busy=True) == dict.fromkeys(OURS, NEW)


@pytest.mark.parametrize(("kind", "busy", "expected"), [
    ("ext4", False, (OLD, NEW, NEW)),
    ("ext4", True, (OLD, OLD, NEW)),
    ("xfs", False, (OLD, OLD, NEW)),
    ("btrfs", False, (OLD, NEW, OLD)),
])
def test_what_common_ways_to_write_leave(tmp_path, kind, busy, expected):
    """What the tests above could not tell without: the judge does see the old file where the journal alone has the new one."""
    assert seen(tmp_path, kind, OTHERS, busy) == dict(zip(OTHERS, expected))
