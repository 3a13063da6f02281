# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of dnf's versionlock plugin, as text: which lines are ours, and how they are put in and taken out.

The detached runner uses it too. A line is a pattern; the plugin's own
commands write C(name-epoch:version-release.*), and drop all comments when they rewrite the file, so that no comment can
tell whose a line is: the journal does.
"""

from __future__ import annotations

import typing as t

from . import ini

CONF = "versionlock.conf"
FOLDER = "/etc/dnf/plugins"
DEFAULT = f"{FOLDER}/versionlock.list"
SAYS = "# The next lines are of centos.hyperscale, which moves them with the packages."


def line_of(name: str, epoch: int, version: str, release: str) -> str:
    """Return the line that locks a package to a build, as 'dnf versionlock add' writes it."""
    return f"{name}-{epoch}:{version}-{release}.*"


def name_of(line: str) -> str:
    """Return the name of the package that a line of this form locks."""
    return line.rsplit("-", 2)[0]


def lines_of(text: str) -> list[str]:
    """Return the patterns in a list."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def replaced(text: str, old: t.Collection[str], new: t.Collection[str]) -> str:
    """Return a list with our old lines out and our new ones at its end; all else stays as it is."""
    kept = "".join(line for line in text.splitlines(keepends=True) if line.strip() not in (*old, SAYS))
    if not new:
        return kept
    gap = "" if not kept or kept.endswith("\n") else "\n"
    return f"{kept}{gap}{SAYS}\n" + "".join(f"{line}\n" for line in sorted(new))


def settings(text: str) -> dict[str, str]:
    """Return what the plugin's configuration says in its main section. Raises ini.Malformed."""
    return ini.main_section(text)
