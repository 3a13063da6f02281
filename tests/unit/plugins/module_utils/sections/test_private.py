# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with secrets are never readable by more people than before, and what names a process leaves its arguments out."""

from __future__ import annotations

import grp

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core.host_io import FileState
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import locks
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.network import bring, files as netfiles
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.repositories import actions

S = "Zq81c0ffee27"
PLAIN = "[a]\nbaseurl=https://h/\n"
WITH_PROXY, WITH_ACCOUNT = f"{PLAIN}proxy=http://joe:{S}@h:1\n", f"[a]\nbaseurl=https://joe:{S}@h/\n"


@pytest.mark.parametrize(("old", "mode", "new", "expected"), [
    (PLAIN, "0644", WITH_PROXY, "0600"), (PLAIN, "0644", WITH_ACCOUNT, "0600"), (PLAIN, "0640", WITH_PROXY, "0600"),
    (PLAIN, "0644", PLAIN + "enabled=0\n", "0644"), (WITH_PROXY, "0600", WITH_PROXY + "enabled=0\n", "0600"),
    # Who put a secret where all can read it is told by nobody here, and his mode stays.
    (WITH_ACCOUNT, "0644", WITH_ACCOUNT + "enabled=0\n", "0644"), (WITH_PROXY, "0600", PLAIN, "0600")])
def test_a_repo_file_that_gets_a_secret_is_for_root_alone(old, mode, new, expected):
    assert actions.private(FileState(old, mode, "root", "root"), new) == FileState(new, expected, "root", "root")


@pytest.mark.parametrize(
    ("mode", "other", "both"), [("0644", "0600", "0600"), ("0640", "0644", "0640"), ("0400", "0600", "0400")])
def test_of_two_modes_the_stricter_one_counts(mode, other, both):
    assert actions.stricter(mode, other) == both


@pytest.mark.parametrize(("content", "mode"), [
    (f"[NetDev]\nName=wg0\n[WireGuard]\nPrivateKey={S}\n", 0o640), (f"[WireGuardPeer]\nPresharedKey={S}\n", 0o640),
    ("[MACsecTransmitAssociation]\nKey=" + "0123456789abcdef" * 2 + "\n", 0o640),
    ("[Match]\nName=eth0\n[Network]\nDHCP=yes\n", 0o644), ("[NetDev]\nName=v\nKind=vlan\n[VLAN]\nId=3\n", 0o644)])
def test_definitions_with_keys_are_for_root_and_networkd(content, mode):
    assert netfiles.mode_of(content) == mode


@pytest.mark.parametrize(("mode", "group"), [(0o644, 0), (0o640, 192)])
def test_the_group_of_a_definition(monkeypatch, mode, group):
    monkeypatch.setattr(grp, "getgrnam", lambda name: grp.struct_group((name, "x", 192, [])))
    assert bring._group(mode) == group


def test_the_group_of_a_definition_where_networkd_has_none(monkeypatch):
    def unknown(name):
        raise KeyError(name)

    monkeypatch.setattr(grp, "getgrnam", unknown)
    assert bring._group(0o640) == 0


@pytest.mark.parametrize(("words", "told"), [
    (["/usr/bin/python3", "-s", "/usr/bin/dnf", "--setopt=proxy_password=" + S, "update"], "/usr/bin/python3 /usr/bin/dnf"),
    (["/usr/bin/rpm", "-i", f"https://joe:{S}@h/x.rpm"], "/usr/bin/rpm"), (["python3.11", "-c", S], "python3.11"),
    (["/bin/sh", "-c", f"rpm -i {S}"], "/bin/sh"), ([""], "")])
def test_a_process_is_named_without_its_arguments(words, told):
    assert locks._command(words) == told
