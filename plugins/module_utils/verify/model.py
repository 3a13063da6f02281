# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the drop-in verification reports: findings, who is affected by them, and which checks ran.

The same words for all phases: C(predict) before a swap, C(prove) after it, C(rollback) after going back. A finding's
key comes from its check and its subject and never from wording or versions, so that reports of different phases and
hosts can be joined.
"""

from __future__ import annotations

import hashlib
import typing as t

from ..facts.consumer import Consumer

INFO, LOW, MEDIUM, HIGH = "info", "low", "medium", "high"
SEVERITIES = (INFO, LOW, MEDIUM, HIGH)

# How sure a finding is: seen on the host, computed from what rpm and systemd will do, or a rule of thumb.
PROVEN, PREDICTED, HEURISTIC = "proven", "predicted", "heuristic"

RAN, SKIPPED, ERROR = "ran", "skipped", "error"


class Subject(t.NamedTuple):
    """What a finding is about. C(arch) and C(package) are empty where they do not matter to what it is."""

    type: str
    name: str
    arch: str = ""
    package: str = ""


class Remediation(t.NamedTuple):
    """What to do: C(type) is C(hint), C(command) (an argument list as text) or C(task)."""

    type: str
    content: str


class Link(t.NamedTuple):
    """Where to read on."""

    title: str
    url: str


class Finding(t.NamedTuple):
    """One thing that is not as a drop-in replacement would have it. C(check) is a key of the table in checks.py."""

    check: str
    subject: Subject
    verb: str
    before: t.Any
    after: t.Any
    severity: str
    blocking: bool
    confidence: str
    consumers: tuple[Consumer, ...]
    title: str
    description: str
    diagnosis: str
    remediations: tuple[Remediation, ...]
    links: tuple[Link, ...] = ()
    baseline: bool = False
    waiver: dict[str, str] | None = None

    @property
    def key(self) -> str:
        """16 hex digits that stay the same whenever the same check finds the same subject."""
        return finding_key(self.check, self.subject)


class Coverage(t.NamedTuple):
    """What became of one check. C(reason) is empty for one that ran; C(seconds) is what it took."""

    id: str
    status: str
    reason: str
    seconds: float


class Skipped(Exception):
    """A check does not apply here; the text says why."""


def finding_key(check: str, subject: Subject) -> str:
    """Return the stable key of a check's finding about a subject."""
    parts = "\0".join((check, subject.type, subject.name, subject.arch, subject.package))
    return hashlib.sha256(parts.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def raised(severity: str, at_least: str) -> str:
    """Return the graver of two severities."""
    return max(severity, at_least, key=SEVERITIES.index)
