# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of dnf.conf: one option of its main section read, set and taken out, all else left as it is."""

from __future__ import annotations

import re

from . import ini

MAIN = re.compile(r"^\[main\][ \t]*$")
SECTION = re.compile(r"^\[")
FALSE = ("0", "no", "false", "off", "never", "disabled")  # as libdnf's OptionBool reads them


def option(text: str, name: str) -> str | None:
    """Return an option's value. Raises ValueError for text that dnf would not read."""
    found = ini.sections(text)
    if ini.MAIN not in found:
        raise ValueError("it has no section [main]")
    return found[ini.MAIN].get(name)


def is_off(value: str | None) -> bool:
    """Say whether a value means no."""
    return value is not None and value.strip().lower() in FALSE


def line_of(text: str, name: str) -> str | None:
    """Return the line that sets an option, the last one counting."""
    lines = text.split("\n")
    found = [lines[number] for number in _numbers(lines, name)]
    return found[-1] if found else None


def with_line(text: str, name: str, line: str | None) -> str:
    """Return the text with a line in place of an option's, else below its section's last line; None: without the option."""
    lines = text.split("\n")
    there = _numbers(lines, name)
    if there and line is not None:
        lines[there[-1]] = line
    elif there:
        del lines[there[-1]]
    elif line is not None:
        lines.insert(_end_of_main(lines), line)
    return "\n".join(lines)


def _numbers(lines: list[str], name: str) -> list[int]:
    """Return the numbers of the lines in the main section that set an option."""
    wanted = re.compile(rf"^{re.escape(name)}[ \t]*[=:]")
    found, inside = [], False
    for number, line in enumerate(lines):
        if SECTION.match(line):
            inside = bool(MAIN.match(line))
        elif inside and wanted.match(line):
            found.append(number)
    return found


def _end_of_main(lines: list[str]) -> int:
    """Return the number of the line behind the last one of the main section that is not blank."""
    end, inside = 0, False
    for number, line in enumerate(lines):
        if SECTION.match(line):
            inside = bool(MAIN.match(line))
        if inside and line.strip():
            end = number + 1
    return end
