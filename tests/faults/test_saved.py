# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is saved before a swap, and that the way back rests on it alone."""

from __future__ import annotations

import time

from lab import hosts, rpms

from .conftest import repositories

SAVED = "/var/lib/centos-hyperscale/saved"
REASONS = ["dnf", "-q", "repoquery", "--installed", "--qf", "%{name} %{reason}\\n"]


def packages_of(live):
    """Return what is installed and why."""
    return set(live.command("rpm", "-qa").split()), set(live.command(*REASONS).splitlines())


def cut_off_from_mirrors(live):
    """Have no repository of the host answer any more, and nothing left in the cache."""
    live.command("sed", "-i", r"s,^\(baseurl\|metalink\|mirrorlist\)=.*,baseurl=http://127.0.0.1:9/,", *live.command(
        "find", "/etc/yum.repos.d", "-name", "*.repo").split())
    live.command("dnf", "-q", "clean", "all")


def test_all_is_taken_back_without_a_mirror_and_with_the_reasons_there_were(host):
    live = host
    live.command("dnf", "-q", "mark", "remove", "systemd-udev")
    before = packages_of(live)
    assert live.adopt()["changed"]
    cut_off_from_mirrors(live)
    result = live.module("converge", {"state": "undone"})
    assert result.get("changed"), result
    assert packages_of(live) == before
    assert live.state() == "running" and live.login_works()
    # What can no longer be taken back is no longer kept.
    assert live.command("find", SAVED, "-type", "f") == ""


def test_local_edits_come_back_and_later_ones_stay(host):
    live = host
    live.command("sed", "-i", "s/^#*KillUserProcesses=.*/KillUserProcesses=no/", "/etc/systemd/logind.conf")
    live.command("chmod", "0600", "/etc/systemd/journald.conf")
    live.command("rm", "-f", "/etc/systemd/sleep.conf")
    live.command("systemctl", "mask", "systemd-rfkill.socket")
    watched = ["find", "/etc/systemd", "!", "-type", "d", "-printf", "%p %m %u %l %s\\n"]
    before = sorted(live.command(*watched).splitlines())
    logind = live.command("sha256sum", "/etc/systemd/logind.conf")
    assert live.adopt()["changed"]
    live.command("sh", "-c", "echo '# later' >> /etc/systemd/timesyncd.conf; echo later > /etc/systemd/later.conf")
    result = live.module("converge", {"state": "undone"})
    assert result.get("changed"), result
    after = sorted(line for line in live.command(*watched).splitlines() if "later.conf" not in line and "timesyncd" not in line)
    assert after == [line for line in before if "timesyncd" not in line]
    assert live.command("sha256sum", "/etc/systemd/logind.conf") == logind
    assert live.command("cat", "/etc/systemd/later.conf") == "later"
    assert "# later" in live.command("cat", "/etc/systemd/timesyncd.conf")
    assert any("/etc/systemd/later.conf" in line for line in result["left"]), result["left"]


def test_a_build_that_nobody_offers_any_more_is_refused_with_the_advice(host9, refused):
    live = host9
    # An update that the repositories do not have: the installed build is one of the host's own.
    live.command("sh", "-c", "cd /etc/yum.repos.d && sed -i '/^\\[baseos\\]/,/^\\[/s/^enabled=1/enabled=0/' centos.repo")
    said = refused(live, live.adopt, "would leave this host", "hyperscale_way_back: available")
    assert said["refused"]
    result = live.converge(repositories=[repositories()], packages=[{"family": "systemd"}], manager=[{}], way_back="available")
    assert result["changed"], result
    assert ".hs." in live.release()


def test_one_role_goes_back_to_the_very_builds_it_left(host9):
    live = host9
    stock = live.release()
    assert live.adopt()["changed"]
    cut_off_from_mirrors(live)
    live.command("sh", "-c", "for f in /etc/yum.repos.d/*.repo; do sed -i s/^enabled=1/enabled=0/ $f; done")
    back = {"family": "systemd", "to": "stock"}
    predicted = live.module("dropin_info", {"packages": [back]})
    moving = [package for package in predicted["report"]["packages"] if package["from_nevra"] and package["to_nevra"]]
    assert moving and {package["to_repo"] for package in moving} == {"what was saved on this host"}, moving
    result = live.module("package_swap", back)
    assert result.get("changed"), result
    assert live.release() == stock
    assert live.state() == "running"


def test_saved_files_are_for_root_alone(host9):
    live = host9
    assert live.adopt()["changed"]
    others = live.command("find", SAVED, "-perm", "/077", "!", "-name", "*.rpm")
    assert others == "", others


def test_a_full_disk_for_what_is_saved_is_refused(host9):
    live = host9
    stock = live.release()
    live.command("mkdir", "-p", "-m", "0700", SAVED)
    live.command("mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", SAVED)
    said = live.adopt()
    assert said["refused"] and "cannot be saved" in said["msg"] and "No space left" in said["msg"], said["msg"]
    assert live.release() == stock
    live.command("umount", SAVED)
    assert live.adopt()["changed"]


def test_an_update_since_is_taken_back_as_well(host9):
    live = host9
    stock = set(live.command("rpm", "-qa").split())
    folder = rpms.web_root() / rpms.repositories(9)["main"]["path"] / "Packages"
    older = min(
        {path.name.split("-")[1] for path in folder.glob("systemd-2*.rpm")}, key=lambda v: [int(part) for part in v.split(".")])
    assert live.adopt(version=older)["changed"]
    live.command("dnf", "-q", "-y", "upgrade", "systemd*")
    assert f"systemd-{older}" not in live.release()
    time.sleep(1)
    result = live.module("converge", {"state": "undone"})
    assert result.get("changed"), result
    assert set(live.command("rpm", "-qa").split()) == stock
    assert hosts.command(live.host, ["systemctl", "is-system-running"]).stdout.strip() == "running"
