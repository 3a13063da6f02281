# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Families of alternatives: what is done to reach a choice, and to take it back."""

from __future__ import annotations

import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.core.engine import CONFIGURE, PREPARE
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed, Refused
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import Context, Planned
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import solver
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.alternatives import section, state
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.alternatives.actions import AlternativeAction
from ansible_collections.centos.hyperscale.plugins.module_utils.text import alternatives

FILE = """\
auto
/usr/bin/edit
edit-man
/usr/share/man/edit.1
edit-cfg
/usr/bin/edit.cfg

/usr/bin/old
@office@10 edit.service
/usr/share/man/old.1

/usr/bin/new
20

/usr/bin/new.cfg
/usr/bin/late
20


"""
ALONE = Context(9, False, [], [], [])
PACKAGES = ALONE._replace(items=[solver.Item("install", "x", "1-1", "noarch", "main", 0, 0)])
PAGERS = {"less": 10, "more": 5, "ours": 1}


def register(root, mode, chosen):
    for folder in ("var/lib/alternatives", "etc/alternatives"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    text = "".join(f"/usr/bin/{name}\n{priority}\n" for name, priority in PAGERS.items())
    (root / "var/lib/alternatives/pager").write_text(f"{mode}\n/usr/bin/pager\n\n{text}")
    (root / "etc/alternatives/pager").symlink_to(f"/usr/bin/{chosen}")


@pytest.mark.parametrize(("path", "old", "now", "told", "runs"), [
    ("more", (True, "less"), ("manual", "more"), False, ["alternatives", "--auto", "pager"]),
    ("more", (False, "less"), ("manual", "more"), False, ["alternatives", "--set", "pager", "/usr/bin/less"]),
    ("more", (True, "less"), ("manual", "ours"), True, None),
    ("more", (False, "less"), ("auto", "less"), True, None),
    (None, (False, "more"), ("auto", "less"), False, ["alternatives", "--set", "pager", "/usr/bin/more"]),
    (None, (False, "more"), ("manual", "ours"), True, None),
])
def test_what_somebody_chose_since_stays(tmp_path, path, old, now, told, runs):
    register(tmp_path, *now)
    ran = []

    def run(argv):
        ran.append(argv)
        return 0, "", ""

    target = host_io.Target(run, str(tmp_path), root=str(tmp_path))
    action = AlternativeAction("pager", "", {
        "path": path and f"/usr/bin/{path}", "old": {"auto": old[0], "path": f"/usr/bin/{old[1]}"}})
    action.undo(target)
    assert bool(action.left) is told
    assert ran == ([runs] if runs else [])


@pytest.fixture(name="host")
def fixture_host(tmp_path):
    """A host with one family, and alternatives as chkconfig would carry it out."""
    for folder in ("etc/alternatives", "var/lib/alternatives", "usr/bin", "usr/share/man"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "var/lib/alternatives/edit").write_text(FILE)

    def point(path, auto):
        family = alternatives.parse("edit", (tmp_path / "var/lib/alternatives/edit").read_text())
        text = FILE.replace("auto", "auto" if auto else "manual", 1)
        (tmp_path / "var/lib/alternatives/edit").write_text(text)
        for link, to in state.expected(family, family.target(path) or family.best()).items():
            real = tmp_path / link.lstrip("/")
            if os.path.lexists(real):
                real.unlink()
            if to:
                real.symlink_to(to)

    def run(argv):
        if argv[:2] == ["alternatives", "--auto"]:
            point(None, True)
        if argv[:2] == ["alternatives", "--set"]:
            point(argv[3], False)
        return 0, "", ""

    point(None, True)
    return host_io.Target(run, str(tmp_path), root=str(tmp_path))


def planned(host, context=ALONE, **want):
    wants = [{"name": "edit", "path": None, "auto": False, **want}]
    assert section.validate(wants, 9) == []
    return section.plan(wants, section.gather(host, wants), context)


def test_what_is_as_wanted_is_left_alone(host):
    assert planned(host, auto=True) == Planned([])


def test_a_choice_is_made_and_taken_back(host):
    (action,) = planned(host, path="/usr/bin/old").actions
    action.apply(host)
    action.verify(host)
    assert planned(host, path="/usr/bin/old").actions == []
    assert os.readlink(host.path("/etc/alternatives/edit-man")) == "/usr/share/man/old.1"
    assert not os.path.lexists(host.path("/usr/bin/edit.cfg"))
    action.undo(host)
    assert planned(host, auto=True).actions == []


def test_a_choice_by_hand_is_what_comes_back(host):
    planned(host, path="/usr/bin/late").actions[0].apply(host)
    (action,) = planned(host, path="/usr/bin/old").actions
    action.apply(host)
    action.undo(host)
    assert planned(host, path="/usr/bin/late").actions == []


def test_the_best_one_by_hand_is_not_the_best_one_by_priority(host):
    assert len(planned(host, path="/usr/bin/new").actions) == 1


def test_a_follower_that_leads_elsewhere_is_set_right(host):
    os.unlink(host.path("/etc/alternatives/edit-cfg"))
    os.symlink("/usr/bin/else", host.path("/etc/alternatives/edit-cfg"))
    (action,) = planned(host, auto=True).actions
    with pytest.raises(Failed, match="/usr/bin/else"):
        action.verify(host)


def test_what_is_not_registered_is_refused_with_what_is(host):
    (problem,) = planned(host, path="/usr/bin/none").problems
    assert "/usr/bin/old, /usr/bin/new, /usr/bin/late" in problem.reason
    (problem,) = planned(host, name="none", auto=True).problems
    assert "no package of this host registers it" in problem.reason


def test_what_packages_of_the_run_may_register_is_found_out_when_it_is_applied(host):
    planned_with = planned(host, PACKAGES, path="/usr/bin/none")
    assert planned_with.problems == [] and planned_with.actions[0].phase == CONFIGURE
    with pytest.raises(Failed, match="not registered"):
        planned_with.actions[0].apply(host)
    assert planned(host, PACKAGES, path="/usr/bin/old").actions[0].phase == PREPARE


def test_a_file_in_the_place_of_a_link_is_refused(host):
    os.unlink(host.path("/usr/bin/edit"))
    with open(host.path("/usr/bin/edit"), "w", encoding="utf-8"):
        pass
    assert "is no link" in planned(host, path="/usr/bin/old").problems[0].fact


def test_a_damaged_family_is_refused(host):
    with open(host.path("/var/lib/alternatives/edit"), "w", encoding="utf-8") as handle:
        handle.write("manual\n")
    with pytest.raises(Refused, match="is damaged"):
        planned(host, auto=True)


@pytest.mark.parametrize(("changes", "says"), [
    ({"name": "-x"}, "not the name"), ({"name": "a/b"}, "not the name"), ({"name": ""}, "not the name"),
    ({"path": "vi"}, "not an absolute path"), ({"path": "/usr/../vi"}, "not an absolute path"),
    ({"path": None}, "either a path or auto"), ({"auto": True}, "either a path or auto"),
])
def test_bad_wishes(changes, says):
    want = {"name": "edit", "path": "/usr/bin/vi", "auto": False, **changes}
    assert any(says in problem.reason for problem in section.validate([want], 9))


def test_a_family_wanted_twice_is_refused():
    want = {"name": "edit", "path": None, "auto": True}
    assert any("twice" in problem.reason for problem in section.validate([want, want], 9))
