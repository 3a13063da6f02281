# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard of the default under fire: a kernel that nobody has proven does not stay the default, although its run has died."""

from __future__ import annotations

import os
import shutil

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import (
    boot_disk, engine, guard, guard_fire, ledger, process, recovery,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed, Problem
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import jobfile, worker
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.boot import guarding, section as boot
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.core.guard_host import GuardHost
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.sections.boot.test_section import (
    NEWER, OTHER, STOCK, Host, brings,
)

SETTINGS = "UPDATEDEFAULT=yes\nDEFAULTKERNEL=kernel-core\n"
RUN = "000001-1"


class Died(BaseException):
    """The run is killed."""


class Transaction(engine.Action):
    """A transaction that brings a kernel which makes itself the default all the same, and during which the run dies."""

    kind = "transaction"
    phase = engine.TRANSACT
    settles_later = True
    brings = staticmethod(lambda: None)

    def apply(self, target):
        self.brings()
        raise Died

    def verify(self, target):
        pass

    def settle(self, target, _job, _undoing):
        return "the host finished its package transaction by itself", True


KINDS = {**boot.ACTIONS, "transaction": Transaction}


class Guarded(GuardHost):
    """A host whose run died right after its transaction; C(kernels) are GRUB's files on it."""

    def __init__(self, folder, monkeypatch):
        super().__init__(folder, monkeypatch)
        self.kernels = Host(folder / "host")
        self.kernels.target = self.target
        self.answers["uname"] = (0, STOCK + "\n", "")
        self.kernels.put("etc/sysconfig/kernel", SETTINGS)
        monkeypatch.setattr(os, "fchown", lambda *_args: None)
        self.failures = 0
        flush = boot_disk.flush

        def fails(path, root="/"):
            if self.failures:
                self.failures -= 1
                raise Failed(Problem("boot_disk.frozen", "/boot", "it is frozen by another program", "Let that end"))
            flush(path, root)

        monkeypatch.setattr(boot_disk, "flush", fails)

    def run_dies(self, whole=True):
        def comes():
            assert "UPDATEDEFAULT=no" in self.settings
            self.kernels.install(NEWER, default=True)
            if not whole:
                self.kernels.put(f"boot/initramfs-{NEWER}.img", "")

        Transaction.brings = staticmethod(comes)
        steps = [*boot.plan([], boot.gather(self.target, []), brings(NEWER)).actions, Transaction("1 in", "", {})]
        with pytest.raises(Died):
            engine.apply_all(self.target, RUN, sorted(steps, key=lambda action: action.phase))
        path = self.path(f"/var/lib/centos-hyperscale/ledger/{RUN}.jsonl")
        path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "run-ended" not in line))
        return guard.armed(self.target, "boot")

    @property
    def settings(self):
        return self.read("/etc/sysconfig/kernel")

    @property
    def default(self):
        return self.kernels.env["saved_entry"].partition("-")[2]


@pytest.fixture(name="host")
def fixture_host(tmp_path, monkeypatch):
    return Guarded(tmp_path, monkeypatch)


@pytest.mark.parametrize("whole", [True, False])
def test_the_run_dies_between_the_transaction_and_its_write_of_grubenv(host, whole):
    record = host.run_dies(whole)
    assert host.default == NEWER and record.step == (RUN, 1) and record.watches
    host.clock.now += guarding.SECONDS
    assert host.fire(record, guarding.GUARD)
    assert host.default == STOCK and host.settings == SETTINGS and host.units() == []
    recovery.settle(host.target, KINDS)
    assert host.default == STOCK and "put the boot entry that was the default" in host.warned[0]
    assert [step.action["kind"] for step in ledger.standing(host.target)] == ["boot-pin", "transaction"]


def test_the_unit_of_the_transaction_puts_the_default_back_itself(host, monkeypatch):
    record = host.run_dies()
    asked = []

    def run(argv, _environment, _seconds):
        asked.append(argv)
        guard_fire.after_transaction(host.target, record.id, guarding.GUARD)
        return 0, ""

    monkeypatch.setattr(process, "run", run)
    folder = jobfile.Folder(host.target.private_folder("runs", f"{RUN}.2"))
    assert worker.guarded({"ok": True}, folder) == {"ok": True}
    assert host.default == STOCK and "UPDATEDEFAULT=no" in host.settings
    assert asked[0][-2:] == ["after", guard.folder_of(host.target, record.id)]
    # The guard itself has not acted: what is held is still to be taken back.
    assert guard.armed(host.target, "boot") == record


def test_a_guard_that_fails_in_the_unit_is_warned_of_and_acts_later(host, monkeypatch):
    record = host.run_dies()
    monkeypatch.setattr(process, "run", lambda *_args: (1, "Traceback\nOSError: no"))
    folder = jobfile.Folder(host.target.private_folder("runs", f"{RUN}.2"))
    warning, = worker.guarded({"ok": True, "warnings": []}, folder)["warnings"]
    assert "OSError: no" in warning.reason
    host.boot()
    assert host.fire(record, guarding.GUARD) and host.default == STOCK


def test_a_guard_that_was_confirmed_is_not_asked_by_a_transaction(host, monkeypatch):
    guard.confirm(host.target, host.run_dies().id)
    monkeypatch.setattr(process, "run", lambda *_args: (1, "never"))
    assert worker.guarded({"ok": True}, jobfile.Folder(host.target.private_folder("runs", f"{RUN}.2"))) == {"ok": True}


def test_the_disk_cannot_be_written_out_three_times(host):
    record, host.failures = host.run_dies(), 3
    host.clock.now += guarding.SECONDS
    assert host.fire(record, guarding.GUARD) and host.default == STOCK and host.settings == SETTINGS
    assert host.clock.slept == [5.0, 10.0, 20.0]
    assert "frozen by another program" in guard.read(host.target, record.id).attempts[0]["failed"]


def test_the_host_starts_the_newcomer_before_anybody_could_act(host):
    record = host.run_dies()
    host.kernels.start()
    assert host.kernels.running == NEWER
    host.boot()
    assert host.fire(record, guarding.GUARD) and host.default == STOCK
    host.kernels.start()
    assert host.kernels.running == STOCK


def test_another_default_that_an_admin_chose_stays(host):
    record = host.run_dies()
    host.kernels.install(OTHER, default=True)
    host.clock.now += guarding.SECONDS
    assert host.fire(record, guarding.GUARD) and host.default == OTHER
    ended = guard.read(host.target, record.id)
    assert ended.state == guard.OTHERS and OTHER in ended.why
    recovery.settle(host.target, KINDS)
    assert host.default == OTHER and host.settings == SETTINGS


def test_a_setting_that_an_admin_changed_stays_and_the_default_is_put_back(host):
    record = host.run_dies()
    host.kernels.put("etc/sysconfig/kernel", "UPDATEDEFAULT=no\nDEFAULTKERNEL=kernel-rt\n")
    host.clock.now += guarding.SECONDS
    assert host.fire(record, guarding.GUARD) and host.default == STOCK and "kernel-rt" in host.settings
    assert "somebody else changed" in guard.read(host.target, record.id).left[0]


@pytest.mark.parametrize("gone", ["entry", "grub.cfg"])
def test_where_there_is_nothing_to_go_back_to_nothing_is_written(host, gone):
    record = host.run_dies()
    if gone == "entry":
        host.path(f"/boot/loader/entries/{host.kernels.id_of(STOCK)}.conf").unlink()
    else:
        host.kernels.put("boot/grub2/grub.cfg", "set default=0\n")
    host.clock.now += guarding.SECONDS
    assert host.fire(record, guarding.GUARD) and host.default == NEWER
    assert guard.read(host.target, record.id).state == guard.OTHERS


def test_it_acts_without_a_ledger(host):
    record = host.run_dies()
    shutil.rmtree(host.target.private_folder(ledger.FOLDER))
    host.boot()
    assert host.fire(record, guarding.GUARD) and host.default == STOCK and host.settings == SETTINGS


def test_where_it_cannot_be_armed_the_default_is_held_all_the_same(host):
    host.answers["systemctl enable"] = (1, "", "no bus")
    assert host.run_dies() is None
    assert "UPDATEDEFAULT=no" in host.settings and host.units() == [] and "no bus" in host.warned[0]
    recovery.settle(host.target, KINDS)
    assert host.default == STOCK and host.settings == SETTINGS


def test_a_run_that_lives_takes_it_back_itself(host):
    class Lives(Transaction):
        def apply(self, target):
            host.kernels.install(NEWER, default=True)

    steps = [*boot.plan([], boot.gather(host.target, []), brings(NEWER)).actions, Lives("1 in", "", {})]
    engine.apply_all(host.target, RUN, sorted(steps, key=lambda action: action.phase))
    assert host.default == STOCK and host.units() == [] and guard.armed(host.target, "boot") is None
    assert guard.untold(host.target) == []
