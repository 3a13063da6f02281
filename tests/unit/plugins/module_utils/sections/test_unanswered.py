# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders and commands that sections ask, which do not answer: raised, and not taken for empty."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors, host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import globbing
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import packages
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.cow import move
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.network import host, state as network_state
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.oomd import host as oomd_host
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.repositories import key
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.rulesets import backends
from ansible_collections.centos.hyperscale.plugins.module_utils.tables.keys import HYPERSCALE_KEY
from ansible_collections.centos.hyperscale.plugins.module_utils.text import oomd
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.text.pgpdata import SIG_TEXT

UNITS = "/etc/systemd/system"
DISPATCHER = network_state.DISPATCHER


def target_of(root, *answers):
    """Return a host below a folder whose commands give the answer of the first word that they hold."""
    def run(argv):
        return next((answer for word, answer in answers if word in " ".join(argv)), (127, "", "no such command"))
    return host_io.Target(run, str(root), root=str(root))


def lay(root, path, content="", mode=0o644):
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content)
    place.chmod(mode)


def a_file(root, path):
    lay(root, path)


def a_circle(root, path):
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    os.symlink(place.name, place)


@pytest.mark.parametrize("odd", [a_file, a_circle])
@pytest.mark.parametrize(("folder", "look"), [
    (UNITS, oomd_host._ours),
    (UNITS, lambda target: globbing.matching(target.root, f"{UNITS}/*.wants/*", globbing.raising)),
    (DISPATCHER, network_state._scripts),
])
def test_what_stands_in_the_place_of_a_folder_is_not_an_empty_one(tmp_path, odd, folder, look):
    assert look(target_of(tmp_path)) == []
    odd(tmp_path, folder)
    with pytest.raises(OSError, match=f"{os.strerror(errno.ENOTDIR)}|{os.strerror(errno.ELOOP)}"):
        look(target_of(tmp_path))


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
@pytest.mark.parametrize(("path", "call", "look"), [
    (f"{UNITS}/user.slice.d/{oomd.DROP_IN}", "listdir", oomd_host._ours),
    (f"{UNITS}/a.wants/b.service", "listdir",
     lambda target: globbing.matching(target.root, f"{UNITS}/*.wants/*", globbing.raising)),
    (f"{DISPATCHER}/pre-up.d/mine", "scandir", network_state._scripts),
])
def test_a_folder_that_cannot_be_read_is_not_an_empty_one(tmp_path, monkeypatch, path, call, look, code):
    lay(tmp_path, path, oomd.MARK, mode=0o755)
    assert len(look(target_of(tmp_path))) == 1

    def failing(*_args):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, failing)
    with pytest.raises(OSError, match=os.strerror(code)):
        look(target_of(tmp_path))


def test_scripts_of_the_dispatcher(tmp_path):
    lay(tmp_path, f"{DISPATCHER}/10-mine", mode=0o755)
    lay(tmp_path, f"{DISPATCHER}/pre-up.d/20-mine", mode=0o744)
    lay(tmp_path, f"{DISPATCHER}/30-off", mode=0o644)
    os.symlink("10-mine", tmp_path / DISPATCHER.lstrip("/") / "40-link")
    os.symlink("gone", tmp_path / DISPATCHER.lstrip("/") / "50-dangling")
    assert [os.path.basename(path) for path in network_state._scripts(target_of(tmp_path))] == ["10-mine", "40-link", "20-mine"]


def test_units_are_listed_whatever_is_wanted_and_a_systemctl_that_fails_is_told(tmp_path):
    listed = (0, "user@.service static -\nuser@1000.service static -\n", "")
    target = target_of(tmp_path, ("list-unit-files", listed))
    assert oomd_host._listed(target, ["user@.service", "x@.service"]) == {"user@.service"}
    assert oomd_host._listed(target_of(tmp_path), ["user.slice"]) == frozenset()
    for answer in ((1, "", "Failed to connect to bus"), (127, "", "no such command"), (-15, "user@.service static -\n", "")):
        with pytest.raises(errors.Failed, match="list-unit-files"):
            oomd_host._listed(target_of(tmp_path, ("list-unit-files", answer)), ["user@.service"])


BROKEN = (1, "", "it is broken")
NONE = (127, "", "no such command")


@pytest.mark.parametrize(("look", "word", "good", "value", "without"), [
    (backends.current, "iptables -V", "iptables v1.8.10 (nf_tables)\n", "nft", None),
    (lambda target: backends.is_installed(target, "nft"), "-restore -V", "iptables-restore v1.8.10 (nf_tables)\n", True, False),
    (backends.nft_listing, "nft -j", '{"nftables": []}', {"nftables": []}, None),
])
def test_a_command_that_is_not_there_and_one_that_fails(tmp_path, monkeypatch, look, word, good, value, without):
    monkeypatch.setattr(backends, "is_idle", lambda target, backend: False)
    assert look(target_of(tmp_path, (word, (0, good, "")))) == value
    assert look(target_of(tmp_path, (word, NONE))) == without
    for answer in (BROKEN, (126, "", "Permission denied"), (-9, "", "")):
        with pytest.raises(errors.Failed, match=f"ended with status {answer[0]}"):
            look(target_of(tmp_path, (word, answer)))


def test_keys_that_rpm_cannot_list(tmp_path):
    pinned = HYPERSCALE_KEY.fingerprint
    nothing = (1, "package gpg-pubkey is not installed\n", "")
    assert key.imported(target_of(tmp_path, ("gpg-pubkey", nothing)), pinned) == []
    known = (0, f"gpg-pubkey-eb3dac40-60053dd1 eb3dac40\n{SIG_TEXT}\n", "")
    (found,) = key.imported(target_of(tmp_path, ("gpg-pubkey", known)), pinned)
    assert found.package == "gpg-pubkey-eb3dac40-60053dd1"
    for answer in (NONE, (126, "", "Permission denied"), (-9, "", "")):
        with pytest.raises(errors.Failed):
            key.imported(target_of(tmp_path, ("gpg-pubkey", answer)), pinned)
    with pytest.raises(errors.Refused, match="cannot be read"):
        key.imported(target_of(tmp_path, ("gpg-pubkey", (1, "", "error: cannot open Packages database"))), pinned)


def test_the_default_kernel_where_grubby_fails(tmp_path, monkeypatch):
    class Package:
        name, evr, arch, files, requires = "kmod-tool", "1-1.el9", "x86_64", [], []

    asked = []
    monkeypatch.setattr(packages.kmods, "in_the_way", lambda coming, running, default: asked.append(default) or [])
    monkeypatch.setattr(packages.btrfs, "lost_by", lambda *_args: [])
    state = type("State", (), {"installed": []})
    uname = ("uname", (0, "6.1\n", ""))
    for answer, default in (((0, "/boot/vmlinuz-6.1\n", ""), "6.1"), (NONE, None)):
        assert packages._ends(target_of(tmp_path, uname, ("grubby", answer)), state, [Package], []) == []
        assert asked.pop() == default
    with pytest.raises(errors.Failed, match="grubby"):
        packages._ends(target_of(tmp_path, uname, ("grubby", BROKEN)), state, [Package], [])


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.EISDIR])
def test_a_note_of_the_network_that_cannot_be_read(tmp_path, monkeypatch, code):
    assert host.read_json(str(tmp_path / "absent")) is None
    lay(tmp_path, "cut", '{"id": ')
    assert host.read_json(str(tmp_path / "cut")) is None

    def failing(*_args, **_how):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("builtins.open", failing)
    with pytest.raises(OSError, match=os.strerror(code)):
        host.read_json(str(tmp_path / "cut"))


def test_a_place_for_the_database_that_cannot_be_looked_at(tmp_path, monkeypatch):
    target = target_of(tmp_path)
    assert move.look(target, "/usr/lib/sysimage/rpm") == move.Place(None, False)
    lay(tmp_path, "/usr/lib/sysimage/rpm/rpmdb.sqlite")
    assert move.look(target, "/usr/lib/sysimage/rpm") == move.Place(None, True)
    for code in (errno.EACCES, errno.EIO):
        with monkeypatch.context() as patched:
            def stat(*_args, code=code, **_how):
                raise OSError(code, os.strerror(code))

            patched.setattr(os, "stat", stat)
            with pytest.raises(OSError, match=os.strerror(code)):
                move.look(target, "/usr/lib/sysimage/rpm")


def test_keys_of_rpm_are_read_once_its_database_is_mended(tmp_path):
    pinned = HYPERSCALE_KEY.fingerprint
    with pytest.raises(errors.Refused) as refused:
        key.imported(target_of(tmp_path, ("gpg-pubkey", (1, "", "error: cannot open Packages database"))), pinned)
    assert [problem.code for problem in refused.value.problems] == ["rpm.keys_unreadable"]
    assert key.imported(target_of(tmp_path, ("gpg-pubkey", (1, "package gpg-pubkey is not installed\n", ""))), pinned) == []
