# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts of sh, such as scriptlets of packages, as the commands in them with the values of the variables that they set.

No command is carried out and no condition is weighed: both branches of an if are there, and a variable that both set has the
value of the second. A word that keeps a dollar sign or a backquote is not known.
"""

from __future__ import annotations

import re
import shlex
import typing as t

CONTINUED = re.compile(r"\\\n\s*")
# An innermost loop over words; its body has no other loop.
LOOP = re.compile(r"\bfor[ \t]+(\w+)[ \t]+in\b([^;\n]*)[;\n]\s*do\b((?:(?!\bfor[ \t]+\w+[ \t]+in\b).)*?)\bdone\b", re.DOTALL)
SEPARATOR = re.compile(r"\n|;|&&|\|\|?|(?<!>)&(?!>)")
VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
ALTERNATE = re.compile(r"\$\{([A-Za-z_]\w*):\+([^}]*)\}")
ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
REDIRECTION = re.compile(r"\d*&?[<>]")
RESERVED = frozenset(("if", "then", "elif", "else", "while", "until", "do", "!", "{"))
UNKNOWN = re.compile(r"[$`]")
# Stands for words that cannot be told.
NOT_READ = "$"
# More loops than any scriptlet has.
MOST_LOOPS = 100


def commands(script: str) -> t.Iterator[list[str]]:
    """Return the commands of a script as lists of words, without redirections and what follows them."""
    values: dict[str, str | None] = {}
    for piece in SEPARATOR.split(_unrolled(CONTINUED.sub(" ", script))):
        words, whole = _words(_filled(piece, values))
        while words and words[0] in RESERVED:
            words.pop(0)
        words = words[:next((at for at, word in enumerate(words) if REDIRECTION.match(word)), len(words))]
        assigned = ASSIGNMENT.fullmatch(words[0]) if len(words) == 1 else None
        if assigned:
            values[assigned.group(1)] = assigned.group(2) if whole and is_known(assigned.group(2)) else None
        elif words:
            yield words if whole else [*words, NOT_READ]


def _words(piece: str) -> tuple[list[str], bool]:
    """Return the words of a command, and whether that is all: a quotation may go on in the next piece."""
    try:
        return shlex.split(piece, comments=True), True
    except ValueError:
        return piece.split(), False


def is_known(word: str) -> bool:
    """Say whether a word is what the script passes, whatever it finds on the host."""
    return not UNKNOWN.search(word)


def _unrolled(script: str) -> str:
    """Return a script in which each loop over words is its body, once for each word."""
    for _loop in range(MOST_LOOPS):
        found = LOOP.search(script)
        if not found:
            break
        name, items, body = found.groups()
        try:
            words = shlex.split(items)
        except ValueError:
            words = []
        turns = "".join(f"\n{name}={shlex.quote(word)}\n{body}\n" for word in words)
        script = script[:found.start()] + turns + script[found.end():]
    return script


def _filled(text: str, values: dict[str, str | None]) -> str:
    """Return a text with the variables put in whose value is known; one that is nowhere set is taken for unset."""
    def alternate(found: re.Match[str]) -> str:
        value = values.get(found.group(1), "")
        return found.group() if value is None else found.group(2) if value else ""

    def value(found: re.Match[str]) -> str:
        known = values.get(found.group(1) or found.group(2))
        return found.group() if known is None else known

    return VARIABLE.sub(value, ALTERNATE.sub(alternate, text))
