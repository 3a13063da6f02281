# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of packages through a swap and back by rpm itself: what an admin had made of them is there again."""

from __future__ import annotations

import os
import pathlib
import stat
import subprocess

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.backup import manifest, shipped, states
from ansible_collections.centos.hyperscale.plugins.module_utils.backup.contents import Contents
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb
from ansible_collections.centos.hyperscale.plugins.module_utils.tables import places
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify import rpmpairs
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.rpmpairs import (
    F, P, config, folder, link, program,
)

GHOST = ("ghost",)
OLD = P(files={
    "/usr/bin/tool": program("old\n"), "/usr/bin/gone": program("old\n"), "/usr/lib/tool": folder(),
    "/usr/lib/tool/link": link("a"), "/usr/lib/tool/file": F("old\n"), "/etc/tool.conf": config("old\n", "noreplace"),
    "/usr/share/doc/tool/README": F("old\n", flags=("doc",)), "/usr/lib/tool/rules": F("old\n"),
    "/var/lib/held/state.db": F("x", flags=GHOST), "/usr/sbin/pager": F("x", flags=GHOST),
    "/var/lib/systemd/random-seed": F("x", flags=GHOST)})
NEW = OLD.next(files={
    "/usr/bin/tool": program("new\n"), "/usr/lib/tool": folder(), "/usr/lib/tool/link": link("b"),
    "/usr/lib/tool/file": F("new\n"),
    "/etc/tool.conf": config("new\n", "noreplace"), "/usr/share/doc/tool/README": F("new\n", flags=("doc",)),
    "/usr/lib/tool/rules": F("new\n"), "/usr/lib/tool/only-new": F("new\n"), "/usr/lib/tool/new-link": link("a")})
OLD_NEVRA, NEW_NEVRA = "tool-1-1.x86_64", "tool-2-1.x86_64"
CAPABILITY = bytes.fromhex("01000002" + "00200000" + "00" * 12)


class Swapped:
    """A host on which a package is swapped and taken back as a run does it."""

    def __init__(self, world):
        self.world = world
        self.warned = []
        self.target = host_io.Target(self._run, str(world.folder), root=world.root, warn=self.warned.append)
        self.kept = manifest.Kept(self.target, "run-1")

    def _run(self, argv):
        if argv[0] != "rpm":
            return 0, "", ""
        done = subprocess.run(["rpm", "--root", self.world.root, *argv[1:]], check=False, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def path(self, name):
        return self.world.folder / name[1:]

    def look(self):
        """Return what is at every path of the host, but for its database and the collection's own state."""
        contents, found = Contents(), {}
        for top in ("/etc", "/usr", "/var/lib/held", "/var/lib/systemd", "/boot"):
            found.update(states.capture(self.target, states.below(self.target, top), contents))
        return found

    def rpm(self, package):
        self.world._rpm(
            "-U", "--oldpackage", "--nodeps", "--noscripts", "--nosignature", *self.world._builder(package))

    def swap(self):
        self.kept.save([OLD_NEVRA], NEW.files)
        self.rpm(NEW)
        self.kept.note([NEW_NEVRA])

    def back(self):
        self.kept.look_for_edits([NEW_NEVRA])
        self.rpm(OLD)
        return self.kept.put_back()


@pytest.fixture(name="swapped")
def fixture_swapped(tmp_path, tmp_path_factory, monkeypatch):
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    if rpmpairs.missing_tools() or os.getuid() != 0:
        pytest.skip("root and tools to build packages are needed")
    world = rpmpairs.Root(tmp_path, rpmpairs.Builder(tmp_path_factory.mktemp("rpms")))
    monkeypatch.setattr(rpmdb, "transaction_set", lambda root="/", real=rpmdb.transaction_set: real(world.root))
    world.install(OLD)
    return Swapped(world)


def ghost(host, path="/var/lib/held/state.db", text="state\n", mode=0o640):
    host.path(path).parent.mkdir(parents=True, exist_ok=True)
    host.path(path).write_text(text)
    host.path(path).chmod(mode)
    os.chown(host.path(path), 7, 9)


def pager(host):
    host.path("/usr/sbin").mkdir(parents=True, exist_ok=True)
    host.path("/usr/sbin/pager").symlink_to("/etc/alternatives/pager")


def relink(host, path, target):
    host.path(path).unlink()
    host.path(path).symlink_to(target)


BEFORE = {
    "nothing": lambda host: None,
    "setuid": lambda host: host.path("/usr/bin/tool").chmod(0o4750),
    "owner": lambda host: os.chown(host.path("/usr/lib/tool/rules"), 7, 9),
    "capabilities": lambda host: os.setxattr(host.path("/usr/bin/tool"), "security.capability", CAPABILITY),
    "capabilities of what goes": lambda host: os.setxattr(host.path("/usr/bin/gone"), "security.capability", CAPABILITY),
    "setuid of what goes": lambda host: host.path("/usr/bin/gone").chmod(0o4750),
    "attribute of users with a mode": lambda host: (
        os.setxattr(host.path("/usr/bin/tool"), "user.note", b"1"), host.path("/usr/bin/tool").chmod(0o700)),
    "another link": lambda host: relink(host, "/usr/lib/tool/link", "/srv/ours"),
    "link for a file": lambda host: relink(host, "/usr/lib/tool/file", "/dev/null"),
    "file for a link": lambda host: (
        host.path("/usr/lib/tool/link").unlink(), host.path("/usr/lib/tool/link").write_text("ours\n")),
    "content": lambda host: host.path("/usr/lib/tool/rules").write_text("ours\n"),
    "documentation": lambda host: host.path("/usr/share/doc/tool/README").write_text("ours\n"),
    "configuration": lambda host: host.path("/etc/tool.conf").write_text("ours\n"),
    "mode of configuration": lambda host: host.path("/etc/tool.conf").chmod(0o600),
    "mode of a folder": lambda host: host.path("/usr/lib/tool").chmod(0o750),
    "ghost": ghost,
    "link of alternatives": pager,
    "file of no package": lambda host: host.path("/usr/lib/tool/only-new").write_text("ours\n"),
    "file of no package, as the new build has it": lambda host: host.path("/usr/lib/tool/only-new").write_text("new\n"),
    "link of no package": lambda host: host.path("/usr/lib/tool/new-link").symlink_to("/srv/ours"),
    "link of no package, as the new build has it": lambda host: host.path("/usr/lib/tool/new-link").symlink_to("a"),
    "configuration as the new build has it": lambda host: host.path("/etc/tool.conf").write_text("new\n"),
    "ghost with attributes": lambda host: (
        ghost(host), os.setxattr(host.path("/var/lib/held/state.db"), "user.note", b"1")),
}


@pytest.mark.parametrize("case", BEFORE)
def test_what_an_admin_had_made_of_files_comes_back(swapped, case):
    try:
        BEFORE[case](swapped)
    except OSError as error:
        pytest.skip(f"this file system cannot do that: {error}")
    before = swapped.look()
    swapped.swap()
    assert swapped.look() != before
    assert swapped.back() == []
    after = swapped.look()
    assert {path: (before.get(path), after.get(path)) for path in {*before, *after} if before.get(path) != after.get(path)} == {}
    assert swapped.warned == []


SINCE = {
    "setuid": ("/usr/bin/tool", lambda path: path.chmod(0o4750)),
    "capabilities": ("/usr/bin/tool", lambda path: os.setxattr(path, "security.capability", CAPABILITY)),
    "content": ("/usr/lib/tool/rules", lambda path: path.write_text("since\n")),
    "another link": ("/usr/lib/tool/link", lambda path: (path.unlink(), path.symlink_to("/srv/ours"))),
    "content of what is new": ("/usr/lib/tool/only-new", lambda path: path.write_text("since\n")),
}


@pytest.mark.parametrize("case", SINCE)
def test_what_an_admin_makes_of_code_of_the_new_build_is_displaced_and_told(swapped, case):
    name, change = SINCE[case]
    before = swapped.look()
    swapped.swap()
    try:
        change(swapped.path(name))
    except OSError as error:
        pytest.skip(f"this file system cannot do that: {error}")
    state = swapped.look()[name]
    told = swapped.back()
    assert swapped.look() == before
    (line,) = told
    place = line.rpartition(" ")[2]
    assert line.startswith(f"{name} ") and place.startswith(os.path.join(swapped.target.state_dir, "displaced", "run-1"))
    assert states.of_path(place, Contents()) == state


@pytest.mark.parametrize("case", SINCE)
def test_code_that_was_changed_before_and_since_is_what_it_was_before(swapped, case):
    name, change = SINCE[case]
    if name.endswith("only-new"):
        swapped.path(name).write_text("no package has it\n")
    elif name.endswith("link"):
        relink(swapped, name, "/srv/before")
    else:
        swapped.path(name).write_text("before\n")
    before = swapped.look()
    swapped.swap()
    try:
        change(swapped.path(name))
    except OSError as error:
        pytest.skip(f"this file system cannot do that: {error}")
    told = swapped.back()
    assert swapped.look() == before
    assert [line.partition(" ")[0] for line in told] == [name] and "displaced" in told[0]


def test_what_programs_write_into_ghosts_is_not_told(swapped):
    ghost(swapped)
    swapped.kept.save([OLD_NEVRA])
    ghost(swapped, text="a program wrote that\n")
    swapped.kept.note([OLD_NEVRA])
    ghost(swapped, text="and that\n")
    swapped.kept.look_for_edits([OLD_NEVRA])
    assert swapped.kept.put_back() == []
    assert swapped.path("/var/lib/held/state.db").read_text() == "and that\n"


def test_a_file_that_an_admin_had_deleted_is_there_again_and_told(swapped):
    swapped.path("/usr/lib/tool/rules").unlink()
    swapped.path("/usr/share/doc/tool/README").unlink()
    swapped.swap()
    assert swapped.back() == [
        f"{path} was deleted before the swap, and came back with its package"
        for path in ("/usr/lib/tool/rules", "/usr/share/doc/tool/README")]
    assert swapped.path("/usr/lib/tool/rules").read_text() == "old\n"


def test_a_ghost_that_somebody_writes_anew_stays(swapped):
    ghost(swapped)
    swapped.swap()
    assert not swapped.path("/var/lib/held/state.db").exists()
    ghost(swapped, text="since\n", mode=0o600)
    (told,) = swapped.back()
    words, _mark, place = told.partition("; what it held before the swap is in ")
    assert words == f"/var/lib/held/state.db {manifest.LEFT}" and pathlib.Path(place).read_text() == "state\n"
    assert swapped.path("/var/lib/held/state.db").read_text() == "since\n"
    assert stat.S_IMODE(swapped.path("/var/lib/held/state.db").stat().st_mode) == 0o600


def test_what_is_never_restored_stays_away(swapped):
    ghost(swapped, "/var/lib/systemd/random-seed")
    swapped.swap()
    assert swapped.back() == [] and not swapped.path("/var/lib/systemd/random-seed").exists()


def test_a_ghost_that_is_too_large_is_told_before_and_after(swapped, monkeypatch):
    monkeypatch.setattr(manifest, "Contents", lambda folder="", keeping=False: Contents(folder, False))
    ghost(swapped, text="x" * 100_000)
    swapped.swap()
    assert len(swapped.warned) == 1 and "/var/lib/held/state.db is too large to be saved" in swapped.warned[0]
    (line,) = swapped.back()
    assert line.startswith("/var/lib/held/state.db cannot be brought back")
    assert places.MOST_OF_A_FILE > 100_000


@pytest.mark.parametrize(("name", "text", "theirs"), [
    ("/etc/tool.conf.rpmnew", "ours\n", True), ("/etc/tool.conf.rpmsave", "ours\n", True),
    ("/etc/tool.conf.rpmnew", "new\n", False),  # what the cut transaction itself had written
    ("/etc/tool.conf.rpmsave", "edited\n", False), ("/usr/lib/tool/rules.rpmnew", "ours\n", False),
])
def test_second_files_that_rpm_may_write_over_when_a_cut_transaction_is_completed(swapped, name, text, theirs):
    swapped.path("/etc/tool.conf").write_text("edited\n")
    swapped.kept.save([OLD_NEVRA], NEW.files)
    swapped.path(name).write_text(text)
    coming = shipped.of_package_files(swapped.world._builder(NEW))
    told = swapped.kept.set_aside(coming)
    assert [line.partition(" ")[0] for line in told] == [name] * theirs
    assert all(pathlib.Path(line.rpartition(" ")[2]).read_text() == text for line in told)
    assert swapped.kept.set_aside(coming, with_second=False) == []
