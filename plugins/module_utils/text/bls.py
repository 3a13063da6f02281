# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot entries of the Boot Loader Specification, their order, and which of them GRUB starts.

They are read as blscfg of the GRUB that CentOS builds reads them, and edited without touching the rest. All functions are
pure.
"""

from __future__ import annotations

import re
import typing as t

IMAGE = re.compile(r"^vmlinu[xz]-(.+)$")


class Entry(t.NamedTuple):
    """One boot entry: its id (the file's name without C(.conf)), its path, and its text."""

    id: str
    path: str
    text: str

    def value(self, key: str) -> str:
        """Return the first value of a key, empty when it has none."""
        return next((value for name, value in _pairs(self.text) if name == key), "")

    @property
    def options(self) -> str:
        """The kernel's arguments as the entry has them; an entry with several such lines is read by its first."""
        return self.value("options")

    @property
    def release(self) -> str:
        """The kernel release of the image, as C(uname -r) prints it; empty for an image of another name."""
        image = IMAGE.match(self.value("linux").rsplit("/", 1)[-1])
        return image.group(1) if image else ""

    @property
    def rescue(self) -> bool:
        """Whether it is the rescue image that the installer leaves."""
        return self.release.startswith("0-rescue") or "-0-rescue" in self.id

    @property
    def images(self) -> list[str]:
        """The paths of kernel and initramfs as the boot loader names them; initramfs named by a variable are left out."""
        initrds = [word for word in self.value("initrd").split() if not word.startswith("$")]
        return [path for path in (self.value("linux"), *initrds) if path]


def _pairs(text: str) -> t.Iterator[tuple[str, str]]:
    """Yield keys and values of an entry. GRUB skips comments and blank lines, and strips what stands before a key."""
    for line in text.splitlines():
        key, _blank, value = line.strip().replace("\t", " ", 1).partition(" ")
        if key and not key.startswith("#"):
            yield key, value.strip()


def with_options(text: str, options: str) -> str:
    """Return an entry's text with other arguments, all else as it was."""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.split(None, 1)[:1] == ["options"]:
            lines[number] = f"options {options}\n"
            return "".join(lines)
    end = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{end}options {options}\n"


Order = list[tuple[int, int, str]]


def order(text: str) -> Order:
    """Return what sorts a text as GRUB does: by rpm's rules, without the caret that newer rpm knows.

    Of each segment: a tilde comes before the end, the end before letters, letters before digits.
    """
    return [_segment(part) for part in re.findall(r"~|[0-9]+|[A-Za-z]+", text)] + [(1, 0, "")]


def _segment(part: str) -> tuple[int, int, str]:
    if part == "~":
        return 0, 0, ""
    return (3, int(part), "") if part.isdigit() else (2, 0, part)


def _name_order(entry_id: str) -> list[Order]:
    """Return what GRUB compares of an entry's file name: what could be name, version and release of a package."""
    parts = entry_id.rsplit("-", 2)
    return [order(part) for part in parts + [""] * (3 - len(parts))]


def release_order(release: str) -> list[Order]:
    """Return what kernel releases are sorted by: version, then the rest."""
    version, _dash, rest = release.partition("-")
    return [order(version), order(rest)]


def grub_order(entries: t.Iterable[Entry]) -> list[Entry]:
    """Return entries as GRUB lists them: by their file names, newest first. Those without a kernel are not listed."""
    return sorted((entry for entry in entries if entry.value("linux")), key=lambda entry: _name_order(entry.id), reverse=True)


def chosen(value: str | None, entries: t.Sequence[Entry]) -> Entry | None:
    """Return the entry that GRUB takes for the value of C(saved_entry) or C(next_entry), given the entries in its order.

    An id is looked for first, then a title, then a whole number is an index; what fits nothing means the first entry.
    """
    listed = list(entries)
    if not listed:
        return None
    for found in (entry for entry in listed if value and value == entry.id):
        return found
    for found in (entry for entry in listed if value and value == entry.value("title")):
        return found
    index = int(value) if value and value.isdigit() else 0
    return listed[index] if index < len(listed) else listed[0]


class NextBoot(t.NamedTuple):
    """What GRUB will start: the entry, and whether for this one time only."""

    entry: Entry
    once: bool


def next_boot(entries: t.Iterable[Entry], env: t.Mapping[str, str]) -> NextBoot | None:
    """Return what GRUB starts next by entries and environment block, None when there is no entry."""
    once = bool(env.get("next_entry"))
    entry = chosen(env["next_entry"] if once else env.get("saved_entry"), grub_order(entries))
    return None if entry is None else NextBoot(entry, once)
