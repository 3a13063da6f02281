# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did and somebody took away since: going back finds it gone already, which is fine, and fails for nothing."""

from __future__ import annotations

import pytest
from lab import hosts

from .conftest import repositories

UNIT, SHIPPED = "/etc/systemd/system/gone.service", "/usr/lib/systemd/system/gone.service"
CONTENT = (
    "[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\nAlias=also-gone.service\n")
LINKS = ("/etc/systemd/system/multi-user.target.wants/gone.service", "/etc/systemd/system/also-gone.service")


def undone(live):
    """Take everything back and return the result."""
    result = live.module("converge", {"state": "undone"})
    assert not result.get("failed"), result["msg"]
    again = live.module("converge", {"state": "undone"})
    assert (again["changed"], again["left"]) == (False, []), again
    return result


def there(live, *paths):
    """Return which paths are there, be they links that lead nowhere."""
    return [path for path in paths if hosts.command(live.host, ["test", "-e", path, "-o", "-L", path]).returncode == 0]


@pytest.mark.parametrize("reloaded", [True, False])
def test_a_unit_whose_file_was_taken_away(host, reloaded):
    host.write(UNIT, CONTENT)
    assert host.converge(units=[{"name": "gone.service", "enabled": True, "state": "started"}])["changed"]
    assert there(host, *LINKS) == list(LINKS)
    host.command("rm", UNIT)
    if reloaded:
        host.command("systemctl", "daemon-reload")
    result = undone(host)
    assert there(host, *LINKS) == []
    assert host.command("systemctl", "show", "--property=ActiveState", "--value", "gone.service").strip() == "inactive"
    assert result["changed"]


def test_a_unit_that_was_stopped_and_disabled_cannot_run_again_without_its_file(host9):
    host9.write(UNIT, CONTENT)
    host9.command("systemctl", "enable", "--now", "gone.service")
    assert host9.converge(units=[{"name": "gone.service", "enabled": False, "state": "stopped"}])["changed"]
    host9.command("rm", UNIT)
    left = undone(host9)["left"]
    assert [line for line in left if "gone.service is gone since" in line and "started again" in line], left
    assert [line for line in left if "gone.service is gone since" in line and "enabled again" in line], left


@pytest.mark.parametrize("masked", [True, False])
def test_a_mask_of_a_unit_whose_file_was_taken_away(host9, masked):
    # What lies in /etc cannot be masked.
    host9.write(SHIPPED, CONTENT)
    if not masked:
        host9.command("systemctl", "mask", "gone.service")
    assert host9.converge(units=[{"name": "gone.service", "masked": masked}])["changed"]
    host9.command("rm", SHIPPED)
    undone(host9)
    link = "/etc/systemd/system/gone.service"
    assert there(host9, link) == ([] if masked else [link])


def test_the_package_of_a_unit_was_removed(host9):
    host9.command("dnf", "-q", "-y", "install", "systemd-resolved")
    host9.command("systemctl", "disable", "--now", "systemd-resolved.service")
    assert host9.converge(units=[{"name": "systemd-resolved.service", "enabled": True}])["changed"]
    host9.command("rpm", "-e", "--nodeps", "systemd-resolved")
    undone(host9)
    assert host9.command("find", "/etc/systemd/system", "-lname", "*/systemd-resolved.service") == ""


def test_files_keys_and_repositories_that_were_taken_away(host9):
    wanted = [{"path": f"/srv/gone/{name}", "content": "x\n"} for name in ("one", "two")]
    assert host9.converge(repositories=[repositories()], files=wanted)["changed"]
    host9.command("rm", "-r", "/srv/gone")
    host9.command("sh", "-c", "rpm -e --allmatches gpg-pubkey")
    host9.command("sh", "-c", "rm -f /etc/yum.repos.d/*Hyperscale* /etc/pki/rpm-gpg/*Hyperscale*")
    undone(host9)


def test_a_package_of_the_swap_was_removed_or_changed_by_hand(host9):
    assert host9.converge(repositories=[repositories()], packages=[{"set": "ethtool"}, {"set": "compression"}])["changed"]
    host9.command("rpm", "-e", "--nodeps", "ethtool")
    result = undone(host9)
    assert ".hs" not in host9.command("rpm", "-q", "lz4", "zstd")
    assert result["changed"]
