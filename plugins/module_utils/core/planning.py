# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a section is told of the run when it plans, and what it returns. It knows nothing of the other sections."""

from __future__ import annotations

import typing as t

from ..packages.rpmdb import Package
from ..packages.solver import COMING, Item, Needs, RepoSpec
from .engine import Action
from .errors import Problem

# What a wish may wait for, when a run cannot fulfil it at once.
BOOT, PROOF = "boot", "proof"


class Pending(t.NamedTuple):
    """Something wanted that this run leaves open on purpose. C(waits_for) is C(boot), a start of the host, or C(proof), the
    controller's word that the host was proven."""

    section: str
    subject: str
    waits_for: str
    why: str


class Planned(t.NamedTuple):
    """What a section wants done, what stands in its way, what it leaves open, and what a person should know."""

    actions: list[Action]
    problems: list[Problem] = []
    pending: list[Pending] = []
    warnings: list[str] = []
    # What the run's one transaction has to bring for this section.
    needs: Needs = Needs([], [], [])


# look(base, repositories, packages that come, NEVRAs that go): the last is None when the solver found no transaction.
Look = t.Callable[[t.Any, t.Sequence[RepoSpec], t.Sequence[t.Any], "t.Sequence[str] | None"], None]


class Manner(t.NamedTuple):
    """How packages are handled in a run: a function that opens dnf's Base on the host's repositories and some more, the ids
    of keys that may sign Hyperscale builds, seconds to wait for locks, what if a build could not be brought back, and who is
    shown the packages of the transaction while the Base is open."""

    open_base: t.Callable[[t.Sequence[RepoSpec]], t.Any]
    key_ids: list[str]
    lock_timeout: float
    way_back: str
    look: Look | None = None


class Context(t.NamedTuple):
    """What a section is told of the run: the stream, whether the host was proven since its last change, the lines of the
    run's transaction, the packages that are installed before it, the paths that sections planned earlier write, what those
    need of the transaction, and how packages are handled."""

    stream: int
    proven: bool
    items: list[Item]
    installed: list[Package]
    paths: list[str]
    needs: Needs = Needs([], [], [])
    manner: Manner | None = None

    def after(self, planned: Planned) -> Context:
        """Return what the next section is told."""
        return self._replace(
            paths=[*self.paths, *(action.subject for action in planned.actions if action.writes_file)],
            items=[*self.items, *(item for action in planned.actions for item in action.items)],
            needs=Needs(*([*mine, *more] for mine, more in zip(self.needs, planned.needs))))

    def coming(self, name: str) -> Item | None:
        """Return the build of a package that the transaction brings."""
        return next((item for item in self.items if item.name == name and item.action in COMING), None)

    def present(self, name: str) -> bool:
        """Say whether a package is there once the transaction is through."""
        gone = {item.nevra for item in self.items if item.action not in COMING}
        return self.coming(name) is not None or any(p.name == name and p.nevra not in gone for p in self.installed)

    def resulting(self) -> list[Package]:
        """Return the packages that are installed once the transaction is through."""
        gone = {item.nevra for item in self.items if item.action not in COMING}
        come = [_package(item) for item in self.items if item.action in COMING]
        names = {package.nevra for package in come}
        return [p for p in self.installed if p.nevra not in gone and p.nevra not in names] + come

    def may_bring(self, unit: str) -> bool:
        """Say whether this run may bring a unit: a transaction may bring any, and whether it did is found when it is turned."""
        return bool(self.items) or any(path.rsplit("/", 1)[1] == unit for path in self.paths)


def _package(item: Item) -> Package:
    """Return what will be installed, as far as a transaction's line tells."""
    epoch, _colon, label = item.evr.rpartition(":")
    version, _dash, release = label.rpartition("-")
    return Package(item.name, int(epoch or 0), version, release, item.arch, None, item.source, None, 0)
