# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guard under fire: its tool fails, the host is started anew, clocks jump, others change the state, the ledger is gone."""

from __future__ import annotations

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import time
import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import (
    code_tree, engine, errors, guard, guard_fire, guard_told, guard_units, ledger, lock, process, recovery,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.network import switch
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.core.guard_host import GuardHost

STATE = "/etc/state"
RUN = "000001-a"


class Toy(guard.Kind):
    """Puts C(old) back where C(new) was written; its tool fails as often as it is told."""

    name = "toy"
    subject = "the toy's state"
    failures = 0

    def changed_by_others(self, target, record, boot):
        now = target.read(STATE).content
        return "" if now in ("old", "new") else f"it says {now}"

    def put_back(self, target, record):
        if self.failures:
            self.failures -= 1
            raise OSError(5, "the tool fails")
        target.run(["put-back"])

    def open_ends(self, target, record):
        now = target.read(STATE).content
        return ([] if now == "old" else [f"it says {now}"]), []


@pytest.fixture(name="host")
def fixture_host(tmp_path, monkeypatch):
    host = GuardHost(tmp_path, monkeypatch)
    host.write(STATE, "new")
    host.answers["put-back"] = lambda: (host.write(STATE, "old"), (0, "", ""))[1]
    return host


@pytest.fixture(name="toy")
def fixture_toy():
    return Toy()


def arm(host, toy, seconds=60.0):
    return guard.arm(host.target, toy, (RUN, 0), {"old": "old"}, seconds, "core.guard_fire", guard_fire.MODULES)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"id": 1}'])
def test_a_record_that_is_damaged_is_told_and_puts_nothing_back(host, toy, content):
    record = arm(host, toy)
    folder = guard.folder_of(host.target, record.id)
    with open(os.path.join(folder, guard.RECORD), "w", encoding="utf-8") as out:
        out.write(content)
    guard_fire.fire(host.target, record.id, toy)
    assert host.target.read(STATE).content == "new" and host.units() == []
    for _run in range(2):
        host.warned.clear()
        guard_told.tell(host.target)
        warning, = host.warned
        assert f"The record of the guard {record.id} is damaged" in warning and f"remove {folder}" in warning
    shutil.rmtree(folder)
    host.warned.clear()
    guard_told.tell(host.target)
    assert host.warned == []


def test_record_and_units_are_on_the_disk_before_anything_else(host, toy):
    record = arm(host, toy)
    folder = guard.folder_of(host.target, record.id)
    assert host.units() == [f"centos-hyperscale-guard-{record.id}{end}" for end in (".service", ".timer")]
    assert os.stat(os.path.join(folder, guard.RECORD)).st_mode & 0o777 == 0o600
    assert os.stat(folder).st_mode & 0o777 == 0o700
    assert guard.armed(host.target, "toy") == guard.read(host.target, record.id) == record
    assert host.commands == [
        ["systemctl", "enable", f"centos-hyperscale-guard-{record.id}.service"],
        ["systemctl", "start", f"centos-hyperscale-guard-{record.id}.timer"]]
    assert "OnActiveSec=60s" in host.read(f"{guard_units.UNITS}/centos-hyperscale-guard-{record.id}.timer")
    assert "OnCalendar" not in host.read(f"{guard_units.UNITS}/centos-hyperscale-guard-{record.id}.timer")


@pytest.mark.parametrize("broken", ["systemctl enable", "systemctl start"])
def test_one_that_cannot_be_armed_refuses_and_leaves_nothing(host, toy, broken):
    host.answers[broken] = (1, "", "no bus")
    with pytest.raises(errors.Failed, match="no bus"):
        arm(host, toy)
    assert host.units() == [] and guard.every(host.target) == []


def test_it_is_not_started_before_its_time(host, toy):
    record = arm(host, toy)
    assert host.fire(record, toy) and host.read(STATE) == "new" and host.units()
    host.clock.now += 59.0
    assert host.fire(record, toy) and host.read(STATE) == "new"
    host.clock.now += 1.0
    assert host.fire(record, toy) and host.read(STATE) == "old" and host.units() == []
    ended = guard.read(host.target, record.id)
    assert (ended.state, ended.tries, ended.why) == (guard.BACK, 1, "nobody confirmed it within 60 seconds")


def test_a_container_that_is_started_anew_is_another_boot_and_a_systemd_that_re_executes_is_not(host, toy):
    host.write("/proc/1/stat", "1 (systemd (x) y) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 2\n")
    record = arm(host, toy)
    assert record.boot == "boot-1 4711"
    assert host.fire(record, toy) and host.read(STATE) == "new"
    host.write("/proc/1/stat", "1 (systemd) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4999 1 2\n")
    assert host.fire(record, toy) and host.read(STATE) == "old"


def test_a_timer_that_systemd_forgot_is_started_again(host, toy):
    record = arm(host, toy)
    host.commands.clear()
    assert host.fire(record, toy)
    assert host.commands == [["systemctl", "start", f"centos-hyperscale-guard-{record.id}.timer"]]


def test_one_that_was_confirmed_never_acts(host, toy):
    record = arm(host, toy)
    assert guard.confirm(host.target, record.id) and host.units() == []
    assert not guard.confirm(host.target, record.id)
    host.boot()
    assert host.fire(record, toy) and host.read(STATE) == "new"
    assert guard.untold(host.target) == [] and guard.armed(host.target, "toy") is None
    assert guard.read(host.target, record.id).args == {} and record.args


def test_its_tool_fails_three_times(host, toy):
    record, toy.failures = arm(host, toy), 3
    host.clock.now += 60
    assert host.fire(record, toy)
    assert host.read(STATE) == "old" and host.clock.slept == [5.0, 10.0, 20.0]
    ended = guard.read(host.target, record.id)
    assert ended.tries == 4 and [one["failed"] for one in ended.attempts] == ["OSError: [Errno 5] the tool fails"] * 3


def test_a_tool_that_says_that_all_is_well_is_not_believed(host, toy):
    record = arm(host, toy)
    host.answers["put-back"] = (0, "", "")
    host.clock.now += 60
    host.clock.during[2] = lambda: host.write(STATE, "old")
    assert host.fire(record, toy)
    assert [one["failed"] for one in guard.read(host.target, record.id).attempts] == ["it says new"] * 2


def test_pauses_grow_and_have_no_end(host, toy):
    record, toy.failures = arm(host, toy), 40
    host.clock.now += 60
    assert host.fire(record, toy)
    assert host.clock.slept[:8] == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0] and len(host.clock.slept) == 40
    ended = guard.read(host.target, record.id)
    assert ended.tries == 41 and len(ended.attempts) == guard.FIRST_ATTEMPTS + guard.LAST_ATTEMPTS


@pytest.mark.parametrize("before", ["its time", "two attempts", "a fire that was cut"])
def test_the_host_is_started_anew_in_between(host, toy, before):
    record = arm(host, toy)
    if before != "its time":
        toy.failures = 3
        host.clock.now += 60
        host.clock.during[2 if before == "two attempts" else 1] = host.cut
        assert not host.fire(record, toy)
    else:
        host.boot()
    assert host.read(STATE) == "new" and host.units()
    # The monotonic clock of the new boot says less than the moment at which it was armed.
    assert host.clock.now < record.armed + record.seconds
    assert host.fire(record, toy) and host.read(STATE) == "old" and host.units() == []
    ended = guard.read(host.target, record.id)
    # What came first is why it acted.
    assert ended.why == (
        "the host was started anew before anybody confirmed it" if before == "its time" else
        "nobody confirmed it within 60 seconds")


def test_a_confirmation_that_comes_while_it_acts_is_too_late(host, toy):
    record, toy.failures = arm(host, toy), 2
    host.clock.now += 60
    late = []
    host.clock.during[1] = lambda: late.append(guard.confirm(host.target, record.id))
    assert host.fire(record, toy) and late == [False] and host.read(STATE) == "old"


@pytest.mark.parametrize("moment", ["before", "between"])
def test_what_somebody_else_made_of_the_state_stays(host, toy, moment):
    record = arm(host, toy)
    host.clock.now += 60
    if moment == "before":
        host.write(STATE, "theirs")
    else:
        toy.failures = 1
        host.clock.during[1] = lambda: host.write(STATE, "theirs")
    assert host.fire(record, toy) and host.read(STATE) == "theirs" and host.units() == []
    ended = guard.read(host.target, record.id)
    assert ended.state == guard.OTHERS and "it says theirs" in ended.why
    guard_told.tell(host.target)
    assert "did not put the toy's state back" in host.warned[0] and "it says theirs" in host.warned[0]


def test_one_without_a_record_takes_its_units_away_and_touches_nothing(host, toy):
    record = arm(host, toy)
    os.unlink(os.path.join(guard.folder_of(host.target, record.id), guard.RECORD))
    host.boot()
    assert host.fire(record, toy) and host.units() == [] and host.read(STATE) == "new"


@pytest.mark.parametrize("content", ["", "{", '{"id": "x"}', "[]"])
def test_a_record_that_cannot_be_read_is_none(host, toy, content):
    record = arm(host, toy)
    with open(os.path.join(guard.folder_of(host.target, record.id), guard.RECORD), "w", encoding="utf-8") as handle:
        handle.write(content)
    assert host.fire(record, toy) and host.units() == [] and host.read(STATE) == "new"


def test_one_whose_folder_is_gone_has_its_units_swept_by_the_next_run(host, toy):
    record = arm(host, toy)
    shutil.rmtree(guard.folder_of(host.target, record.id))
    assert f"ConditionPathExists={guard.folder_of(host.target, record.id)}" in host.read(
        f"{guard_units.UNITS}/centos-hyperscale-guard-{record.id}.service")
    guard_told.tell(host.target)
    assert host.units() == []


class Step(engine.Action):
    """A step that a toy guards."""

    kind = "toy"
    section = "toy"

    def apply(self, target):
        pass

    undo = verify = apply


KINDS = {"toy": Step}


@pytest.mark.parametrize("with_ledger", [True, False])
def test_the_next_run_tells_and_the_ledger_has_the_step_as_reverted(host, toy, with_ledger):
    engine.apply_all(host.target, RUN, [Step("it", "", {})])
    record = arm(host, toy)
    if not with_ledger:
        shutil.rmtree(host.target.private_folder(ledger.FOLDER))
    host.boot()
    assert host.fire(record, toy) and host.read(STATE) == "old"
    assert len(ledger.standing(host.target)) == int(with_ledger)
    recovery.settle(host.target, KINDS)
    assert ledger.standing(host.target) == [] and len(host.warned) == 1
    assert "had to put the toy's state back, and did so by itself: the host was started anew" in host.warned[0]
    recovery.settle(host.target, KINDS)
    assert len(host.warned) == 1


def test_a_guard_of_a_step_that_takes_back_has_that_stand_again(host, toy):
    engine.apply_all(host.target, RUN, [Step("it", "", {})])
    engine.undo_all(host.target, "000002-b", ledger.standing(host.target), KINDS)
    assert ledger.standing(host.target) == []
    record = guard.arm(host.target, toy, ("000002-b", 0), {}, 60.0, "core.guard_fire", guard_fire.MODULES)
    host.boot()
    assert host.fire(record, toy)
    recovery.settle(host.target, KINDS)
    assert [(step.run, step.number) for step in ledger.standing(host.target)] == [(RUN, 0)]


def test_one_that_still_acts_is_told_by_each_run(host, toy):
    record, toy.failures = arm(host, toy), 9
    host.clock.now += 60
    host.clock.during[2] = host.cut
    assert not host.fire(record, toy)
    for turn in (1, 2):
        guard_told.tell(host.target)
        assert len(host.warned) == turn
        assert "has begun to put the toy's state back" in host.warned[0] and "2 attempts" in host.warned[0]


def test_it_waits_for_a_run_that_lives(host, toy):
    record = arm(host, toy)
    host.clock.now += 60
    with lock.exclusive(host.target, "somebody"):
        host.clock.during[3] = host.cut
        assert not host.fire(record, toy)
        assert host.read(STATE) == "new" and guard.read(host.target, record.id).tries == 0
    assert host.fire(record, toy) and host.read(STATE) == "old"


def test_it_waits_for_a_transaction_whose_run_has_died(host, toy):
    record = arm(host, toy)
    host.clock.now += 60
    folder = host.target.private_folder(guard_fire.RUNS, f"{RUN}.3")
    held = os.open(os.path.join(folder, guard_fire.ALIVE), os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    host.clock.during[2] = lambda: os.close(held)
    assert host.fire(record, toy) and host.read(STATE) == "old" and host.clock.slept == [guard_fire.BUSY_PAUSE] * 2


def test_one_that_waits_for_nobody_acts_beside_a_run(host, toy):
    toy.waits = False
    record = arm(host, toy)
    host.clock.now += 60
    with lock.exclusive(host.target, "somebody"):
        assert host.fire(record, toy) and host.read(STATE) == "old"


def test_a_full_disk_does_not_keep_it_from_putting_back(host, toy, monkeypatch):
    record, toy.failures = arm(host, toy), 2
    host.clock.now += 60
    save, full = guard.save, [True]

    def saves(target, one):
        if full:
            raise OSError(28, "No space left on device")
        save(target, one)

    monkeypatch.setattr(guard, "save", saves)
    with pytest.raises(OSError):
        host.fire(record, toy)  # its unit is started again by systemd: Restart=on-failure
    assert host.read(STATE) == "old" and host.clock.slept == [5.0, 10.0]
    full.clear()
    assert host.fire(record, toy) and guard.read(host.target, record.id).state == guard.BACK


def test_units_that_cannot_be_taken_away_act_on_nothing(host, toy):
    record = arm(host, toy)
    host.clock.now += 60
    host.answers["systemctl disable"] = host.answers["systemctl daemon-reload"] = (1, "", "no bus")
    assert host.fire(record, toy) and host.read(STATE) == "old"
    host.write(STATE, "new")
    host.boot()
    assert host.fire(record, toy) and host.read(STATE) == "new"


def test_records_that_nothing_needs_go_and_the_newest_of_a_kind_stays(host, toy):
    for number in range(3):
        record = guard.arm(host.target, toy, (RUN, number), {}, 60.0, "core.guard_fire", guard_fire.MODULES)
        guard.confirm(host.target, record.id)
    guard_told.tell(host.target)
    assert [one.step[1] for one in guard.every(host.target)] == [2]


def test_before_others_begin_it_acts_once_and_waits_for_nothing(host, toy):
    early = []
    toy.put_back_early = lambda target, record: early.append(record.id)
    record = arm(host, toy)
    guard_fire.early(host.target, record.id, toy)
    assert early == []
    host.boot()
    guard_fire.early(host.target, record.id, toy)
    assert early == [record.id] and guard.read(host.target, record.id).state == guard.ARMED
    toy.put_back_early = lambda target, record: 1 / 0
    guard_fire.early(host.target, record.id, toy)
    assert "ZeroDivisionError" in guard.read(host.target, record.id).attempts[0]["failed"]
    host.write(STATE, "theirs")
    toy.put_back_early = lambda target, record: early.append("again")
    guard_fire.early(host.target, record.id, toy)
    assert early == [record.id]


def test_the_code_of_a_guard_runs_by_itself(tmp_path):
    code = tmp_path / "code.zip"
    code_tree.pack(str(code), guard.PACKAGE, switch.ENTRY, switch.MODULES)
    assert code.stat().st_mode & 0o777 == 0o600
    folder = tmp_path / "guards" / "network-none.0"
    folder.mkdir(parents=True)
    argv = [sys.executable, "-B", "-I", str(code), "early", str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("guards", "waits"), [(True, True), (False, False)])
def test_a_run_waits_for_a_guard_and_for_no_other_run(host, monkeypatch, guards, waits):
    clock = types.SimpleNamespace(
        time=time.time, gmtime=time.gmtime, strftime=time.strftime, monotonic=host.clock.monotonic, sleep=host.clock.sleep)
    monkeypatch.setattr(lock, "time", clock)
    with lock.exclusive(host.target, "the first", guards=guards), pytest.raises(errors.Refused, match="the first"), \
            lock.exclusive(host.target, "the second", 3.0):
        pass
    assert (sum(host.clock.slept) >= 3.0) is waits


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("kind", [switch.GUARD, Toy()], ids=lambda kind: kind.name)
def test_systemd_takes_the_units(kind, tmp_path):
    code = tmp_path / "code.zip"
    code.write_text("")
    for name, text in guard_units.texts(kind, f"{kind.name}-{RUN}.0", str(tmp_path), str(code), 20.0).items():
        (tmp_path / name).write_text(text)
    units = sorted(str(path) for path in tmp_path.glob("centos-*"))
    assert len(units) == (3 if kind.early else 2)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    for path in units:
        if not path.endswith(".timer"):
            assert all(line in pathlib.Path(path).read_text().splitlines() for line in process.HARD_TO_KILL)
    broken = tmp_path / "broken.service"
    broken.write_text("[Service]\nType=exec\nExecStart=/no/such/program\nManagedOOMPreference=never\n")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(broken)], capture_output=True, text=True, check=False)
    assert "ManagedOOMPreference" in done.stdout + done.stderr


@pytest.mark.parametrize("broken", ["systemctl enable", "systemctl start"])
def test_one_is_armed_once_what_the_reason_names_is_mended(host, toy, broken):
    host.answers[broken] = (1, "", "no bus")
    with pytest.raises(errors.Failed) as failed:
        arm(host, toy)
    assert [problem.code for problem in failed.value.problems] == ["guard.not_armed"]
    del host.answers[broken]
    arm(host, toy)
    assert len(guard.every(host.target)) == 1 and host.units()
