# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment block is written in place, GRUB sees each step, and what somebody set since is not taken back."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import boot_disk, engine, ledger, recovery
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed, Problem
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import boot_loader
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import worker
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.boot import actions, held
from ansible_collections.centos.hyperscale.plugins.module_utils.text import grubenv
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.sections.boot.test_section import (
    NEWER, OTHER, STOCK, Host,
)

ENVIRONMENT = "boot/grub2/grubenv"


@pytest.fixture(name="host")
def fixture_host(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fchown", lambda *_args: None)
    host = Host(tmp_path)
    host.install(NEWER)
    host.install(OTHER)
    return host


@pytest.fixture(name="flushed")
def fixture_flushed(monkeypatch, host):
    """The paths whose file systems were flushed, each with what the environment block held then."""
    found = []
    monkeypatch.setattr(boot_disk, "flush", lambda path, root="/": found.append((path, host.env.get("saved_entry"))))
    return found


def read(host):
    return boot_loader.read(str(host.root))


def made_of(host, kind):
    """Return a step of a kind that sets another default, or an argument of the default's entry."""
    return {
        "entry": lambda: actions.EntryAction.of(read(host).entry_of(STOCK), "test", "root=/dev/vda1 ro psi=1"),
        "environment": lambda: actions.EnvironmentAction.of(read(host), "test", {"mine": "1"}, {"saved_entry": NEWER}),
        "pin": lambda: held.PinAction.of(read(host), "test", {"saved_entry": host.id_of(OTHER)}, {}),
    }[kind]()


def step(host, new=None, starts=None):
    """Carry out a step on variables, and return it."""
    made = actions.EnvironmentAction.of(read(host), "test", new or {}, starts or {})
    made.apply(host.target)
    made.verify(host.target)
    return made


def test_the_block_stays_the_same_file(host):
    inode, mode = host.path(ENVIRONMENT).stat()[1], host.path(ENVIRONMENT).stat().st_mode
    done = step(host, {"next_entry": "x"}, {"saved_entry": NEWER})
    assert (host.path(ENVIRONMENT).stat()[1], host.path(ENVIRONMENT).stat().st_mode) == (inode, mode)
    done.undo(host.target)
    assert host.path(ENVIRONMENT).stat()[1] == inode
    assert host.path(ENVIRONMENT).stat().st_size == grubenv.SIZE
    assert not [name for name in os.listdir(host.path("boot/grub2")) if name.startswith(".hyperscale")]


def test_a_block_that_grub_does_not_take_is_replaced(host):
    host.path(ENVIRONMENT).write_text("saved_entry=0\n")
    step(host, {"saved_entry": "x"})
    assert grubenv.valid(host.path(ENVIRONMENT).read_text())


def test_a_block_behind_a_link_is_written_in_place(host):
    host.put("boot/efi/EFI/centos/grubenv", host.path(ENVIRONMENT).read_text())
    host.path(ENVIRONMENT).unlink()
    host.path(ENVIRONMENT).symlink_to("../efi/EFI/centos/grubenv")
    inode = host.path("boot/efi/EFI/centos/grubenv").stat().st_ino
    step(host, {"saved_entry": "x"}).undo(host.target)
    assert host.path(ENVIRONMENT).is_symlink()
    assert host.path("boot/efi/EFI/centos/grubenv").stat().st_ino == inode


def test_grub_sees_each_step_before_it_is_done(host, flushed):
    done = step(host, {}, {"saved_entry": NEWER})
    assert flushed == [("/boot/grub2/grubenv", host.id_of(NEWER))]
    done.undo(host.target)
    assert flushed[1:] == [("/boot/grub2/grubenv", host.id_of(STOCK))]
    entry = actions.EntryAction.of(read(host).entry_of(STOCK), "test", "root=/dev/vda1 ro psi=1")
    for act in (entry.apply, entry.undo):
        flushed.clear()
        act(host.target)
        assert [path for path, _default in flushed] == [entry.subject]


def test_a_block_that_was_made_is_seen_to_be_gone(host, monkeypatch):
    host.path(ENVIRONMENT).unlink()
    done = step(host, {"x": "y"})
    there = []
    monkeypatch.setattr(boot_disk, "flush", lambda _path, _root: there.append(host.path(ENVIRONMENT).exists()))
    done.undo(host.target)
    assert there == [False]


@pytest.mark.parametrize("kind", ["entry", "environment", "pin"])
def test_a_step_that_was_cut_is_seen_before_it_counts_as_done(host, flushed, kind):
    made = made_of(host, kind)
    made.apply(host.target)
    flushed.clear()
    words, done = made.settle(host.target, "job", False)
    assert done, words
    assert [path for path, _default in flushed] == ["/boot"]


def test_a_step_that_grub_would_not_see_fails(host, monkeypatch):
    def fails(_path, _root="/"):
        raise Failed(Problem("a.b", "the file system of /boot", "it is frozen", "thaw it"))

    monkeypatch.setattr(boot_disk, "flush", fails)
    with pytest.raises(Failed, match="frozen"):
        step(host, {"saved_entry": "x"})


@pytest.mark.parametrize("error", [
    Failed(Problem("test.default", "grubenv", "it has another default", "look")), OSError(errno.EIO, "Input/output error"),
    KeyError("x")],
    ids=["failed", "input and output", "key"])
@pytest.mark.parametrize("kind", ["entry", "environment", "pin"])
def test_a_step_whose_verification_fails_leaves_what_grub_started_before(host, monkeypatch, kind, error):
    """What was written belongs to the ledger, and is taken back at once or by the next run."""
    made = made_of(host, kind)
    env, entry = dict(host.env), read(host).entry_of(STOCK)

    def fails(_self, _target):
        raise error

    with monkeypatch.context() as patched, pytest.raises(Failed):
        patched.setattr(type(made), "verify", fails)
        engine.apply_all(host.target, ledger.new_run_id(host.target), [made])
    recovery.settle(host.target, {made.kind: type(made)})
    assert host.env == env and read(host).entry_of(STOCK) == entry
    steps = ledger.every(host.target)[0].steps
    assert steps[0].state == ledger.DIRTY and ledger.standing(host.target) == []


def test_the_end_of_a_transaction_is_seen(host, flushed):
    hold = held.HoldAction.over(None, host.id_of(STOCK), [NEWER])
    hold.apply(host.target)
    hold.undo(host.target)
    assert [path for path, _default in flushed] == ["/boot"]


@pytest.mark.parametrize(("error", "reason"), [
    (OSError(5, "no", "/boot/efi"), "no (error number 5) at /boot/efi"), (OSError(5, "no"), "no (error number 5)"),
    (Failed(Problem("a.b", "/boot", "no", "mend")), "/boot: no")])
@pytest.mark.parametrize("result", [{"ok": True, "output": ["said"]}, {"ok": False, "refused": False, "problems": []}])
def test_a_transaction_that_grub_does_not_see_is_warned_of(monkeypatch, error, reason, result):
    def fails(_before):
        raise error

    monkeypatch.setattr(boot_disk, "flush_changes", fails)
    seen = worker.seen_by_grub(result, {})
    warning, = seen.pop("warnings")
    assert seen == result and "/boot was not written out" in warning.fact and warning.reason == reason
    assert "clean reboot" in warning.remedy


@pytest.mark.parametrize(("since", "told"), [({}, []), ({"boot_success": "1"}, []), ({"saved_entry": "mine"}, ["mine"])])
def test_only_what_still_has_our_value_is_taken_back(host, since, told):
    done = step(host, {"kernelopts": "ro psi=1"}, {"saved_entry": NEWER})
    host.set(**since)
    done.undo(host.target)
    assert host.env == {"saved_entry": host.id_of(STOCK), **since}
    assert len(done.left) == len(told)
    assert all(word in line for word, line in zip(told, done.left))


def test_a_variable_that_somebody_took_away_stays_away(host):
    host.set(kernelopts="ro")
    done = step(host, {"kernelopts": "ro psi=1"})
    host.set(kernelopts=None)
    done.undo(host.target)
    assert "kernelopts" not in host.env
    assert done.left == ["kernelopts in /boot/grub2/grubenv was taken away since, and stays so"]


def test_a_variable_that_was_put_back_already_is_not_told(host):
    done = step(host, {}, {"saved_entry": NEWER})
    host.set(saved_entry=host.id_of(STOCK))
    done.undo(host.target)
    assert (host.env["saved_entry"], done.left) == (host.id_of(STOCK), [])


@pytest.mark.parametrize("consumed", [True, False])
def test_an_entry_to_start_once_is_taken_back_also_when_grub_has_started_it(host, consumed):
    done = step(host, {}, {"next_entry": NEWER})
    if consumed:
        host.set(next_entry="")
    done.undo(host.target)
    assert "next_entry" not in host.env
    assert done.left == []


def test_an_entry_that_somebody_set_to_start_once_stays(host):
    done = step(host, {}, {"next_entry": NEWER})
    host.set(next_entry=host.id_of(OTHER))
    done.undo(host.target)
    assert host.env["next_entry"] == host.id_of(OTHER)
    assert len(done.left) == 1


def test_a_default_whose_kernel_is_gone_is_still_ours(host):
    done = step(host, {}, {"saved_entry": NEWER})
    host.path(f"boot/loader/entries/{host.id_of(NEWER)}.conf").unlink()
    done.undo(host.target)
    assert (host.env["saved_entry"], done.left) == (host.id_of(STOCK), [])


def test_a_block_that_somebody_took_away_is_not_made_again(host):
    done = step(host, {"kernelopts": "ro psi=1"})
    host.path(ENVIRONMENT).unlink()
    done.undo(host.target)
    assert not host.path(ENVIRONMENT).exists()


def test_a_block_that_was_made_stays_where_somebody_uses_it(host):
    host.path(ENVIRONMENT).unlink()
    done = step(host, {"kernelopts": "ro psi=1"})
    host.set(boot_success="1")
    done.undo(host.target)
    assert host.env == {"boot_success": "1"}


def test_the_pin_is_taken_back_in_place_or_not_at_all(host):
    pin = held.PinAction.of(read(host), "test", {"saved_entry": host.id_of(OTHER)}, {})
    pin.apply(host.target)
    inode = host.path(ENVIRONMENT).stat().st_ino
    host.path(f"boot/initramfs-{STOCK}.img").unlink()
    pin.undo(host.target)
    assert host.env["saved_entry"] == host.id_of(OTHER)
    assert len(pin.left) == 1
    host.put(f"boot/initramfs-{STOCK}.img", "whole again")
    pin.undo(host.target)
    assert (host.env["saved_entry"], host.path(ENVIRONMENT).stat().st_ino) == (host.id_of(STOCK), inode)
