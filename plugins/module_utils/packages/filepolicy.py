# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a package rpm installs: with documentation or without, in all languages or in some. Part of the detached runner.

C(tsflags=nodocs) of dnf.conf and the macros C(%_excludedocs) and C(%_install_langs) say so, for a whole transaction. rpm keeps
for each file whether it was installed. A build that comes back is installed as it was, whatever the host says by then: first all
packages by the strictest policy, then those anew, without scriptlets, that had more.
"""

from __future__ import annotations

import contextlib
import typing as t

try:
    import rpm
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    rpm = None

NODOCS = "nodocs"
DOCS_MACRO, LANGS_MACRO = "_excludedocs", "_install_langs"
# A value of LANGS_MACRO that stands for each language, and one that no file is in.
ALL_LANGS, NO_LANG = "all", "C"


class Policy(t.NamedTuple):
    """Whether documentation is installed, and the languages that are; None: all."""

    docs: bool = True
    langs: tuple[str, ...] | None = None

    def flags(self, names: t.Iterable[str]) -> list[str]:
        """Return some C(tsflags) of dnf with what this says of documentation."""
        return [*(name for name in names if name != NODOCS), *([] if self.docs else [NODOCS])]


class Entry(t.NamedTuple):
    """One file of a package, as far as this concerns it."""

    path: str
    doc: bool
    langs: tuple[str, ...]


def skipped(header: t.Any) -> list[str]:
    """Return the files of an installed package that were not installed."""
    return sorted(entry.name for entry in rpm.files(header) if entry.state == rpm.RPMFILE_STATE_NOTINSTALLED)


def entries(header: t.Any) -> list[Entry]:
    """Return the files of a package that a policy may leave out."""
    langs = header["filelangs"] or []
    found = []
    for number, entry in enumerate(rpm.files(header)):
        lang = tuple(filter(None, (langs[number] if number < len(langs) else "").split("|")))
        doc = bool(entry.fflags & rpm.RPMFILE_DOC)
        if (doc or lang) and not entry.fflags & rpm.RPMFILE_GHOST:
            found.append(Entry(entry.name, doc, lang))
    return found


def of_package(files: t.Iterable[Entry], left_out: t.Container[str]) -> Policy | None:
    """Return the policy by which a package was installed; C(left_out) are the files that were not. None: any gives the same."""
    files = list(files)
    if not files:
        return None
    documents = [entry for entry in files if entry.doc]
    documents = [entry for entry in documents if not entry.langs] or documents
    docs = not documents or any(entry.path not in left_out for entry in documents)
    named = [entry for entry in files if entry.langs and (docs or not entry.doc)]
    if all(entry.path not in left_out for entry in named):
        return Policy(docs)
    here = {lang for entry in named if entry.path not in left_out for lang in entry.langs}
    return Policy(docs, tuple(sorted(here)))


def strictest(policies: t.Iterable[Policy | None]) -> Policy:
    """Return the policy that installs no file which one of some policies leaves out, nearly: of languages the shortest list."""
    known = [policy for policy in policies if policy is not None]
    langs = sorted({policy.langs for policy in known if policy.langs is not None}, key=lambda names: (len(names), names))
    return Policy(all(policy.docs for policy in known), langs[0] if langs else None)


def others(policies: t.Mapping[str, Policy | None], main: Policy) -> dict[Policy, list[str]]:
    """Return what was not installed as it is to be by the policy C(main), by the policy that it is to have."""
    found: dict[Policy, list[str]] = {}
    for nevra, policy in sorted(policies.items()):
        if policy is not None and policy != main:
            found.setdefault(policy, []).append(nevra)
    return found


@contextlib.contextmanager
def in_force(policy: Policy | None) -> t.Iterator[None]:
    """Have rpm follow a policy in this process, whatever the host's macros say, in transactions that are made within.

    The flag of a transaction is not set here.
    """
    if policy is None:
        yield
        return
    rpm.addMacro(DOCS_MACRO, "0" if policy.docs else "1")
    rpm.addMacro(LANGS_MACRO, ALL_LANGS if policy.langs is None else ":".join(policy.langs) or NO_LANG)
    try:
        yield
    finally:
        rpm.delMacro(DOCS_MACRO)
        rpm.delMacro(LANGS_MACRO)


def flag_bits(names: t.Iterable[str]) -> int:
    """Return some C(tsflags) of dnf as bits of rpm; a name that rpm does not know is none."""
    bits = 0
    for name in names:
        bits |= getattr(rpm, f"RPMTRANS_FLAG_{name.upper()}", 0)
    return bits
