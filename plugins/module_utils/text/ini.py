# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The INI files of dnf: dnf.conf, .repo files and the configuration of its plugins, read as libdnf of dnf 4 reads them.

The detached runner uses it too, so it rests on the standard library alone.
"""

from __future__ import annotations

MAIN = "main"
BLANKS = " \t\r"
COMMENTS = ("#", ";")
TRUE = ("1", "yes", "true", "on")

Options = dict[str, str]


class Malformed(ValueError):
    """A text that dnf would not read. C(line) is the number of the line at fault, from 1; what stands in it is not told."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line


def sections(text: str) -> dict[str, Options]:
    """Return the options of each section, in the order of the text. Raises Malformed.

    Names are kept as they are written. Of two options of one name the last counts, and a section that comes again goes on.
    An indented line goes on with the value above it, but not across an empty line or a comment. A comment begins in the first
    column, and never behind a value.
    """
    found: dict[str, Options] = {}
    section, key = "", ""
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        said = line.strip(BLANKS)
        if not line or line.startswith(COMMENTS) or not (said or key):
            key = ""
        elif said.startswith("["):
            section, key = _section(number, said), ""
            found.setdefault(section, {})
        elif not section:
            raise Malformed(number, "it has no section header before it")
        elif line[0] not in BLANKS:
            key, value = _option(number, said)
            found[section][key] = value
        elif key:
            found[section][key] += "\n" + said
        else:
            raise Malformed(number, "it is indented, and no option stands right above it")
    return {name: {key: value.rstrip("\n") for key, value in options.items()} for name, options in found.items()}


def main_section(text: str) -> Options:
    """Return the options of section main, none where there is no such section. Raises Malformed."""
    return sections(text).get(MAIN, {})


def is_true(value: str) -> bool:
    """Say whether a value means yes."""
    return value.strip().lower() in TRUE


def _section(number: int, said: str) -> str:
    name, bracket, rest = said[1:].partition("]")
    if not bracket:
        raise Malformed(number, "the name of the section has no closing bracket")
    if not name:
        raise Malformed(number, "the name of the section is empty")
    # libdnf does not look at the last character of the line.
    if rest[:-1].strip(BLANKS) and not rest.strip(BLANKS).startswith(COMMENTS):
        raise Malformed(number, "something follows the name of the section")
    return name


def _option(number: int, said: str) -> tuple[str, str]:
    name, equals, value = said.partition("=")
    if not equals:
        raise Malformed(number, "it has no '='")
    if not name:
        raise Malformed(number, "it has no name before '='")
    return name.rstrip(BLANKS), value.strip(BLANKS)
