# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a ledger file: one JSON object a line, each with a checksum, so that a damaged one is known and hides no other."""

from __future__ import annotations

import hashlib
import json
import typing as t

SUM = "sum"
# How many hex digits of SHA-256 a line carries. They show damage and protect nothing.
DIGITS = 16
_BEFORE_SUM = f', "{SUM}": "'.encode("ascii")
_LINE_END = b'"}'


class Lines(t.NamedTuple):
    """What a ledger file holds. C(good) are the whole lines in order, C(damaged) the numbers of those whose checksum differs,
    counted from 1. C(torn) says that the file ends in a line that was not written to its end."""

    good: list[dict[str, t.Any]]
    damaged: list[int]
    torn: bool


def encode(line: t.Mapping[str, t.Any]) -> bytes:
    """Return a line as it is written, with its checksum as the last member."""
    text = json.dumps(line, sort_keys=True).encode("utf-8")
    return text[:-1] + _BEFORE_SUM + _checksum(text) + _LINE_END + b"\n"


def decode(content: bytes) -> Lines:
    """Return what a ledger file holds."""
    whole, _newline, rest = content.rpartition(b"\n")
    good, damaged = [], []
    for number, text in enumerate(whole.split(b"\n") if whole else [], 1):
        line = _line(text)
        if line is None:
            damaged.append(number)
        else:
            good.append(line)
    return Lines(good, damaged, bool(rest))


def whole_bytes(content: bytes) -> int:
    """Return how many bytes of a file are whole lines."""
    return content.rfind(b"\n") + 1


def _line(text: bytes) -> dict[str, t.Any] | None:
    """Return a line, None where it is not what was written."""
    head, mark, tail = text.rpartition(_BEFORE_SUM)
    if not mark or tail != _checksum(head + b"}") + _LINE_END:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _checksum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest()[:DIGITS].encode("ascii")
