# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The default is guarded while a kernel comes: written before, and put back after a transaction that ended in any way."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import engine, ledger, recovery
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed, Problem, Refused
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.boot import held, section as boot
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.sections.boot.test_section import (
    CONTEXT, NEWER, OTHER, STOCK, Host, brings,
)

SETTINGS = "UPDATEDEFAULT=yes\nDEFAULTKERNEL=kernel-core\n"


class Transaction(engine.Action):
    """A transaction whose kernel does what a test says."""

    kind = "transaction"
    phase = engine.TRANSACT
    settles_later = True
    ends = staticmethod(lambda host: None)
    half = False

    def apply(self, target):
        Transaction.ends(target)

    def undo(self, target):
        pass

    def verify(self, target):
        pass

    def is_half(self, _target, _job):
        return Transaction.half

    def settle(self, target, _job, _undoing):
        Transaction.ends(target)
        return "made whole", True


KINDS = {**boot.ACTIONS, "transaction": Transaction}


@pytest.fixture(name="host")
def fixture_host(tmp_path, monkeypatch):
    host = Host(tmp_path)
    host.put("etc/sysconfig/kernel", SETTINGS)
    monkeypatch.setattr("os.fchown", lambda *_args: None)
    monkeypatch.setattr(Transaction, "half", False)
    return host


def settings(host):
    return host.path("etc/sysconfig/kernel").read_text()


def plan(host):
    guards = boot.plan([], boot.gather(host.target, []), brings(NEWER)).actions
    return sorted([*guards, Transaction("1 in", "", {})], key=lambda action: action.phase)


def run(host, during, name="000001-1"):
    """Apply what guards a transaction, and the transaction."""
    steps = plan(host)
    Transaction.ends = staticmethod(during)
    engine.apply_all(host.target, name, steps)
    return steps


def comes(host, default=False, whole=True):
    """Return what a kernel does as it comes."""
    def during(_target):
        assert "UPDATEDEFAULT=no" in settings(host)
        host.install(NEWER, default=default)
        if not whole:
            host.put(f"boot/initramfs-{NEWER}.img", "")
    return during


@pytest.mark.parametrize("saved", ["", "0", None])
def test_the_default_in_force_is_written_by_its_id(host, saved):
    host.set(saved_entry=saved)
    steps = plan(host)
    assert [step.kind for step in steps] == ["boot-pin", "boot-hold", "transaction"]
    run(host, comes(host))
    assert host.env["saved_entry"] == host.id_of(STOCK)
    assert settings(host) == SETTINGS


@pytest.mark.parametrize("remains", [True, False])
def test_a_default_that_somebody_set_since_stays_where_it_is_whole(host, remains):
    pin = run(host, comes(host))[0]
    host.set(saved_entry=host.id_of(NEWER))
    if not remains:
        host.path(f"boot/loader/entries/{host.id_of(NEWER)}.conf").unlink()
    pin.undo(host.target)
    assert host.env["saved_entry"] == host.id_of(NEWER if remains else STOCK)
    assert bool(pin.left) is remains


def test_where_no_kernel_comes_nothing_is_guarded(host):
    assert boot.plan([], boot.gather(host.target, []), CONTEXT).actions == []


@pytest.mark.parametrize("whole", [True, False])
def test_a_newcomer_that_made_itself_the_default_all_the_same(host, whole):
    run(host, comes(host, default=True, whole=whole))
    assert host.env["saved_entry"] == host.id_of(STOCK) and settings(host) == SETTINGS
    assert [step.action["kind"] for step in ledger.standing(host.target)] == ["boot-pin", "transaction"]


@pytest.mark.parametrize("error", [Failed, Refused])
def test_it_is_taken_back_however_the_transaction_ends(host, error):
    def during(target):
        comes(host, default=True, whole=False)(target)
        raise error(Problem("a.b", "rpm", "broke off", "mend"))

    host.set(saved_entry="")
    with pytest.raises(error):
        run(host, during)
    assert settings(host) == SETTINGS
    if error is Failed:
        assert host.env["saved_entry"] == host.id_of(STOCK)
    assert not [step for step in ledger.standing(host.target) if step.action["kind"] == "boot-hold"]


def test_a_default_that_is_not_whole_is_not_the_safe_one(host):
    host.install(OTHER)
    host.set(saved_entry=host.id_of(OTHER))
    host.path(f"boot/initramfs-{OTHER}.img").unlink()
    run(host, comes(host))
    assert host.env["saved_entry"] == host.id_of(STOCK)


def test_a_run_that_is_cut_lets_go_in_the_next_one(host):
    class Cut(BaseException):
        pass

    def during(target):
        comes(host, default=True, whole=False)(target)
        raise Cut

    with pytest.raises(Cut):
        run(host, during)
    # The end mark is what a power cut does not write.
    path = host.path("var/lib/centos-hyperscale/ledger/000001-1.jsonl")
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "run-ended" not in line))
    assert "UPDATEDEFAULT=no" in settings(host)
    Transaction.ends = staticmethod(lambda _target: None)
    recovery.settle(host.target, KINDS)
    assert settings(host) == SETTINGS and host.env["saved_entry"] == host.id_of(STOCK)
    assert not [step for step in ledger.standing(host.target) if step.action["kind"] == "boot-hold"]
    assert recovery.settle(host.target, KINDS).story is None


def test_it_holds_again_while_a_half_done_transaction_is_made_whole(host):
    def during(target):
        comes(host)(target)
        raise Failed(Problem("a.b", "rpm", "broke off", "mend"))

    with pytest.raises(Failed):
        run(host, during)
    assert settings(host) == SETTINGS
    Transaction.half = True
    Transaction.ends = staticmethod(comes(host, default=True))
    assert recovery.settle(host.target, KINDS).story["outcome"] == "made whole"
    assert settings(host) == SETTINGS and host.env["saved_entry"] == host.id_of(STOCK)


@pytest.mark.parametrize(("before", "after"), [
    ("", "UPDATEDEFAULT=no\n"), ("A=1", "A=1\nUPDATEDEFAULT=no\n"), ("UPDATEDEFAULT=yes\nA=1\n", "UPDATEDEFAULT=no\nA=1\n"),
    ("#UPDATEDEFAULT=yes\n", "#UPDATEDEFAULT=yes\nUPDATEDEFAULT=no\n"), ("UPDATEDEFAULT=no\n", "UPDATEDEFAULT=no\n"),
])
def test_the_setting(before, after):
    assert held.without_update(before) == after


def test_without_the_file_none_is_left(host):
    host.path("etc/sysconfig/kernel").unlink()
    run(host, comes(host))
    assert not host.path("etc/sysconfig/kernel").exists()


def test_where_grub_is_not_ruled_by_its_files_nothing_is_guarded(host):
    host.put("boot/grub2/grub.cfg", "set default=0\n")
    assert [step.kind for step in plan(host)] == ["transaction"]
