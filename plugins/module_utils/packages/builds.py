# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognise a build of the Hyperscale SIG, and compare EVRs.

Nothing in os-release says that a host runs Hyperscale packages. Three witnesses do: a segment of the release
string that begins with C(hs), the Vendor tag, and the signing key. Two of the three decide; a witness that
disagrees is reported. Source of the rules: the versioning policy at
https://sigs.centos.org/hyperscale/policies/versioning/ and the 2022Q1 report of the SIG (Vendor).
"""

from __future__ import annotations

import re
import typing as t

VENDOR = "CentOS Hyperscale SIG"

# Release segment -> flavour; a segment that is not in the table is a flavour of its own (hs+gnome -> gnome).
SEGMENT_FLAVOURS = {"hs": "main", "hsx": "experimental", "hsk": "kernel"}

EL_SEGMENT = re.compile(r"^el(\d+)")


class Recognition(t.NamedTuple):
    """What the three witnesses say of one package. C(disagreement) names those that contradict the verdict."""

    hyperscale: bool
    flavour: str | None
    witnesses: dict[str, bool]
    disagreement: list[str]


def release_segment(release: str) -> str | None:
    """Return the last segment of a release that begins with C(hs), else None.

    A test of segments, not of substrings: a snapshot release such as C(5.20260423gite09c0hs) has none.
    """
    found = [part for part in release.split(".") if part.startswith("hs")]
    return found[-1] if found else None


def flavour(release: str) -> str | None:
    """Return the flavour that a release string names (C(main), C(experimental), C(kernel), C(facebook), ...)."""
    segment = release_segment(release)
    if segment is None:
        return None
    if segment in SEGMENT_FLAVOURS:
        return SEGMENT_FLAVOURS[segment]
    name = segment.partition("+")[2]
    return "facebook" if name == "fb" else name or "main"


def el_major(release: str) -> int | None:
    """Return the EL number a release was built for: C(2.hs.el10s) gives 10."""
    for part in reversed(release.split(".")):
        match = EL_SEGMENT.match(part)
        if match:
            return int(match.group(1))
    return None


def recognise(release: str, vendor: str | None, key_id: str | None, pinned_key_ids: t.Iterable[str]) -> Recognition:
    """Decide from release, Vendor and signing key id (16 hex digits) whether a build is the SIG's."""
    witnesses = {
        "release": release_segment(release) is not None,
        "vendor": vendor == VENDOR,
        "signature": key_id is not None and key_id.lower() in {key.lower() for key in pinned_key_ids},
    }
    hyperscale = sum(witnesses.values()) >= 2
    disagreement = [name for name, says in witnesses.items() if says != hyperscale]
    return Recognition(hyperscale, flavour(release) if hyperscale else None, witnesses, disagreement)
