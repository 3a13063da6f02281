# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns that find a command where a line runs it, and not where its name only stands."""

from __future__ import annotations

import functools
import re
import typing as t

# Words that run what comes after them, with options and numbers of their own in between. All repeats are bounded, for a
# long line of no script at all must not take minutes.
_WRAPPERS = (
    r"(?:then|do|else|elif|if|while|until|exec|eval|sudo|nohup|nice|ionice|env|time|timeout|xargs|flock|command|setsid)"
    r"\s+(?:-u\s+\S+\s+|-\S+\s+|[0-9]\S*\s+){0,4}"
)
# Where a command begins: a line, what separates commands, a wrapper, the text for a shell, an argument list.
_BEGIN = r"""(?:^|[;&|(){`!]\s*|-c\s+["']|[\[(]\s*["']|(?<!\S)""" + _WRAPPERS + ")"
_ASSIGNMENTS = r"(?:\w{1,40}=\S{0,200}\s+){0,4}"
_START = _BEGIN + _ASSIGNMENTS + f"(?:{_WRAPPERS}{_ASSIGNMENTS}){{0,3}}" + r"(?:/[\w./+-]{0,200})?(?<![\w.+-])"
_END = r"""(?=$|[\s;&|)`"',\]])"""
# Between the words of one command; an argument list of a script puts quotes and a comma there.
_GAP = r"""(?:\s+|["']\s*,\s*["'])"""
OPTIONS = r"(?:-\S+\s+){0,4}"


def command(*words: str) -> t.Pattern[str]:
    """Return what finds a command of these words, with group C(command)."""
    return re.compile(_START + "(?P<command>" + _GAP.join(f"(?:{word})" for word in words) + ")" + _END)


@functools.cache
def path(name: str) -> t.Pattern[str]:
    """Return what finds a path or something below it, and no longer path that contains it."""
    return re.compile(r"(?<![\w./}-])" + re.escape(name) + r"(?![\w.-])")
