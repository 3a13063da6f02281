# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a way back could not restore, told before the swap, by the rpm of this machine on a root of the tests."""

from __future__ import annotations

import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.facts.view import View
from ansible_collections.centos.hyperscale.plugins.module_utils.tables import one_way, places
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.model import HIGH, INFO, LOW, MEDIUM
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.predicted import saving
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.hostlab import fired, silent
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.rpmpairs import (
    F, P, config, folder, link, program,
)

GHOST = ("ghost",)


def told(findings):
    """Return what findings say of each path."""
    return {finding.subject.name: (finding.before, finding.severity) for finding in findings}


OLD = P(files={
    "/usr/bin/tool": program("x"), "/usr/bin/plain": program("x"), "/usr/lib/tool": folder(), "/usr/lib/tool/link": link("plain"),
    "/etc/tool.conf": config("x", "noreplace"), "/usr/share/doc/tool/README": F("x", flags=("doc",)),
    "/var/log/tool.log": F("x"), "/usr/lib/tool/data": F("x")})
CAPABILITY = bytes.fromhex("01000002" + "00200000" + "00" * 12)

# What an admin does to a path, and what is said of it.
CHANGES = {
    "content": ("/usr/bin/tool", lambda path: path.write_text("y"), ("content", HIGH)),
    "setuid": ("/usr/bin/tool", lambda path: path.chmod(0o4750), ("mode or type", HIGH)),
    "owner and group": ("/usr/bin/tool", lambda path: os.chown(path, 7, 7), ("owner, group", HIGH)),
    "capabilities set": (
        "/usr/bin/tool", lambda path: os.setxattr(path, "security.capability", CAPABILITY), ("capabilities", HIGH)),
    "another link": ("/usr/lib/tool/link", lambda path: (path.unlink(), path.symlink_to("data")), ("link", HIGH)),
    "a link for a file": ("/usr/lib/tool/data", lambda path: (path.unlink(), path.symlink_to("/dev/null")), ("link", HIGH)),
    "a folder for a file": ("/usr/lib/tool/data", lambda path: (path.unlink(), path.mkdir()), ("mode or type", HIGH)),
    "a file for a link": (
        "/usr/lib/tool/link", lambda path: (path.unlink(), path.write_text("x")), ("content, mode or type", HIGH)),
    "mode of configuration": ("/etc/tool.conf", lambda path: path.chmod(0o600), ("mode or type", HIGH)),
    "mode of a folder": ("/usr/lib/tool", lambda path: path.chmod(0o700), ("mode or type", MEDIUM)),
    "a manual": ("/usr/share/doc/tool/README", lambda path: path.write_text("y"), ("content", LOW)),
    # These have checks of their own, or are written by programs, or are no change that could be lost.
    "content of configuration": ("/etc/tool.conf", lambda path: path.write_text("y"), None),
    "content and mode of configuration": ("/etc/tool.conf", lambda path: (path.write_text("y"), path.chmod(0o600)), None),
    "a link for configuration": ("/etc/tool.conf", lambda path: (path.unlink(), path.symlink_to("/dev/null")), None),
    "log": ("/var/log/tool.log", lambda path: path.write_text("y"), None),
    "deleted": ("/usr/bin/tool", lambda path: path.unlink(), None),
    "time": ("/usr/bin/tool", lambda path: os.utime(path, (1, 1)), None),
    "nothing": ("/usr/bin/tool", lambda path: None, None),
}


@pytest.mark.parametrize("case", CHANGES)
def test_every_local_change_that_rpm_knows_counts(world, case):
    path, change, said = CHANGES[case]
    world.install(OLD)
    place = world.folder / path[1:]
    try:
        change(place)
    except OSError as error:
        pytest.skip(f"this file system or user cannot do that: {error}")
    assert told(saving.local_edits(world.swap((OLD,), (OLD.next(),)))) == ({path: said} if said else {})


def test_an_rpm_that_cannot_tell_is_noted(world):
    world.install(OLD)
    world.answers["rpm"] = (1, "")
    swap = world.swap((OLD,), (OLD.next(),))
    assert list(saving.local_edits(swap)) == [] and len(swap.view.noted.all) == 1


HELD = P(files={
    "/var/lib/held/state.db": F("x", flags=GHOST), "/var/lib/held/kept.db": F("x", flags=GHOST),
    "/var/lib/held/carried": F("x", flags=GHOST), "/usr/sbin/pager": F("x", flags=GHOST),
    "/etc/held.conf": config("x", "ghost"),
    "/var/lib/systemd/random-seed": F("x", flags=GHOST), "/var/lib/held/absent": F("x", flags=GHOST),
    "/var/lib/held/folder": F("x", flags=GHOST)})


def test_ghosts_that_the_new_build_drops(world):
    world.install(HELD)
    for path in ("state.db", "kept.db", "carried", "folder/state"):
        world.write(f"/var/lib/held/{path}", "state")
    world.write("/etc/held.conf", "x").write("/var/lib/systemd/random-seed", "x")
    world.link("/usr/sbin/pager", "/etc/alternatives/pager")
    new = HELD.next(files={"/var/lib/held/kept.db": F("x", flags=GHOST), "/var/lib/held/carried": F("x")})
    swap = world.swap((HELD,), (new,))
    findings = list(saving.ghosts(swap))
    assert told(findings) == {
        path: ("tool-1-1.x86_64", HIGH) for path in ("/usr/sbin/pager", "/var/lib/held/state.db")}
    fired(findings, "ghost.dropped", "/var/lib/held/state.db", consumers=[("path", "/var/lib/held/state.db")])
    silent(list(saving.ghosts(world.swap((HELD,), (HELD.next(),)))), "ghost.dropped")


def test_what_is_too_large_to_be_saved_is_told_with_its_size(world, monkeypatch):
    monkeypatch.setattr(places, "MOST_OF_A_FILE", 1000)
    monkeypatch.setattr(places, "MOST_OF_A_RUN", 2000)
    old = HELD.like(files={**HELD.files, **OLD.files, "/boot/initramfs-6.12.img": F("x", flags=GHOST)})
    world.install(old)
    world.write("/var/lib/held/state.db", "s" * 1001).write("/var/lib/held/kept.db", "s" * 1001)
    world.write("/boot/initramfs-6.12.img", "s" * 1001)
    new = old.next(files={"/var/lib/held/kept.db": F("x", flags=GHOST)})
    swap = world.swap((old,), (new,))
    fired(list(saving.over_limit(swap)), "save.too_large", "/var/lib/held/state.db")
    assert told(saving.over_limit(swap)) == {"/boot/initramfs-6.12.img": (1001, INFO), "/var/lib/held/state.db": (1001, MEDIUM)}
    # What is saved of the places counts for the run, and is no loss itself.
    world.write("/etc/dnf/one", "x" * 999).write("/etc/dnf/two", "x" * 999).write("/usr/bin/tool", "y" * 500)
    assert "/usr/bin/tool" in told(saving.over_limit(world.swap((old,), (new,))))
    silent(list(saving.over_limit(world.swap((old,), (new,)))), "save.too_large", "/etc/dnf/two")


SYSTEMD = P(name="systemd", version="252", release="51.el9")
KERNEL = P(name="kernel-core", version="5.14.0", release="1.el9")
RPM = P(name="rpm", version="4.16.1.3", release="1.el9")
SIG = {"vendor": "CentOS Hyperscale SIG"}
JOURNAL = "/var/log/journal/1f2e/system.journal"


@pytest.mark.parametrize(("old", "new", "there", "row", "severity"), [
    (SYSTEMD, {"version": "258.2"}, JOURNAL, "journal-flags", LOW),
    (SYSTEMD, {"version": "254~rc1"}, None, "journal-flags", INFO),
    (SYSTEMD, {"version": "252.4"}, JOURNAL, "journal-flags", None),
    (SYSTEMD.like(version="255"), {"version": "258"}, JOURNAL, "journal-flags", None),
    (SYSTEMD.like(version="258"), {"version": "252"}, JOURNAL, "journal-flags", None),
    (SYSTEMD, {"version": "258"}, JOURNAL, "journal-compact", None),
    (SYSTEMD.like(version="250"), {"version": "258"}, JOURNAL, "journal-compact", HIGH),
    (SYSTEMD, {"version": "258"}, "/var/lib/systemd/pcrlock.json", "pcrlock", HIGH),
    (SYSTEMD, {"version": "254"}, "/var/lib/systemd/pcrlock.json", "pcrlock", None),
    (SYSTEMD, {"version": "258"}, "/root/.config/credstore.encrypted/key", "user-credentials", HIGH),
    (RPM, {"release": "1.2.hs.el9", **SIG}, "/usr/lib/sysimage/rpm/rpmdb.sqlite", "rpm-database", HIGH),
    (RPM, {"release": "2.el9"}, "/usr/lib/sysimage/rpm/rpmdb.sqlite", "rpm-database", None),
    # There the distribution's own database is.
    (RPM.like(release="1.el10"), {"release": "1.2.hs.el10", **SIG}, "/usr/lib/sysimage/rpm/rpmdb.sqlite", "rpm-database", None),
    (P(name="btrfs-progs", version="6.2"), {"version": "6.19"}, "/sys/fs/btrfs/1/features/block_group_tree",
     "btrfs-block-group-tree", HIGH),
])
def test_state_that_an_older_build_cannot_read(world, old, new, there, row, severity):
    if there:
        world.write(there, "x")
    found = {finding.subject.name: finding for finding in saving.one_way_state(world.swap((old,), (old.like(**new),)))}
    assert (found[row].severity if row in found else None) == severity
    if severity:
        assert [consumer.name for consumer in found[row].consumers] == ([there] if there else [])
        assert found[row].check == "oneway.state" and found[row].links


@pytest.mark.parametrize(("mounted", "fstab", "severity"), [
    ("xfs", "", INFO), ("btrfs", "", HIGH), ("xfs", "UUID=1 /data btrfs defaults 0 0\n", HIGH),
    ("xfs", "# UUID=1 /data btrfs defaults 0 0\n", INFO)])
def test_file_systems_that_the_kernel_of_the_distribution_does_not_mount(world, mounted, fstab, severity):
    world.write("/proc/self/mountinfo", f"22 1 253:0 / / rw - {mounted} /dev/vda1 rw\n").write("/etc/fstab", fstab)
    new = KERNEL.like(version="6.12.10", release="0.hs1.hsk.el9", **SIG)
    assert {row: entry[1] for row, entry in told(saving.one_way_state(world.swap((KERNEL,), (new,)))).items()} == {
        "btrfs": severity}
    fired(list(saving.one_way_state(world.swap((KERNEL,), (new,)))), "oneway.state", "btrfs", severity=severity)
    silent(list(saving.one_way_state(world.swap((KERNEL,), (KERNEL.like(release="2.el9"),)))), "oneway.state")


def test_each_kind_of_state_has_a_source_and_a_way_to_find_it():
    for row in one_way.ROWS:
        assert row.link[1].startswith("https://") and row.places and row.probe in (one_way.EXISTS, one_way.MOUNTED), row.id
        assert row.since == one_way.ANY or row.since[0].isdigit()
        assert not any(text.endswith(".") for text in (row.title, row.made, row.reader, row.remedy)), row.id
    assert len({row.id for row in one_way.ROWS}) == len(one_way.ROWS)


def test_mounts_that_cannot_be_read_are_noted(tmp_path, monkeypatch):
    view = View(str(tmp_path), lambda argv: (127, ""))

    def gather(_root):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(saving.mounts, "gather", gather)
    (row,) = [row for row in one_way.ROWS if row.probe == one_way.MOUNTED]
    assert saving._in_use(view, row) == [] and list(view.noted.all) == [saving.mounts.MOUNTINFO]
