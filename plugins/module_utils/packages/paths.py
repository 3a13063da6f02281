# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths that rpm writes in a transaction, by the headers of what comes and of what goes. Part of the detached runner.

rpm writes a file anew although the new build has the same, follows links of folders, and leaves a folder that is there alone.
"""

from __future__ import annotations

import os
import stat
import typing as t

from ..core.writable import ANY, CLEARED, FILE, FOLDER, GONE, LINK, NEW, Touch

try:
    import rpm
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    rpm = None

CLEARING = ("pretrans", "pretransprog")


def of_headers(come: t.Sequence[t.Any], leave: t.Sequence[t.Any]) -> list[Touch]:
    """Return what is written when packages come and others go."""
    left = {path: is_folder for header in leave for path, is_folder in _files(header)}
    found: dict[str, str] = {}
    for header in come:
        clears = any(header[tag] for tag in CLEARING)
        for path, is_folder in _files(header):
            found[path] = FOLDER if is_folder else CLEARED if clears and left.get(path) else FILE
        links = [entry.name for entry in rpm.files(header) if stat.S_ISLNK(entry.mode)]
        found.update({path: LINK for path in links if found.get(path) == FILE})
    return _touches(found, left)


def of_names(come: t.Iterable[str], leave: t.Sequence[t.Any]) -> list[Touch]:
    """Return the same where only the paths of what comes are known, as the metadata of a repository have them: ghosts too.

    They do not say which are folders. What was a file or link in the build that goes counts as one.
    """
    left = {path: is_folder for header in leave for path, is_folder in _files(header)}
    hows = {True: ANY, False: FILE, None: NEW}
    return _touches({path: hows[left.get(path)] for path in come}, left)


def _touches(found: t.Mapping[str, str], left: t.Mapping[str, bool]) -> list[Touch]:
    gone = {path: GONE for path, is_folder in left.items() if path not in found and not is_folder}
    return [Touch(path, how) for path, how in sorted({**found, **gone}.items())]


def _files(header: t.Any) -> t.Iterator[tuple[str, bool]]:
    """Yield the paths of a package, each with whether it is a folder; a ghost is no path that rpm writes."""
    for entry in rpm.files(header):
        if not entry.fflags & rpm.RPMFILE_GHOST:
            yield entry.name, stat.S_ISDIR(entry.mode)


def names(header: t.Any) -> list[str]:
    """Return the paths of a package."""
    return [entry.name for entry in rpm.files(header)]


def installed(nevras: t.Collection[str]) -> list[t.Any]:
    """Return the headers of some installed packages."""
    ts = rpm.TransactionSet()
    ts.setVSFlags(rpm._RPMVSF_NOSIGNATURES | rpm._RPMVSF_NODIGESTS)
    names = sorted({nevra.rsplit("-", 2)[0] for nevra in nevras})
    return [header for name in names for header in ts.dbMatch("name", name) if nevra_of(header) in nevras]


def of_files(paths: t.Iterable[str]) -> list[t.Any]:
    """Return the headers of some package files, which were checked when they were fetched."""
    ts = rpm.TransactionSet()
    ts.setVSFlags(rpm._RPMVSF_NOSIGNATURES | rpm._RPMVSF_NODIGESTS)
    return [header_of(ts, path) for path in paths]


def header_of(ts: t.Any, path: str) -> t.Any:
    """Return the header of a package file."""
    handle = os.open(path, os.O_RDONLY)
    try:
        return ts.hdrFromFdno(handle)
    finally:
        os.close(handle)


def nevra_of(header: t.Any) -> str:
    """Return a header's NEVRA, the epoch only where it is not 0."""
    epoch = f"{header['epoch']}:" if header["epoch"] else ""
    return f"{header['name']}-{epoch}{header['version']}-{header['release']}.{header['arch'] or 'noarch'}"
