# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts after role cgroup2: no kernel asks for the legacy hierarchy, everything else is as it was."""

from __future__ import annotations

import re

import pytest

ENTRIES = "/boot/loader/entries/1f2e3d-5.14.0-{}.el9.x86_64.conf"


def options(host, number):
    return re.search("^options (.*)$", host.file(ENTRIES.format(number)).content_string, re.MULTILINE).group(1)


@pytest.mark.parametrize(("number", "left"), [(1, "root=/dev/vda1 ro cgroup_no_v1=all"), (2, "root=/dev/vda1 ro quiet")])
def test_entries_have_lost_these_arguments_alone(host, number, left):
    assert options(host, number) == left


def test_kernels_to_come_will_not_have_them(host):
    assert host.file("/etc/kernel/cmdline").content_string == "root=/dev/vda1 ro cgroup_no_v1=all\n"
    assert host.file("/etc/default/grub").content_string == 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="quiet"\n'


def test_the_unified_hierarchy_is_in_use_alone(host):
    assert host.check_output("stat --file-system --format %T /sys/fs/cgroup") == "cgroup2fs"
    types = [line.split(" - ")[1].split()[0] for line in host.file("/proc/self/mountinfo").content_string.splitlines()]
    assert "cgroup" not in types


def test_what_uses_the_legacy_one_is_left_to_its_owner(host):
    assert host.file("/etc/systemd/system/lab-legacy.service").contains("^CPUShares=512$")
