# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SELinux context a swap: permissive where it was asked for, until the host was proven, and never beyond a boot."""

from __future__ import annotations

import json
import os
import shutil
import time

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import engine, guard, host_io, ledger, recovery
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed, Problem, Refused
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import PROOF, Context
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import audit
from ansible_collections.centos.hyperscale.plugins.module_utils.facts.security import BOOT_ID, ENFORCE, RELAXED
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import solver
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.selinux import guarding, section
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.core.guard_host import GuardHost

ITEM = solver.Item("upgrade", "systemd", "260.2-1.hs.el9", "x86_64", "centos-hyperscale", 0, 0, "systemd")
IDLE, SWAP, PROVEN = Context(9, False, [], [], []), Context(9, False, [ITEM], [], []), Context(9, True, [], [], [])
# As auditd of EL 9 writes them, but for the time.
AVC = (
    'type=AVC msg=audit({time:.3f}:{serial}): avc:  denied  {{ map }} for  pid=1 comm="systemd" '
    'path="/sys/kernel/btf/vmlinux" dev="sysfs" ino=1234 scontext=system_u:system_r:init_t:s0 '
    'tcontext=system_u:object_r:sysfs_t:s0 tclass=file permissive=1\n')


class Host:
    """A host below a folder, whose setenforce does what the kernel would."""

    def __init__(self, root):
        self.root = root
        self.stuck = False
        self.journal = 0
        self.write(BOOT_ID, "boot-one\n")
        self.target = host_io.Target(self.run, str(root), root=str(root))
        self.target.job = "000001-a.0"
        self.target.write = self.written  # users and groups of the host are not those of the machine

    def write(self, path, text):
        (self.root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path[1:]).write_text(text)

    def written(self, path, wanted):
        assert wanted.mode == ("0644" if path.startswith("/etc/systemd") else "0600")
        assert wanted.owner in ("root", str(os.geteuid()))
        self.write(path, wanted.content)

    def read(self, path):
        return (self.root / path[1:]).read_text()

    def run(self, argv):
        if argv[0] == "setenforce":
            assert argv[1:] in (["0"], ["1"])
            if not self.stuck:
                self.write(ENFORCE, argv[1])
            return 0, "", ""
        return self.journal, "", ""

    def plan(self, context, *during):
        wants = [{"during": word, "permissive_minutes": 60} for word in during]
        state = section.gather(self.target, wants)
        if not wants and not section.stands(state):
            return section.Planned([])
        return section.plan(wants, state, context)

    def carry_out(self, context, *during):
        planned = self.plan(context, *during)
        for action in planned.actions:
            json.dumps(action.args)
            action.apply(self.target)
            action.verify(self.target)
        return planned


@pytest.fixture(name="host")
def fixture_host(tmp_path):
    found = Host(tmp_path)
    found.write(ENFORCE, "1")
    return found


def test_permissive_from_before_the_transaction_until_the_proof(host):
    assert [action.kind for action in host.carry_out(SWAP, "permissive").actions] == ["selinux-permissive"]
    assert host.read(ENFORCE) == "0" and guard.armed(host.target, "selinux").seconds == 3600.0
    waiting = host.plan(IDLE, "permissive")
    assert (waiting.actions, [entry.waits_for for entry in waiting.pending]) == ([], [PROOF])
    assert [action.kind for action in host.carry_out(PROVEN, "permissive").actions] == ["selinux-enforcing"]
    assert host.read(ENFORCE) == "1"
    assert host.plan(PROVEN, "permissive") == host.plan(IDLE, "permissive") == section.Planned([])
    assert guard.armed(host.target, "selinux") is None
    assert not os.path.exists(host.target.path(RELAXED))


@pytest.mark.parametrize(("enforce", "context", "during"), [
    ("1", SWAP, ["enforcing"]), ("1", IDLE, ["permissive"]), ("0", SWAP, ["permissive"]), (None, SWAP, ["permissive"]),
    ("1", SWAP, []),
])
def test_nothing_is_done_where_nothing_is_asked_or_needed(host, enforce, context, during):
    os.unlink(host.target.path(ENFORCE))
    if enforce is not None:
        host.write(ENFORCE, enforce)
    assert host.plan(context, *during) == section.Planned([])


def test_one_role_that_asks_for_it_is_enough(host):
    assert host.plan(SWAP, "enforcing", "permissive").actions


def test_run_that_was_killed_is_told_by_every_later_one(host):
    host.carry_out(SWAP, "permissive")
    later = host.plan(IDLE)
    assert later.actions == [] and later.pending and "permissive since" in later.warnings[0]
    assert host.carry_out(PROVEN).actions and host.read(ENFORCE) == "1"


def test_run_that_is_to_be_enforcing_ends_it_before_its_transaction(host):
    host.carry_out(SWAP, "permissive")
    action, = host.carry_out(SWAP, "enforcing").actions
    assert action.phase < section.PREPARE + 1 and host.read(ENFORCE) == "1"


def test_boot_in_between_leaves_nothing_open(host):
    host.carry_out(SWAP, "permissive")
    host.write(BOOT_ID, "boot-two\n")
    host.write(ENFORCE, "1")
    assert host.plan(IDLE, "permissive") == section.Planned([])
    # A host that was configured to come up permissive was not made so by us.
    host.write(ENFORCE, "0")
    assert host.plan(PROVEN, "permissive") == section.Planned([])


def test_undo_enforces_again_and_can_be_repeated(host):
    action, = host.carry_out(SWAP, "permissive").actions
    for _turn in range(2):
        action.undo(host.target)
        assert host.read(ENFORCE) == "1" and not os.path.exists(host.target.path(RELAXED))


def test_undo_of_enforcing_weakens_nothing(host):
    host.carry_out(SWAP, "permissive")
    action, = host.carry_out(PROVEN).actions
    action.undo(host.target)
    assert host.read(ENFORCE) == "1"


class Refusing(section.EnforceAction):
    """Stands for a transaction whose packages cannot be had."""

    def apply(self, target):
        assert target.read(ENFORCE).content == "0"
        raise Refused(Problem("a.b", "a package", "it cannot be downloaded", "Mend the mirror"))


def test_transaction_that_is_refused_leaves_the_host_enforcing(host):
    plan = [*host.plan(SWAP, "permissive").actions, Refusing("packages", "", {})]
    with pytest.raises(Refused):
        engine.apply_all(host.target, "20261121T034500Z-1f2e3d4c", plan)
    assert host.read(ENFORCE) == "1" and host.plan(IDLE) == section.Planned([])
    assert ledger.standing(host.target) == []


def test_kernel_that_does_not_obey_is_a_failure(host):
    host.stuck = True
    with pytest.raises(Failed, match="says 1"):
        host.carry_out(SWAP, "permissive")


def test_what_was_denied_meanwhile_is_told(host):
    host.carry_out(SWAP, "permissive")
    since = json.loads(host.read(RELAXED))["since"]
    known = AVC.replace("map", "read")
    host.write("/var/log/audit/audit.log", known.format(time=since - 60, serial=1) + known.format(time=since + 1, serial=2)
               + AVC.format(time=since + 2, serial=3) + AVC.format(time=since + 3, serial=4))
    planned = host.plan(PROVEN)
    action, = planned.actions
    assert "2 kinds of denials since it is permissive, 1 of them new" in action.why
    assert action.args["denied"] == [
        "2x init_t map file sysfs_t by systemd /sys/kernel/btf/vmlinux (let through)",
        "1x init_t read file sysfs_t by systemd /sys/kernel/btf/vmlinux (let through, as before)"]
    assert planned.warnings == ["SELinux would have denied: " + action.args["denied"][0]]


def test_the_logs_are_awaited_where_the_host_is_to_enforce_again_and_nowhere_else(host, clock):
    host.carry_out(SWAP, "permissive")
    host.plan(IDLE, "permissive")
    assert clock.slept == []
    late = AVC.format(time=time.time() + 1, serial=3)
    clock.sleep = lambda seconds: (clock.slept.append(seconds), host.write("/var/log/audit/audit.log", late))
    assert "1 kinds of denials" in host.plan(PROVEN).actions[0].why and clock.slept == [audit.BETWEEN_SECONDS]


def test_denials_that_nobody_can_read_are_not_passed_over(host):
    host.carry_out(SWAP, "permissive")
    host.journal = 1
    host.write("/var/log/audit/audit.log", AVC.format(time=time.time() + 1, serial=3))
    planned = host.plan(PROVEN)
    assert "1 kinds of denials" in planned.actions[0].why
    assert "there may be more: journalctl cannot be read: it ended with status 1" in planned.actions[0].why
    known, unknown = planned.warnings
    assert "init_t map file" in known and "journalctl cannot be read" in unknown


# --- its guard, under fire


class Guarded(GuardHost):
    """A host that was set permissive; its setenforce fails as often as it is told."""

    def __init__(self, folder, monkeypatch):
        super().__init__(folder, monkeypatch)
        self.failures = 0
        self.answers["setenforce"] = self.setenforce
        monkeypatch.setattr(section.time, "time", time.time)
        monkeypatch.setattr(os, "fchown", lambda *_args: None)
        self.write(ENFORCE, "1")
        wish = [{"during": "permissive", "permissive_minutes": 30}]
        steps = section.plan(wish, section.gather(self.target), SWAP).actions
        engine.apply_all(self.target, "000001-a", steps)

    def setenforce(self):
        if self.failures:
            self.failures -= 1
            return 1, "", "setenforce: setenforce() failed"
        self.write(ENFORCE, self.commands[-1][1])
        return 0, "", ""


@pytest.fixture(name="guarded")
def fixture_guarded(tmp_path, monkeypatch):
    return Guarded(tmp_path, monkeypatch)


def test_a_controller_that_died_for_good(guarded):
    record = guard.armed(guarded.target, "selinux")
    assert guarded.read(ENFORCE) == "0" and record.step == ("000001-a", 0)
    guarded.clock.now += 29 * 60
    assert guarded.fire(record, guarding.GUARD) and guarded.read(ENFORCE) == "0"
    guarded.clock.now += 60
    assert guarded.fire(record, guarding.GUARD) and guarded.read(ENFORCE) == "1" and guarded.units() == []
    assert guarded.target.read(RELAXED) is None and section.gather(guarded.target).since is None
    recovery.settle(guarded.target, section.ACTIONS)
    assert ledger.standing(guarded.target) == []
    assert "put SELinux's enforcing mode back, and did so by itself" in guarded.warned[0]


def test_setenforce_fails_three_times(guarded):
    record, guarded.failures = guard.armed(guarded.target, "selinux"), 3
    guarded.clock.now += 1800
    assert guarded.fire(record, guarding.GUARD) and guarded.read(ENFORCE) == "1" and guarded.clock.slept == [5.0, 10.0, 20.0]


def test_a_kernel_that_does_not_obey_is_tried_again(guarded):
    record = guard.armed(guarded.target, "selinux")
    guarded.answers["setenforce"] = (0, "", "")
    guarded.clock.now += 1800
    guarded.clock.during[2] = lambda: guarded.answers.update({"setenforce": guarded.setenforce})
    assert guarded.fire(record, guarding.GUARD)
    assert [one["failed"] for one in guard.read(guarded.target, record.id).attempts] == [f"{ENFORCE} says 0"] * 2


@pytest.mark.parametrize(("comes_up", "state", "says"), [
    ("1", guard.BACK, "started anew"), ("0", guard.OTHERS, "came up permissive"), (None, guard.OTHERS, "SELinux is off")])
def test_a_restart_ends_it_as_the_host_comes_up(guarded, comes_up, state, says):
    record = guard.armed(guarded.target, "selinux")
    guarded.boot()
    guarded.path(ENFORCE).unlink()
    if comes_up is not None:
        guarded.write(ENFORCE, comes_up)
    assert guarded.fire(record, guarding.GUARD) and ["setenforce", "1"] not in guarded.commands
    ended = guard.read(guarded.target, record.id)
    assert ended.state == state and says in ended.why


def test_an_admin_who_enforced_by_hand_is_not_in_its_way(guarded):
    record = guard.armed(guarded.target, "selinux")
    guarded.write(ENFORCE, "1")
    guarded.clock.now += 1800
    assert guarded.fire(record, guarding.GUARD) and ["setenforce", "1"] not in guarded.commands
    assert guard.read(guarded.target, record.id).state == guard.BACK


def test_the_guard_of_selinux_acts_without_a_ledger_and_without_the_note(guarded):
    record = guard.armed(guarded.target, "selinux")
    shutil.rmtree(guarded.target.private_folder(ledger.FOLDER))
    os.unlink(guarded.target.path(RELAXED))
    guarded.clock.now += 1800
    assert guarded.fire(record, guarding.GUARD) and guarded.read(ENFORCE) == "1"


def test_a_host_that_cannot_be_guarded_stays_enforcing(guarded):
    section.EnforceAction("", "", {}).apply(guarded.target)
    guarded.answers["systemctl enable"] = (1, "", "no bus")
    steps = section.plan(
        [{"during": "permissive", "permissive_minutes": 30}], section.gather(guarded.target), SWAP).actions
    with pytest.raises(Failed, match="no bus"):
        engine.apply_all(guarded.target, "000002-b", steps)
    assert guarded.read(ENFORCE) == "1" and guarded.units() == []


@pytest.mark.parametrize(("minutes", "wrong"), [(4, 1), (5, 0), (1440, 0), (1441, 1)])
def test_minutes_that_are_too_few_or_too_many(minutes, wrong):
    assert len(section.validate([{"during": "permissive", "permissive_minutes": minutes}], 9)) == wrong


def test_of_several_wishes_the_longest_time_counts(host):
    wants = [{"during": word, "permissive_minutes": minutes} for word, minutes in (
        ("permissive", 30), ("permissive", 90), ("enforcing", 600))]
    action, = section.plan(wants, section.gather(host.target, wants), SWAP).actions
    assert action.args["minutes"] == 90 and "90 minutes at the longest" in action.why
