# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build as its RPM header describes it, as plain data: relations, files, scriptlets, triggers.

rpm itself reads the header; the same for an installed package, a package file, and the first bytes of one.
"""

from __future__ import annotations

import functools
import stat
import typing as t

from ..packages import rpmdb

try:
    import rpm
except ImportError:  # said by whoever calls, before anything here is used
    rpm = None

RELATIONS = ("PROVIDE", "REQUIRE", "CONFLICT", "OBSOLETE", "RECOMMEND", "SUGGEST", "SUPPLEMENT", "ENHANCE")
SCRIPT_SLOTS = ("PREIN", "POSTIN", "PREUN", "POSTUN", "PRETRANS", "POSTTRANS", "VERIFYSCRIPT", "PREUNTRANS", "POSTUNTRANS")
TRIGGER_KINDS = ("TRIGGER", "FILETRIGGER", "TRANSFILETRIGGER")
KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}


class Relation(t.NamedTuple):
    """One relation of a package: C(sense) is rpm's RPMSENSE bits, C(evr) may be empty."""

    name: str
    sense: int
    evr: str

    def __str__(self) -> str:
        sign = "".join(mark for bit, mark in ((2, "<"), (4, ">"), (8, "=")) if self.sense & bit)
        return f"{self.name} {sign} {self.evr}" if self.evr else self.name


class File(t.NamedTuple):
    """One path of a package. C(mode) holds the permission bits, C(flags) rpm's RPMFILE bits, C(content) libmagic's words."""

    path: str
    kind: str
    mode: int
    user: str
    group: str
    digest: str
    size: int
    flags: int
    target: str
    capabilities: str
    content: str

    @property
    def config(self) -> bool:
        """Whether it is configuration."""
        return bool(self.flags & rpm.RPMFILE_CONFIG)

    @property
    def noreplace(self) -> bool:
        """Whether a local change is kept in place."""
        return bool(self.flags & rpm.RPMFILE_NOREPLACE)

    @property
    def ghost(self) -> bool:
        """Whether the package owns the path without carrying it."""
        return bool(self.flags & rpm.RPMFILE_GHOST)

    @property
    def missingok(self) -> bool:
        """Whether it may be missing."""
        return bool(self.flags & rpm.RPMFILE_MISSINGOK)

    @property
    def documentation(self) -> bool:
        """Whether it is a manual, a licence or other documentation."""
        return bool(self.flags & (rpm.RPMFILE_DOC | rpm.RPMFILE_LICENSE)) or self.path.startswith(DOCUMENTATION)

    @property
    def executable(self) -> bool:
        """Whether it is a regular file that can be executed."""
        return self.kind == "file" and bool(self.mode & 0o111)


DOCUMENTATION = (
    "/usr/share/man/", "/usr/share/doc/", "/usr/share/licenses/", "/usr/share/info/", "/usr/share/locale/",
    "/usr/share/bash-completion/", "/usr/share/zsh/", "/usr/share/fish/", "/usr/share/lintian/", "/usr/share/bug/")


class Script(t.NamedTuple):
    """A scriptlet: C(slot) as in SCRIPT_SLOTS, in small letters."""

    slot: str
    interpreter: str
    body: str


class Trigger(t.NamedTuple):
    """A trigger: C(kind) as in TRIGGER_KINDS, in small letters; C(on) is the package or path prefix it waits for."""

    kind: str
    on: str
    interpreter: str
    body: str


class Build(t.NamedTuple):
    """One build of a package. C(digest) is rpm's digest of its header; sizes are bytes."""

    name: str
    evr: str
    arch: str
    vendor: str
    source: str
    signing_key: str
    digest: str
    provides: list[Relation]
    requires: list[Relation]
    conflicts: list[Relation]
    obsoletes: list[Relation]
    recommends: list[Relation]
    suggests: list[Relation]
    supplements: list[Relation]
    enhances: list[Relation]
    files: dict[str, File]
    scripts: list[Script]
    triggers: list[Trigger]
    size: int
    digest_algorithm: int

    @property
    def nevra(self) -> str:
        """Name, EVR and architecture in one."""
        return f"{self.name}-{self.evr}.{self.arch}"

    @property
    def id(self) -> tuple[str, str]:
        """What an old and a new build of one package share."""
        return self.name, self.arch


def of_header(header: t.Any) -> Build:
    """Return the build that a header describes."""
    package = rpmdb.of_header(header)
    return Build(
        name=package.name,
        evr=package.evr,
        arch=package.arch,
        vendor=package.vendor or "",
        source=header[rpm.RPMTAG_SOURCERPM] or "",
        signing_key=package.signing_key or "",
        digest=header[rpm.RPMTAG_SHA256HEADER] or header[rpm.RPMTAG_SHA1HEADER] or "",
        **{kind.lower() + "s": _relations(header, kind) for kind in RELATIONS},
        files=_files(header),
        scripts=_scripts(header),
        triggers=_triggers(header),
        size=header[rpm.RPMTAG_LONGSIZE] or 0,
        digest_algorithm=header[rpm.RPMTAG_FILEDIGESTALGO] or 1,
    )


def _relations(header: t.Any, kind: str) -> list[Relation]:
    names, senses, evrs = (rpmdb.values(header, kind + part) for part in ("NAME", "FLAGS", "VERSION"))
    return [Relation(name, sense, evr) for name, sense, evr in zip(names, senses, evrs)]


def _files(header: t.Any) -> dict[str, File]:
    return {
        entry.name: File(
            entry.name, KINDS.get(stat.S_IFMT(entry.mode), "other"), stat.S_IMODE(entry.mode), entry.user, entry.group,
            entry.digest or "", entry.size, entry.fflags, entry.linkto or "", entry.caps or "", getattr(entry, "class") or "")
        for entry in rpm.files(header)
    }


def _scripts(header: t.Any) -> list[Script]:
    found = []
    for slot in SCRIPT_SLOTS:
        known = hasattr(rpm, "RPMTAG_" + slot)  # newer rpm knows more of them
        body = header[getattr(rpm, "RPMTAG_" + slot)] if known else None
        program = " ".join(rpmdb.values(header, slot + "PROG")) if known else ""
        if body or program:
            found.append(Script(slot.lower(), program, body or ""))
    return found


def _triggers(header: t.Any) -> list[Trigger]:
    found = []
    for kind in TRIGGER_KINDS:
        bodies, programs = rpmdb.values(header, kind + "SCRIPTS"), rpmdb.values(header, kind + "SCRIPTPROG")
        for name, sense, index in zip(*(rpmdb.values(header, kind + part) for part in ("NAME", "FLAGS", "INDEX"))):
            when = next((word for bit, word in _trigger_moments() if sense & bit), "in")
            found.append(Trigger(f"{kind.lower()}{when}", name, programs[index], bodies[index]))
    return found


@functools.lru_cache(maxsize=1)
def _trigger_moments() -> tuple[tuple[int, str], ...]:
    return (
        (rpm.RPMSENSE_TRIGGERPREIN, "prein"), (rpm.RPMSENSE_TRIGGERUN, "un"), (rpm.RPMSENSE_TRIGGERPOSTUN, "postun"),
        (rpm.RPMSENSE_TRIGGERIN, "in"))
