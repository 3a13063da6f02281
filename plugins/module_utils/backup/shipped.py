# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What builds of packages bring by their headers: their files and the text of their scriptlets and triggers."""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
import typing as t

from ..packages import rpmdb
from ..text import file_capabilities
from .states import FILE, FOLDER, LINK, PathState

try:
    import rpm
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    rpm = None

KINDS = {stat.S_IFREG: FILE, stat.S_IFLNK: LINK, stat.S_IFDIR: FOLDER}
# Numbers of OpenPGP, as FILEDIGESTALGO has them; a header without that tag means MD5. Of a build that has other digests than
# SHA-256 nobody can tell here whether a file is as it was shipped, so it counts as somebody's.
MD5, SHA256 = 1, 8
SCRIPTLETS = ("PREIN", "POSTIN", "PREUN", "POSTUN", "PRETRANS", "POSTTRANS")
# Bits of RPMSENSE: what a condition says of a build that is older, newer and the same, by what a comparison gives.
SENSES = {-1: 2, 1: 4, 0: 8}
COMPARING = sum(SENSES.values())
UNIT = re.compile(r"^/usr/lib/systemd/(?:system|user)/(?P<name>[^/]+)$")
KERNEL = re.compile(r"^(?:/usr)?/lib/modules/(?P<release>[^/]+)/vmlinuz$")


class Entry(t.NamedTuple):
    """A file of a build. C(content) is the digest of a file and the target of a link, C(capabilities) are in rpm's words."""

    kind: str
    mode: int
    uid: int
    gid: int
    content: str
    algorithm: int
    config: bool
    noreplace: bool
    ghost: bool
    capabilities: str = ""

    def holds(self, state: PathState | None) -> bool:
        """Say whether a state has the content of this file, whatever its mode and owner."""
        if state is None or state.kind != self.kind:
            return False
        if self.kind == FILE:
            return not self.ghost and self.algorithm == SHA256 and self.content == state.content
        return self.kind == FOLDER or state.content == self.content

    def is_in(self, state: PathState | None) -> bool:
        """Say whether a state is this file as rpm lays it down."""
        if state is None or not self.holds(state):
            return False
        if self.kind == LINK:
            return True
        rights = file_capabilities.of_attribute(bytes.fromhex(state.attributes.get(file_capabilities.ATTRIBUTE, "")))
        return (state.mode, state.uid, state.gid, rights) == (
            self.mode, self.uid, self.gid, file_capabilities.of_text(self.capabilities))


class Trigger(t.NamedTuple):
    """What rpm runs for a package when one of name C(on) comes or, if C(removal), goes. C(sense) has bits of SENSES, where only
    some versions count."""

    on: str
    removal: bool
    sense: int
    evr: str
    text: str

    def waits_for(self, evr: str) -> bool:
        """Say whether a build of the package with an EVR counts."""
        order = rpmdb.compare_evr(evr, self.evr) if self.sense else 0
        return not self.sense or bool(self.sense & SENSES[order])


class Shipped(t.NamedTuple):
    """What some builds bring: entries by path, and by the name of each package all its scriptlets as one text and its EVRs.

    C(triggers) are those of all packages that are installed with them: also a package that stays may wait for one that moves.
    """

    files: dict[str, Entry]
    scripts: dict[str, str]
    evrs: dict[str, list[str]] = {}
    triggers: t.Sequence[Trigger] = ()

    @property
    def units(self) -> set[str]:
        """The names of the unit files."""
        return {match.group("name") for match in map(UNIT.match, self.files) if match}

    @property
    def kernels(self) -> set[str]:
        """The releases of the kernels."""
        return {match.group("release") for match in map(KERNEL.match, self.files) if match}

    @property
    def configuration(self) -> list[str]:
        """The paths of the configuration files."""
        return [path for path, entry in self.files.items() if entry.config]

    @property
    def ghosts(self) -> list[str]:
        """The paths that the builds own without carrying them, which rpm removes with them."""
        return [path for path, entry in self.files.items() if entry.ghost]


NOTHING = Shipped({}, {})


def plain(shipped: Shipped) -> list[t.Any]:
    """Return it as JSON carries it."""
    return [
        {path: list(entry) for path, entry in shipped.files.items()}, shipped.scripts, shipped.evrs,
        [list(trigger) for trigger in shipped.triggers]]


def from_plain(content: list[t.Any] | None) -> Shipped:
    """Return it out of its JSON; nothing where there is none."""
    if content is None:
        return NOTHING
    files, scripts, evrs, triggers = content
    return Shipped(
        {path: Entry(*entry) for path, entry in files.items()}, scripts, evrs, [Trigger(*trigger) for trigger in triggers])


def installed(nevras: t.Collection[str]) -> tuple[Shipped, list[str]]:
    """Return what some installed builds bring, and the names of these packages."""
    headers, triggers = [], []
    # One at a time: the headers of a whole host are more than a small one should hold.
    for header in rpmdb.transaction_set().dbMatch() if nevras else ():
        triggers += _triggers(header)
        if _nevra(header) in nevras:
            headers.append(header)
    return of_headers(headers)._replace(triggers=triggers), sorted({header["name"] for header in headers})


def of_package_files(paths: t.Iterable[str]) -> Shipped:
    """Return what the builds in some package files bring."""
    ts = rpmdb.transaction_set()
    headers = []
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            headers.append(ts.hdrFromFdno(handle))
        finally:
            os.close(handle)
    return of_headers(headers)


def of_headers(headers: t.Sequence[t.Any]) -> Shipped:
    """Return what the builds with some headers bring, with the triggers of these alone."""
    files: dict[str, Entry] = {}
    scripts: dict[str, str] = {}
    evrs: dict[str, list[str]] = {}
    for header in headers:
        algorithm = header[rpm.RPMTAG_FILEDIGESTALGO] or MD5
        files.update({entry.name: _entry(entry, algorithm) for entry in rpm.files(header)})
        scripts[header["name"]] = "\n".join(header[getattr(rpm, "RPMTAG_" + slot)] or "" for slot in SCRIPTLETS)
        evrs.setdefault(header["name"], []).append(rpmdb.of_header(header).evr)
    return Shipped(files, scripts, evrs, [trigger for header in headers for trigger in _triggers(header)])


def _triggers(header: t.Any) -> t.Iterator[Trigger]:
    """Yield the triggers of a build that wait for packages."""
    texts, *each = (rpmdb.values(header, "TRIGGER" + part) for part in ("SCRIPTS", "NAME", "FLAGS", "VERSION", "INDEX"))
    for name, sense, evr, index in zip(*each):
        removal = bool(sense & (rpm.RPMSENSE_TRIGGERUN | rpm.RPMSENSE_TRIGGERPOSTUN))
        yield Trigger(name, removal, sense & COMPARING, evr, texts[index])


def _entry(entry: t.Any, algorithm: int) -> Entry:
    kind = KINDS.get(stat.S_IFMT(entry.mode), "other")
    return Entry(
        kind, stat.S_IMODE(entry.mode), _uid(entry.user), _gid(entry.group),
        entry.linkto if kind == LINK else entry.digest or "", algorithm, bool(entry.fflags & rpm.RPMFILE_CONFIG),
        bool(entry.fflags & rpm.RPMFILE_NOREPLACE), bool(entry.fflags & rpm.RPMFILE_GHOST), entry.caps or "")


def _nevra(header: t.Any) -> str:
    epoch = f"{header['epoch']}:" if header["epoch"] else ""
    return f"{header['name']}-{epoch}{header['version']}-{header['release']}.{header['arch'] or 'noarch'}"


def _uid(name: str) -> int:
    """Return the number of a user as rpm takes it: who is not known is root."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return 0


def _gid(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return 0
