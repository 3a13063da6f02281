# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host before and now: the snapshot, the host as it is, and the swap that really took place between the two."""

from __future__ import annotations

import functools
import time
import typing as t

from ..facts.view import View
from ..packages import rpmdb
from . import gather, unit_states
from .builds import Build, Relation
from .model import Skipped
from .snapshot import Snapshot
from .swap import Installed, Swap, builds_of, nevra_of

try:
    import rpm
except ImportError:  # said by whoever calls, before anything here is used
    rpm = None


EMPTY = Build("", "", "", "", "", "", "", [], [], [], [], [], [], [], [], {}, [], [], 0, 0)


def parted(nevra: str) -> tuple[str, str, str]:
    """Return name, EVR and architecture of a NEVRA."""
    rest, _dot, arch = nevra.rpartition(".")
    name, version, release = rest.rsplit("-", 2)
    return name, f"{version}-{release}", arch


class Past(View):
    """The host now, but for the states of units, which are those of the snapshot: who was affected, is known from then.

    C(unread) are the units that could not be read then, with the reason of each.
    """

    def __init__(self, view: View, states: dict[str, dict[str, str]] | None, unread: t.Mapping[str, str]) -> None:
        super().__init__(view.root, view.run, kind=view.kind, noted=view.noted)
        if states is not None:
            self.have(unit_states.KNOWN, states, {unit: of_snapshot(reason) for unit, reason in unread.items()})


def of_snapshot(reason: str) -> str:
    """Return why something could not be read, of a time before."""
    return f"{reason} (when the snapshot was taken)"


class Course(t.NamedTuple):
    """What runs since a snapshot did on purpose: from when on events count, in seconds since the epoch, and which units they
    turned on and off. C(broken) is what was broken before the adoption, as the ledger has it; None where it has nothing."""

    since: float
    on: t.Collection[str] = ()
    off: t.Collection[str] = ()
    broken: dict[str, t.Any] | None = None


class Scenes:
    """What the checks after a swap compare. Each part of the host is gathered when the first check asks for it."""

    def __init__(self, snapshot: Snapshot, view: View, ts: t.Any, course: Course | None = None) -> None:
        self.began = time.time()
        self.snapshot = snapshot
        self.course = course or Course(snapshot.time)
        self.view = view
        self.ts = ts
        # What was gathered, and which paths of it could not be read, for every check that asks.
        self._unread: dict[str, dict[str, str]] = {}
        self._parts: dict[str, t.Any] = {}
        known = set(snapshot.content["packages"])
        there = {nevra_of(header): header for header in ts.dbMatch() if header["name"] != rpmdb.KEY_PACKAGE}
        self.installed = set(there)
        self.left = known - there.keys()
        arrived = {nevra: header for nevra, header in there.items() if nevra not in known}
        self.old: list[Build] = builds_of(
            rpm.hdr(blob) for nevra, blob in snapshot.headers.items() if nevra in self.left)
        self.new: list[Build] = builds_of(arrived.values())
        self.unforeseen = sorted(self.left - snapshot.headers.keys())
        past = Past(view, snapshot.content["units"], snapshot.content.get("unread", {}).get("units", {}))
        self.swap = Swap(self.old, self.new, self._beside(), Installed(ts, set(arrived)), past)

    @property
    def prediction(self) -> dict[str, t.Any] | None:
        """The report of the predict phase."""
        return self.snapshot.prediction

    @functools.cached_property
    def scene(self) -> gather.Scene:
        """The scene of what was named in the snapshot and what has arrived since."""
        return gather.scene(self.view, self.ts, {*self.snapshot.content["names"], *(build.name for build in self.new)})

    def _beside(self) -> list[Build]:
        """What the prediction knew to lie in builds on offer that do not come along; a proof asks no repository."""
        by_name: dict[str, set[str]] = {}
        for build in self.old:
            for path in build.files:
                by_name.setdefault(path.rpartition("/")[2], set()).add(path)
        found = []
        for finding in (self.prediction or {}).get("findings", ()):
            if finding["check"] == "file.needs_subpackage" and finding["after"]:
                name, label, arch = parted(finding["after"])
                what, subject = finding["subject"]["type"], finding["subject"]["name"]
                paths = by_name.get(subject, ()) if what == "unit" else [subject] if what == "path" else ()
                promised = [Relation(subject, 0, "")] if what == "capability" else []
                found.append(EMPTY._replace(name=name, evr=label, arch=arch, files=dict.fromkeys(paths), provides=promised))
        return found

    def before(self, part: str) -> t.Any:
        """Return a part of the snapshot. Raises Skipped where it could not be read then."""
        found = self.snapshot.content.get(part)
        if found is None:
            reasons = [entry["reason"] for entry in self.snapshot.content.get("unreadable", ()) if entry["what"] == part]
            raise Skipped(f"the snapshot lacks {part}" + (f": {reasons[0]}" if reasons else ""))
        for path, reason in self.snapshot.content.get("unread", {}).get(part, {}).items():
            self.view.note(path, of_snapshot(reason))
        return found

    def now(self, part: str) -> t.Any:
        """Return the same part of the host as it is now."""
        if part not in self._parts:
            with self.view.watched() as self._unread[part]:
                self._parts[part] = gather.PARTS[part](self.scene)
        for path, reason in self._unread.get(part, {}).items():
            self.view.note(path, reason)
        return self._parts[part]

    def unread(self, part: str) -> set[str]:
        """Return what of a part could not be read, then or now: it is neither there nor gone."""
        self.now(part)
        return {*self.snapshot.content.get("unread", {}).get(part, {}), *self._unread.get(part, {})}

    def announced(self, *checks: str) -> set[str]:
        """Return the names that some checks found in the prediction."""
        findings = (self.prediction or {}).get("findings", ())
        return {finding["subject"]["name"] for finding in findings if finding["check"] in checks}
