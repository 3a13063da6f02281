# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pinned key of the SIG: where it is found, and its way into the package database and out again.

A key file may hold further keys. dnf imports all keys of a file; here the pinned one alone is imported and checked with.
"""

from __future__ import annotations

import os
import typing as t

from ...core import modes
from ...core.engine import CONFIGURE, PREPARE, Action
from ...core.errors import CannotRead, Failed, Problem, Refused
from ...core.host_io import Target
from ...core.writable import Touch
from ...facts.repos import split_list
from ...packages import database_paths, keys, rings

LOCAL = "file://"
GIVEN = "variable key"


class KeyAction(Action):
    """The pinned key imported into the rpmdb."""

    section = "repositories"
    kind = "rpm-key"
    phase = PREPARE

    def touches(self, target: Target, _undoing: bool = False) -> list[Touch]:
        return database_paths.of_rpm(target)

    def apply(self, target: Target) -> None:
        path = os.path.join(target.tmpdir, "hyperscale.asc")
        with open(path, "w", encoding="ascii", opener=modes.private) as handle:
            handle.write(self.args["key"])
        try:
            target.run(["rpmkeys", "--import", path])
        finally:
            os.unlink(path)

    def undo(self, target: Target) -> None:
        for entry in imported(target, self.args["fingerprint"]):
            target.run(["rpm", "--erase", "--allmatches", entry.package])

    def verify(self, target: Target) -> None:
        if not imported(target, self.args["fingerprint"]):
            raise Failed(Problem(
                "key.not_listed",
                f"key {self.args['fingerprint']}", "rpm imported it without an error and does not list it",
                "Look at 'rpm -qa gpg-pubkey*'",
                subject=self.args["fingerprint"]))


class KeyRemoval(KeyAction):
    """The pinned key taken out of the rpmdb again."""

    kind = "rpm-key-removal"
    phase = CONFIGURE

    def apply(self, target: Target) -> None:
        super().undo(target)

    def undo(self, target: Target) -> None:
        super().apply(target)

    def verify(self, target: Target) -> None:
        if imported(target, self.args["fingerprint"]):
            raise Failed(Problem(
                "key.still_listed", f"key {self.args['fingerprint']}", "rpm still lists it",
                "Find its name with 'rpm -qa gpg-pubkey*' and erase it with 'rpm -e NAME'",
                subject=self.args["fingerprint"]))


class Pinned(t.NamedTuple):
    """The pinned key alone, armoured; the actions that bring it into the rpmdb; and what a person should know."""

    text: str
    actions: list[Action]
    warnings: list[str]


def imported(target: Target, fingerprint: str) -> list[keys.Imported]:
    """Return the rpmdb's entries of a key, by its whole fingerprint."""
    try:
        # rpm fails where there is no key at all, and says so.
        known = keys.in_rpm(lambda argv: (0, target.run(argv, okay=(0, 1))))
    except CannotRead as error:
        raise Refused(*error.problems) from error
    return [entry for entry in known if entry.key.fingerprint == fingerprint]


def given(text: str) -> keys.Source:
    """Return the key that was given with the wish."""
    return keys.Source(GIVEN, text.encode("utf-8", "surrogateescape"))


def named(
    target: Target, options: t.Mapping[str, str], coming: t.Mapping[str, bytes], stream: int,
) -> t.Iterator[keys.Source]:
    """Yield what lies at each address that a repository's C(gpgkey) names, in its order.

    C(coming) are the key files, by path, of packages that this run installs. An address is read when it is its turn.
    """
    for url in split_list(rings.expanded(options.get("gpgkey", ""), stream)):
        path = url[len(LOCAL):] if url.startswith(LOCAL) else url
        if not path.startswith("/"):
            yield rings.key_at(url, options)
            continue
        try:
            data = coming[path] if path in coming else target.read_bytes(path)
        except OSError as error:
            yield keys.Source(url, b"", f"it cannot be read: {error.strerror}")
        else:
            yield keys.Source(url, data or b"", "" if data is not None else "there is no such file")


def pinned(target: Target, fingerprint: str, sources: t.Iterable[keys.Source]) -> Pinned:
    """Return the pinned key out of what lies at some addresses, else as rpm has it; refuse when neither has it.

    A key that rpm knows already need not be where the repository names it: dnf does not look there for it.
    """
    here = imported(target, fingerprint)
    seen: list[keys.Source] = []
    try:
        text = keys.pinned(_noted(sources, seen), fingerprint)
    except Refused:
        if not here:
            raise
        return Pinned(here[0].key.armoured(), [], [])
    warnings = [
        f"{source.where} has keys besides the pinned one: {', '.join(map(str, others))}. They are not trusted here. dnf imports "
        "all keys of a file when it meets a package by a key that rpm does not know"
        for source in seen for others in [keys.others(source.data, fingerprint)] if others]
    if here:
        return Pinned(text, [], warnings)
    key = keys.read(text).keys[0]
    said = keys.refusal(text, target.tmpdir)
    if said:
        raise Refused(keys.refused(key, said))
    args = {"key": text, "fingerprint": fingerprint, "flavour": ""}
    return Pinned(
        text, [KeyAction(fingerprint, "rpm does not know the pinned key", args, "", f"{fingerprint}\n")], warnings)


def _noted(sources: t.Iterable[keys.Source], seen: list[keys.Source]) -> t.Iterator[keys.Source]:
    for source in sources:
        seen.append(source)
        yield source
