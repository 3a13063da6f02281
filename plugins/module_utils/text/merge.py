# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take one change of a text back while another one that was made since stays, line by line."""

from __future__ import annotations

import difflib
import typing as t

Edit = tuple[int, int, list[str]]


def without(written: str, before: str, now: str) -> str | None:
    """Return the text as it is now without the change from C(before) to C(written); None where both changes touch the same."""
    base = written.splitlines(keepends=True)
    ours, theirs = _edits(base, before), _edits(base, now)
    if any(_meet(one, other) for one in ours for other in theirs):
        return None
    lines = list(base)
    for first, last, new in sorted(ours + theirs, key=lambda edit: edit[:2], reverse=True):
        lines[first:last] = new
    return "".join(lines)


def _edits(base: t.Sequence[str], text: str) -> list[Edit]:
    lines = text.splitlines(keepends=True)
    codes = difflib.SequenceMatcher(None, base, lines, autojunk=False).get_opcodes()
    return [(first, last, lines[start:end]) for tag, first, last, start, end in codes if tag != "equal"]


def _meet(one: Edit, other: Edit) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]
