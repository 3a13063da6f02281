# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scriptlets and triggers of the lab's packages, as text of a spec; C(scriptlets.yml) has what those of EL and of the SIG run."""

from __future__ import annotations

import functools
import re
import typing as t

import yaml

from .common import HERE, LabError

FOLDER = HERE / "rpm"
MACROS = FOLDER / "macros.systemd"
# Keys of a package that are no scriptlets.
FILES = ("ships", "ghosts")


class Scripts(t.NamedTuple):
    """What the packages of one build run and ship besides their payload."""

    globals: dict[str, str]
    packages: dict[str, dict[str, t.Any]]

    def ships(self, package: str) -> dict[str, str]:
        """Return the text of each file that a package has besides its payload."""
        return {path: (FOLDER / name).read_text() for path, name in self.packages.get(package, {}).get("ships", {}).items()}

    def ghosts(self, package: str) -> dict[str, str]:
        """Return the mode of each file that a package owns and does not bring: what it runs makes it."""
        return self.packages.get(package, {}).get("ghosts", {})

    def preamble(self) -> list[str]:
        """Return the lines that a spec begins with: the macros that scriptlets call."""
        if not self.packages:
            return []
        return [f"%{{load:{MACROS}}}", *(f"%global {name} {value}" for name, value in self.globals.items())]

    def sections(self, package: str) -> list[str]:
        """Return the sections of a package, one a scriptlet or trigger."""
        lines = []
        for slot, body in self.packages.get(package, {}).items():
            if slot not in FILES:
                kind, _space, rest = slot.partition(" ")
                options, dashes, condition = rest.partition("-- ")
                lines += [" ".join(filter(None, (f"%{kind}", options.strip(), f"-n {package}", dashes + condition))), body]
        return lines

    def inputs(self) -> t.Any:
        """Return all that these make of a package, for a digest."""
        macros = MACROS.read_text() if self.packages else ""
        return macros, self.globals, [
            (name, self.sections(name), self.ships(name), self.ghosts(name)) for name in self.packages]


@functools.cache
def table() -> dict[str, t.Any]:
    """Return the table of scriptlets."""
    return yaml.safe_load((HERE / "scriptlets.yml").read_text())


def of(build: dict[str, t.Any], version: str) -> Scripts:
    """Return what the packages of a build run: those of the first row of the table that fits."""
    for row in table()["rows"]:
        if row["of"] == build["source"] and build["stream"] in row.get("streams", [build["stream"]]) and _before(version, row):
            return Scripts(row.get("globals", {}), row["packages"])
    return Scripts({}, {})


def _before(version: str, row: dict[str, t.Any]) -> bool:
    if "below" not in row:
        return True
    found = re.match(r"\d+", version)
    if not found:
        raise LabError(f"{version} of {row['of']} is no version that can be compared with {row['below']}")
    return int(found.group()) < int(row["below"])
