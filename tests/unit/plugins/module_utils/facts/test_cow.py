# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy-on-write: the ground, the configuration, the database's move, and what FIEMAP answers."""

from __future__ import annotations

import os
import struct
import subprocess
import sys

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import Context
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import cow, fiemap, mounts as host_mounts
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb
from ansible_collections.centos.hyperscale.plugins.module_utils.packages.solver import Item
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.cow import actions, move as rpmdb_move, section
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.raised import code_of

OLD, NEW = cow.OLD_HOME, cow.NEW_HOME
SHIPPED = "# Shipped off.\n[main]\nenabled = 0\n# denylist=x\n\n[other]\nkept=yes\n"
WANT = {"enabled": True, "denylist": [], "accept_rpmdb_move": True}
COMING = [
    Item("upgrade", "rpm", "4.16-1.1.hsx.el9", "x86_64", "experimental", 1, 1),
    *(Item("install", name, "1-1.hsx.el9", "x86_64", "experimental", 1, 1) for name in cow.PLUGIN_PACKAGES)]
CONTEXT = Context(9, False, COMING, [], [])


def mounts(*rows):
    return [host_mounts.Mount(point, "/dev/x", kind, ["rw"]) for point, kind in rows]


@pytest.mark.parametrize(("rows", "says"), [
    ([("/", "btrfs")], None),
    ([("/", "xfs")], None),
    ([("/", "ext4"), ("/usr", "xfs"), ("/var", "xfs")], "these are two mounts"),
    ([("/", "btrfs"), ("/var/cache/dnf", "btrfs")], "these are two mounts"),
    ([("/", "btrfs"), ("/var/cache/dnf-other", "btrfs")], None),
    ([("/", "ext4")], "it is ext4, which"),
    ([("/", "overlay")], "it is overlay, which"),
    ([("/", "nfs4")], "it is nfs4 over the network"),
    ([], "cannot be told"),
])
def test_ground(rows, says):
    problem = cow.ground_problem("/var/cache/dnf", "/usr", mounts(*rows))
    assert problem is None if says is None else says in problem.reason


def test_two_mounts_are_named_with_their_types():
    problem = cow.ground_problem("/var/cache/dnf", "/usr", mounts(("/", "xfs"), ("/var", "ext4")))
    assert "/var (ext4)" in problem.fact and "/ (xfs)" in problem.fact


@pytest.mark.parametrize(("text", "folder"), [
    ("", "/var/cache/dnf"), ("[main]\ncachedir=/srv/dnf\n", "/srv/dnf"), ("no such file\n", "/var/cache/dnf"),
    ("[main]\nexclude=%x\n", "/var/cache/dnf"), ("[baseos]\ncachedir=/x\n", "/var/cache/dnf"),
])
def test_folder_of_the_cache(text, folder):
    assert cow.cachedir(text) == folder


@pytest.mark.parametrize(("text", "wanted", "becomes"), [
    (SHIPPED, (True, ["kernel", "microsoft-edge"]),
     "# Shipped off.\n[main]\nenabled=1\n# denylist=x\n\ndenylist=kernel,microsoft-edge\n[other]\nkept=yes\n"),
    (SHIPPED, (True, []), "# Shipped off.\n[main]\nenabled=1\n# denylist=x\n\n[other]\nkept=yes\n"),
    ("[main]\nenabled=1\ndenylist=a,\n  b\nx=1\n", (False, ["c"]), "[main]\nenabled=0\ndenylist=c\nx=1\n"),
    ("[other]\nenabled=7\n", (True, []), "[other]\nenabled=7\n[main]\nenabled=1\n"),
    ("", (True, ["a"]), "[main]\nenabled=1\ndenylist=a\n"),
])
def test_configuration_is_edited_in_place(text, wanted, becomes):
    wanted = cow.Settings(*wanted)
    assert cow.edited(text, wanted) == becomes
    assert cow.settings(becomes) == wanted
    assert cow.edited(becomes, wanted) == becomes


@pytest.mark.parametrize(("text", "found"), [
    (SHIPPED, (False, [])), ("[main]\nenabled=yes\ndenylist = a, b,\n c\n", (True, ["a", "b", "c"])), ("", (False, [])),
    ("[main]\nenabled=perhaps\n", (False, [])),
])
def test_configuration_is_read(text, found):
    assert cow.settings(text) == found


@pytest.mark.parametrize("name", ["a b", "a,b", "", "a\nb", "kernel*", "/x"])
def test_bad_names_in_the_denylist(name):
    assert section.validate([{**WANT, "denylist": [name]}], 9)
    assert section.validate([{**WANT, "denylist": ["libstdc++", "python3.11"]}], 9) == []
    assert section.validate([WANT, WANT], 9)


def test_marker(tmp_path):
    for content, found in ((b"x" * 90 + cow.MARKER, True), (b"x" * 90, False), (b"KW", False), (cow.MARKER + b"x", False)):
        (tmp_path / "a.rpm").write_bytes(content)
        assert cow.transcoded(str(tmp_path / "a.rpm")) is found


@pytest.fixture(name="host")
def fixture_host(tmp_path):
    """A host with a database in the old place, and an rpm that lists what its text says."""
    (tmp_path / OLD[1:]).mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / OLD[1:] / "rpmdb.sqlite").write_text("a-1-1.x86_64\nb-1-1.x86_64\n")
    (tmp_path / "etc/dnf/plugins").mkdir(parents=True)
    (tmp_path / cow.CONF[1:]).write_text(SHIPPED)

    def run(argv):
        if argv == ["rpm", "--eval", "%_dbpath"]:
            macros = tmp_path / rpmdb_move.MACROS[1:]
            return 0, macros.read_text().split()[1] if macros.exists() else OLD, ""
        if argv[:2] == ["rpm", "--dbpath"]:
            return 0, (tmp_path / argv[2][1:] / "rpmdb.sqlite").read_text(), ""
        return 0, "", ""

    return host_io.Target(run, str(tmp_path), root=str(tmp_path))


def state(host, ground=None):
    found = section.gather(host, [{**WANT, "enabled": False}])
    return found._replace(ground=ground)


def kinds(planned):
    return [action.kind for action in planned.actions]


def carry_out(host, planned):
    assert planned.problems == []
    for action in planned.actions:
        if action.kind != "cow-rpm":
            action.apply(host)
            action.verify(host)
    return planned.actions


def test_on_and_off_and_what_undo_leaves(host, tmp_path):
    done = carry_out(host, section.plan([{**WANT, "denylist": ["kernel"]}], state(host), CONTEXT))
    assert [action.kind for action in done] == ["rpmdb-move", "rpmdb-link", "cow-config", "cow-rpm"]
    assert os.readlink(tmp_path / OLD[1:]) == "../../usr/lib/sysimage/rpm"
    assert (tmp_path / OLD[1:] / "rpmdb.sqlite").read_text() == (tmp_path / NEW[1:] / "rpmdb.sqlite").read_text()
    here = CONTEXT._replace(items=[], installed=[package(name) for name in ("rpm", *cow.PLUGIN_PACKAGES)])
    assert kinds(section.plan([{**WANT, "denylist": ["kernel"]}], state(host), here)) == []
    for action in reversed(done):
        action.undo(host)
        action.undo(host)
    assert (tmp_path / cow.CONF[1:]).read_text() == SHIPPED
    assert not (tmp_path / OLD[1:]).is_symlink() and (tmp_path / OLD[1:] / "rpmdb.sqlite").is_file()
    assert not (tmp_path / NEW[1:]).exists() and not (tmp_path / rpmdb_move.MACROS[1:]).exists()
    assert [path.name for path in tmp_path.rglob(".hyperscale-*")] == []


def test_an_edit_of_the_configuration_since_stays(host, tmp_path):
    done = carry_out(host, section.plan([{**WANT, "denylist": ["kernel"]}], state(host), CONTEXT))
    action, = (action for action in done if action.kind == "cow-config")
    path = tmp_path / cow.CONF[1:]
    path.write_text(f"{path.read_text()}# Of the operator\n")
    action.undo(host)
    assert "# Of the operator" in path.read_text() and cow.settings(path.read_text()) == cow.settings(SHIPPED)
    assert "changed since" in action.left[0]


def package(name, release="1.hsx.el9"):
    fields = dict.fromkeys(rpmdb.Package._fields)
    fields.update(name=name, epoch=0, version="4.16", release=release, arch="x86_64")
    return rpmdb.Package(**fields)


def test_the_way_back_brings_the_database_and_the_shipped_configuration(host, tmp_path):
    carry_out(host, section.plan([WANT], state(host), CONTEXT))
    back = CONTEXT._replace(items=[Item("downgrade", "rpm", "4.16-1.el9", "x86_64", "baseos", 1, 1)])
    done = carry_out(host, section.plan([{**WANT, "enabled": False}], state(host), back))
    assert [action.kind for action in done] == ["cow-off", "rpmdb-return", "cow-rpm"]
    assert (tmp_path / cow.CONF[1:]).read_text() == SHIPPED
    assert not (tmp_path / OLD[1:]).is_symlink() and not (tmp_path / NEW[1:]).is_symlink()
    stock = CONTEXT._replace(items=[], installed=[package("rpm", "1.el9")])
    assert kinds(section.plan([{**WANT, "enabled": False}], state(host), stock)) == []


def test_a_link_that_rpm_took_away_with_the_old_package_comes_back(host, tmp_path):
    planned = section.plan([WANT], state(host), CONTEXT)
    move, link = planned.actions[:2]
    move.apply(host)
    (tmp_path / OLD[1:]).unlink()
    move.verify(host)
    link.apply(host)
    link.verify(host)
    (tmp_path / OLD[1:]).unlink()
    assert kinds(section.plan([WANT], state(host), CONTEXT)) == ["rpmdb-link", "cow-config", "cow-rpm"]
    (tmp_path / OLD[1:]).mkdir()
    link.apply(host)
    link.verify(host)
    (tmp_path / OLD[1:]).unlink()
    (tmp_path / OLD[1:] / "something").mkdir(parents=True)
    link.apply(host)
    with pytest.raises(Failed, match="something else is there"):
        link.verify(host)
    move.undo(host)
    assert (tmp_path / OLD[1:] / "rpmdb.sqlite").is_file()


def test_while_the_patched_rpm_stays_its_database_does(host):
    carry_out(host, section.plan([WANT], state(host), CONTEXT))
    stays = CONTEXT._replace(items=[], installed=[package("rpm")])
    assert kinds(section.plan([{**WANT, "enabled": False}], state(host), stays)) == ["cow-off"]


def test_the_move_of_the_database_wants_a_word(host):
    problem, = section.plan([{**WANT, "accept_rpmdb_move": False}], state(host), CONTEXT).problems
    assert OLD in problem.fact and NEW in problem.reason and "accept_rpmdb_move" in problem.remedy


def test_where_the_database_is_in_its_new_place_nothing_moves(host, tmp_path):
    (tmp_path / "usr/lib/sysimage").mkdir(parents=True)
    (tmp_path / OLD[1:]).rename(tmp_path / NEW[1:])
    ten = CONTEXT._replace(stream=10)
    assert kinds(section.plan([{**WANT, "accept_rpmdb_move": False}], state(host), ten)) == ["cow-config", "cow-rpm"]
    assert kinds(section.plan([{**WANT, "enabled": False}], state(host), ten)) == ["cow-rpm"]


def test_a_stock_rpm_of_9_that_nothing_leads_to_the_database_is_refused(host, tmp_path):
    (tmp_path / "usr/lib/sysimage").mkdir(parents=True)
    (tmp_path / OLD[1:]).rename(tmp_path / NEW[1:])
    back = CONTEXT._replace(items=[Item("downgrade", "rpm", "4.16-1.el9", "x86_64", "baseos", 1, 1)])
    problem, = section.plan([{**WANT, "enabled": False}], state(host), back).problems
    assert "ln -s ../../usr/lib/sysimage/rpm /var/lib/rpm" in problem.remedy


@pytest.mark.parametrize("want", [WANT, {**WANT, "enabled": False}])
def test_two_databases_are_refused(host, tmp_path, want):
    (tmp_path / NEW[1:]).mkdir(parents=True)
    (tmp_path / NEW[1:] / "rpmdb.sqlite").write_text("something else")
    back = CONTEXT._replace(items=[] if want["enabled"] else [Item("downgrade", "rpm", "1-1.el9", "x86_64", "baseos", 1, 1)])
    problems = section.plan([want], state(host), back).problems
    assert any("only one of them can be true" in problem.reason for problem in problems)


def test_a_move_that_was_cut_short_is_gone_through_again(host, tmp_path):
    (tmp_path / NEW[1:]).mkdir(parents=True)
    (tmp_path / NEW[1:] / "rpmdb.sqlite").write_text((tmp_path / OLD[1:] / "rpmdb.sqlite").read_text())
    planned = section.plan([WANT], state(host), CONTEXT)
    assert kinds(planned)[0] == "rpmdb-move"
    carry_out(host, planned)
    assert (tmp_path / OLD[1:]).is_symlink()


def test_a_database_in_use_does_not_move(host, tmp_path):
    lock = tmp_path / OLD[1:] / ".rpm.lock"
    code = f"import fcntl; f = open({str(lock)!r}, 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print('held', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Failed, match="in use"):
            rpmdb_move.move(host, OLD, NEW)
        holder.communicate("\n")
    assert not (tmp_path / NEW[1:]).exists() and not (tmp_path / OLD[1:]).is_symlink()


def test_what_is_wrong_with_the_ground_or_missing_is_refused(host):
    ground = cow.ground_problem("/var/cache/dnf", "/usr", mounts(("/", "overlay")))
    planned = section.plan([WANT], state(host, ground), CONTEXT._replace(items=[]))
    assert planned.problems[0] is ground
    assert [problem.fact for problem in planned.problems[1:]] == [f"{name} is not installed" for name in cow.PLUGIN_PACKAGES]


@pytest.mark.parametrize(("macro", "there", "says"), [
    ("/plugins/reflink.so", True, None), ("/plugins/reflink.so", False, "is not there"), (cow.MACRO, True, "no macro names it"),
])
def test_whether_rpm_loads_its_plugin(tmp_path, macro, there, says):
    if there:
        (tmp_path / "plugins").mkdir()
        (tmp_path / "plugins/reflink.so").touch()
    target = host_io.Target(lambda argv: (0, macro + "\n", ""), str(tmp_path), root=str(tmp_path))
    problem = actions.plugin_problem(target)
    assert problem is None if says is None else says in problem.reason


def answer(*rows):
    head = struct.pack("=QQLLLL", 0, 0, 0, len(rows), fiemap.BATCH, 0)
    return head + b"".join(struct.pack("=QQQQQLLLL", *row[:3], 0, 0, row[3], 0, 0, 0) for row in rows)


def test_answer_of_fiemap_is_read():
    found = fiemap.parse(answer((0, 4096, 8192, 0x2000), (8192, 65536, 4096, 0x1), (12288, 0, 100, 0x200)))
    assert [(extent.shared, extent.placed) for extent in found] == [(True, True), (False, True), (False, False)]


@pytest.mark.parametrize(("a", "b", "shared"), [
    ([(0, 4096, 4096, 0)], [(0, 4096, 4096, 0)], 4096),
    ([(0, 4096, 8192, 0)], [(0, 8192, 8192, 0)], 4096),
    ([(0, 4096, 4096, 0)], [(0, 8192, 4096, 0)], 0),
    ([(0, 0, 4096, 0x200)], [(0, 0, 4096, 0x200)], 0),  # inline: no place of its own
])
def test_common_bytes(a, b, shared):
    assert fiemap.common_bytes(fiemap.parse(answer(*a)), fiemap.parse(answer(*b))) == shared


# Remedies: what is in the way by C(spoil) is not there any more once C(mend) did what the remedy says.

def elsewhere(host):
    os.makedirs(os.path.dirname(host.path(NEW)))
    os.rename(host.path(OLD), host.path(NEW))


def second_database(host):
    os.makedirs(host.path(NEW))
    with open(host.path(f"{NEW}/rpmdb.sqlite"), "w", encoding="utf-8") as handle:
        handle.write("something else")


def link_old_place(host):
    # The command that the remedy names.
    subprocess.run(["ln", "-s", f"../../{NEW[1:]}", host.path(OLD)], check=True)


def nothing(_host):
    """Mend nothing on the host: the remedy is another wish, or other packages of the run."""


OFF = {**WANT, "enabled": False}
BACK = CONTEXT._replace(items=[Item("downgrade", "rpm", "4.16-1.el9", "x86_64", "baseos", 1, 1)])
REMEDIES = {
    "cow.database_would_move": (nothing, {**WANT, "accept_rpmdb_move": False}, CONTEXT, nothing, WANT, CONTEXT),
    "cow.no_way_to_database": (elsewhere, OFF, BACK, link_old_place, OFF, BACK),
    "cow.not_installed": (nothing, WANT, CONTEXT._replace(items=[]), nothing, WANT, CONTEXT),
    "cow.two_databases": (
        second_database, WANT, CONTEXT, lambda host: os.rename(host.path(NEW), host.path(f"{NEW}.away")), WANT, CONTEXT),
}


@pytest.mark.parametrize("code", REMEDIES)
def test_a_remedy_takes_away_what_is_in_the_way(host, code):
    spoil, want, run, mend, want_then, run_then = REMEDIES[code]
    spoil(host)
    assert {problem.code for problem in section.plan([want], state(host), run).problems} == {code}
    mend(host)
    assert section.plan([want_then], state(host), run_then).problems == []


@pytest.mark.parametrize(("code", "rows"), [
    ("cow.mounts_unknown", []), ("cow.no_reflink", [("/", "ext4")]), ("cow.two_mounts", [("/", "xfs"), ("/var", "xfs")])])
@pytest.mark.parametrize("file_system", ["btrfs", "xfs"])
def test_one_file_system_that_clones_is_the_ground(code, rows, file_system):
    assert cow.ground_problem("/var/cache/dnf", "/usr", mounts(*rows)).code == code
    assert cow.ground_problem("/var/cache/dnf", "/usr", mounts(("/", file_system))) is None


def test_a_database_moves_once_the_holder_of_its_lock_has_ended(host, tmp_path):
    lock = tmp_path / OLD[1:] / ".rpm.lock"
    code = f"import fcntl; f = open({str(lock)!r}, 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print('held', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Failed) as failed:
            rpmdb_move.move(host, OLD, NEW)
        holder.communicate("\n")
    assert [problem.code for problem in failed.value.problems] == ["cow.database_in_use"]
    rpmdb_move.move(host, OLD, NEW)
    assert rpmdb_move.look(host, OLD).link == NEW


def test_a_link_is_made_once_what_took_its_place_is_moved_away(host, tmp_path):
    move, link = section.plan([WANT], state(host), CONTEXT).actions[:2]
    move.apply(host)
    (tmp_path / OLD[1:]).unlink()
    (tmp_path / OLD[1:] / "something").mkdir(parents=True)
    link.apply(host)
    with pytest.raises(Failed) as failed:
        link.verify(host)
    assert [problem.code for problem in failed.value.problems] == ["cow.link_taken"]
    assert host.run(["rpm", "--eval", "%_dbpath"]).strip() == NEW
    (tmp_path / OLD[1:]).rename(tmp_path / "away")
    link.apply(host)
    link.verify(host)


def test_a_plugin_is_loaded_once_its_file_is_back(tmp_path):
    target = host_io.Target(lambda argv: (0, "/plugins/reflink.so\n", ""), str(tmp_path), root=str(tmp_path))
    assert actions.plugin_problem(target).code == "cow.plugin_not_loaded"
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/reflink.so").touch()
    assert actions.plugin_problem(target) is None


def test_data_that_cannot_be_cloned_is_found_by_trying(host, tmp_path, monkeypatch):
    (tmp_path / "proc/self/mountinfo").write_text("22 1 0:20 / / rw - xfs /dev/vda1 rw\n")
    (tmp_path / "usr").mkdir()
    monkeypatch.setattr(fiemap, "clone_problem", lambda *_folders: "Operation not supported")
    assert section._ground(host).code == "cow.cannot_clone"
    # What an xfs says that was made with reflink=1.
    monkeypatch.setattr(fiemap, "clone_problem", lambda *_folders: "")
    assert section._ground(host) is None


def test_names_that_cannot_be_exchanged_leave_all_as_it_was(tmp_path):
    (tmp_path / "one").mkdir()
    assert code_of(lambda: rpmdb_move.exchange(str(tmp_path / "one"), str(tmp_path / "none"))) == "cow.cannot_exchange"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_database_that_lost_packages_on_its_way_is_told(host, tmp_path, monkeypatch):
    monkeypatch.setattr(rpmdb_move, "listed", lambda _host, folder: ["a", "b"] if folder == OLD else ["a"])
    assert code_of(lambda: rpmdb_move.move(host, OLD, NEW)) == "cow.database_incomplete"


def test_where_rpm_looks_is_told_and_right_once_its_macro_names_it(host, tmp_path):
    move = actions.MoveAction.between(OLD, NEW, "")
    move.apply(host)
    macros = tmp_path / rpmdb_move.MACROS[1:]
    macros.rename(tmp_path / "away")
    assert code_of(lambda: move.verify(host)) == "cow.rpm_looks_elsewhere"
    (tmp_path / "away").rename(macros)
    assert code_of(lambda: move.verify(host)) == ""


def test_a_database_that_did_not_come_home_is_told(host, tmp_path):
    back = actions.ReturnAction.between(NEW, OLD, "")
    assert code_of(lambda: back.verify(host)) == ""
    (tmp_path / OLD[1:]).rename(tmp_path / "away")
    assert code_of(lambda: back.verify(host)) == "cow.database_not_moved"


def test_a_configuration_that_its_package_brings_again_is_edited(host, tmp_path):
    step = actions.ConfigAction.to(host.read(cow.CONF), cow.Settings(True, []))
    (tmp_path / cow.CONF[1:]).rename(tmp_path / "away")
    assert code_of(lambda: step.apply(host)) == "cow.no_configuration"
    (tmp_path / "away").rename(tmp_path / cow.CONF[1:])
    assert code_of(lambda: step.apply(host)) == ""


def test_packages_that_rpm_does_not_list_are_told(host, monkeypatch):
    ask = actions.AskAction("rpm", "", {"plugin": False})
    for names, code in ((["a"], "cow.packages_differ"), ([], "")):
        monkeypatch.setattr(actions.rpmdb, "installed", lambda names=names: [package(name) for name in names])
        assert code_of(lambda: ask.verify(host)) == code
