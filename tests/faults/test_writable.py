# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that cannot be written: told by check mode and the prediction, refused before any change, and mended by the remedy."""

from __future__ import annotations


import pytest

from lab import hosts

from .conftest import repositories

SYSTEMD = {"packages": [{"family": "systemd"}], "manager": [{}]}
# In the place of e2fsprogs' program, on a host that does without.
CHATTR = """\
#!/usr/bin/python3
import array, fcntl, os, sys
bit = {"i": 0x10, "a": 0x20}[sys.argv[1][1]]
for path in sys.argv[2:]:
    handle, flags = os.open(path, os.O_RDONLY), array.array("l", [0])
    fcntl.ioctl(handle, 0x80086601, flags, True)
    flags[0] = flags[0] | bit if sys.argv[1][0] == "+" else flags[0] & ~bit
    fcntl.ioctl(handle, 0x40086602, flags)
"""
# Waits for the moment at which the runner begins with rpm, and sets the flag then: no test beforehand can see it.
LATE = """\
import glob, json, subprocess, time
end = time.monotonic() + 240
while time.monotonic() < end:
    for path in glob.glob("/var/lib/centos-hyperscale/runs/*/status.json"):
        try:
            phase = json.load(open(path))["phase"]
        except (OSError, ValueError):
            continue
        if phase == "running" and subprocess.run(["chattr", "+i", "{path}"]).returncode == 0:
            raise SystemExit
    time.sleep(0.002)
"""

# Name of the case: what is done to the host, what the refusal says, and the remedy, as it is told.
CASES = {
    "immutable-configuration": (
        ["chattr +i /etc/systemd/logind.conf"], ["/etc/systemd/logind.conf: immutable"], "chattr -i /etc/systemd/logind.conf"),
    "immutable-program": (["chattr +i /usr/bin/systemctl"], ["/usr/bin/systemctl: immutable"], "chattr -i /usr/bin/systemctl"),
    "append-only-file": (
        ["chattr +a /usr/lib/systemd/systemd-logind"],
        ["/usr/lib/systemd/systemd-logind: append-only"], "chattr -a /usr/lib/systemd/systemd-logind"),
    "immutable-folder": (
        ["chattr +i /usr/lib/systemd/system-generators"], ["folder /usr/lib/systemd/system-generators: immutable"],
        "chattr -i /usr/lib/systemd/system-generators"),
    "append-only-folder": (
        ["chattr +a /usr/lib/udev/rules.d"], ["folder /usr/lib/udev/rules.d: append-only"], "chattr -a /usr/lib/udev/rules.d"),
    "read-only-bind-mount": (
        ["mount --bind /usr/lib/udev/rules.d /usr/lib/udev/rules.d", "mount -o remount,bind,ro /usr/lib/udev/rules.d"],
        ["/usr/lib/udev/rules.d is mounted read-only"], "mount -o remount,bind,rw /usr/lib/udev/rules.d"),
    "mounted-file": (
        ["mount --bind /etc/systemd/logind.conf /etc/systemd/logind.conf"], ["/etc/systemd/logind.conf: a mount point"],
        "umount /etc/systemd/logind.conf"),
    "folder-where-a-file-comes": (
        ["rm /etc/systemd/sleep.conf", "mkdir -p /etc/systemd/sleep.conf/mine"], ["/etc/systemd/sleep.conf: a folder"],
        "mv -- /etc/systemd/sleep.conf /etc/systemd/sleep.conf.away"),
}
# These show both streams; the others one each, in turn.
ON_BOTH = ("immutable-configuration",)


def cells():
    """Return each case with the stream that it is shown on."""
    found = []
    for number, name in enumerate(CASES):
        for stream in (9, 10) if name in ON_BOTH else ((9, 10)[number % 2],):
            found.append(pytest.param(stream, name, id=f"{name}-stream{stream}"))
    return found


@pytest.fixture(name="at")
def fixture_at(images):
    """Return a host of a stream."""
    from .conftest import WORKER, LiveHost
    made = []

    def at(stream):
        made.append(LiveHost(f"fault-{WORKER}-{stream}", stream, images))
        have_chattr(made[-1])
        return made[-1]

    yield at
    for live in made:
        # A flag that is left keeps the folder of the host from being removed.
        for does, _says, remedy in CASES.values():
            if does[0].startswith("chattr"):
                hosts.command(live.host, remedy.split())
        hosts.remove(live.host)


def have_chattr(live):
    """Have a program that sets the flags of files."""
    if hosts.command(live.host, ["sh", "-c", "command -v chattr"]).returncode:
        live.write("/usr/local/bin/chattr", CHATTR)
        live.command("chmod", "0755", "/usr/local/bin/chattr")


def findings(live):
    """Return what the prediction says blocks the swap because of a path."""
    report = live.module("dropin_info", {"repositories": [repositories()], **SYSTEMD})["report"]
    return [one for one in report["findings"] if one["check"] in ("path.unwritable", "mount.read_only") and one["blocking"]]


@pytest.mark.parametrize(("stream", "case"), cells())
def test_a_path_that_cannot_be_written(at, refused, stream, case):
    does, says, remedy = CASES[case]
    live = at(stream)
    stock = live.release()
    assert findings(live) == []
    for command in does:
        live.command(*command.split())
    checked = refused(live, lambda: live.converge(check=True, repositories=[repositories()], **SYSTEMD), *says)
    assert checked["refused"]
    told = refused(live, live.adopt, *says)
    assert told["refused"] and live.release() == stock and live.state() == "running"
    foreseen = findings(live)
    assert any(says[0].split(":")[0].removeprefix("folder ").split()[0] in one["diagnosis"] for one in foreseen), foreseen
    if "mv --" not in remedy:
        assert remedy in told["msg"], told["msg"]
    live.command(*remedy.split())
    assert findings(live) == []
    assert live.adopt()["changed"]
    assert ".hs." in live.release() and live.state() == "running"


def test_a_file_of_a_step_is_tested_before_packages_move(host9, refused):
    """The repository file of the release package is written after the swap."""
    live = host9
    live.command("chattr", "+i", "/etc/yum.repos.d/centos.repo")
    told = refused(live, live.adopt, "/etc/yum.repos.d/centos.repo: immutable", "chattr -i /etc/yum.repos.d/centos.repo")
    assert told["refused"]
    live.command("chattr", "-i", "/etc/yum.repos.d/centos.repo")
    assert live.adopt()["changed"]


def test_the_way_back_is_tested_before_its_first_step(host9, refused):
    live = host9
    stock = live.release()
    assert live.adopt()["changed"]
    live.command("chattr", "+i", "/usr/bin/systemctl")
    told = refused(live, lambda: live.module("converge", {"state": "undone"}), "/usr/bin/systemctl: immutable")
    assert told["refused"] and ".hs." in live.release()
    live.command("chattr", "-i", "/usr/bin/systemctl")
    assert live.module("converge", {"state": "undone"}).get("changed")
    assert live.release() == stock


def test_a_host_that_is_half_swapped_by_it_is_mended(host):
    """The flag comes between the last look and rpm. Until it goes, each run names it; then the next one makes the host whole."""
    live = host
    have_chattr(live)
    before = set(live.command("rpm", "-qa").split())
    live.write("/srv/late.py", LATE.replace("{path}", "/usr/bin/systemctl"))
    live.command("systemd-run", "--unit=late", "python3", "/srv/late.py")
    broken = live.adopt()
    assert broken.get("msg") and not broken["refused"], broken
    packages = set(live.command("rpm", "-qa", "systemd*").split())
    assert any(".hs." in name for name in packages) and not all(".hs." in name for name in packages), packages
    again = live.adopt()
    assert "chattr -i /usr/bin/systemctl" in again["msg"], again
    back = live.module("converge", {"state": "undone"})
    assert "chattr -i /usr/bin/systemctl" in back["msg"], back
    live.command("chattr", "-i", "/usr/bin/systemctl")
    mended = live.adopt()
    assert "msg" not in mended, mended
    assert all(".hs." in name for name in live.command("rpm", "-qa", "systemd", "systemd-libs", "systemd-udev").split())
    assert live.state() == "running" and live.login_works()
    assert live.module("converge", {"state": "undone"}).get("changed")
    assert set(live.command("rpm", "-qa").split()) == before
    assert live.state() == "running" and live.login_works()


# What a run writes besides files of packages: what is done to the host, what the refusal says, and the remedy.
OWN = {
    "state-folder": ("chattr +i /var/lib/centos-hyperscale", "folder /var/lib/centos-hyperscale: immutable"),
    "ledger": ("chattr +i /var/lib/centos-hyperscale/ledger", "folder /var/lib/centos-hyperscale/ledger: immutable"),
    "cookie": ("chattr +i /etc/centos-hyperscale.ledger", "/etc/centos-hyperscale.ledger: immutable"),
    "dnf-state": ("chattr +i /var/lib/dnf/history.sqlite", "/var/lib/dnf/history.sqlite: immutable"),
    "log": ("chattr +i /var/log/hawkey.log", "/var/log/hawkey.log: immutable"),
}


@pytest.mark.parametrize("case", OWN)
def test_what_a_run_writes_for_itself_is_tested_too(at, refused, case):
    does, says = OWN[case]
    live = at(9)
    path = does.split()[-1]
    # The ledger and its cookie are there after a first run, and dnf's files after a first transaction of dnf.
    live.command("dnf", "-y", "-q", "install", "nftables")
    assert live.converge(files=[{"path": "/etc/motd.d/first", "content": "one\n"}])["changed"]
    live.command("test", "-e", path)
    live.command(*does.split())
    wanted = {"files": [{"path": "/etc/motd.d/second", "content": "two\n"}]}
    if case in ("dnf-state", "log"):
        wanted = {"repositories": [repositories()], **SYSTEMD}
    try:
        assert refused(live, lambda: live.converge(check=True, **wanted), says)["refused"]
        assert refused(live, lambda: live.converge(**wanted), says, f"chattr -i {path}")["refused"]
    finally:
        live.command("chattr", "-i", path)
    assert live.converge(**wanted)["changed"]


def test_a_umask_of_an_operator_leaves_folders_readable(host9):
    """pam_umask(8) gives root 0077 on such hosts: the daemon could not read a folder that was made for it."""
    live = host9
    live.write("/usr/local/bin/masked-python", '#!/bin/sh\numask 0077\nexec /usr/bin/python3 "$@"\n')
    live.command("chmod", "0755", "/usr/local/bin/masked-python")
    live.command("rm", "-rf", "/etc/systemd/oomd.conf.d", "/etc/modules-load.d")
    wanted = {
        "files": [{"path": "/etc/systemd/oomd.conf.d/10-test.conf", "content": "[OOM]\n"},
                  {"path": "/etc/systemd/system/user.slice.d/10-test.conf", "content": "[Slice]\n"}],
        "repositories": [repositories()], **SYSTEMD}
    done = live.module("converge", wanted, variables={"ansible_python_interpreter": "/usr/local/bin/masked-python"})
    assert done["changed"], done
    modes = live.command("stat", "-c", "%a %n", "/etc/systemd/oomd.conf.d", "/etc/systemd/system/user.slice.d",
                         "/etc/yum.repos.d", "/var/lib/centos-hyperscale", "/var/lib/dnf/history.sqlite").splitlines()
    assert modes == ["755 /etc/systemd/oomd.conf.d", "755 /etc/systemd/system/user.slice.d", "755 /etc/yum.repos.d",
                     "700 /var/lib/centos-hyperscale", "644 /var/lib/dnf/history.sqlite"]
    # Packages that are kept are those of dnf's cache.
    assert live.command("find", "/var/lib/centos-hyperscale", "!", "-name", "*.rpm", "-perm", "/077") == ""
