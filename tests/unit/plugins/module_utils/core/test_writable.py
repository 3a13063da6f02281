# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a path from being written: decided on what is seen, and seen in a folder. Live hosts show the rest."""

from __future__ import annotations

import errno
import fcntl
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors, unwritable, writable
from ansible_collections.centos.hyperscale.plugins.module_utils.core.writable import Flags, Obstacle, Touch

FOLDER = writable.Folder("/usr/bin", True, writable.NO_FLAGS, False, False, "/usr", "ext4", 1 << 30, 1000)
SEEN = writable.Seen("/usr/bin/tool", "file", False, writable.NO_FLAGS, FOLDER, True)
IMMUTABLE, APPEND_ONLY = Flags(True, False), Flags(False, True)


def within(**more):
    """Return what is seen of a path in a folder that differs from an ordinary one."""
    return SEEN._replace(folder=FOLDER._replace(**more))


@pytest.mark.parametrize(("how", "seen", "kind", "where"), [
    ("file", SEEN._replace(flags=IMMUTABLE), writable.IMMUTABLE, "/usr/bin/tool"),
    ("gone", SEEN._replace(flags=IMMUTABLE), writable.IMMUTABLE, "/usr/bin/tool"),
    ("any", SEEN._replace(flags=APPEND_ONLY), writable.APPEND_ONLY, "/usr/bin/tool"),
    ("file", SEEN._replace(mounted=True), writable.MOUNTED, "/usr/bin/tool"),
    ("gone", SEEN._replace(mounted=True), writable.MOUNTED, "/usr/bin/tool"),
    ("file", SEEN._replace(found="folder"), writable.FOLDER_IN_WAY, "/usr/bin/tool"),
    ("folder", SEEN, writable.FILE_IN_WAY, "/usr/bin/tool"),
    ("file", within(flags=IMMUTABLE), writable.IMMUTABLE, "/usr/bin"),
    ("file", within(flags=APPEND_ONLY), writable.APPEND_ONLY, "/usr/bin"),
    ("file", within(flags=IMMUTABLE)._replace(found="", parent=False), writable.IMMUTABLE, "/usr/bin"),
    ("file", within(read_only=True), writable.READ_ONLY, "/usr"),
    ("new", within(flags=IMMUTABLE)._replace(found=""), writable.IMMUTABLE, "/usr/bin"),
    ("gone", within(read_only=True), writable.READ_ONLY, "/usr"),
    ("file", within(forbidden=True), writable.FORBIDDEN, "/usr/bin"),
    ("file", within(is_folder=False)._replace(found="", parent=False), writable.FILE_IN_WAY, "/usr/bin"),
    ("written", SEEN._replace(found="link"), writable.LEADS_NOWHERE, "/usr/bin/tool"),
    ("removed", SEEN._replace(found="link"), writable.A_LINK, "/usr/bin/tool"),
    ("written", SEEN._replace(links=2), writable.HARD_LINKS, "/usr/bin/tool"),
    ("removed", SEEN._replace(links=3), writable.HARD_LINKS, "/usr/bin/tool"),
    ("written", SEEN._replace(found="folder"), writable.FOLDER_IN_WAY, "/usr/bin/tool"),
    ("removed", SEEN._replace(found="folder"), writable.FOLDER_IN_WAY, "/usr/bin/tool"),
    ("written", within(read_only=True), writable.READ_ONLY, "/usr"),
    ("removed", SEEN._replace(mounted=True), writable.MOUNTED, "/usr/bin/tool"),
    ("written", SEEN._replace(found="other"), writable.SPECIAL, "/usr/bin/tool"),
    ("removed", SEEN._replace(found="other"), writable.SPECIAL, "/usr/bin/tool"),
    ("overwritten", SEEN._replace(found="other"), writable.SPECIAL, "/usr/bin/tool"),
    # A link to what is no file: the link is wrong, and not /dev/null.
    ("written", SEEN._replace(found="other", followed=True), writable.LEADS_ASTRAY, "/bin/tool"),
    ("overwritten", SEEN._replace(found="folder", followed=True), writable.LEADS_ASTRAY, "/bin/tool"),
    ("taken back", SEEN._replace(flags=IMMUTABLE), writable.IMMUTABLE, "/usr/bin/tool"),
    ("taken back", within(flags=APPEND_ONLY), writable.APPEND_ONLY, "/usr/bin"),
    ("overwritten", SEEN._replace(flags=IMMUTABLE), writable.IMMUTABLE, "/usr/bin/tool"),
    ("overwritten", SEEN._replace(flags=APPEND_ONLY), writable.APPEND_ONLY, "/usr/bin/tool"),
    ("overwritten", SEEN._replace(read_only=True), writable.READ_ONLY, "/usr"),
    ("overwritten", SEEN._replace(read_only=True, mounted=True), writable.READ_ONLY, "/usr/bin/tool"),
    ("overwritten", within(flags=IMMUTABLE)._replace(found=""), writable.IMMUTABLE, "/usr/bin"),
    ("appended", SEEN._replace(flags=IMMUTABLE), writable.IMMUTABLE, "/usr/bin/tool"),
    ("appended", SEEN._replace(found="folder"), writable.FOLDER_IN_WAY, "/usr/bin/tool"),
    ("linked", SEEN, writable.A_FILE, "/usr/bin/tool"),
    ("linked", SEEN._replace(found="folder"), writable.FOLDER_IN_WAY, "/usr/bin/tool"),
    ("linked", within(fstype="vfat")._replace(found=""), writable.NO_LINKS, "/usr"),
    ("link", within(fstype="vfat")._replace(found=""), writable.NO_LINKS, "/usr"),
    ("either", SEEN._replace(flags=IMMUTABLE), writable.IMMUTABLE, "/usr/bin/tool"),
    ("either", within(flags=IMMUTABLE), writable.IMMUTABLE, "/usr/bin"),
    ("restored", SEEN._replace(flags=IMMUTABLE), writable.IMMUTABLE, "/usr/bin/tool"),
    ("restored", within(read_only=True)._replace(found=""), writable.READ_ONLY, "/usr"),
    ("file", within(longest_name=12)._replace(found=""), writable.TOO_LONG, "/usr/bin/tool"),
    ("written", within(longest_name=3)._replace(found=""), writable.TOO_LONG, "/usr/bin/tool"),
])
def test_what_is_in_the_way(how, seen, kind, where):
    assert writable.judge(Touch("/bin/tool", how), seen) == Obstacle(kind, where, "/bin/tool")


@pytest.mark.parametrize(("how", "seen"), [
    ("file", SEEN),
    ("file", SEEN._replace(found="link")),
    ("file", SEEN._replace(found="")),
    # rpm leaves a folder alone that is there, whatever its flags and mount.
    ("folder", within(read_only=True, flags=IMMUTABLE)._replace(found="folder", flags=IMMUTABLE)),
    ("any", within(read_only=True)._replace(found="folder", mounted=True)),
    # A scriptlet takes the folder away first.
    ("cleared", SEEN._replace(found="folder")),
    # The metadata of a repository do not say that it is a ghost.
    ("new", SEEN._replace(flags=IMMUTABLE, mounted=True)),
    # What is gone already needs no removal.
    ("gone", within(read_only=True, flags=IMMUTABLE)._replace(found="")),
    ("written", SEEN), ("removed", SEEN),
    # What somebody has put there since is left.
    ("taken back", SEEN._replace(found="link")), ("taken back", SEEN._replace(links=2)),
    # What is written in place needs nothing of its folder, has all its names, and may be mounted.
    ("overwritten", within(flags=IMMUTABLE)), ("overwritten", SEEN._replace(links=2)),
    ("overwritten", SEEN._replace(mounted=True)),
    ("appended", SEEN._replace(flags=APPEND_ONLY)), ("appended", within(flags=APPEND_ONLY)._replace(found="")),
    ("linked", SEEN._replace(found="link")), ("linked", SEEN._replace(found="")),
    ("restored", SEEN._replace(mounted=True)), ("restored", SEEN._replace(links=2)), ("restored", SEEN._replace(found="folder")),
    ("either", SEEN._replace(mounted=True)), ("either", SEEN._replace(found="link")),
    ("file", SEEN._replace(found="other")), ("file", within(fstype="vfat")),
    ("file", within(longest_name=13)), ("written", within(longest_name=4)),
    ("removed", within(read_only=True)._replace(found="")),
    # rpm gives the path a file of its own.
    ("file", SEEN._replace(links=2)), ("gone", SEEN._replace(links=2)), ("gone", SEEN._replace(found="link")),
    # A new folder within an append-only one is a new name.
    ("file", within(flags=APPEND_ONLY)._replace(found="", parent=False)),
])
def test_what_is_not(how, seen):
    assert writable.judge(Touch("/bin/tool", how), seen) is None


@pytest.mark.parametrize(("folder", "new", "full"), [
    (FOLDER, 10, False),
    (FOLDER._replace(free_bytes=4096), 0, True),
    (FOLDER._replace(free_inodes=10), 10, True),
    (FOLDER._replace(free_inodes=11), 10, False),
    (FOLDER._replace(free_inodes=None, free_bytes=None), 10**6, False),
])
def test_room(folder, new, full):
    assert writable.is_full(folder, new) is full


def test_paths_of_a_real_folder(tmp_path):
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/tool").write_text("x")
    (tmp_path / "usr/share/tool").mkdir(parents=True)
    (tmp_path / "etc").write_text("no folder")
    os.symlink("usr/bin", tmp_path / "bin")
    touches = [
        Touch("/bin/tool"), Touch("/usr/bin/other"), Touch("/usr/share/tool"), Touch("/usr/bin/tool", writable.FOLDER),
        Touch("/etc/tool/conf"), Touch("/usr/lib/new/deep/file"), Touch("/usr/share/tool", writable.ANY)]
    assert sorted(writable.obstacles(str(tmp_path), touches)) == [
        Obstacle(writable.FILE_IN_WAY, "/etc", "/etc/tool/conf"),
        Obstacle(writable.FILE_IN_WAY, "/usr/bin/tool", "/usr/bin/tool"),
        Obstacle(writable.FOLDER_IN_WAY, "/usr/share/tool", "/usr/share/tool")]


def test_a_mount_of_a_single_file_is_seen(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hostname").write_text("x")
    (tmp_path / "proc/self/mountinfo").write_text(
        "21 1 252:1 / / rw - xfs /dev/vda1 rw\n22 21 252:1 /h /etc/hostname rw - xfs /dev/vda1 rw\n")
    assert writable.obstacles(str(tmp_path), [Touch("/etc/hostname"), Touch("/etc/hosts")]) == [
        Obstacle(writable.MOUNTED, "/etc/hostname", "/etc/hostname")]


def test_all_problems_are_told_at_once_and_each_names_its_paths():
    told = unwritable.problems([
        Obstacle(writable.IMMUTABLE, "/etc/a b", "/etc/a b"), Obstacle(writable.IMMUTABLE, "/etc/c", "/etc/c"),
        Obstacle(writable.IMMUTABLE, "/usr/lib", "/usr/lib/x"), Obstacle(writable.READ_ONLY, "/opt", "/opt/y")])
    assert [problem.fact for problem in told] == [
        "/etc/a b, /etc/c: immutable", "folder /usr/lib: immutable", "/opt is mounted read-only"]
    assert "chattr -i '/etc/a b' /etc/c" in told[0].remedy
    assert "/usr/lib/x" in told[1].reason and "chattr -i /usr/lib" in told[1].remedy
    assert "mount -o remount,rw /opt" in told[2].remedy


def test_many_paths_are_counted():
    told = unwritable.problems(
        Obstacle(writable.APPEND_ONLY, f"/etc/{number}", f"/etc/{number}") for number in range(unwritable.MOST + 5))
    assert told[0].fact.endswith("and 5 more: append-only")


def test_every_obstacle_has_words():
    kinds = {writable.IMMUTABLE, writable.APPEND_ONLY, writable.READ_ONLY, writable.MOUNTED, writable.FOLDER_IN_WAY,
             writable.FILE_IN_WAY, writable.FORBIDDEN, writable.FULL, writable.QUOTA, writable.UNREADABLE,
             writable.LEADS_NOWHERE, writable.LEADS_ASTRAY, writable.A_LINK, writable.HARD_LINKS, writable.SPECIAL,
             writable.A_FILE, writable.TOO_LONG, writable.NO_LINKS}
    assert {*unwritable.OF_PATH, *unwritable.OF_FOLDER} == kinds
    for kind in kinds:
        for where in ("/a/b", "/a"):
            if unwritable.is_of_path(Obstacle(kind, where, "/a/b")) or kind in unwritable.OF_FOLDER:
                assert unwritable.problems([Obstacle(kind, where, "/a/b")])


def test_a_refusal_names_them(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(errors.Refused, match="/a: a folder"):
        unwritable.refuse(str(tmp_path), [Touch("/a")])


def failing(code):
    """Return a call of the system that fails."""
    def call(*_args, **_how):
        raise OSError(code, os.strerror(code))
    return call


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE])
@pytest.mark.parametrize(("place", "call"), [(os, "open"), (fcntl, "ioctl")])
def test_flags_that_cannot_be_read_are_not_taken_for_none(tmp_path, monkeypatch, place, call, code):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/tool.conf").write_text("x")
    monkeypatch.setattr(place, call, failing(code))
    with pytest.raises(OSError, match=os.strerror(code)):
        writable.flags_of(str(tmp_path / "etc/tool.conf"))
    found = writable.obstacles(str(tmp_path), [Touch("/etc/tool.conf"), Touch("/etc/new.conf")])
    assert found == [
        Obstacle(writable.UNREADABLE, path, path, os.strerror(code)) for path in ("/etc/new.conf", "/etc/tool.conf")]
    [told] = unwritable.problems(found)
    assert told.fact == "/etc/new.conf, /etc/tool.conf: cannot be looked at" and os.strerror(code) in told.reason


@pytest.mark.parametrize("code", [errno.ENOTTY, errno.EOPNOTSUPP, errno.EINVAL])
def test_a_file_system_without_flags_has_none(tmp_path, monkeypatch, code):
    monkeypatch.setattr(fcntl, "ioctl", failing(code))
    assert writable.flags_of(str(tmp_path)) == writable.NO_FLAGS


def test_flags_of_what_is_really_there(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    os.symlink("fifo", tmp_path / "link")
    for path in (tmp_path, tmp_path / "fifo", tmp_path / "absent", "/proc/self/status"):
        assert writable.flags_of(str(path)) == writable.NO_FLAGS
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        writable.flags_of(str(tmp_path / "link"))
    assert writable.obstacles(str(tmp_path), [Touch("/fifo"), Touch("/link"), Touch("/absent")]) == []


def test_what_leads_nowhere_is_in_the_way_and_what_cannot_be_told_is_said(tmp_path):
    os.symlink("circle", tmp_path / "circle")
    os.symlink("gone", tmp_path / "dangling")
    long = "x" * 300
    found = writable.obstacles(
        str(tmp_path), [Touch("/circle/a"), Touch("/dangling/b/c"), Touch(f"/{long}/d"), Touch(f"/{long}")])
    assert sorted(found) == sorted([
        Obstacle(writable.FILE_IN_WAY, "/circle", "/circle/a"), Obstacle(writable.FILE_IN_WAY, "/dangling", "/dangling/b/c"),
        *(Obstacle(writable.TOO_LONG, path, path) for path in (f"/{long}/d", f"/{long}"))])


@pytest.mark.parametrize(("where", "call"), [("/etc", "statvfs"), ("/etc", "stat"), ("/etc/tool.conf", "lstat")])
@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
def test_a_folder_or_link_that_cannot_be_looked_at_is_told(tmp_path, monkeypatch, where, call, code):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/tool.conf").write_text("x")
    real = getattr(os, call)

    def some(path, *args, **how):
        if path == str(tmp_path) + where:
            raise OSError(code, os.strerror(code))
        return real(path, *args, **how)

    monkeypatch.setattr(os, call, some)
    assert writable.obstacles(str(tmp_path), [Touch("/etc/tool.conf")]) == [
        Obstacle(writable.UNREADABLE, "/etc/tool.conf", "/etc/tool.conf", os.strerror(code))]


class Room(tuple):
    """What statvfs says of a folder: blocks and inodes, all and free."""

    f_flag, f_frsize, f_namemax = 0, 4096, 255
    f_blocks, f_bfree, f_files, f_ffree = (property(lambda self, at=at: self[at]) for at in range(4))


@pytest.mark.parametrize(("fstype", "limit", "told"), [
    ("xfs", Room((1000, 0, 500, 400)), True),
    ("xfs", Room((10**6, 10**5, 20, 0)), True),
    ("xfs", Room((1000, 900, 500, 400)), False),
    # ext4 has root write beyond the quota of a project.
    ("ext4", Room((1000, 0, 500, 400)), False),
])
@pytest.mark.parametrize("limited", ["/opt", "/srv"])
def test_a_project_quota_of_one_folder_among_others(tmp_path, monkeypatch, fstype, limit, told, limited):
    for name in ("opt", "srv", "usr", "proc/self"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(f"21 1 252:1 / / rw - {fstype} /dev/vda1 rw\n")
    whole = Room((10**6, 10**5, 10**5, 10**4))
    monkeypatch.setattr(os, "statvfs", lambda path: limit if path == str(tmp_path) + limited else whole)
    found = writable.obstacles(str(tmp_path), [Touch(f"/{name}/file") for name in ("opt", "srv", "usr")])
    assert found == ([Obstacle(writable.QUOTA, limited, f"{limited}/file")] if told else [])
    assert [problem.fact for problem in unwritable.problems(found)] == (
        [f"the quota that folder {limited} counts against is used up"] if told else [])


def test_a_full_file_system_is_told_once(tmp_path, monkeypatch):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text("21 1 252:1 / / rw - xfs /dev/vda1 rw\n")
    monkeypatch.setattr(os, "statvfs", lambda path: Room((10**6, 0, 10**5, 10**4)))
    (tmp_path / "etc").mkdir()
    assert writable.obstacles(str(tmp_path), [Touch("/a"), Touch("/etc/b")]) == [Obstacle(writable.FULL, "/", "/a")]


def linked(root):
    """Have links of each kind in a root, and return what is said of each when it is written."""
    (root / "etc/yum.repos.d").mkdir(parents=True)
    (root / "srv/config").mkdir(parents=True)
    (root / "srv/config/centos.repo").write_text("[baseos]\n")
    chains = {
        "plain.repo": None, "absolute.repo": "/srv/config/centos.repo", "relative.repo": "../../srv/config/centos.repo",
        "chain.repo": "relative.repo", "dangling.repo": "/srv/config/none.repo", "nowhere.repo": "/none/none.repo",
        "circle.repo": "circle.repo", "through.repo": "/etc/yum.repos.d/dangling.repo", "folder.repo": "/srv/config"}
    for name, end in chains.items():
        path = root / "etc/yum.repos.d" / name
        path.write_text("[plain]\n") if end is None else path.symlink_to(end)
    broken = ("dangling.repo", "nowhere.repo", "circle.repo", "through.repo")
    return {name: writable.LEADS_NOWHERE if name in broken else writable.LEADS_ASTRAY if name == "folder.repo" else ""
            for name in chains}


@pytest.mark.parametrize("how", [writable.WRITTEN, writable.REMOVED])
def test_links_of_others(tmp_path, how):
    for name, kind in linked(tmp_path).items():
        path = f"/etc/yum.repos.d/{name}"
        removed = "" if name == "plain.repo" else writable.A_LINK
        wanted = removed if how == writable.REMOVED else kind
        found = writable.obstacles(str(tmp_path), [Touch(path, how)])
        assert [obstacle.kind for obstacle in found] == ([wanted] if wanted else []), name
        for problem in unwritable.problems(found):
            assert path in problem.fact, problem
            assert problem.reason and problem.remedy


def test_a_link_to_a_read_only_place_is_told_as_that_place(tmp_path, monkeypatch):
    linked(tmp_path)
    real = os.statvfs

    def statvfs(path):
        found = real(path)
        if not str(path).endswith("/srv/config"):
            return found
        return type("ReadOnly", (), {**{name: getattr(found, name) for name in dir(found) if name.startswith("f_")},
                                     "f_flag": os.ST_RDONLY})

    monkeypatch.setattr(os, "statvfs", statvfs)
    for name, kind in (("plain.repo", None), ("absolute.repo", writable.READ_ONLY), ("chain.repo", writable.READ_ONLY)):
        found = writable.obstacles(str(tmp_path), [Touch(f"/etc/yum.repos.d/{name}", writable.WRITTEN)])
        assert [obstacle.kind for obstacle in found] == ([kind] if kind else []), name
