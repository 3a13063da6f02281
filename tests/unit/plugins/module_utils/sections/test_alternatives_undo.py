# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking back the choice of a family of alternatives, and leaving what somebody else chose since."""

from __future__ import annotations

import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.alternatives import actions
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.alternatives.actions import AlternativeAction
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.sections.alternatives_host import (
    FILE, LEFT, UNITS, host_of, planned, usual)

PAGERS = {"less": 10, "more": 5, "ours": 1}


@pytest.fixture(autouse=True)
def fixture_no_wait(monkeypatch):
    """What is left of a cut write has been there for long."""
    monkeypatch.setattr(actions, "WRITING_SECONDS", 0.0)


@pytest.fixture(name="host")
def fixture_host(tmp_path):
    return usual(tmp_path)


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


def test_a_choice_by_hand_is_what_comes_back(host):
    planned(host, path="/usr/bin/late").actions[0].apply(host)
    (action,) = planned(host, path="/usr/bin/old").actions
    action.apply(host)
    action.undo(host)
    assert planned(host, path="/usr/bin/late").actions == []


@pytest.mark.parametrize(("mode", "told"), [("auto", []), ("manual", ["had no link before: the priorities select now"])])
def test_the_way_back_to_a_missing_link_leaves_the_choice_to_the_priorities(tmp_path, mode, told):
    host = host_of(tmp_path, {"file": FILE.replace("auto", mode, 1), "links": {}})
    (action,) = planned(host, path="/usr/bin/old").actions
    action.apply(host)
    action.undo(host)
    assert host.held("/etc/alternatives/edit") == "/usr/bin/new" and planned(host, auto=True).actions == []
    assert [line.partition("edit ")[2] for line in action.left] == told


@pytest.mark.parametrize(("mode", "path", "wish"), [
    ("auto", "/usr/bin/old", {"path": "/usr/bin/late"}), ("auto", "/usr/bin/old", {"auto": True}),
    ("manual", "/usr/bin/old", {"auto": True})])
def test_a_link_that_somebody_led_elsewhere_is_what_comes_back(tmp_path, mode, path, wish):
    host = host_of(tmp_path, {"file": FILE.replace("auto", mode, 1), "links": {"/etc/alternatives/edit": path}})
    (action,) = planned(host, **wish).actions
    action.apply(host)
    action.undo(host)
    assert host.held("/etc/alternatives/edit") == path and action.left == []


@pytest.mark.parametrize("path", ["/opt/own", "/srv//x"])
def test_what_alternatives_cannot_select_does_not_come_back_and_is_told(tmp_path, path):
    text = FILE.rstrip("\n").replace("manual", "auto") + "\n\n\n/srv//x\n1\n"
    host = host_of(tmp_path, {"file": text, "links": {"/etc/alternatives/edit": path}})
    (action,) = planned(host, path="/usr/bin/old").actions
    action.apply(host)
    action.undo(host)
    assert host.held("/etc/alternatives/edit") == "/usr/bin/new" and f"pointed to {path}" in action.left[0]


def test_what_is_left_of_a_write_is_no_reason_to_fail_on_the_way_back(host):
    (action,) = planned(host, path="/usr/bin/old").actions
    action.apply(host)
    open(host.path(LEFT), "w", encoding="utf-8").close()
    action.undo(host)
    assert host.held("/etc/alternatives/edit") == "/usr/bin/new"


@pytest.mark.parametrize(("was", "presets", "since", "back", "told"), [
    # one goes with /opt/a, which the priorities select; two with /opt/b, which is chosen.
    ({"one": True, "two": False, "three": False}, ["two"], {}, {"one": True, "two": False, "three": False}, 0),
    ({"one": True, "two": False, "three": False}, [], {}, {"one": True, "two": False, "three": False}, 0),
    ({"one": False, "two": True, "three": True}, ["one"], {}, {"one": False, "two": True, "three": True}, 0),
    ({"one": True, "two": True, "three": False}, ["one", "two"], {"two": False}, {"one": True, "two": False, "three": False}, 1),
    ({"one": True, "two": True, "three": False}, ["one"], {"three": True}, {"one": True, "two": True, "three": True}, 1),
])
def test_units_that_go_with_targets_are_as_before_but_for_what_somebody_did(tmp_path, was, presets, since, back, told):
    units = {f"{name}.service": on for name, on in was.items()}
    host = host_of(tmp_path, {"file": UNITS, "links": {"/etc/alternatives/edit": "/opt/a"}, "units": units})
    host.presets = {f"{name}.service" for name in presets}
    (action,) = planned(host, path="/opt/b").actions
    assert {path for path, _how in action.touches(host)} >= {
        "/etc/alternatives/edit", "/var/lib/alternatives/edit", LEFT, "/etc/systemd/system/.#one.service"}
    action.apply(host)
    assert host.units == {"one.service": False, "two.service": was["two"] or "two" in presets, "three.service": False}
    host.units.update({f"{name}.service": on for name, on in since.items()})
    action.undo(host)
    assert host.units == {f"{name}.service": on for name, on in back.items()}
    assert len(action.left) == told


def test_a_unit_that_is_neither_enabled_nor_disabled_and_one_that_is_gone_are_let_be(tmp_path):
    host = host_of(tmp_path, {
        "file": UNITS, "links": {"/etc/alternatives/edit": "/opt/a"}, "units": {"one.service": True, "two.service": False}})
    (action,) = planned(host, path="/opt/b").actions
    assert action.args["old"]["units"] == {"one.service": True, "two.service": False}
    action.apply(host)
    os.unlink(host.path("/lib/systemd/system/one.service"))
    action.undo(host)
    assert "systemctl enable one.service" not in host.ran and host.held("/etc/alternatives/edit") == "/opt/a"


def test_a_step_of_a_run_before_units_were_known_goes_back(tmp_path):
    host = host_of(tmp_path, {"file": UNITS.replace("auto", "manual"), "links": {"/etc/alternatives/edit": "/opt/b"}})
    action = AlternativeAction("edit", "", {"path": "/opt/b", "old": {"auto": True, "path": "/opt/a"}})
    action.touches(host)
    action.undo(host)
    assert host.held("/etc/alternatives/edit") == "/opt/a"


@pytest.mark.parametrize("presets", [[], ["one"], ["two"], ["one", "two"]])
def test_units_are_as_before_when_the_way_back_was_cut_before_they_were_switched(tmp_path, monkeypatch, presets):
    units = {"one.service": True, "two.service": True, "three.service": True}
    host = host_of(tmp_path, {"file": UNITS, "links": {"/etc/alternatives/edit": "/opt/a"}, "units": units})
    host.presets = {f"{name}.service" for name in presets}
    (action,) = planned(host, path="/opt/b").actions
    action.apply(host)
    with monkeypatch.context() as patch:
        patch.setattr(actions.services, "bring", lambda *_args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            action.undo(host)
    again = AlternativeAction("edit", "", action.args)
    again.undo(host)
    assert host.units == units and again.left == [] and host.held("/etc/alternatives/edit") == "/opt/a"


def test_a_file_that_was_damaged_since_is_told_with_a_remedy(host):
    (action,) = planned(host, path="/usr/bin/old").actions
    action.apply(host)
    with open(host.path("/var/lib/alternatives/edit"), "w", encoding="utf-8") as handle:
        handle.write("manual\n")
    for step in (action.undo, action.verify, action.apply):
        with pytest.raises(Failed, match="is damaged.*reinstall"):
            step(host)


@pytest.mark.parametrize("status", [1, 4, 127])
def test_a_unit_of_which_systemctl_says_nothing_is_not_taken_for_one_that_needs_no_way_back(tmp_path, status):
    host = host_of(tmp_path, {
        "file": UNITS, "links": {"/etc/alternatives/edit": "/opt/a"}, "units": {"one.service": True}})
    host.probe = lambda argv: (status, "")
    with pytest.raises(Failed, match=f"one.service is enabled.*status {status}"):
        planned(host, path="/opt/b")
