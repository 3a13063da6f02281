# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is saved before a swap, and that the way back rests on it alone."""

from __future__ import annotations

import json
import time

import pytest
from lab import hosts, rpms

from . import made
from .conftest import repositories
from .made import SIG, STOCK, Row

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
    said = refused(live, live.adopt, "would leave this host", "'way_back: available'")
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


# What an admin makes of files of the packages, none of them configuration, and says of each path.
CHANGES = """
import os, sys, json, stat
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
setuid, owned, link, file, manual, capable, gone = paths = sys.argv[2:9]
if sys.argv[1] == "change":
    os.chmod(setuid, 0o4750)
    os.chown(owned, 7, 9)
    for path, led in ((link, "/srv/ours.target"), (file, "/dev/null")):
        os.unlink(path)
        os.symlink(led, path)
    open(manual, "a").write("ours")
    try:
        os.setxattr(capable, "security.capability", CAPABILITY)
        os.setxattr(capable, "user.note", b"ours")
    except OSError:
        os.chmod(capable, 0o711)
    os.unlink(gone)
found = {}
for path in paths[:6]:
    if not os.path.lexists(path):
        found[path] = None
        continue
    info = os.lstat(path)
    xattrs = {} if os.path.islink(path) else {
        name: os.getxattr(path, name).hex() for name in os.listxattr(path) if name.startswith(("security.capability", "user."))}
    held = os.readlink(path) if os.path.islink(path) else info.st_size
    found[path] = [oct(info.st_mode), info.st_uid, info.st_gid, held, xattrs]
print(json.dumps(found))
"""
CHANGED = ("/usr/bin/systemd-cat", "/usr/lib/udev/rules.d/60-input-id.rules", "/usr/lib/systemd/system/runlevel5.target",
           "/usr/lib/udev/rules.d/60-evdev.rules", "/usr/lib/systemd/system/systemd-udevd.service", "/usr/bin/systemd-cgls")
DELETED = "/usr/lib/udev/rules.d/60-block.rules"


def test_modes_owners_links_types_and_capabilities_of_files_of_packages_come_back(host):
    live = host
    live.write("/srv/change.py", CHANGES)
    before = json.loads(live.command("python3", "/srv/change.py", "change", *CHANGED, DELETED))
    predicted = live.module("dropin_info", {"packages": [{"family": "systemd"}], "repositories": [repositories()]})
    told = {
        finding["subject"]["name"] for finding in predicted["report"]["findings"]
        if finding["check"] == "local_edit.overwritten"}
    assert told >= set(CHANGED), told
    assert live.adopt()["changed"]
    assert json.loads(live.command("python3", "/srv/change.py", "look", *CHANGED, DELETED)) != before
    result = live.module("converge", {"state": "undone"})
    assert result.get("changed"), result
    assert json.loads(live.command("python3", "/srv/change.py", "look", *CHANGED, DELETED)) == before
    assert [line for line in result["left"] if DELETED in line] == [
        f"{DELETED} was deleted before the swap, and came back with its package"]
    assert not any(path in line for path in CHANGED for line in result["left"]), result["left"]


# Owned by a package that does not bring them: what a program writes, and what an admin led elsewhere.
STATE, LINK, UNUSED = "/var/lib/alpha/state.db", "/etc/alpha.current", "/var/lib/alpha/none.db"
GHOSTS = f"""
mkdir -p /var/lib/alpha
echo precious > {STATE}
chown daemon:mail {STATE}
chmod 0640 {STATE}
ln -s /etc/alpha.conf {LINK}
"""


@pytest.mark.parametrize("written_since", [False, True])
def test_ghosts_that_the_new_build_drops_are_told_and_come_back(host9, tmp_path, written_since):
    live = host9
    made.offer(live, tmp_path, [Row("alpha", 1, STOCK, ghosts=[STATE, LINK, UNUSED]), Row("alpha", 2, SIG)])
    live.command("dnf", "-y", "-q", "install", "alpha-1")
    live.command("sh", "-c", GHOSTS)
    look = ["sh", "-c", f"stat -c '%A %U %G %N' {STATE} {LINK}; cat {STATE}"]
    before = live.command(*look)
    want = {"packages": [{"names": ["alpha"]}]}
    findings = live.module("dropin_info", want)["report"]["findings"]
    told = {finding["subject"]["name"]: finding["severity"] for finding in findings if finding["check"] == "ghost.dropped"}
    assert told == {STATE: "high", LINK: "high"}, findings
    assert live.converge(**want)["changed"]
    gone = f"! test -e {STATE} && ! test -L {LINK}"
    live.command("sh", "-c", gone)
    if written_since:
        live.command("sh", "-c", f"mkdir -p /var/lib/alpha && echo newer > {STATE}")
    result = live.module("converge", {"state": "undone"})
    assert result.get("changed"), result
    if written_since:
        assert live.command("cat", STATE) == "newer" and live.command("readlink", LINK) == "/etc/alpha.conf"
        kept, = (line for line in result["left"] if STATE in line)
        assert live.command("cat", kept.rpartition(" ")[2]) == "precious"
    else:
        assert live.command(*look) == before and not any(path in line for path in (STATE, LINK) for line in result["left"])


REPO = "/etc/yum.repos.d/centos.repo"


def test_a_repository_file_that_is_a_link_stays_one(host9):
    live = host9
    live.command("sh", "-c", f"mkdir -p /srv/config && mv {REPO} /srv/config && ln -s ../../srv/config/centos.repo {REPO}")
    look = ["sh", "-c", f"readlink {REPO}; stat -c '%a %u %g %i %h' {REPO}; sha256sum < /srv/config/centos.repo"]
    before = live.command(*look)
    crb = {"repositories": [dict(repositories(), crb=True)]}
    result = live.converge(**crb)
    assert any(action["subject"] == REPO for action in result["actions"]), result["actions"]
    assert live.command("readlink", REPO).strip() == "../../srv/config/centos.repo"
    assert live.command(*look) != before
    result = live.module("converge", {"state": "undone"})
    assert result.get("changed") and not any(REPO in line for line in result["left"]), result
    after = live.command(*look)
    # The file is a new one with the old text, mode and owner; the link is the very same.
    assert [line.split()[:3] for line in after.splitlines()] == [line.split()[:3] for line in before.splitlines()]


def test_a_repository_file_whose_link_leads_nowhere_or_to_a_read_only_place_is_refused(host9, refused):
    live = host9
    crb = {"repositories": [dict(repositories(), crb=True)]}
    live.command("sh", "-c", f"mkdir -p /srv/config && mv {REPO} /srv/config/centos.repo && ln -s /srv/config/centos.repo {REPO}")
    live.command("mount", "--bind", "/srv/config", "/srv/config")
    live.command("mount", "-o", "remount,bind,ro", "/srv/config")
    refused(live, lambda: live.converge(**crb), "/srv/config is mounted read-only", "mount -o remount,bind,rw /srv/config")
    live.command("mount", "-o", "remount,bind,rw", "/srv/config")
    assert live.converge(**crb)["changed"]
