# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Families of alternatives: what is done to reach a choice."""

from __future__ import annotations

import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core.engine import CONFIGURE, PREPARE
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed, Refused
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import Planned
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.alternatives import actions, section
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.sections.alternatives_host import (
    CASES, FILE, LEFT, PACKAGES, UNITS, cases, host_of, planned, usual)


@pytest.fixture(autouse=True)
def fixture_no_wait(monkeypatch):
    """What is left of a cut write has been there for long."""
    monkeypatch.setattr(actions, "WRITING_SECONDS", 0.0)


@pytest.fixture(name="host")
def fixture_host(tmp_path):
    return usual(tmp_path)


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


def result_of(case, line):
    """Return what the real program made of the files and links of a case, None where it failed."""
    runs = [run for run in case["runs"] if run["run"] == line]
    return runs[0].get("changed", {}) if runs and runs[0]["status"] == 0 else None


@pytest.mark.parametrize("wish", [{"auto": True}, {"path": "/opt/b"}, {"path": "/opt/a"}], ids=str)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_each_family_that_can_be_read_comes_to_what_is_wanted_of_it(tmp_path, case, wish):
    host = host_of(tmp_path, case)
    before = cases.state(tmp_path)
    plan = planned(host, **wish)
    if plan.problems or not plan.actions:
        # A file that alternatives would leave in the place of a link, or a path that it would not find.
        reasons = [problem.reason for problem in plan.problems]
        assert all("is not registered" in reason or ("leaves files alone" in reason and case.get("files")) for reason in reasons)
        return
    (action,) = plan.actions
    cannot = case["name"] == "the folder of a follower's link is gone"
    if cannot and wish != {"path": "/opt/b"}:
        with pytest.raises(Failed):
            action.apply(host)
        return
    action.apply(host)
    action.verify(host)
    assert planned(host, **wish) == Planned([])
    line = "--auto edit" if "auto" in wish else f"--set edit {wish['path']}"
    recorded = result_of(case, line)
    if recorded is not None:
        assert cases.changed(before, cases.state(tmp_path)) == recorded
    if cannot:
        return
    action.undo(host)
    chosen = before.get("/etc/alternatives/edit", "")
    if chosen in ("-> /opt/a", "-> /opt/b") and chosen[3:] in case["file"].split("\n"):
        assert cases.state(tmp_path)["/etc/alternatives/edit"] == before["/etc/alternatives/edit"]


INSTALL = "--install /usr/bin/edit edit /opt/a 10 --slave /usr/share/man/edit.1 edit-man /opt/a.1"


@pytest.mark.parametrize("name", ["auto, and the link in /etc/alternatives is missing", "all links are missing"])
def test_a_missing_link_comes_to_what_registering_makes_of_it(tmp_path, name):
    case = next(case for case in CASES if case["name"] == name)
    host = host_of(tmp_path, case)
    before = cases.state(tmp_path)
    (action,) = planned(host, auto=True).actions
    action.apply(host)
    assert cases.changed(before, cases.state(tmp_path)) == result_of(case, INSTALL) != {}
    assert host.ran == ["alternatives --auto edit"]


@pytest.mark.parametrize("content", ["", "auto\n/usr/bin", FILE])
def test_what_a_cut_write_left_is_put_aside(host, content):
    with open(host.path(LEFT), "w", encoding="utf-8") as handle:
        handle.write(content)
    # Also where all is as wanted: no package could register anything.
    plan = planned(host, auto=True)
    assert [LEFT in line for line in plan.warnings] == [True]
    plan.actions[0].apply(host)
    plan.actions[0].verify(host)
    assert not os.path.lexists(host.path(LEFT)) and planned(host, auto=True) == Planned([])
    (kept,) = os.listdir(os.path.join(host.state_dir, "alternatives"))
    with open(os.path.join(host.state_dir, "alternatives", kept), encoding="utf-8") as handle:
        assert handle.read() == content


def test_a_write_that_is_under_way_is_waited_for(host, monkeypatch):
    open(host.path(LEFT), "w", encoding="utf-8").close()
    monkeypatch.setattr(actions, "WRITING_SECONDS", 60.0)
    monkeypatch.setattr(actions.time, "sleep", lambda _seconds: os.unlink(host.path(LEFT)))
    planned(host, path="/usr/bin/old").actions[0].apply(host)
    assert host.held("/etc/alternatives/edit") == "/usr/bin/old"
    assert not os.path.exists(os.path.join(host.state_dir, "alternatives"))


def test_scripts_that_go_with_targets_are_told(tmp_path):
    host = host_of(tmp_path, {
        "file": UNITS, "links": {"/etc/alternatives/edit": "/opt/a"}, "files": {"/etc/rc.d/init.d/two": "#!/bin/sh\n"}})
    (warning,) = planned(host, path="/opt/b").warnings
    assert "SysV script two" in warning and "rollback" in warning


def test_a_path_with_two_slashes_is_the_one_with_one(host):
    (action,) = planned(host, path="//usr/bin//old").actions
    action.apply(host)
    action.verify(host)
    assert planned(host, path="/usr//bin/old").actions == []


def test_a_target_that_is_registered_with_two_slashes_is_refused_with_a_way_on(tmp_path):
    case = {"file": "auto\n/usr/bin/edit\n\n/srv//x\n5\n/opt/a\n1\n", "links": {"/etc/alternatives/edit": "/opt/a"}}
    host = host_of(tmp_path, case)
    (problem,) = planned(host, path="/srv//x").problems
    assert "alternatives looks for /srv/x" in problem.reason
    # The remedy, followed.
    assert host.run(["alternatives", "--install", "/usr/bin/edit", "edit", "/srv//x", "5"]) == ""
    planned(host, path="/srv//x").actions[0].apply(host)
    assert host.held("/etc/alternatives/edit") == "/srv/x"
    planned(host, auto=True).actions[0].apply(host)
    assert host.held("/etc/alternatives/edit") == "/srv//x"


def test_where_ostree_keeps_the_families(tmp_path):
    host = host_of(tmp_path, {"file": FILE, "links": {"/etc/alternatives/edit": "/usr/bin/new"}})
    os.rename(host.path("/var/lib/alternatives"), host.path("/etc/alternatives-admindir"))
    (action,) = planned(host, path="/usr/bin/old").actions
    assert "/etc/alternatives-admindir/edit" in [path for path, _how in action.touches(host)]
    action.apply(host)
    action.verify(host)
    with open(host.path("/etc/alternatives-admindir/edit"), encoding="utf-8") as handle:
        assert handle.readline() == "manual\n"


def test_a_file_in_the_place_of_a_link_that_the_target_does_not_have_is_let_be(host):
    os.unlink(host.path("/usr/bin/edit.cfg"))
    with open(host.path("/usr/bin/edit.cfg"), "w", encoding="utf-8"):
        pass
    plan = planned(host, path="/usr/bin/old")
    assert plan.problems == []
    plan.actions[0].apply(host)
    plan.actions[0].verify(host)
    assert planned(host, path="/usr/bin/old") == Planned([])


def test_line_ends_of_other_systems_are_damage_to_the_real_program(host):
    with open(host.path("/var/lib/alternatives/edit"), "w", encoding="utf-8", newline="") as handle:
        handle.write(FILE.replace("\n", "\r\n"))
    with pytest.raises(Refused, match="is damaged"):
        planned(host, auto=True)


def register(host, name="edit", link="/usr/bin/edit"):
    """What a package does that registers a family."""
    for path, priority in (("/usr/bin/new", "20"), ("/usr/bin/none", "5")):
        assert host.run(["alternatives", "--install", link, name, path, priority]) == ""


# By code: what is wrong, what is wanted, what mends it, and what is wanted then.
REMEDIES = {
    "alternatives.family_not_registered": (
        lambda host: None, {"name": "other", "auto": True}, lambda host: register(host, "other", "/usr/bin/other"),
        {"name": "other", "auto": True}),
    "alternatives.family_not_registered, another name": (
        lambda host: None, {"name": "edti", "auto": True}, lambda host: None, {"auto": True}),
    "alternatives.path_not_registered": (
        lambda host: None, {"path": "/usr/bin/none"}, register, {"path": "/usr/bin/none"}),
    "alternatives.path_not_registered, another": (
        lambda host: None, {"path": "/usr/bin/none"}, lambda host: None, {"path": "/usr/bin/old"}),
    "alternatives.not_a_link": (
        lambda host: replace(host, "/usr/bin/edit"), {"path": "/usr/bin/old"},
        lambda host: os.rename(host.path("/usr/bin/edit"), host.path("/usr/bin/edit.away")), {"path": "/usr/bin/old"}),
    "alternatives.damaged": (
        lambda host: replace(host, "/var/lib/alternatives/edit", "manual\n"), {"auto": True},
        lambda host: (os.rename(host.path("/var/lib/alternatives/edit"), host.path("/root-edit")), register(host)),
        {"auto": True}),
    "alternatives.unit_unknown": (
        lambda host: silent(host, True), {"path": "/usr/bin/old"}, lambda host: silent(host, False), {"path": "/usr/bin/old"}),
}


def replace(host, path, text=""):
    os.unlink(host.path(path))
    with open(host.path(path), "w", encoding="utf-8") as handle:
        handle.write(text)


def silent(host, is_silent):
    """Have systemctl end with a status and say nothing of the unit of a family, or answer again."""
    os.makedirs(host.path("/etc/systemd/system"), exist_ok=True)
    # The service that the family names has a dot in its name already.
    with open(host.path("/etc/systemd/system/edit.service.service"), "w", encoding="utf-8"):
        host.units["edit.service.service"] = True
    host.silent = is_silent


@pytest.mark.parametrize("case", REMEDIES)
def test_a_remedy_takes_away_what_is_in_the_way(host, case):
    spoil, want, mend, then = REMEDIES[case]
    spoil(host)
    try:
        problems = planned(host, **want).problems
    except (Refused, Failed) as refused:
        problems = refused.problems
    assert [problem.code for problem in problems] == [case.partition(",")[0]]
    mend(host)
    found = planned(host, **then)
    assert found.problems == []
    for action in found.actions:
        action.apply(host)
        action.verify(host)
