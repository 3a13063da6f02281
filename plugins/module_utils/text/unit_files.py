# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What unit files of systemd say in their [Install] sections, which systemctl reads when it enables them."""

from __future__ import annotations

# The folder below which a link is put for a unit that another one pulls in by each of these.
PULLED_BY = {"WantedBy": ".wants", "RequiredBy": ".requires", "UpheldBy": ".upholds"}


def install_section(text: str) -> list[str]:
    """Return the lines of the [Install] section of a unit file, sorted."""
    lines, inside = [], False
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith("["):
            inside = line == "[Install]"
        elif inside and line and not line.startswith(("#", ";")):
            lines.append(line)
    return sorted(lines)


def links(unit: str, text: str) -> list[str]:
    """Return the links that systemctl puts for a unit when it enables it, below its folder."""
    found = []
    for name, values in _settings(text):
        if name in PULLED_BY:
            found += [f"{by}{PULLED_BY[name]}/{unit}" for by in values]
        elif name == "Alias":
            found += values
    return found


def also(text: str) -> list[str]:
    """Return the units that are enabled and disabled together with one."""
    return [other for name, values in _settings(text) if name == "Also" for other in values]


def _settings(text: str) -> list[tuple[str, list[str]]]:
    pairs = (line.partition("=") for line in install_section(text))
    return [(name.strip(), value.split()) for name, _equals, value in pairs]
