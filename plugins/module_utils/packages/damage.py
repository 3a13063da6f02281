# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of installed packages that are not what rpm wrote: lost in a power cut, or changed by somebody.

rpm's database is on the disk before the files are: after a power cut it may have a package whose files are empty.
"""

from __future__ import annotations

import collections
import os
import re
import typing as t

from ..backup import displaced
from ..core.errors import Failed, Problem
from ..core.host_io import Target
from . import edits, paths

CONFIG, FREE = "c", ("g", "m")  # the letters of rpm for configuration, and for ghosts and what may be missing
BOOTED = re.compile(r"^btime (?P<seconds>\d+)$", re.MULTILINE)
EPOCH = re.compile(r"-\d+:(?=[^-]*-[^-]*$)")


class Changed(t.NamedTuple):
    """A path of an installed package that has another content, size or type than it brought, or is missing.

    C(of_nobody): it is what none of the packages brought that have the path. After a cut, two builds of a package have it.
    """

    path: str
    nevra: str
    config: bool
    missing: bool
    of_nobody: bool = True


def look(target: Target, nevras: t.Collection[str]) -> list[Changed]:
    """Return these paths of some installed packages, but for ghosts. Raises Failed where rpm cannot tell."""
    if not nevras or not _lines(target, nevras):
        return []
    found = [
        Changed(path, nevra, said["kind"] == CONFIG, said["flags"] == edits.MISSING)
        for nevra in sorted(nevras) for path, said in _lines(target, [nevra]).items()]
    owners = collections.Counter(path for header in paths.installed(nevras) for path in paths.names(header))
    differs = collections.Counter(one.path for one in found)
    return [one._replace(of_nobody=differs[one.path] >= owners[one.path]) for one in found]


def _lines(target: Target, nevras: t.Iterable[str]) -> dict[str, dict[str, str]]:
    # rpm finds an installed package by its version and release.
    argv = [*edits.VERIFY, *(EPOCH.sub("-", nevra) for nevra in sorted(nevras))]
    status, out = target.probe(argv)
    found = edits.parse(out)
    if not edits.answered(status, found):
        raise Failed(Problem(
            "package.damage_unknown",
            "rpm cannot tell which files of this host are damaged", f"'{' '.join(argv)}' ended with status {status}",
            "Run it on the host, mend what it names, and run again"))
    return {
        path: said for path, said in found.items()
        if (said["flags"] == edits.MISSING or set("S5LD") & set(said["flags"])) and said["kind"] not in FREE}


def lost(target: Target, changed: t.Iterable[Changed]) -> list[Changed]:
    """Return what was lost: each path that is no configuration, and configuration that was empty when the host was started.

    Configuration that holds something, or that was changed since, is somebody's.
    """
    return [one for one in changed if not one.config or _was_emptied(target, one)]


def _was_emptied(target: Target, one: Changed) -> bool:
    if one.missing:
        return False
    info = os.lstat(target.path(one.path))
    return info.st_size == 0 and info.st_ctime < _booted()


def _booted() -> float:
    """Return when the machine was started, in seconds since the epoch; 0 where that cannot be read."""
    try:
        with open("/proc/stat", encoding="ascii", errors="replace") as handle:
            match = BOOTED.search(handle.read())
    except OSError:
        return 0.0
    return float(match.group("seconds")) if match else 0.0


def make_way(target: Target, changed: t.Iterable[Changed]) -> None:
    """Remove configuration that was lost: rpm writes it anew only where there is none."""
    for one in changed:
        if one.config and _was_emptied(target, one):
            os.unlink(target.path(one.path))


def keep(target: Target, run: str, changed: t.Iterable[Changed], since: float) -> list[str]:
    """Keep what paths hold that rpm is about to write over, and that was changed after C(since); returns in words where it is."""
    words = []
    for one in changed:
        real = target.path(one.path)
        if one.config or one.missing or not one.of_nobody or not (os.path.islink(real) or os.path.isfile(real)):
            continue
        info = os.lstat(real)
        if info.st_size == 0 or info.st_ctime < since:
            continue
        place = displaced.copy(target, run, one.path)
        words.append(
            f"{one.path} was not what its package had brought, and was written over: what it held is in {place}")
    return words
