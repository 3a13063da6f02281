# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Symbols that no library has: what the linker says when it loads a program without running it.

Packages declare libraries and versions of symbols, not the symbols themselves; a library without version nodes can lose
one unseen. The linker loads what it is asked about, so only files that installed packages own are ever given to it.
"""

from __future__ import annotations

import re
import typing as t

from ...facts.view import NOT_FOUND, View
from ..predicted.relations import SONAME
from ..swap import nevra_of

try:
    import rpm
except ImportError:  # said by whoever calls, before anything here is used
    rpm = None

MOST = 400
AT_ONCE = 40
HEADING = re.compile(r"^(?P<path>/.+):$")
UNDEFINED = re.compile(r"^undefined symbol: (?P<name>[^\s,]+)(?:, version (?P<version>\S+))?")
# An old symbol version: the linker names the library, the version and who asks for it.
NO_VERSION = re.compile(r"version [`'](?P<version>[^']+)' not found \(required by ")
UNVERSIONED = re.compile(r"^symbol (?P<name>[^\s,]+), version (?P<version>\S+) not defined in file ")
NO_LIBRARY = re.compile(r"^(?P<library>\S+) => not found")


class Consumers(t.NamedTuple):
    """Files to look at. C(left_out) counts those beyond the most that are looked at."""

    paths: list[str]
    left_out: int


def unresolved(view: View, paths: t.Sequence[str]) -> dict[str, list[str]]:
    """Return for each path what it asks for and does not find; nothing where there is no ldd."""
    found: dict[str, list[str]] = {}
    for start in range(0, len(paths), AT_ONCE):
        some = list(paths[start : start + AT_ONCE])
        # ldd ends with 1 where one of them is no dynamic program, and goes on with the others.
        status, out = view.run(["ldd", "-r", *some])
        if status == NOT_FOUND:
            raise OSError("ldd: no such command")
        if status not in (0, 1):
            raise OSError(f"'ldd -r' ended with status {status}")
        found.update(parsed(out, some))
    return found


def parsed(out: str, paths: t.Sequence[str]) -> dict[str, list[str]]:
    """Return what ldd said of each path; of a single one it does not say the name."""
    said: dict[str, set[str]] = {path: set() for path in paths}
    current = paths[0]
    for line in out.splitlines():
        heading = HEADING.match(line)
        if heading and heading.group("path") in said:
            current = heading.group("path")
            continue
        trouble = _trouble(line.strip())
        if trouble:
            said[current].add(trouble)
    return {path: sorted(found) for path, found in said.items()}


def _trouble(line: str) -> str:
    symbol = UNDEFINED.match(line) or UNVERSIONED.match(line)
    if symbol:
        return f"{symbol.group('name')}@{symbol.group('version')}" if symbol.group("version") else symbol.group("name")
    version = NO_VERSION.search(line)
    if version:
        return f"version {version.group('version')}"
    library = NO_LIBRARY.match(line)
    return f"library {library.group('library')}" if library else ""


def consumers(ts: t.Any, names: t.Iterable[str], most: int = MOST) -> Consumers:
    """Return the programs and libraries of some packages and of those that are linked with their libraries."""
    own = [header for name in sorted(set(names)) for header in ts.dbMatch("name", name)]
    # Who requires a symbol version of a library requires the library itself as well.
    sonames = {name for header in own for name in header[rpm.RPMTAG_PROVIDENAME] or () if _library(name)}
    users: dict[str, t.Any] = {}
    for soname in sorted(sonames):
        users.update({nevra_of(header): header for header in ts.dbMatch("requirename", soname)})
    for header in own:
        users.pop(nevra_of(header), None)
    ordered = [*own, *(users[nevra] for nevra in sorted(users))]
    paths = list(dict.fromkeys(path for header in ordered for path in sorted(_linked(header))))
    return Consumers(paths[:most], max(0, len(paths) - most))


def _library(capability: str) -> bool:
    match = SONAME.match(capability)
    return match is not None and not match.group("node")


def _linked(header: t.Any) -> list[str]:
    return [
        entry.name for entry in rpm.files(header)
        if _dynamic(getattr(entry, "class") or "") and not entry.fflags & rpm.RPMFILE_GHOST]


def _dynamic(content: str) -> bool:
    return content.startswith("ELF") and ("dynamically linked" in content or "shared object" in content)


def program(ts: t.Any, path: str) -> bool:
    """Say whether a path is a program; a library that is loaded by one may rest on symbols that the program has."""
    return any(
        "executable" in (getattr(entry, "class") or "")
        for header in ts.dbMatch("basenames", path) for entry in rpm.files(header) if entry.name == path)
