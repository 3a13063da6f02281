# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keys may sign a repository's packages."""

from __future__ import annotations

import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import keys, rings, solver
from ansible_collections.centos.hyperscale.plugins.module_utils.text import openpgp
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.text.pgpdata import (
    SIG, SIG_TEXT, armoured, key_body, packet, quantum_key)

CANONICAL = openpgp.read(SIG).keys[0].armoured()
OTHER = armoured(packet(6, key_body(4, 1)) + packet(13, b"Other <other@example.org>"))
NOTHING = (1, "package gpg-pubkey is not installed\n")
KNOWN = f"gpg-pubkey-eb3dac40-60053dd1 eb3dac40\n{SIG_TEXT}\n"


@pytest.fixture
def ring(monkeypatch):
    """Return a function that gives the ring of a repository with these files at its addresses, where rpm answers this."""
    pytest.importorskip("dnf", reason="python3-dnf is not importable by this interpreter")

    def of(files, answer=NOTHING, specs=()):
        def fetched(url, **how):
            if files[url] is None:
                raise OSError("Curl error (37)")
            return files[url] if isinstance(files[url], bytes) else files[url].encode()

        monkeypatch.setattr(rings, "_fetched", fetched)
        monkeypatch.setattr(keys, "call", lambda _argv: answer)
        base = types.SimpleNamespace(repos={"repo": types.SimpleNamespace(gpgkey=list(files))})
        return rings.ring_of(base, list(specs), "repo")
    return of


def users(found):
    return [key.user_id.split()[0] for text in found.keys for key in openpgp.read(text.encode()).keys]


@pytest.mark.parametrize(("files", "answer", "expected"), [
    ({}, (0, KNOWN), ["CentOS"]),
    ({"file:///a": OTHER}, (0, KNOWN), ["Other", "CentOS"]),
    ({"file:///a": OTHER + armoured(quantum_key())}, NOTHING, ["Other", "Post-quantum"]),
    ({"file:///a": OTHER, "https://b": SIG}, NOTHING, ["Other", "CentOS"]),
    ({"file:///a": SIG}, (0, KNOWN), ["CentOS"]),
    ({}, NOTHING, []),
])
def test_keys_that_are_named_and_keys_that_rpm_knows_count(ring, files, answer, expected):
    found = ring(files, answer)
    assert users(found) == expected and found.named == list(files) and found.faults == []


@pytest.mark.parametrize(("content", "says"), [
    (None, "https://a: it cannot be read from this host: Curl error (37)"),
    ("<html>", "https://a: it is not an OpenPGP public key"),
    (SIG_TEXT[:300], "https://a: it is cut off: its last line is missing"),
])
def test_an_address_that_has_no_key_is_told_of_and_hides_no_other(ring, content, says):
    found = ring({"https://a": content, "file:///b": OTHER}, (0, KNOWN))
    assert found.faults == [says] and users(found) == ["Other", "CentOS"]


def test_keys_of_rpm_that_cannot_be_read_are_told_of(ring):
    found = ring({"file:///b": OTHER}, (1, "error: cannot open Packages database\n"))
    assert found.faults == ["the keys that rpm knows cannot be read: error: cannot open Packages database"]


def test_keys_given_with_a_repository_count_alone(ring):
    found = ring({"file:///a": OTHER}, (0, KNOWN), [solver.RepoSpec("repo", "", [OTHER], "")])
    assert found.keys == [OTHER] and found.faults == []
