# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernels and the command line, from recorded text."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import kernel as host_kernel
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb

STOCK = "5.14.0-503.el9.x86_64"
KEY = "2a01fa2aeb3dac40"


def kernel(release, name="kernel-core", version="5.14.0", vendor="CentOS", key=None, arch="x86_64", installed=100):
    return rpmdb.Package(name, 0, version, release, arch, vendor, "kernel", key, installed)


@pytest.mark.parametrize(
    ("cmdline", "expected"),
    [
        (
            "BOOT_IMAGE=(hd0,gpt2)/vmlinuz-5.14 root=UUID=ab-cd ro quiet",
            {
                "BOOT_IMAGE": "(hd0,gpt2)/vmlinuz-5.14",
                "root": "UUID=ab-cd",
                "ro": True,
                "quiet": True,
            },
        ),
        ("psi=0 psi=1", {"psi": "1"}),
        ("systemd.unified_cgroup_hierarchy=0", {"systemd.unified_cgroup_hierarchy": "0"}),
        ('dyndbg="file a.c +p" x', {"dyndbg": "file a.c +p", "x": True}),
        ("empty= ro -- single", {"empty": "", "ro": True}),
        ('broken="no end', {"broken": "no end"}),
        ("", {}),
    ],
)
def test_parse_arguments(cmdline, expected):
    assert host_kernel.parse_arguments(cmdline) == expected


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("/boot/vmlinuz-5.14.0-503.el9.x86_64\n", STOCK),
        ("/boot/vmlinux-6.12.0-1.el10.aarch64\n", "6.12.0-1.el10.aarch64"),
        ("", None),
        ("/boot/efi/EFI/Linux/some.efi", None),
    ],
)
def test_parse_default(printed, expected):
    assert host_kernel.parse_default(printed) == expected


def test_core_packages_are_newest_first_by_rpm():
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    packages = [
        kernel("9.el9"),
        kernel("0.hs1.hsk.el10", version="6.16.4"),
        kernel("100.el9"),
        kernel("100.el9", name="kernel-modules-core"),
        kernel("100.el9", name="kernel-64k-modules-core"),
        kernel("100.el9", name="kernel"),
        kernel("50.el9", name="kernel-64k-core"),
    ]
    assert [package.nevra for package in host_kernel.core_packages(packages)] == [
        "kernel-core-6.16.4-0.hs1.hsk.el10.x86_64",
        "kernel-core-5.14.0-100.el9.x86_64",
        "kernel-64k-core-5.14.0-50.el9.x86_64",
        "kernel-core-5.14.0-9.el9.x86_64",
    ]


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        (STOCK, "kernel-core"),
        (STOCK + "+64k", "kernel-64k-core"),
        (STOCK + "+debug", "kernel-core"),
        ("6.1.0-debian", None),
        (None, None),
    ],
)
def test_owner(release, expected):
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    packages = [kernel("503.el9", name="kernel-64k-core"), kernel("503.el9")]
    found = host_kernel.owner(release, packages)
    assert (found and found.name) == expected


@pytest.mark.parametrize(
    ("running", "packages", "expected"),
    [
        ("6.16.4-0.hs1.hsk.el10.x86_64", "both", True),
        (STOCK, "both", False),
        ("6.1.0-debian", "both", None),
        (STOCK, None, None),
    ],
)
def test_gather(host, running, packages, expected):
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    if packages:
        ours = kernel("0.hs1.hsk.el10", version="6.16.4", vendor="CentOS Hyperscale SIG", key=KEY)
        packages = [kernel("503.el9"), ours]
    host.write("/proc/sys/kernel/osrelease", running + "\n")
    host.write("/proc/cmdline", "ro psi=1\n")
    host.answer("grubby --default-kernel", "/boot/vmlinuz-5.14.0-503.el9.x86_64\n")

    found = host_kernel.gather(host.root, host.run, host.note, packages, [KEY])

    assert found["running"] == running
    assert found["default"] == STOCK
    assert found["cmdline"] == "ro psi=1"
    assert found["arguments"] == {"ro": True, "psi": "1"}
    assert found["hyperscale"] is expected
    assert (found["installed"] is None) == (packages is None)
    assert host.notes == []


@pytest.mark.parametrize(("answer", "said"), [(None, "no such command"), ("\n", "names no kernel")])
def test_a_default_that_grubby_does_not_name_is_unknown(host, answer, said):
    host.write("/proc/sys/kernel/osrelease", STOCK)
    host.write("/proc/cmdline", "ro")
    if answer is not None:
        host.answer("grubby --default-kernel", answer)
    assert host_kernel.gather(host.root, host.run, host.note, None, [])["default"] is None
    ((what, reason),) = host.notes
    assert what == "kernel.default" and said in reason
