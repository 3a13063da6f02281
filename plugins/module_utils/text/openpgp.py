# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenPGP public keys, as RFC 9580 has them: read from armoured or binary data, and armoured again one by one.

A file may hold several armour blocks, and a block several keys. What is unknown is skipped by its length, so that a key of an
algorithm or version that nobody here knows hides no other key. Signatures are not verified: rpm does that.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import typing as t

BEGIN, END = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"
ARMOUR_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9 -]*:")
LINE = 64

SIGNATURE, PUBLIC_KEY, USER_ID, SUBKEY, USER_ATTRIBUTE = 2, 6, 13, 14, 17
# Version of a key -> the versions of signatures that belong to it.
SIGNATURES_OF = {4: (3, 4), 5: (5,), 6: (6,)}
# The last algorithm of RFC 9580; those of post-quantum keys come after it.
LAST_ALGORITHM = 28


class Malformed(ValueError):
    """Data that are no sequence of packets; the text says why."""


class Packet(t.NamedTuple):
    """One packet: its tag, what it holds, and its bytes with their header."""

    tag: int
    body: bytes
    raw: bytes


class Key(t.NamedTuple):
    """A public key: its fingerprint in upper-case hex digits (empty for an unknown version), those of its subkeys, its first
    user id, when it was made, and its packets in their order."""

    version: int
    fingerprint: str
    subkeys: list[str]
    user_id: str
    created: int
    packets: list[Packet]

    def __str__(self) -> str:
        name = self.fingerprint or f"of unknown version {self.version}"
        return f"{name} ({self.user_id})" if self.user_id else name

    def made(self, signer: str) -> bool:
        """Say whether a key id or fingerprint, in hex digits, names this key or a subkey of it."""
        return any(
            found.startswith(signer.upper()) if len(found) == 64 else found.endswith(signer.upper())
            for found in (self.fingerprint, *self.subkeys) if found and signer)

    def armoured(self) -> str:
        """Return this key alone as an armoured text.

        Parts of other versions than its own and subkeys of newer algorithms are left out: older rpm refuses a whole key for them.
        """
        return _armour(b"".join(packet.raw for packet in _own(self.version, self.packets)))


class Found(t.NamedTuple):
    """The keys in some data, and why parts of them could not be read."""

    keys: list[Key]
    faults: list[str]


def read(data: bytes) -> Found:
    """Return the keys in armoured or binary data. Text around the blocks is passed over."""
    if data[:1] >= b"\x80" and BEGIN.encode("ascii") not in data:
        blocks, faults = [("", data)], []
    else:
        blocks, faults = _blocks(data.decode("latin-1"))
    keys = []
    for where, content in blocks:
        packets, fault = _packets(content)
        if fault:
            faults.append(where + fault)
        keys += _keys(packets)
    return Found(keys, faults)


def _blocks(text: str) -> tuple[list[tuple[str, bytes]], list[str]]:
    """Return the content of each armour block with its number in words, and what is wrong with the others."""
    bodies: list[tuple[list[str], bool]] = []
    inside = False
    for line in (line.strip() for line in re.split(r"\r\n|\n|\r", text)):
        if line == BEGIN:
            bodies.append(([], False))
            inside = True
        elif line == END and inside:
            bodies[-1] = (bodies[-1][0], True)
            inside = False
        elif inside:
            bodies[-1][0].append(line)
    blocks, faults = [], []
    for number, (lines, ended) in enumerate(bodies, 1):
        where = f"block {number}: " if len(bodies) > 1 else ""
        try:
            if not ended:
                raise Malformed("it is cut off: its last line is missing")
            blocks.append((where, _unarmoured(lines)))
        except Malformed as fault:
            faults.append(f"{where}{fault}")
    return blocks, faults


def _unarmoured(lines: t.Sequence[str]) -> bytes:
    """Return what the lines between the first and the last of an armour block encode. The checksum is optional."""
    body = [line for line in lines if line and not ARMOUR_HEADER.match(line)]
    given = body.pop()[1:] if body and body[-1].startswith("=") else ""
    try:
        data = base64.b64decode("".join(body), validate=True)
    except binascii.Error as error:
        raise Malformed("it is damaged: it is not base64") from error
    if given and given != _checksum(data):
        raise Malformed("it is damaged: its checksum is wrong")
    return data


def _armour(data: bytes) -> str:
    encoded = base64.b64encode(data).decode("ascii")
    lines = [encoded[start:start + LINE] for start in range(0, len(encoded), LINE)]
    return "\n".join([BEGIN, "", *lines, f"={_checksum(data)}", END, ""])


def _checksum(data: bytes) -> str:
    """Return the CRC-24 of an armour block as it is written there."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _bit in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return base64.b64encode(crc.to_bytes(3, "big")).decode("ascii")


def _packets(data: bytes) -> tuple[list[Packet], str]:
    """Return the packets up to the first one that is not whole, and what is wrong with that one."""
    packets, at = [], 0
    while at < len(data):
        try:
            tag, start, size = _head(data, at)
            if start + size > len(data):
                raise Malformed("it is cut off in the middle of a packet")
        except IndexError:
            return packets, "it is cut off in the middle of a packet"
        except Malformed as fault:
            return packets, str(fault)
        packets.append(Packet(tag, data[start:start + size], data[at:start + size]))
        at = start + size
    return packets, ""


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Return the tag of a packet, where its body begins, and the size of that."""
    first = data[at]
    if not first & 0x80:
        raise Malformed(f"byte {at} is not the beginning of a packet")
    if first & 0x40:
        size = data[at + 1]
        if size < 192:
            return first & 0x3F, at + 2, size
        if size < 224:
            return first & 0x3F, at + 3, ((size - 192) << 8) + data[at + 2] + 192
        if size == 255:
            return first & 0x3F, at + 6, _number(data, at + 2, 4)
    elif first & 0x03 < 3:
        width = 1 << (first & 0x03)
        return (first & 0x3C) >> 2, at + 1 + width, _number(data, at + 1, width)
    raise Malformed(f"the packet at byte {at} does not say its length, which a key may not do")


def _number(data: bytes, at: int, width: int) -> int:
    if at + width > len(data):
        raise Malformed("it is cut off in the middle of a packet")
    return int.from_bytes(data[at:at + width], "big")


def _keys(packets: t.Sequence[Packet]) -> list[Key]:
    """Return the keys in a sequence of packets: each begins with its primary key."""
    starts = [number for number, packet in enumerate(packets) if packet.tag == PUBLIC_KEY and packet.body]
    return [_key(list(packets[start:end])) for start, end in zip(starts, [*starts[1:], len(packets)])]


def _key(packets: list[Packet]) -> Key:
    first = packets[0]
    names = [packet.body.decode("utf-8", "replace") for packet in packets if packet.tag == USER_ID]
    subkeys = [_fingerprint(packet.body) for packet in packets if packet.tag == SUBKEY]
    return Key(
        first.body[0], _fingerprint(first.body), [found for found in subkeys if found], names[0] if names else "",
        int.from_bytes(first.body[1:5], "big"), packets)


def _fingerprint(body: bytes) -> str:
    """Return the fingerprint of a key packet, empty where its version is unknown."""
    version = body[0] if body else 0
    if version == 4:
        # SHA-1 names the key here and protects nothing, so FIPS mode may allow it.
        return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).hexdigest().upper()
    if version in (5, 6):
        mark = b"\x9a" if version == 5 else b"\x9b"
        return hashlib.sha256(mark + len(body).to_bytes(4, "big") + body).hexdigest().upper()
    return ""


def _own(version: int, packets: t.Sequence[Packet]) -> list[Packet]:
    """Return the packets of a key without what older rpm refuses the whole key for, and without what belongs to such a part."""
    signatures = SIGNATURES_OF.get(version)
    if signatures is None:
        return list(packets)
    kept, part = [], False
    for packet in packets:
        if packet.tag == PUBLIC_KEY:
            part = True
        elif packet.tag == SUBKEY:
            part = packet.body[:1] == bytes([version]) and (version != 4 or packet.body[5:6] <= bytes([LAST_ALGORITHM]))
        elif packet.tag in (USER_ID, USER_ATTRIBUTE):
            part = True
        elif packet.tag != SIGNATURE:
            continue
        if part and (packet.tag != SIGNATURE or (packet.body and packet.body[0] in signatures)):
            kept.append(packet)
    return kept
