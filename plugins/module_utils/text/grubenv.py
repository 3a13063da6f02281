# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GRUB's environment block C(grubenv), and what of C(grub.cfg) tells how it is used.

The block is read as GRUB reads it and edited in its size. All functions are pure.
"""

from __future__ import annotations

import re
import typing as t

# The environment block: its first line, and the size that grub2-editenv gives it and GRUB writes back in place.
SIGNATURE = "# GRUB Environment Block\n"
SIZE = 1024

# What grub2-mkconfig writes where GRUB_DEFAULT is "saved", and where entries are files of their own.
SAVED_DEFAULT = re.compile(r'''^\s*set\s+default=["']?\$\{?saved_entry\}?["']?\s*$''', re.M)
ONCE_DEFAULT = re.compile(r'''^\s*set\s+default=["']?\$\{?next_entry\}?["']?\s*$''', re.M)
BLSCFG = re.compile(r"^\s*blscfg\b", re.M)
# Variables that grub.cfg itself gives a text, as that of TuneD does; the environment block is read after it.
ASSIGNMENT = re.compile(r'''^\s*set\s+(?P<name>\w+)=(?:"(?P<double>[^"$\\]*)"|(?P<bare>[^\s"'$\\]+))[ \t]*$''', re.M)


def parse(text: str) -> dict[str, str]:
    """Return the variables of an environment block; a backslash keeps the character after it."""
    return {name: _unescaped(value) for name, value in _assignments(text)}


def valid(text: str | None) -> bool:
    """Say whether GRUB takes a text for an environment block."""
    return text is not None and text.startswith(SIGNATURE) and len(text.encode("utf-8", "surrogateescape")) >= 512


def with_variables(text: str | None, changes: t.Mapping[str, str | None]) -> str:
    """Return an environment block with variables set, or with C(None) removed. No block gives a new one.

    Raises ValueError when the block has no room for it: its size must stay, since GRUB writes it in place.
    """
    size = len(text.encode("utf-8", "surrogateescape")) if text is not None and valid(text) else SIZE
    body = text if text is not None and valid(text) else SIGNATURE
    kept, seen = [], set()
    for line in _logical_lines(body):
        name, equals, _value = line.partition("=")
        if line.startswith("#") or not equals:
            if line.startswith("# "):
                kept.append(line)
            continue
        if name not in changes:
            kept.append(line)
        elif changes[name] is not None and name not in seen:
            kept.append(f"{name}={_escaped(changes[name] or '')}")
        seen.add(name)
    kept += [f"{name}={_escaped(value)}" for name, value in changes.items() if value is not None and name not in seen]
    block = "".join(f"{line}\n" for line in kept)
    room = size - len(block.encode("utf-8", "surrogateescape"))
    if room < 0:
        raise ValueError(f"the environment block has {size} bytes, and this takes {-room} more")
    return block + "#" * room


def _assignments(text: str) -> t.Iterator[tuple[str, str]]:
    for line in _logical_lines(text):
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            yield name, value


def _logical_lines(text: str) -> list[str]:
    """Split at line ends that no backslash precedes. The padding is the last line."""
    return re.findall(r"(?:[^\\\n]|\\[\s\S])+", text)


def _escaped(value: str) -> str:
    return re.sub(r"([\\\n])", r"\\\1", value)


def _unescaped(value: str) -> str:
    return re.sub(r"\\([\s\S])", r"\1", value)


def assigned(config: str) -> dict[str, str]:
    """Return the variables that GRUB's configuration gives a plain text."""
    return {match["name"]: match["double"] or match["bare"] or "" for match in ASSIGNMENT.finditer(config)}
