# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public keys out of armoured and binary data, whatever else is in there."""

from __future__ import annotations

import random

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.tables.keys import HYPERSCALE_KEY
from ansible_collections.centos.hyperscale.plugins.module_utils.text import openpgp
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.text.pgpdata import (
    SIG, SIG_CHECKSUM, SIG_LINES, SIG_TEXT, armoured, key_body, old_packet, packet, quantum_key, signature_body)

PINNED = HYPERSCALE_KEY.fingerprint
OTHER = packet(6, key_body(4, 1)) + packet(13, b"Other <other@example.org>")
# As gpg lists it.
SUBKEY = "238E3CCF35AFEC3683F340A9CBB8A2B502586BFC"


def fingerprints(data):
    return [key.fingerprint for key in openpgp.read(data if isinstance(data, bytes) else data.encode()).keys]


def test_the_key_of_the_sig():
    found = openpgp.read(SIG_TEXT.encode())
    assert found.faults == []
    (key,) = found.keys
    assert (key.version, key.fingerprint, key.created) == (4, PINNED, 1610956241)
    assert str(key) == (
        f"{PINNED} (CentOS HyperScale SIG (https://wiki.centos.org/SpecialInterestGroup/Hyperscale) <security@centos.org>)")
    assert key.subkeys == [SUBKEY] and [packet.tag for packet in key.packets] == [6, 13, 2, 14, 2]


@pytest.mark.parametrize("signer", [PINNED, PINNED.lower(), "2a01fa2aeb3dac40", "eb3dac40"])
def test_a_key_knows_its_own_id(signer):
    (key,) = openpgp.read(SIG).keys
    assert key.made(signer) and key.made(SUBKEY[-16:].lower())
    assert not key.made("05b555b38483c65d") and not key.made("")


def test_the_id_of_a_newer_key_is_the_beginning_of_its_fingerprint():
    (key,) = openpgp.read(quantum_key()).keys
    assert len(key.fingerprint) == 64 and key.made(key.fingerprint[:16].lower()) and not key.made(key.fingerprint[-16:])


@pytest.mark.parametrize("data", [
    SIG_TEXT,
    SIG_TEXT.replace("\n", "\r\n"),
    SIG_TEXT.replace("\n", "\r"),
    SIG_TEXT.replace("\n", "  \n"),
    SIG_TEXT.rstrip("\n"),
    "\ufeff\n" + SIG_TEXT,
    "pub  rsa2048 2021-01-18\n      9B04\n\n" + SIG_TEXT + "\nThat was the key.\n",
    "a key\r\n" + SIG_TEXT,
    "".join(f"    {line}\n" for line in SIG_LINES),
    armoured(SIG),
    armoured(SIG, checksum=SIG_CHECKSUM),
    armoured(SIG, ["Version: GnuPG v2.0.22 (GNU/Linux)", "Comment: keys: of the SIG"]),
    armoured(SIG, ["Hash:", "X-Own: 1"]).replace("\n\n", "\n \t\n"),
    armoured(SIG, ["Version: rpm-4.16.1.3 (NSS-3)"]).replace("\n\n", "\n"),
    SIG,
    SIG + packet(62, b"what nobody knows") + packet(10, b"PGP"),
    packet(10, b"PGP") + SIG,
], ids=[
    "as published", "CRLF", "CR", "blanks at the ends", "no last newline", "byte order mark", "text around", "text before, CRLF",
    "indented", "no checksum", "checksum", "headers", "header without value", "no blank line", "binary", "unknown packets",
    "marker first"])
def test_forms_of_one_key(data):
    found = openpgp.read(data if isinstance(data, bytes) else data.encode())
    assert [key.fingerprint for key in found.keys] == [PINNED] and found.faults == []


@pytest.mark.parametrize(("data", "expected"), [
    (SIG_TEXT + armoured(quantum_key()), [PINNED, 64]),
    (armoured(quantum_key()) + SIG_TEXT, [64, PINNED]),
    (armoured(quantum_key() + SIG), [64, PINNED]),
    (armoured(OTHER) + "and\n" + SIG_TEXT + armoured(OTHER), [40, PINNED, 40]),
    (armoured(OTHER + SIG), [40, PINNED]),
    (SIG + quantum_key() + OTHER, [PINNED, 64, 40]),
    (armoured(packet(6, key_body(9, 1))) + SIG_TEXT, [0, PINNED]),
    (packet(6, key_body(4, 200, b"")) + SIG, [40, PINNED]),
], ids=["then quantum", "quantum first", "one block", "three blocks", "two in a block", "binary", "version 9", "algorithm 200"])
def test_several_keys(data, expected):
    found = fingerprints(data)
    assert [one if one == PINNED else len(one) for one in found] == expected


def test_a_key_of_an_unknown_version_is_told_as_such():
    (key,) = openpgp.read(packet(6, key_body(9, 1)) + packet(13, b"Later")).keys
    assert str(key) == "of unknown version 9 (Later)" and not key.made("00")


@pytest.mark.parametrize("width", [1, 2, 4])
def test_lengths_of_the_older_form(width):
    body = key_body(4, 1)
    assert fingerprints(old_packet(6, body, width)) == fingerprints(packet(6, body))


@pytest.mark.parametrize("size", [1, 185, 186, 8376, 8377, 70000])
def test_lengths_of_the_newer_form(size):
    filler = packet(63, bytes(size))
    assert fingerprints(filler + SIG + filler) == [PINNED]


@pytest.mark.parametrize(("data", "fault"), [
    ("\n".join(SIG_LINES[:12]), "it is cut off: its last line is missing"),
    (SIG_TEXT.replace(SIG_CHECKSUM, "=AAAA"), "it is damaged: its checksum is wrong"),
    (SIG_TEXT.replace(SIG_LINES[6], SIG_LINES[6][::-1]), "it is damaged: its checksum is wrong"),
    (SIG_TEXT.replace(SIG_LINES[6], "<html>"), "it is damaged: it is not base64"),
    (SIG_TEXT.replace(SIG_LINES[6] + "\n", SIG_LINES[6][:-1] + "\n"), "it is damaged: it is not base64"),
    (armoured(SIG[:200]), "it is cut off in the middle of a packet"),
    (SIG[:200], "it is cut off in the middle of a packet"),
    (b"\x99\x01", "it is cut off in the middle of a packet"),
    (b"\xff", "it is cut off in the middle of a packet"),
    (b"\x9b" + bytes(8), "the packet at byte 0 does not say its length, which a key may not do"),
    (b"\xc6\xe3" + bytes(8), "the packet at byte 0 does not say its length, which a key may not do"),
], ids=[
    "cut", "checksum", "a line turned", "a page", "a letter lost", "cut before", "cut binary", "head", "byte", "no length",
    "partial"])
def test_what_is_not_whole_is_no_key_and_is_said(data, fault):
    found = openpgp.read(data if isinstance(data, bytes) else data.encode())
    assert found == openpgp.Found([], [fault])


@pytest.mark.parametrize("order", [0, 1])
def test_a_damaged_block_hides_no_other(order):
    blocks = [SIG_TEXT, armoured(quantum_key(), checksum="=AAAA")]
    found = openpgp.read("".join(blocks[order:] + blocks[:order]).encode())
    assert [key.fingerprint for key in found.keys] == [PINNED]
    assert found.faults == [f"block {2 - order}: it is damaged: its checksum is wrong"]


def test_a_block_that_is_cut_off_hides_not_the_next():
    found = openpgp.read(("\n".join(SIG_LINES[:9]) + "\n" + SIG_TEXT).encode())
    assert [key.fingerprint for key in found.keys] == [PINNED]
    assert found.faults == ["block 1: it is cut off: its last line is missing"]


@pytest.mark.parametrize("data", [
    b"", b"\n", b"ssh-rsa AAAA", b"<html>not found</html>", SIG_TEXT.replace("PUBLIC", "PRIVATE").encode()])
def test_what_has_no_key(data):
    assert openpgp.read(data) == openpgp.Found([], [])


def test_no_bytes_make_it_raise():
    chance = random.Random(7)
    for length in range(0, len(SIG), 3):
        assert fingerprints(SIG[:length]) in ([], [PINNED])
        spoilt = bytearray(SIG)
        spoilt[length] ^= 1 << chance.randrange(8)
        openpgp.read(bytes(spoilt))
        openpgp.read(armoured(bytes(spoilt)).encode())
        openpgp.read(chance.randbytes(length % 90))
    assert fingerprints(SIG) == [PINNED]


def test_a_key_is_armoured_alone():
    key = openpgp.read((armoured(OTHER) + SIG_TEXT + armoured(quantum_key())).encode()).keys[1]
    text = key.armoured()
    assert openpgp.read(text.encode()) == openpgp.Found([key], [])
    assert SIG_CHECKSUM in text and text.count("BEGIN") == 1


@pytest.mark.parametrize("part", [
    packet(14, key_body(6, 35)) + packet(2, signature_body(6, 0x18)),
    packet(14, key_body(4, 35)) + packet(2, signature_body(4, 0x18)),
    packet(2, signature_body(6, 0x13)),
    packet(62, b"own use") + packet(12, b"trust"),
    packet(14, b""),
], ids=["newer subkey", "newer algorithm", "newer signature", "unknown packets", "empty subkey"])
def test_what_older_rpm_refuses_a_key_for_is_left_out(part):
    (key,) = openpgp.read(SIG + part).keys
    assert key.fingerprint == PINNED
    assert openpgp.read(key.armoured().encode()).keys == openpgp.read(SIG).keys


def test_a_newer_key_keeps_its_own_parts():
    data = quantum_key() + packet(14, key_body(6, 35)) + packet(2, signature_body(6, 0x18))
    (key,) = openpgp.read(data).keys
    assert [packet.tag for packet in key.packets] == [6, 2, 13, 2, 14, 2]
    assert openpgp.read(key.armoured().encode()).keys == [key]
