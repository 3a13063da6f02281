# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""btrfs on live hosts: what is mounted blocks the way back, modules for another kernel are refused, and the trial fails aloud."""

from __future__ import annotations

import platform

import pytest

from lab import common, keys

from .conftest import repositories

TOOLS = {"names": ["btrfs-progs"]}
MODULE = [{"name": "btrfs"}]
KMOD = {"names": ["kmod-btrfs"], "to": "any"}
BUSY = "/srv/pool"
# Not on the disk, whose fingerprint a commit of btrfs would change.
IMAGE = "/run/pool.img"
SPEC = """\
Name: kmod-btrfs
Version: 5.14.0.611
Release: 1.el9s
Summary: A package of kernel modules
License: GPL-2.0-only
Vendor: CentOS Kmods SIG
BuildArch: x86_64
%description
A package of kernel modules.
%install
mkdir -p %{{buildroot}}/lib/modules/{release}/extra/btrfs
touch %{{buildroot}}/lib/modules/{release}/extra/btrfs/btrfs.ko.xz
%files
/lib/modules/{release}/extra/btrfs/btrfs.ko.xz
"""
REPOSITORY = """\
[centos-kmods]
name=CentOS Stream - Kmods
baseurl=file:///srv/kmods
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-centosofficial
"""


def install(live):
    """Bring the tools and load the module."""
    return live.converge(repositories=[repositories()], packages=[TOOLS], modules=MODULE)


def mount(live):
    """Mount a btrfs file system."""
    live.command("truncate", "-s", "160M", IMAGE)
    live.command("mkfs.btrfs", "-q", IMAGE)
    live.command("mkdir", "-p", BUSY)
    live.command("mount", "-o", "loop", IMAGE, BUSY)


def without_btrfs(live):
    """Have the running kernel say that it has no btrfs, as a stock kernel does."""
    live.write("/srv/filesystems", "nodev\tproc\nnodev\ttmpfs\n\txfs\n")
    live.command("mount", "--bind", "/srv/filesystems", "/proc/filesystems")


def offer_kmod(live, tmp_path, release):
    """Give the host a repository with a package of modules for one kernel."""
    spec = tmp_path / "kmod.spec"
    spec.write_text(SPEC.format(release=release))
    common.run(["rpmbuild", "-bb", "--define", f"_topdir {tmp_path}/top", "--define", f"_rpmdir {tmp_path}/repo", spec])
    keys.sign("centos", sorted((tmp_path / "repo").rglob("*.rpm")))
    common.run(["createrepo_c", "--quiet", "--general-compress-type=gz", tmp_path / "repo"])
    for path in (path for path in (tmp_path / "repo").rglob("*") if path.is_file()):
        place = f"/srv/kmods/{path.relative_to(tmp_path / 'repo')}"
        live.command("mkdir", "-p", place.rpartition("/")[0])
        live.put(path, place)
    live.write("/etc/yum.repos.d/kmods.repo", REPOSITORY)


def test_there_and_back(host):
    assert install(host)["changed"]
    assert not install(host)["changed"]
    back = {"packages": [{**TOOLS, "to": "stock"}], "modules": [{"name": "btrfs", "loaded": False, "at_boot": False}]}
    assert host.converge(**back)["changed"]
    assert host.command("find", "/etc/modules-load.d", "-name", "*btrfs*") == ""
    assert "btrfs-progs" not in host.command("rpm", "-qa")
    assert not host.converge(**back)["changed"]


def test_mounted_btrfs_blocks_the_way_back_and_is_named(host, refused):
    assert install(host)["changed"]
    mount(host)
    for run in (
        lambda: host.converge(packages=[{**TOOLS, "to": "stock"}]),
        lambda: host.converge(packages=[{**TOOLS, "to": "stock"}], check=True),
        lambda: host.converge(packages=[{"names": ["zstd"], "erase": ["btrfs-progs"]}]),
        lambda: host.module("converge", {"state": "undone"}),
    ):
        refused(host, run, f"{BUSY} (mounted)", "btrfs-progs would leave")
    host.command("umount", BUSY)
    host.write("/etc/fstab", f"UUID=1 {BUSY} btrfs noauto 0 0\n")
    refused(host, lambda: host.module("converge", {"state": "undone"}), f"{BUSY} (in /etc/fstab)")
    host.write("/etc/fstab", "")
    assert host.module("converge", {"state": "undone"})["changed"]
    assert "btrfs-progs" not in host.command("rpm", "-qa")


def test_a_kernel_without_btrfs_and_nobody_who_offers_the_module(host9, refused):
    without_btrfs(host9)
    assert host9.converge(repositories=[repositories()])["changed"]
    refused(host9, lambda: host9.converge(packages=[TOOLS], modules=MODULE), "no kernel of this host has it")
    refused(host9, lambda: host9.converge(packages=[TOOLS, KMOD], modules=MODULE),
            "kmod-btrfs is wanted", "install centos-release-kmods")


@pytest.mark.parametrize("release", ["5.14.0-611.el9.x86_64"])
def test_modules_for_another_kernel_are_refused_with_both_releases(host, refused, tmp_path, release):
    without_btrfs(host)
    offer_kmod(host, tmp_path, release)
    refused(host, lambda: host.converge(packages=[KMOD], modules=MODULE),
            f"is built for kernel {release}", f"{platform.release()} runs")


def test_modules_for_the_running_kernel_are_taken_only_for_want_of_btrfs(host, tmp_path):
    offer_kmod(host, tmp_path, platform.release())
    optional = {**KMOD, "where_no_module": "btrfs"}
    assert host.converge(packages=[optional])["actions"] == []
    without_btrfs(host)
    assert host.converge(packages=[optional])["changed"]
    assert "el9s" in host.command("rpm", "-q", "kmod-btrfs")


def snapshot_and_install(live):
    assert live.converge(repositories=[repositories()])["changed"]
    snapshot = live.module("host_snapshot", {"names": ["btrfs-progs"]})["id"]
    assert install(live)["changed"]
    return snapshot


def trial(live, snapshot, check=False):
    """Return what became of the trial, its findings, and the verdict."""
    result = live.module("proof_info", {"snapshot": snapshot}, check=check)
    found, = [check for check in result["report"]["checks"] if check["id"] == "btrfs.trial"]
    return found, [entry for entry in result["findings"] if entry["check"] == "btrfs.trial"], result["verdict"]


def test_the_trial_passes_fails_aloud_and_is_unknown_without_a_loop_device(host):
    snapshot = snapshot_and_install(host)
    assert trial(host, snapshot, check=True)[0]["status"] == "skipped"
    found, findings, verdict = trial(host, snapshot)
    assert (found["status"], findings) == ("ran", []) and verdict.startswith("drop_in")
    # A trial that was killed in the middle.
    old = "/var/lib/centos-hyperscale/trials/btrfs-killed"
    host.command("mkdir", "-p", f"{old}/mount")
    host.command("truncate", "-s", "128M", f"{old}/image")
    host.command("mkfs.btrfs", "-q", f"{old}/image")
    host.command("mount", "-o", "loop", f"{old}/image", f"{old}/mount")
    assert trial(host, snapshot)[0]["status"] == "ran"
    assert old not in host.command("cat", "/proc/self/mounts") + host.command("losetup", "--list")
    # A kernel whose btrfs cannot be mounted: tools that make what it does not know.
    host.write("/usr/local/sbin/mkfs.btrfs", "#!/bin/sh\nexit 0\n")
    host.command("mv", "/usr/sbin/mkfs.btrfs", "/srv/mkfs.btrfs")
    host.command("install", "-m", "0755", "/usr/local/sbin/mkfs.btrfs", "/usr/sbin/mkfs.btrfs")
    found, findings, verdict = trial(host, snapshot)
    assert verdict == "not_drop_in" and "mount -t btrfs" in findings[0]["diagnosis"]
    assert findings[0]["severity"] == "high"
    host.command("mv", "/srv/mkfs.btrfs", "/usr/sbin/mkfs.btrfs")
    host.command("mv", "/usr/sbin/losetup", "/srv/losetup")
    found, findings, verdict = trial(host, snapshot)
    assert (found["status"], findings, verdict) == ("error", [], "unknown")
    assert "losetup: no such command" in found["reason"]
    assert host.command("find", "/var/lib/centos-hyperscale/trials", "-mindepth", "2") == ""
