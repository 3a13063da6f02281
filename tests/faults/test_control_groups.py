# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd-oomd and control groups on live hosts: refusals that change nothing, and the way back."""

from __future__ import annotations

import pytest

from .conftest import repositories

LEGACY = "systemd.unified_cgroup_hierarchy=0"
ENTRY = "/boot/loader/entries/1f2e3d-5.14.0-1.el9.x86_64.conf"
FILES = {
    "/boot/grub2/grub.cfg": 'set default="${saved_entry}"\ninsmod blscfg\nblscfg\n',
    "/etc/kernel/cmdline": f"root=/dev/vda1 ro {LEGACY}\n",
    ENTRY: f"title a\nversion 5.14.0-1.el9.x86_64\nlinux /vmlinuz-5.14.0-1.el9.x86_64\noptions root=/dev/vda1 ro {LEGACY}\n",
}
WATCHED = {"name": "system.slice", "memory_pressure": "kill", "memory_pressure_limit": "40%"}
PROVIDED = {"family": "systemd", "to": "installed", "capabilities": ["systemd-oomd-defaults"]}


@pytest.fixture(name="oomd")
def fixture_oomd(host):
    """A host with the stock package."""
    host.converge(packages=[PROVIDED])
    return host


def boots_by_files(live):
    live.command("mkdir", "-p", "/boot/grub2", "/boot/loader/entries", "/etc/kernel")
    for path, text in FILES.items():
        live.write(path, text)


def limit(live):
    return live.command("systemctl", "show", "-p", "ManagedOOMMemoryPressureLimit", "--value", "system.slice")


# What is wrong, and the words that say so.
BAD_WISHES = [
    ({"units": [dict(WATCHED, memory_pressure_limit="500 %")]}, ["system.slice", "'500 %'", "between 0% and 100%"]),
    ({"units": [dict(WATCHED, name="system")]}, ["unit system:", "full name"]),
    ({"units": [{"name": "no-such.service", "preference": "omit"}]}, ["no-such.service", "no such unit"]),
    ({"units": [dict(WATCHED, memory_pressure_duration="0.1s")]}, ["'0.1s'", "at least one second"]),
    ({"settings": {"swap_used_limit": "80"}}, ["'80'", "between 0% and 100%"]),
    ({"settings": {"swap_limit": "80%"}}, ["swap_limit"]),
    ({"settings": {"prekill_hook_timeout": "5s"}}, ["PrekillHookTimeoutSec", "from version 260 on"]),
]


def test_bad_wishes(oomd, refused):
    for wish, says in BAD_WISHES:
        refused(oomd, lambda wish=wish: oomd.converge(oomd=[wish]), *says)


def test_a_host_without_the_daemon(host9, refused):
    refused(host9, lambda: host9.converge(oomd=[{}]), "systemd-oomd.service", "no such unit", "systemd-oomd-defaults")


def test_a_rival_that_runs(oomd, refused):
    oomd.write("/etc/systemd/system/earlyoom.service", "[Service]\nExecStart=/usr/bin/sleep infinity\n")
    oomd.command("systemctl", "daemon-reload")
    oomd.command("systemctl", "start", "earlyoom.service")
    refused(oomd, lambda: oomd.converge(oomd=[{}]), "earlyoom.service is active", "conflicting")
    assert oomd.converge(oomd=[{"conflicting": "disable"}])["changed"]
    assert oomd.command("systemctl", "show", "-p", "ActiveState", "--value", "earlyoom.service") == "inactive"
    assert oomd.module("converge", {"state": "undone", "undo": ["oomd"]})["changed"]
    assert oomd.command("systemctl", "is-active", "earlyoom.service") == "active"


def test_the_way_back_of_oomd(oomd):
    before, was = oomd.fingerprint(), limit(oomd)
    result = oomd.converge(oomd=[{"settings": {"swap_used_limit": "80%"}, "units": [WATCHED]}])
    assert result["changed"], result
    assert limit(oomd) != was
    assert oomd.converge(oomd=[{"settings": {"swap_used_limit": "80%"}, "units": [WATCHED]}])["changed"] is False
    assert oomd.module("converge", {"state": "undone", "undo": ["oomd"]})["changed"]
    assert limit(oomd) == was
    new = [line for line in oomd.fingerprint() if line not in before]
    # The ledger stays, as other steps stand, and the folders that the files lay in.
    allowed = ("/var/lib/centos-hyperscale", "/etc/centos-hyperscale.ledger ", "/etc/systemd/oomd.conf.d ",
               "/etc/systemd/system/system.slice.d ", "/etc/systemd ", "/etc/systemd/system ")
    assert [line for line in new if not line.startswith(allowed)] == []


def test_the_way_back_of_arguments(host):
    boots_by_files(host)
    wish = {"boot": [{"args_absent": ["systemd.unified_cgroup_hierarchy"]}], "cgroup2": [{}]}
    result = host.converge(**wish)
    assert result["changed"], result
    for path in (ENTRY, "/etc/kernel/cmdline"):
        assert LEGACY not in host.command("cat", path)
    assert host.converge(**wish)["changed"] is False
    assert host.module("converge", {"state": "undone"})["changed"]
    assert {path: host.command("cat", path) + "\n" for path in FILES} == FILES


def test_the_stock_package_gives_way_when_systemd_moves(host9):
    host9.converge(packages=[PROVIDED])
    assert host9.command("rpm", "-q", "systemd-oomd").startswith("systemd-oomd-252")
    swap = {"repositories": [repositories()], "packages": [{"family": "systemd"}, PROVIDED], "manager": [{}]}
    result = host9.converge(**swap, oomd=[{"units": [WATCHED]}])
    assert result["changed"], result
    installed = host9.command("rpm", "-qa", "--qf", "%{NAME}\n", "systemd*").split()
    assert "systemd-oomd-defaults" in installed
    assert "systemd-oomd" not in installed
    assert host9.state() == "running"
    assert host9.converge(**swap, oomd=[{"units": [WATCHED]}])["changed"] is False
