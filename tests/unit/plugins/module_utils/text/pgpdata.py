# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SIG's own key, and data of OpenPGP that are built from it byte by byte."""

from __future__ import annotations

import base64
import pathlib

SIG_TEXT = (pathlib.Path(__file__).parent / "hyperscale.asc").read_text()
SIG_LINES = SIG_TEXT.splitlines()
SIG = base64.b64decode("".join(SIG_LINES[SIG_LINES.index("") + 1:-2]))
SIG_CHECKSUM = SIG_LINES[-2]


def packet(tag, body):
    """Return a packet of the newer form."""
    size = len(body)
    if size < 192:
        length = bytes([size])
    elif size < 8384:
        length = bytes([((size - 192) >> 8) + 192, (size - 192) & 255])
    else:
        length = b"\xff" + size.to_bytes(4, "big")
    return bytes([0xC0 | tag]) + length + body


def old_packet(tag, body, width):
    """Return a packet of the older form, its length in so many bytes."""
    return bytes([0x80 | tag << 2 | {1: 0, 2: 1, 4: 2}[width]]) + len(body).to_bytes(width, "big") + body


def key_body(version, algorithm, material=bytes(40)):
    """Return what the packet of a public key or subkey has in it."""
    head = bytes([version]) + (1700000000).to_bytes(4, "big") + bytes([algorithm])
    return head + (len(material).to_bytes(4, "big") if version > 4 else b"") + material


def signature_body(version, kind):
    """Return the beginning of a signature, and what nobody here looks at."""
    return bytes([version, kind]) + bytes(80)


def quantum_key(user_id="Post-quantum <quantum@example.org>"):
    """Return a key of version 6 and an algorithm after those of RFC 9580, in the shape that distributions publish."""
    return (
        packet(6, key_body(6, 30, bytes(2649))) + packet(2, signature_body(6, 0x1F)) + packet(13, user_id.encode())
        + packet(2, signature_body(6, 0x13)))


def armoured(data, headers=(), checksum=""):
    """Return data as an armour block with these headers, and with a checksum where one is given."""
    text = base64.b64encode(data).decode()
    lines = [text[start:start + 76] for start in range(0, len(text), 76)]
    return "\n".join([
        "-----BEGIN PGP PUBLIC KEY BLOCK-----", *headers, "", *lines, *([checksum] if checksum else []),
        "-----END PGP PUBLIC KEY BLOCK-----", ""])
