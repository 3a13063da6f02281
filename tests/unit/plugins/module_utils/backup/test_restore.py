# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that are brought back while others write them: what is theirs is never lost, on any file system."""

from __future__ import annotations

import errno
import os
import pathlib

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.backup import (
    contents as kept_contents, cut_writes, displaced, manifest, parent, restore, states,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.backup.contents import Contents
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io

PATH = "/etc/app/a.conf"
OURS, BEFORE = "what the swap left\n", "what was there before\n"


class Host:
    """A root with one folder, and what restores paths in it."""

    def __init__(self, folder):
        (folder / "host/etc/app").mkdir(parents=True)
        (folder / "host/etc/app").chmod(0o755)
        self.root = folder / "host"
        self.target = host_io.Target(lambda argv: (0, "", ""), str(folder), root=str(self.root), state_dir="/var/lib/state")
        self.target.job = "run-1.0"
        self.contents = Contents()
        self.mounts = None

    def __call__(self, path=PATH):
        return self.root / path[1:]

    def state(self, path=PATH):
        return states.capture(self.target, [path], self.contents)[path]

    def holds(self, text, path=PATH, mode=0o644):
        """Return the state of a file that holds a text."""
        return states.PathState(states.FILE, mode, os.getuid(), os.getgid(), self.contents.hold(text.encode()), {})

    def bring(self, expected, wanted, path=PATH):
        moved = []

        def aside(folder, name):
            moved.append(displaced.move(self.target, "run-1", path, folder, name))

        restorer = restore.Restorer(self.target, self.contents, restore.Mounts(self.target, self.mounts), aside)
        return restorer.exchange(path, expected, wanted), moved

    def names(self):
        return sorted(path.name for path in self(PATH).parent.iterdir())


@pytest.fixture(name="host")
def fixture_host(tmp_path):
    return Host(tmp_path)


def without(flags):
    """Return a renameat2 of a file system that has none of some renames."""
    real = parent.renameat2

    def call(old_folder, old, new_folder, new, wanted):
        if wanted in flags:
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(old_folder, old, new_folder, new, wanted)
    return call


FILE_SYSTEMS = {
    "all renames": (),
    "no exchange": (parent.RENAME_EXCHANGE,),
    "hard links alone": (parent.RENAME_EXCHANGE, parent.RENAME_NOREPLACE),
    "none of these": (parent.RENAME_EXCHANGE, parent.RENAME_NOREPLACE),
}


@pytest.fixture(name="file_system", params=FILE_SYSTEMS)
def fixture_file_system(request, monkeypatch):
    """Have a file system with fewer ways to rename."""
    monkeypatch.setattr(parent, "renameat2", without(FILE_SYSTEMS[request.param]))
    if request.param == "none of these":
        def link(*_arguments, **_more):
            raise PermissionError(errno.EPERM, "Operation not permitted")
        monkeypatch.setattr(os, "link", link)
    return request.param


def kinds(host):
    """Return a state of each kind, with what lays it down."""
    me = (os.getuid(), os.getgid())
    return {
        "nothing": (None, lambda: None),
        "file": (host.holds(OURS), lambda: host().write_text(OURS)),
        "another mode": (host.holds(OURS, mode=0o600), lambda: (host().write_text(OURS), host().chmod(0o600))),
        "another file": (host.holds(BEFORE), lambda: host().write_text(BEFORE)),
        "link": (states.PathState(states.LINK, 0o777, *me, "b.conf", {}), lambda: host().symlink_to("b.conf")),
        "folder": (states.PathState(states.FOLDER, 0o755, *me, "", {}), lambda: (host().mkdir(), host().chmod(0o755))),
    }


KINDS = ("nothing", "file", "another mode", "another file", "link", "folder")


@pytest.mark.parametrize("wanted", KINDS)
@pytest.mark.parametrize("there", KINDS)
def test_each_kind_becomes_each_other(host, file_system, there, wanted):
    expected, lay = kinds(host)[there]
    lay()
    assert host.state() == expected
    assert host.bring(expected, kinds(host)[wanted][0]) == (restore.DONE, []), file_system
    assert host.state() == kinds(host)[wanted][0]
    assert host.names() == ([] if wanted == "nothing" else ["a.conf"])


def theirs(host, how):
    """Have an admin write the path in some way."""
    path = host()
    if how == "rename":
        path.with_name("tmp").write_text("theirs\n")
        path.with_name("tmp").rename(path)
    elif how == "in place":
        path.write_text("theirs\n")
    elif how == "mode":
        path.chmod(0o640)
    elif how == "link":
        path.unlink(missing_ok=True)
        path.symlink_to("theirs.conf")
    else:
        path.unlink(missing_ok=True)
        path.mkdir()
        (path / "theirs").write_text("theirs\n")


def as_theirs(host, how):
    path = host()
    if how == "mode":
        return path.read_text() == OURS and path.stat().st_mode & 0o777 == 0o640
    if how == "link":
        return os.readlink(path) == "theirs.conf"
    return (path / "theirs" if how == "folder" else path).read_text() == "theirs\n"


HOWS = ("rename", "in place", "mode", "link", "folder")


def at_the_call(monkeypatch, number, act):
    """Have something done right before the n-th rename of what is put in place or taken away."""
    calls = iter(range(1, 100))
    renames = {"renameat2": (parent, parent.renameat2), "rename": (os, os.rename)}

    def before(real):
        def call(*arguments, **more):
            inside = more.get("src_dir_fd") is not None and more.get("src_dir_fd") == more.get("dst_dir_fd")
            if (arguments and isinstance(arguments[0], int) or "src_dir_fd" in more) and not inside and next(calls) == number:
                act()
            return real(*arguments, **more)
        return call

    for name, (module, real) in renames.items():
        monkeypatch.setattr(module, name, before(real))


@pytest.mark.parametrize("wanted", ["another file", "nothing", "link", "folder"])
@pytest.mark.parametrize("how", HOWS)
def test_what_is_written_after_the_look_goes_back(host, file_system, monkeypatch, how, wanted):
    host().write_text(OURS)
    expected = host.state()
    at_the_call(monkeypatch, 1, lambda: theirs(host, how))
    outcome, moved = host.bring(expected, kinds(host)[wanted][0])
    assert not outcome.done and moved == [], (file_system, outcome)
    assert as_theirs(host, how) and host.names() == ["a.conf"]


@pytest.mark.parametrize("how", ["rename", "link", "folder"])
@pytest.mark.parametrize("wanted", ["another file", "link"])
def test_what_is_created_after_the_look_stays(host, file_system, monkeypatch, how, wanted):
    if file_system == "none of these":
        pytest.skip("such a file system leaves a moment after the last look")
    at_the_call(monkeypatch, 1, lambda: theirs(host, how))
    outcome, moved = host.bring(None, kinds(host)[wanted][0])
    assert (outcome, moved) == (restore.CHANGED, [])
    assert as_theirs(host, how) and host.names() == ["a.conf"]


def test_a_path_that_goes_after_the_look_stays_away(host, file_system, monkeypatch):
    host().write_text(OURS)
    expected = host.state()
    at_the_call(monkeypatch, 1, lambda: host().unlink())
    assert host.bring(expected, host.holds(BEFORE)) == (restore.CHANGED, []), file_system
    assert host.names() == []


def test_of_two_that_are_written_the_newest_stays_and_the_other_is_displaced(host, monkeypatch):
    host().write_text(OURS)
    expected = host.state()
    real, calls = parent.renameat2, []

    def call(*arguments):
        calls.append(arguments)
        host().with_name("tmp").write_text(f"theirs {len(calls)}\n")
        if len(calls) < 3:
            os.rename(host().with_name("tmp"), host())
        else:
            host().with_name("tmp").unlink()
        return real(*arguments)

    monkeypatch.setattr(parent, "renameat2", call)
    outcome, moved = host.bring(expected, host.holds(BEFORE))
    assert outcome == restore.CHANGED
    assert host().read_text() == "theirs 2\n" and host.names() == ["a.conf"]
    assert [pathlib.Path(place).read_text() for place in moved] == ["theirs 1\n"]
    assert moved[0].startswith(host.target.state_dir) and os.stat(os.path.dirname(moved[0])).st_mode & 0o077 == 0


@pytest.mark.parametrize("link", ["/etc/app", "/etc"])
@pytest.mark.parametrize("expected", ["nothing", "file"])
def test_nothing_is_written_through_a_link_of_a_folder(host, link, expected):
    state, lay = kinds(host)[expected]
    lay()
    host(link).rename(host("/elsewhere"))
    host(link).symlink_to(host("/elsewhere"))
    outcome, _moved = host.bring(state, host.holds(BEFORE))
    assert not outcome.done and f"without following a link: {link} is a symbolic link" in outcome.why
    assert host.state() == state


@pytest.mark.parametrize("name", ["bin", "lib", "lib64", "sbin"])
@pytest.mark.parametrize(("leads", "done"), [("usr/{}", True), ("/usr/{}", True), ("opt/{}", False)])
def test_only_the_links_of_the_distribution_are_followed(host, name, leads, done):
    place = leads.format(name)
    host(f"/{place.strip('/')}").mkdir(parents=True)
    host(f"/{name}").symlink_to(place)
    outcome, _moved = host.bring(None, host.holds(BEFORE), f"/{name}/a")
    assert outcome.done is done
    assert (host.root / place.strip("/") / "a").exists() is done


def test_a_folder_that_is_replaced_by_a_link_meanwhile_leads_nowhere(host, monkeypatch):
    """The folder is open by then: what is written goes where it was, not where the link leads."""
    host().write_text(OURS)
    expected = host.state()
    host("/target").mkdir()
    (host("/target") / "a.conf").write_text("not for us\n")

    def lead_elsewhere():
        host("/etc/app").rename(host("/etc/was"))
        host("/etc/app").symlink_to(host("/target"))

    at_the_call(monkeypatch, 1, lead_elsewhere)
    assert host.bring(expected, host.holds(BEFORE))[0].done
    assert host("/etc/was/a.conf").read_text() == BEFORE and host("/target/a.conf").read_text() == "not for us\n"


@pytest.mark.parametrize("wanted", ["another file", "another mode", "nothing", "link"])
def test_a_file_with_several_hard_links_is_told_and_not_written(host, wanted):
    host().write_text(OURS)
    os.link(host(), host("/etc/second"))
    outcome, _moved = host.bring(host.state(), kinds(host)[wanted][0])
    assert outcome == restore.Outcome(False, "has 2 hard links")
    assert host().read_text() == OURS and host().stat().st_nlink == 2


MOUNTINFO = "22 1 253:0 / / rw - xfs /dev/vda1 rw\n{}"


@pytest.mark.parametrize(("now", "before", "why"), [
    ("30 22 253:0 /srv/a.conf /etc/app/a.conf rw - xfs /dev/vda1 rw\n", None, "is a mount point"),
    ("30 22 0:40 / /etc/app rw - tmpfs tmpfs rw\n", {"/": ["xfs", "/"]},
     "is on the mount /etc/app, and was on / when it was saved"),
    ("", {"/": ["xfs", "/"], "/etc/app": ["xfs", "/"]}, "is on the mount /, and was on /etc/app when it was saved"),
    ("30 22 253:0 /two /etc/app rw - xfs /dev/vda1 rw\n", {"/": ["xfs", "/"], "/etc/app": ["xfs", "/one"]},
     "is on the mount /etc/app"),
    ("30 22 0:41 / /etc/app rw - ext4 /dev/vdb rw\n", {"/": ["xfs", "/"], "/etc/app": ["xfs", "/"]}, "is on the mount /etc/app"),
    ("", {"/": ["xfs", "/"]}, ""),
    ("30 22 0:40 / /etc/application rw - tmpfs tmpfs rw\n", {"/": ["xfs", "/"]}, ""),
    ("30 22 0:40 / /etc/app rw - tmpfs tmpfs rw\n", None, ""),
])
def test_mount_points_and_paths_on_another_mount_are_told_and_not_written(host, now, before, why):
    host("/proc/self").mkdir(parents=True)
    host("/proc/self/mountinfo").write_text(MOUNTINFO.format(now))
    host().write_text(OURS)
    host.mounts = before
    outcome, _moved = host.bring(host.state(), host.holds(BEFORE))
    assert outcome.done is (not why) and outcome.why.startswith(why)
    assert host().read_text() == (OURS if why else BEFORE)


def test_what_lies_on_another_file_system_than_its_folder_is_a_mount_point(host, monkeypatch):
    host().write_text(OURS)
    expected = host.state()
    monkeypatch.setattr(parent.Parent, "device", -1)
    assert host.bring(expected, host.holds(BEFORE))[0] == restore.Outcome(False, "is a mount point")


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV])
def test_what_the_kernel_does_not_replace_is_told(host, monkeypatch, number):
    host().write_text(OURS)

    def call(*_arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(parent, "renameat2", call)
    outcome, _moved = host.bring(host.state(), host.holds(BEFORE))
    assert outcome == restore.Outcome(False, f"cannot be replaced: {os.strerror(number)}")
    assert host().read_text() == OURS and host.names() == ["a.conf"]


def test_a_content_that_was_not_kept_is_told_and_a_mode_alone_comes_back(host):
    host().write_text(OURS)
    large = host.holds(BEFORE)._replace(content="0" * 64)
    outcome, _moved = host.bring(host.state(), large)
    assert not outcome.done and "not kept" in outcome.why and host().read_text() == OURS
    # The package that came back has the content: owner, mode and attributes are somebody's.
    inode = host().stat().st_ino
    assert host.bring(host.state(), host.state()._replace(mode=0o4750))[0].done
    assert host().stat().st_mode & 0o7777 == 0o4750 and host().stat().st_ino == inode


@pytest.mark.skipif(os.getuid() != 0, reason="capabilities of files take root to set")
def test_capabilities_acls_and_attributes_of_users_come_back_and_others_stay_out(host, monkeypatch):
    value = bytes.fromhex("01000002" + "00200000" + "00" * 12)
    host().write_text(OURS)
    try:
        os.setxattr(host(), "security.capability", value)
        os.setxattr(host(), "user.comment", b"ours")
    except OSError as error:
        pytest.skip(f"this file system takes no such attributes: {error}")
    before = host.state()
    assert before.attributes == {"security.capability": value.hex(), "user.comment": b"ours".hex()}
    host().unlink()
    host().write_text(OURS)
    assert host.bring(host.state(), before)[0].done and host.state() == before
    names = ["security.selinux", "security.ima", "security.evm", "trusted.overlay.origin", "user.a", "system.posix_acl_access"]
    monkeypatch.setattr(os, "listxattr", lambda handle: names)
    monkeypatch.setattr(os, "getxattr", lambda handle, name: b"1")
    assert set(host.state().attributes) == {"user.a", "system.posix_acl_access"}


def test_what_is_put_in_place_has_the_label_that_the_policy_names_for_it(host, monkeypatch):
    told = []
    monkeypatch.setattr(host.target, "label", lambda path, real, kind: told.append((path, os.path.basename(real), kind)))
    host.bring(None, host.holds(BEFORE))
    host().unlink()
    host.bring(None, kinds(host)["link"][0])
    host().unlink()
    host.bring(None, kinds(host)["folder"][0])
    assert told == [(PATH, "new", 0o100000), (PATH, "new", 0o120000), (PATH, "a.conf", 0o040000)]


@pytest.mark.parametrize("kind", ["kept", "theirs", "folder"])
def test_what_a_cut_left_in_a_scratch_folder_is_displaced_unless_it_is_kept(host, kind):
    warned = []
    host.target.warn = warned.append
    scratch = host(f"/etc/app/{host.target.scratch}1234")
    scratch.mkdir()
    if kind == "folder":
        (scratch / "old").mkdir()
        (scratch / "old/theirs").write_text("theirs\n")
    else:
        (scratch / "old").write_text("theirs\n")
    if kind == "kept":
        contents = Contents(host.target.private_folder(manifest.FOLDER, "run-0", manifest.CONTENTS), keeping=True)
        handle = os.open(scratch / "old", os.O_RDONLY)
        contents.read(handle)
        os.close(handle)
    cut_writes.sweep(host.target, host.target.job, PATH)
    if kind == "folder":
        assert (host("/etc/app") / "old.saved/theirs").read_text() == "theirs\n" and host.names() == ["old.saved"]
    else:
        place = pathlib.Path(host.target.state_dir) / host_io.DISPLACED / "run-1/etc/app/old"
        assert host.names() == [] and place.exists() is (kind == "theirs")
    assert bool(warned) is (kind != "kept")


def test_the_same_content_is_kept_once_and_what_is_too_large_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_contents, "SMALL", 4)
    monkeypatch.setattr(kept_contents, "MOST_OF_A_FILE", 100)
    monkeypatch.setattr(kept_contents, "MOST_OF_A_RUN", 210)
    folder = tmp_path / "contents"
    kept = Contents(str(folder), keeping=True)

    def read(name, size):
        (tmp_path / name).write_bytes(name[:1].encode() * size)
        handle = os.open(tmp_path / name, os.O_RDONLY)
        try:
            return kept.read(handle)
        finally:
            os.close(handle)

    same = {read("a1", 90), read("a2", 90)}
    large, second, over, small = read("large", 101), read("b", 90), read("c", 90), read("d", 3)
    assert len(same) == 1 and sorted(os.listdir(folder)) == sorted([*same, second, small])
    assert kept.of(large) is None and kept.of(over) is None and kept.of(second) == b"b" * 90
    # A second look at the same run goes on from what is there.
    again = Contents(str(folder), keeping=True)
    kept, before = again, sorted(os.listdir(folder))
    read("e", 90)
    assert sorted(os.listdir(folder)) == before
    (folder / second).write_bytes(b"half")
    assert Contents(str(folder)).of(second) is None
