# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what runs is older than its files, with clocks that were set meanwhile; and the units that follow."""

from __future__ import annotations

import os
import time

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import Context
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import units as section
from ansible_collections.centos.hyperscale.plugins.module_utils.shared import freshness, unit as units

CONTEXT = Context(9, False, [], [], [])
CLOCK = freshness.Clock(real=10_000.0, monotonic=500.0)
UNIT = "a.service"
FILE, DROP_IN = "/etc/a.conf", "/etc/systemd/system/a.service.d/50.conf"


@pytest.mark.parametrize(("real", "monotonic", "began"), [
    (9_900.0, 400.0, 9_900.0),  # nobody set the clock
    (9_900.003, 400.0, 9_900.003),  # what was noted counts, not what a slewed clock makes of it
    (50_000.0, 400.0, 9_900.0),  # set back since: noted in the future
    (100.0, 400.0, 9_900.0),  # set forward since: a host without a clock of its own
    (None, 400.0, 9_900.0),
])
def test_when_something_began(real, monotonic, began):
    assert freshness.by_the_clock(freshness.Moment(real, monotonic), CLOCK) == pytest.approx(began)


@pytest.mark.parametrize(("stamp", "real"), [
    ("Thu 1970-01-01 00:00:10.250000 UTC", 10.25), ("Thu 1970-01-01 00:00:10 UTC", 10.0), ("", None), ("n/a", None),
])
def test_timestamps_of_systemctl(stamp, real):
    fields = {"InactiveExitTimestamp": stamp, "InactiveExitTimestampMonotonic": "7000000"}
    assert freshness.moment(fields, "InactiveExitTimestamp") == (real, 7.0)


def test_what_never_happened_has_no_moment():
    assert freshness.moment({"InactiveExitTimestampMonotonic": "0"}, "InactiveExitTimestamp") is None
    assert freshness.moment({}, "InactiveExitTimestamp") is None


class Host:
    """A host with one unit, whose systemctl starts and reloads as the real one does."""

    def __init__(self, root):
        self.root = root
        self.asked = []
        self.active = True
        self.began = freshness.now()
        self.read = time.time()
        self.target = host_io.Target(self.run, str(root), root=str(root))

    def write(self, path, age):
        """Put a file in place, dated some seconds before now."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("x")
        os.utime(place, (time.time() - age, time.time() - age))

    def run(self, argv):
        self.asked.append(argv[1:])
        if argv[1] in ("restart", "try-restart"):
            self.active, self.began = True, freshness.now()
        if argv[1] == "daemon-reload":
            self.read = time.time()
        if argv[1] != "show":
            return 0, "", ""
        drop_in = self.root / DROP_IN.lstrip("/")
        changed = drop_in.exists() and drop_in.stat().st_mtime > self.read
        stamp = time.strftime("%a %Y-%m-%d %H:%M:%S", time.gmtime(self.began.real)) + f".{int(self.began.real % 1 * 1e6):06} UTC"
        return 0, "\n".join((
            f"Id={UNIT}", "LoadState=loaded", "UnitFileState=enabled", f"ActiveState={'active' if self.active else 'inactive'}",
            f"NeedDaemonReload={'yes' if changed else 'no'}", "FragmentPath=", f"DropInPaths={DROP_IN}",
            f"InactiveExitTimestamp={stamp}", f"InactiveExitTimestampMonotonic={int(self.began.monotonic * 1e6)}",
        )) + "\n", ""

    def plan(self, context=CONTEXT, **want):
        wants = [{"name": UNIT, "enabled": None, "masked": None, "state": None, "fresh_for": [FILE], **want}]
        return section.plan(wants, section.gather(self.target, wants), context).actions

    def carry_out(self, actions):
        for action in actions:
            action.apply(self.target)
            action.verify(self.target)


@pytest.fixture(name="live")
def fixture_live(tmp_path):
    return Host(tmp_path)


def kinds(actions):
    return [action.kind for action in actions]


def test_a_unit_that_is_younger_than_its_file_is_left_alone(live):
    live.write(FILE, 60)
    assert live.plan() == []


def test_a_unit_that_is_older_than_its_file_is_restarted_once(live):
    live.began = freshness.Clock(live.began.real - 100, live.began.monotonic - 100)
    live.write(FILE, 60)
    actions = live.plan()
    assert kinds(actions) == ["unit-restart"]
    live.carry_out(actions)
    assert live.plan() == []


def test_a_file_dated_in_the_future_restarts_once(live):
    live.write(FILE, -86_400)
    actions = live.plan()
    assert kinds(actions) == ["unit-restart"]
    live.carry_out(actions)
    assert live.plan() == []


@pytest.mark.parametrize(("active", "state"), [(False, None), (True, "stopped")])
def test_a_unit_that_does_not_run_or_shall_not_is_not_restarted(live, active, state):
    live.active = active
    live.write(FILE, -60)
    assert "unit-restart" not in kinds(live.plan(state=state))


def test_a_unit_that_is_started_anyway_is_not_restarted_as_well(live):
    live.active = False
    live.write(FILE, -60)
    assert [action.subject for action in live.plan(state="started")] == [f"start {UNIT}"]


def test_a_file_that_this_run_writes_restarts(live):
    live.write(FILE, 60)
    assert kinds(live.plan(CONTEXT._replace(paths=[FILE]))) == ["unit-restart"]
    assert live.plan(CONTEXT._replace(paths=["/etc/other"])) == []


def test_a_drop_in_that_is_gone_counts_by_its_folder(live):
    live.write(DROP_IN, 60)
    live.began = freshness.Clock(live.began.real - 100, live.began.monotonic - 100)
    (live.root / DROP_IN.lstrip("/")).unlink()
    assert kinds(live.plan(fresh_for=[DROP_IN])) == ["unit-restart"]
    assert live.plan(fresh_for=["/etc/gone"]) == []


@pytest.mark.parametrize("age", [-86_400, -0.5])
def test_changed_units_are_read_again_once(live, age):
    live.write(DROP_IN, age)
    actions = live.plan()
    assert kinds(actions) == ["unit-reload"]
    live.carry_out(actions)
    assert live.plan() == []


def test_units_that_this_run_writes_are_read_before_they_are_turned(live):
    live.active = False
    actions = live.plan(CONTEXT._replace(paths=[DROP_IN]), state="started")
    assert kinds(actions) == ["unit-reload", "unit"]


def test_a_restart_that_does_not_help_is_a_failure(live):
    live.write(FILE, -60)
    action, = live.plan()
    with pytest.raises(units.Failed, match="started before they were written"):
        action.verify(live.target)


def test_taken_back_a_unit_follows_the_files_that_are_back(live):
    live.write(FILE, -60)
    action, = live.plan()
    assert action.follows
    live.asked.clear()
    action.undo(live.target)
    assert live.asked == [["daemon-reload"], ["try-restart", UNIT]]


def test_what_systemd_has_not_read_is_told_until_nobody_else_writes(live):
    live.write(DROP_IN, 60)
    action = units.ReloadAction.of([UNIT], [DROP_IN])
    action.apply(live.target)
    live.write(DROP_IN, -60)
    with pytest.raises(Failed) as failed:
        action.verify(live.target)
    assert [problem.code for problem in failed.value.problems] == ["unit.files_not_read"]
    live.write(DROP_IN, 60)
    action.apply(live.target)
    action.verify(live.target)


def test_a_unit_that_does_not_come_to_its_state_is_told_until_it_does(live):
    live.active = False
    action = units.UnitAction.of(UNIT, "active", True)
    with pytest.raises(Failed) as failed:
        action.verify(live.target)
    assert [problem.code for problem in failed.value.problems] == ["unit.not_as_wanted"]
    live.run(["systemctl", "restart", UNIT])
    action.verify(live.target)


def test_a_unit_that_runs_old_files_is_told_until_it_is_restarted(live):
    live.began = freshness.Clock(live.began.real - 100, live.began.monotonic - 100)
    live.write(FILE, 60)
    action = units.RestartAction.of(UNIT, [FILE])
    with pytest.raises(Failed) as failed:
        action.verify(live.target)
    assert [problem.code for problem in failed.value.problems] == ["unit.runs_old_files"]
    live.run(["systemctl", "restart", UNIT])
    action.verify(live.target)
