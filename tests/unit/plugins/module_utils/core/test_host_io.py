# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the door to the host tells apart: a path that leads nowhere, one that cannot be told of, and commands not started."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors, exchange, host_io, writable
from ansible_collections.centos.hyperscale.plugins.module_utils.shared import file as shared_file

LOOKS = (host_io.is_folder, host_io.is_file, host_io.leads_somewhere)


@pytest.fixture(name="paths")
def fixture_paths(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    os.symlink("folder", tmp_path / "to-folder")
    os.symlink("/dev/null", tmp_path / "to-device")
    os.symlink("nowhere", tmp_path / "dangling")
    os.symlink("circle", tmp_path / "circle")
    return tmp_path


@pytest.mark.parametrize(("name", "folder", "file", "somewhere"), [
    ("folder", True, False, True), ("to-folder", True, False, True), ("file", False, True, True),
    ("to-device", False, False, True), ("absent", False, False, False), ("dangling", False, False, False),
    ("circle", False, False, False), ("file/below", False, False, False), ("circle/below", False, False, False),
])
def test_what_a_path_leads_to(paths, name, folder, file, somewhere):
    assert [look(str(paths / name)) for look in LOOKS] == [folder, file, somewhere]


@pytest.mark.parametrize("look", LOOKS)
def test_a_name_that_no_file_system_takes_is_not_absent(paths, look):
    with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)):
        look(str(paths / ("x" * 300)))


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_what_cannot_be_told_is_raised(paths, monkeypatch, look, code):
    def stat(*_args, **_how):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "stat", stat)
    with pytest.raises(OSError, match=os.strerror(code)):
        look(str(paths / "file"))


@pytest.mark.parametrize(("code", "status"), [
    (errno.ENOENT, host_io.NOT_THERE), (errno.EACCES, host_io.NOT_STARTED), (errno.E2BIG, host_io.NOT_STARTED),
    (errno.ENOMEM, host_io.NOT_STARTED), (errno.ENOEXEC, host_io.NOT_STARTED),
])
def test_a_command_that_could_not_be_started_is_missing_only_where_there_is_none(tmp_path, code, status):
    def run(argv):
        raise OSError(code, os.strerror(code))

    target = host_io.Target(run, str(tmp_path))
    assert target.probe(["tool"]) == (status, "")
    with pytest.raises(errors.Failed, match=os.strerror(code)):
        target.run(["tool"], okay=(0, 1))
    if status == host_io.NOT_THERE:
        assert target.run(["tool"], okay=(0, host_io.NOT_THERE)) == ""
    else:
        with pytest.raises(errors.Failed):
            target.run(["tool"], okay=(0, host_io.NOT_THERE))


def test_folders_that_cannot_be_looked_at_are_not_taken_for_missing(paths):
    target = host_io.Target(lambda argv: (0, "", ""), str(paths), root=str(paths))
    assert target.missing_folders("/folder/new/file") == ["/folder/new"]
    with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)):
        target.missing_folders(f"/{'x' * 300}/file")
    with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)):
        target.remove_empty([f"/{'x' * 300}"])


REPO = "/etc/yum.repos.d/centos.repo"
OURS, THEIRS = "[ours]\n", "[theirs]\n"
# What is at the path: a link's text, and where the file itself is.
CHAINS = {
    "a file": {},
    "absolute": {REPO: "/srv/config/centos.repo"},
    "relative": {REPO: "../../srv/config/centos.repo"},
    "chain": {REPO: "two.repo", "/etc/yum.repos.d/two.repo": "/etc/three.repo", "/etc/three.repo": "../srv/config/centos.repo"},
    "folder on the way": {"/etc/yum.repos.d": "../srv/repos", "/srv/repos/centos.repo": "../config/centos.repo"},
    "folder": {"/etc/yum.repos.d": "/srv/config"},
}
END = "/srv/config/centos.repo"


@pytest.fixture(name="target")
def fixture_target(tmp_path):
    (tmp_path / "host").mkdir()
    return host_io.Target(lambda argv: (0, "", ""), str(tmp_path), root=str(tmp_path / "host"))


def lay_chain(target, links):
    """Have a file of others at the end of links; return the path of the file."""
    end = END if links else REPO
    for path in (*links, end):
        os.makedirs(os.path.dirname(target.path(path)), exist_ok=True)
    for path, led in links.items():
        # An absolute link of a folder is followed by the kernel, which knows one root alone.
        absolute = led.startswith("/") and path == "/etc/yum.repos.d"
        os.symlink(target.path(led) if absolute else led, target.path(path))
    with open(target.path(end), "w", encoding="utf-8") as out:
        out.write(THEIRS)
    os.chmod(target.path(end), 0o640)
    return end


def seen(target, links, end):
    """Return the texts of links, and the inode and text of the file at their end."""
    with open(target.path(end), encoding="utf-8") as handle:
        return {path: os.readlink(target.path(path)) for path in links}, handle.read()


@pytest.mark.parametrize("links", CHAINS.values(), ids=CHAINS)
def test_what_a_link_leads_to_is_written_and_the_link_stays(target, links):
    end = lay_chain(target, links)
    before = seen(target, links, end)
    was = target.read(REPO)
    action = shared_file.FileAction.between(REPO, "", was, was._replace(content=OURS))
    action.apply(target)
    action.verify(target)
    assert seen(target, links, end) == (before[0], OURS)
    assert os.stat(target.path(end)).st_mode & 0o777 == 0o640
    action.undo(target)
    assert seen(target, links, end) == before and target.read(REPO) == was and action.left == []
    assert [name for name in os.listdir(os.path.dirname(target.path(end))) if name.startswith(host_io.SCRATCH)] == []


@pytest.mark.parametrize("led", ["/srv/none.repo", "none.repo", "centos.repo", "/none/none.repo", "two.repo"])
def test_a_link_that_leads_nowhere_is_refused_before_anything_is_written(target, led):
    os.makedirs(target.path("/etc/yum.repos.d"))
    os.symlink(led, target.path(REPO))
    os.symlink("centos.repo", target.path("/etc/yum.repos.d/two.repo"))
    assert target.read("/etc/none") is None
    with pytest.raises(errors.Refused, match="a symbolic link that leads nowhere") as refused:
        target.write(REPO, host_io.FileState(OURS, "0644", str(os.getuid()), str(os.getgid())))
    assert f"namei -l {REPO}" in refused.value.problems[0].remedy
    assert os.readlink(target.path(REPO)) == led and sorted(os.listdir(target.path("/etc/yum.repos.d"))) == [
        "centos.repo", "two.repo"]


def test_a_link_is_not_removed(target):
    links = CHAINS["relative"]
    end = lay_chain(target, links)
    with pytest.raises(errors.Refused, match="is a symbolic link"):
        target.remove(REPO)
    assert seen(target, links, end) == (links, THEIRS)


def test_a_file_of_ours_that_became_a_link_stays_one(target):
    wanted = host_io.FileState(OURS, "0644", str(os.getuid()), str(os.getgid()))
    action = shared_file.FileAction.between(REPO, "", None, wanted)
    action.apply(target)
    os.makedirs(target.path("/srv/config"))
    os.rename(target.path(REPO), target.path(END))
    os.symlink("../../srv/config/centos.repo", target.path(REPO))
    assert writable.obstacles(target.root, action.touches(target, True)) == []
    action.undo(target)
    assert action.left == [f"{REPO} is a symbolic link by now, and is left as it is"]
    assert target.read(REPO).content == OURS and target.is_link(REPO)


def test_acls_and_attributes_of_users_stay_and_the_mode_is_the_wanted_one(target, monkeypatch):
    lay_chain(target, {})
    held = {"user.comment": b"ours", "system.posix_acl_access": b"acl", "security.ima": b"no", "security.selinux": b"no"}
    given = {}
    monkeypatch.setattr(os, "listxattr", lambda path: list(held))
    monkeypatch.setattr(os, "getxattr", lambda path, name: held[name])
    monkeypatch.setattr(os, "setxattr", lambda handle, name, value: given.update({name: value}))
    target.write(REPO, target.read(REPO)._replace(content=OURS, mode="0604"))
    assert given == {"user.comment": b"ours", "system.posix_acl_access": b"acl"}
    assert os.stat(target.path(REPO)).st_mode & 0o777 == 0o604


def test_a_file_system_without_attributes_is_fine(target, monkeypatch):
    lay_chain(target, {})

    def listxattr(_path):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(os, "listxattr", listxattr)
    target.write(REPO, target.read(REPO)._replace(content=OURS))
    assert target.read(REPO).content == OURS


WANTED = ("[wanted]\n", "0640")


def at_the_rename(monkeypatch, act):
    """Have something done right before the first rename of what is written."""
    done = []

    def before(real):
        def call(*arguments, **more):
            if not done:
                done.append(1)
                act()
            return real(*arguments, **more)
        return call

    for module, name in ((exchange, "renameat2"), (os, "rename")):
        monkeypatch.setattr(module, name, before(getattr(module, name)))


def without_exchange(*_arguments):
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


@pytest.mark.parametrize("has", [True, False], ids=["with exchange", "without"])
@pytest.mark.parametrize("wanted", [WANTED, None], ids=["written", "removed"])
@pytest.mark.parametrize("how", ["nothing", "rename", "in place", "mode", "link", "gone"])
def test_what_somebody_writes_while_a_file_is_taken_back_stays(target, monkeypatch, has, wanted, how):
    if not has:
        monkeypatch.setattr(exchange, "renameat2", without_exchange)
    lay_chain(target, {})
    real = target.path(REPO)
    now = target.read(REPO)

    def theirs():
        if how == "rename":
            with open(f"{real}.new", "w", encoding="utf-8") as out:
                out.write(OURS)
            os.rename(f"{real}.new", real)
        elif how == "in place":
            with open(real, "w", encoding="utf-8") as out:
                out.write(OURS)
        elif how == "mode":
            os.chmod(real, 0o604)
        elif how == "link":
            os.unlink(real)
            os.symlink("elsewhere", real)
        elif how == "gone":
            os.unlink(real)

    if has:
        at_the_rename(monkeypatch, theirs)
    else:
        # Such a file system leaves a moment after the last look: what is written before that stays.
        theirs()
    state = now._replace(content=wanted[0], mode=wanted[1]) if wanted else None
    if state and how == "link" and not has:
        # A link that leads nowhere is refused at once.
        with pytest.raises(errors.Refused):
            exchange.write(target, REPO, now, state)
    else:
        done = exchange.write(target, REPO, now, state) if state else exchange.remove(target, REPO, now)
        assert done is (how == "nothing" or (how == "gone" and not state))
    held = {"nothing": state, "rename": now._replace(content=OURS, mode="0644"), "in place": now._replace(content=OURS),
            "mode": now._replace(mode="0604")}
    if how == "link":
        assert os.readlink(real) == "elsewhere"
    else:
        assert target.read(REPO) == held.get(how)
    assert [name for name in os.listdir(os.path.dirname(real)) if name != os.path.basename(real)] == []


@pytest.mark.parametrize("has", [True, False], ids=["with exchange", "without"])
def test_a_file_comes_back_only_where_nothing_is(target, monkeypatch, has):
    if not has:
        monkeypatch.setattr(exchange, "renameat2", without_exchange)
    lay_chain(target, {})
    now = target.read(REPO)
    assert not exchange.write(target, REPO, None, now._replace(content=OURS)) and target.read(REPO) == now
    os.unlink(target.path(REPO))
    assert exchange.write(target, REPO, None, now) and target.read(REPO) == now


def test_of_two_that_are_written_meanwhile_the_newest_stays_and_the_other_is_kept_beside(target, monkeypatch):
    lay_chain(target, {})
    real, now, calls = target.path(REPO), target.read(REPO), []

    def call(*arguments, rename=exchange.renameat2):
        calls.append(1)
        if len(calls) < 3:
            with open(f"{real}.new", "w", encoding="utf-8") as out:
                out.write(f"{len(calls)}\n")
            os.rename(f"{real}.new", real)
        return rename(*arguments)

    monkeypatch.setattr(exchange, "renameat2", call)
    assert not exchange.write(target, REPO, now, now._replace(content=OURS))
    assert target.read(REPO).content == "2\n" and target.read(f"{REPO}.saved").content == "1\n"


def test_a_step_says_that_a_file_was_changed_while_it_was_taken_back(target, monkeypatch):
    lay_chain(target, {})
    was = target.read(REPO)
    action = shared_file.FileAction.between(REPO, "", was, was._replace(content=OURS))
    action.apply(target)
    at_the_rename(monkeypatch, lambda: os.chmod(target.path(REPO), 0o604))
    action.undo(target)
    assert action.left == [f"{REPO} was changed while it was taken back, and is left as it is"]
    assert target.read(REPO) == was._replace(content=OURS, mode="0604")
