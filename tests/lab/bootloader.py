# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GRUB of EL does with the files of C(/boot): which entry it starts, and what it writes back before.

The lab's own reading of these files, on purpose apart from the collection's: one is the witness of the other.
"""

from __future__ import annotations

import pathlib
import re
import typing as t

from .common import LabError

ENTRIES = "boot/loader/entries"
ENVIRONMENT = "boot/grub2/grubenv"
SIGNATURE = b"# GRUB Environment Block\n"
BLOCK_BYTES = 1024


class Entry(t.NamedTuple):
    """One entry of the menu. C(id) is the name of its file without the ending."""

    id: str
    title: str
    linux: str
    initrd: tuple[str, ...]
    options: str


class Choice(t.NamedTuple):
    """What is started, because of which variable, and the environment as it is left behind."""

    entry: Entry
    reason: str
    environment: dict[str, str]


class Start(t.NamedTuple):
    """What a machine starts: files below its root, and a command line."""

    entry: str
    reason: str
    kernel: str
    initrd: tuple[str, ...]
    arguments: str


def parse_environment(block: bytes) -> dict[str, str]:
    """Return the variables of an environment block; one that GRUB would refuse is empty."""
    if len(block) != BLOCK_BYTES or not block.startswith(SIGNATURE):
        return {}
    text = block[len(SIGNATURE):].decode("utf-8", "replace")
    pairs = (line.partition("=") for line in text.split("\n") if "=" in line and not line.startswith("#"))
    return {name: re.sub(r"\\(.)", r"\1", value) for name, _equals, value in pairs}


def format_environment(variables: t.Mapping[str, str]) -> bytes:
    """Return an environment block; what does not fit is an error, as it is for GRUB."""
    lines = "".join("{}={}\n".format(name, value.replace("\\", "\\\\")) for name, value in variables.items())
    block = SIGNATURE + lines.encode()
    if len(block) > BLOCK_BYTES:
        raise ValueError(f"the environment block has {len(block)} bytes and may have {BLOCK_BYTES}")
    return block.ljust(BLOCK_BYTES, b"#")


def parse_entry(entry_id: str, text: str) -> Entry:
    """Return an entry of the Boot Loader Specification."""
    values: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _space, value = line.strip().partition(" ")
        if key and not key.startswith("#"):
            values.setdefault(key, []).append(value.strip())
    initrd = tuple(word for value in values.get("initrd", []) for word in value.split())
    return Entry(
        entry_id, "".join(values.get("title", [""])[:1]), "".join(values.get("linux", [""])[:1]), initrd,
        " ".join(values.get("options", [])))


def version_key(version: str) -> list[tuple[t.Any, ...]]:
    """Return what sorts versions as rpm does: a tilde before the end, letters before numbers."""
    kinds = {"~": 0, "": 1}
    parts = [*re.findall(r"[0-9]+|[A-Za-z]+|~", version), ""]
    return [
        (kinds[part],) if part in kinds else (3, int(part)) if part.isdigit() else (2, part) for part in parts]


def name_key(entry_id: str) -> list[list[tuple[t.Any, ...]]]:
    """Return what sorts entries as GRUB of EL does: by name, version and release, split from the end. What has fewer parts has
    a name at least."""
    parts = entry_id.rsplit("-", 2)
    return [version_key(part) for part in parts + [""] * (3 - len(parts))]


def menu(entries: t.Iterable[Entry]) -> list[Entry]:
    """Return the entries in the order of the menu, the newest first. One without a kernel is not listed."""
    return sorted((entry for entry in entries if entry.linux), key=lambda entry: name_key(entry.id), reverse=True)


def choose(entries: t.Iterable[Entry], environment: t.Mapping[str, str]) -> Choice:
    """Return what is started: the entry for once, which is forgotten, else the saved one, else the newest.

    An entry is named by its number, its id or its title; one that is not there stands for the first, as in GRUB.
    """
    listed = menu(entries)
    left = dict(environment)
    reason = "next_entry" if left.get("next_entry") else "saved_entry"
    name = left.get(reason, "")
    if reason == "next_entry":
        left["next_entry"] = ""
    if name.isdigit():
        found = listed[int(name):int(name) + 1]
    else:
        found = [entry for entry in listed if name and name in (entry.id, entry.title)]
    return Choice(found[0], reason, left) if found else Choice(listed[0], "newest", left)


def expand(text: str, environment: t.Mapping[str, str]) -> str:
    """Put variables into an entry's text; an unknown one is empty."""
    return re.sub(r"\$(\w+|\{\w+\})", lambda found: environment.get(found.group(1).strip("{}"), ""), text).strip()


def start(root: pathlib.Path) -> Start:
    """Choose in a machine's mounted root as its boot loader would, and write back what that writes back."""
    entries = [parse_entry(path.stem, path.read_text()) for path in sorted((root / ENTRIES).glob("*.conf"))]
    if not entries:
        raise LabError(f"the machine has no entry in /{ENTRIES}")
    block = root / ENVIRONMENT
    environment = parse_environment(block.read_bytes()) if block.exists() else {}
    choice = choose(entries, environment)
    if choice.environment != environment:
        with open(block, "r+b") as handle:
            handle.write(format_environment(choice.environment))
    entry = choice.entry
    initrd = tuple(path for path in (expand(word, environment) for word in entry.initrd) if path)
    return Start(entry.id, choice.reason, expand(entry.linux, environment), initrd, expand(entry.options, environment))
