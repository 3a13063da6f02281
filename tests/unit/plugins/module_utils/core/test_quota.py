# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quotas that bind root: those of subvolumes on a real btrfs, and what is read below /sys."""

from __future__ import annotations

import errno
import fcntl
import os
import pathlib
import shutil
import subprocess

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import quota, writable
from ansible_collections.centos.hyperscale.plugins.module_utils.core.writable import Obstacle, Touch

FSID = "433ec323-1b40-42be-916c-bb9bf2a8be0c"
SIZE = 256 << 20


def must(*argv):
    """Run a command of the machine and return what it printed."""
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


@pytest.fixture(name="btrfs")
def fixture_btrfs(tmp_path):
    """A btrfs with two subvolumes, mounted below a folder."""
    known = "\tbtrfs\n" in pathlib.Path("/proc/filesystems").read_text()
    if os.geteuid() != 0 or not shutil.which("mkfs.btrfs") or not known:
        pytest.skip("only root on a kernel with btrfs, and with btrfs-progs, can make one")
    image, point = tmp_path / "image", tmp_path / "point"
    with open(image, "wb") as handle:
        handle.truncate(SIZE)
    point.mkdir()
    must("mkfs.btrfs", "-q", str(image))
    must("mount", "-o", "loop", str(image), str(point))
    try:
        for name in ("limited", "other"):
            must("btrfs", "subvolume", "create", str(point / name))
            (point / name / "usr/bin").mkdir(parents=True)
        yield point
    finally:
        must("umount", str(point))


def obstacles(point):
    """Return what keeps files from being written in the subvolumes."""
    return writable.obstacles("/", [
        Touch(f"{point}/{name}/usr/{path}") for name in ("limited", "other") for path in ("bin/new", "new")])


@pytest.mark.parametrize(("limit", "told"), [("1M", True), ("100M", False), ("none", False)])
@pytest.mark.parametrize("exclusive", [[], ["-e"]])
def test_a_subvolume_whose_quota_is_used_up(btrfs, limit, told, exclusive):
    assert obstacles(btrfs) == []
    must("btrfs", "quota", "enable", str(btrfs))
    must("btrfs", "qgroup", "limit", *exclusive, limit, str(btrfs / "limited"))
    try:
        with open(btrfs / "limited/data", "wb", buffering=0) as handle:
            for _turn in range(40):
                handle.write(os.urandom(64 << 10))
    except OSError as error:
        assert error.errno == errno.EDQUOT and told, "root is bound as well"
    must("sync", "--file-system", str(btrfs))
    found = obstacles(btrfs)
    assert [one._replace(touched="") for one in found] == (
        [Obstacle(writable.QUOTA, f"{btrfs}/limited/usr", "")] if told else [])


@pytest.fixture(name="group")
def fixture_group(tmp_path, monkeypatch):
    """The folder below /sys of a subvolume's quota group, on a host below a folder."""
    def ioctl(_handle, number, answer):
        if number == quota.INO_LOOKUP:
            answer[:] = quota.LOOKUP.pack(257, quota.FIRST_FREE_OBJECTID)
        else:
            answer[:] = quota.INFO.pack(1, 1, bytes.fromhex(FSID.replace("-", "")))

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    return tmp_path / quota.GROUP.format(fsid=FSID, subvolume=257).lstrip("/")


def put(group, **numbers):
    group.mkdir(parents=True, exist_ok=True)
    for name, number in {"referenced": 900, "exclusive": 500, "max_referenced": 0, "max_exclusive": 0, **numbers}.items():
        (group / name).write_text(f"{number}\n")


@pytest.mark.parametrize(("numbers", "left"), [
    ({"limit_flags": 0}, None),
    ({"limit_flags": 1, "max_referenced": 1000}, 100), ({"limit_flags": 2, "max_exclusive": 700}, 200),
    ({"limit_flags": 3, "max_referenced": 1000, "max_exclusive": 510}, 10), ({"limit_flags": 1, "max_referenced": 800}, 0),
])
def test_what_a_group_leaves(tmp_path, group, numbers, left):
    put(group, **numbers)
    found = quota.of_folder(str(tmp_path), str(tmp_path), quota.BTRFS, str(tmp_path))
    assert found == (None if left is None else quota.Quota("subvolume 257", left, None))


def test_without_quotas_nothing_is_limited(tmp_path, group):
    assert quota.of_folder(str(tmp_path), str(tmp_path), quota.BTRFS, str(tmp_path)) is None
    put(group, limit_flags=1)
    assert quota.of_folder(str(tmp_path), str(tmp_path), "ext4", str(tmp_path)) is None


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
def test_a_group_that_cannot_be_read_is_no_absent_limit(tmp_path, group, monkeypatch, code):
    put(group, limit_flags=1)

    def failing(*_args, **_how):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("builtins.open", failing)
    with pytest.raises(OSError, match=os.strerror(code)):
        quota.of_folder(str(tmp_path), str(tmp_path), quota.BTRFS, str(tmp_path))


def test_a_file_system_that_is_no_btrfs_after_all_is_told(tmp_path):
    with pytest.raises(OSError, match=os.strerror(errno.ENOTTY)):
        quota.of_folder("/", "/proc/self", quota.BTRFS, "/")
