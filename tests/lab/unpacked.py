# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs and firmware of Debian packages that are unpacked and not installed: this computer stays as it is."""

from __future__ import annotations

import pathlib
import typing as t

from . import debs
from .common import ROOT, digest, say, scratch_beside


def folder(apt: debs.Apt, suite: str, packages: t.Sequence[str]) -> pathlib.Path:
    """Return a folder with the payload of packages of a suite, in the versions of the day, unpacked where it is not yet."""
    apt.prime(packages)
    versions = {name: apt.version(name, suite) for name in packages}
    found = ROOT / "unpacked" / f"{packages[0]}-{digest(versions)}"
    if not found.exists():
        say(f"unpacking {packages[0]} {versions[packages[0]]} of {suite}")
        scratch = scratch_beside(found)
        (scratch / "usr").mkdir()
        for name, version in versions.items():
            debs.unpack(apt.download(name, version), scratch)
        scratch.rename(found)
    return found
