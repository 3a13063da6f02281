# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mountinfo as hosts and containers have it, and how control groups are mounted there."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import cgroup, mounts as host_mounts

HOST = r"""22 1 0:20 / /sys rw,nosuid - sysfs sysfs rw
25 22 0:26 / /sys/fs/cgroup rw,nosuid,nodev shared:9 - cgroup2 cgroup2 rw,nsdelegate
30 1 0:31 /root / rw,relatime shared:1 master:2 - btrfs /dev/vda3 rw,seclabel,subvol=/root
31 30 8:2 / /boot ro,relatime shared:3 - xfs /dev/vda2 rw,attr2
32 30 0:40 / /mnt/two\040words rw - nfs4 server:/export rw,vers=4.2
33 30 0:41 / /run rw - tmpfs tmpfs rw
not a line of mountinfo
"""
CONTAINER = """700 600 0:90 / / rw,relatime - overlay overlay rw,lowerdir=/a
701 700 0:91 / /proc rw - proc proc rw
702 700 8:1 /etc/hosts /etc/hosts rw - ext4 /dev/sda1 rw
703 700 0:92 / /var rw - tmpfs tmpfs rw
704 700 8:3 / /var rw - ext4 /dev/sda3 rw
705 700 0:93 / /srv/merged rw - overlay overlay rw
"""
V1 = "1 0 0:1 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n2 1 0:2 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"


def test_real_file_systems_of_a_host():
    mounts = host_mounts.parse(HOST)
    assert host_mounts.real(mounts) == [
        {
            "mountpoint": "/",
            "device": "/dev/vda3",
            "fstype": "btrfs",
            "options": ["rw", "relatime", "seclabel", "subvol=/root"],
        },
        {"mountpoint": "/boot", "device": "/dev/vda2", "fstype": "xfs", "options": ["ro", "relatime", "attr2"]},
        {"mountpoint": "/mnt/two words", "device": "server:/export", "fstype": "nfs4", "options": ["rw", "vers=4.2"]},
    ]
    assert host_mounts.root_filesystem(mounts) == {
        "device": "/dev/vda3",
        "fstype": "btrfs",
        "options": ["rw", "relatime", "seclabel", "subvol=/root"],
    }


def test_real_file_systems_of_a_container():
    found = [(item["mountpoint"], item["fstype"]) for item in host_mounts.real(host_mounts.parse(CONTAINER))]
    assert found == [("/", "overlay"), ("/etc/hosts", "ext4"), ("/var", "ext4")]


def test_no_root_in_mountinfo():
    assert host_mounts.root_filesystem(host_mounts.parse(V1)) is None


def test_free_bytes(host):
    host.write("/boot/file")
    assert host_mounts.free_bytes(host.root, "/boot") > 0
    with pytest.raises(OSError):
        host_mounts.free_bytes(host.root, "/var")


@pytest.mark.parametrize(
    ("mountinfo", "expected"),
    [
        (HOST, "unified"),
        (V1, "legacy"),
        (V1 + "3 1 0:3 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", "hybrid"),
        (CONTAINER, "unknown"),
        ("1 0 0:1 / /mnt rw - cgroup2 cgroup2 rw\n", "unknown"),
        ("", "unknown"),
    ],
)
def test_cgroup_mode(mountinfo, expected):
    assert cgroup.mode(host_mounts.parse(mountinfo)) == expected


OFF_BY_DEFAULT = "CONFIG_PSI=y\nCONFIG_PSI_DEFAULT_DISABLED=y\n"


@pytest.mark.parametrize(
    ("works", "config", "arguments", "supported", "enabled", "said"),
    [
        (True, None, {}, True, True, None),
        (False, None, {}, None, False, "was not found"),
        (False, "# CONFIG_PSI is not set\n", {}, False, False, "built without CONFIG_PSI"),
        (False, OFF_BY_DEFAULT, {}, True, False, "psi=1 on the kernel command line turns it on"),
        (False, OFF_BY_DEFAULT, {"psi": "0"}, True, False, "says psi=0"),
        (False, "CONFIG_PSI=y\n# CONFIG_PSI_DEFAULT_DISABLED is not set\n", {}, True, False, "although"),
    ],
)
def test_judge_psi(works, config, arguments, supported, enabled, said):
    found = cgroup.judge_psi(works, config, arguments)
    assert (found["supported"], found["enabled"]) == (supported, enabled)
    assert found["reason"] is None if said is None else said in found["reason"]


@pytest.mark.parametrize("path", ["/boot/config-6.1", "/lib/modules/6.1/config"])
def test_gather_psi_finds_the_configuration_of_the_running_kernel(host, path):
    host.write(path, OFF_BY_DEFAULT)
    assert cgroup.gather_psi(host.root, "6.1", {})["supported"] is True
    assert cgroup.gather_psi(host.root, "6.2", {})["supported"] is None
    host.write("/proc/pressure/memory", "some avg10=0.00\n")
    assert cgroup.gather_psi(host.root, "6.2", {})["enabled"] is True
