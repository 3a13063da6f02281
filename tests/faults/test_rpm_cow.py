# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy-on-write: refusals on the wrong ground, and what real file systems say of files that are clones and that are not."""

from __future__ import annotations

import fcntl
import os
import shutil

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import cow as host_cow, fiemap
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.proven import cow

from lab import common

from .conftest import repositories

STACK = [
    {"family": "rpm", "also": ["rpm-plugin-reflink"]}, {"names": ["librepo", "python3-dnf-plugin-cow"]}]
BYTES = 256 << 10
UNWRITTEN = 0x800
MAKERS = {"btrfs": (["mkfs.btrfs", "--quiet"], "256M"), "xfs": (["mkfs.xfs", "-q", "-m", "reflink=1"], "512M"),
          "xfs without reflink": (["mkfs.xfs", "-q", "-m", "reflink=0"], "512M")}


def wanted(live, **more):
    """Return what a test wants in one run."""
    main = repositories(flavours=["main", "experimental"])
    return live.converge(repositories=[main], packages=STACK, cow=[{"accept_rpmdb_move": True, **more}])


def test_overlay_is_refused_with_its_reason(host, refused):
    host.command("dnf", "-y", "-q", "install", "rpm", "rpm-libs", "librepo")
    refused(host, lambda: wanted(host), "/var/cache/dnf and /usr are on /", "it is overlay")


def test_two_mounts_are_refused_with_both_types(host9, refused):
    host9.command("mkdir", "-p", "/var/cache/dnf")
    host9.command("mount", "-t", "tmpfs", "tmpfs", "/var/cache/dnf")
    refused(host9, lambda: wanted(host9), "/var/cache/dnf is on /var/cache/dnf (tmpfs) and /usr on / (overlay)")


def test_bad_name_in_the_denylist(host9, refused):
    refused(host9, lambda: wanted(host9, denylist=["kernel*"]), "'kernel*' in the denylist")


def test_stack_that_nobody_wants_is_named(host9, refused):
    refused(host9, lambda: host9.converge(cow=[{}]), "rpm-plugin-reflink is not installed",
            "python3-dnf-plugin-cow is not installed")


@pytest.fixture(name="ground", params=sorted(MAKERS))
def fixture_ground(request, tmp_path):
    """A file system on a loop device, mounted on this machine."""
    make, size = MAKERS[request.param]
    disk, point = tmp_path / "disk", tmp_path / "mount"
    point.mkdir()
    common.run(["truncate", "--size", size, disk])
    common.run([*make, disk])
    common.run(["mount", "-o", "loop", disk, point])
    yield request.param, point
    common.run(["umount", point])


def clone(source, destination):
    """Make a file that shares the blocks of another."""
    with open(source, "rb") as have, open(destination, "wb") as made:
        fcntl.ioctl(made, fiemap.FICLONE, have.fileno())


def test_clones_and_copies_are_told_apart(ground):
    kind, point = ground
    (point / "a.rpm").write_bytes(os.urandom(BYTES - len(host_cow.MARKER)) + host_cow.MARKER)
    shutil.copyfile(point / "a.rpm", point / "bytes")
    with open(point / "bytes", "rb+") as handle:  # written anew, whatever the copy did
        handle.write(os.urandom(BYTES))
    said = fiemap.clone_problem(str(point), str(point))
    assert sorted(os.listdir(point)) == ["a.rpm", "bytes"]
    if kind == "xfs without reflink":
        assert said == os.strerror(95)  # EOPNOTSUPP
        return
    assert said == ""
    package = str(point / "a.rpm")
    assert not any(extent.shared for extent in fiemap.extents(package))
    assert "None of 1 files shares a block" in cow.trouble(package, [str(point / "bytes")])
    clone(package, point / "clone")
    assert any(extent.shared for extent in fiemap.extents(str(point / "clone")))
    assert all(not extent.shared for extent in fiemap.extents(str(point / "bytes")))
    shared = fiemap.common_bytes(fiemap.extents(package), fiemap.extents(str(point / "clone")))
    assert shared == BYTES
    assert fiemap.common_bytes(fiemap.extents(package), fiemap.extents(str(point / "bytes"))) == 0
    assert cow.trouble(package, [str(point / "clone"), str(point / "bytes")]) == ""
    (point / "plain.rpm").write_bytes(os.urandom(BYTES))
    assert "lacks the marker KWTSH100" in cow.trouble(str(point / "plain.rpm"), [])


def test_a_file_of_many_extents_is_read_to_its_end(ground):
    kind, point = ground
    with open(point / "holes", "wb") as handle:
        for number in range(3 * fiemap.BATCH):
            handle.seek(number * (128 << 10))
            handle.write(os.urandom(4096))
    # xfs takes room ahead of what is written.
    found = [extent for extent in fiemap.extents(str(point / "holes")) if not extent.flags & UNWRITTEN]
    assert len(found) == 3 * fiemap.BATCH, kind
    assert sum(extent.length for extent in found) == 3 * fiemap.BATCH * 4096
    assert found[-1].logical == (3 * fiemap.BATCH - 1) * (128 << 10)
