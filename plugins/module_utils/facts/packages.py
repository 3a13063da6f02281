# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which installed packages are the SIG's, which disagree about it, and which trusted keys there are."""

from __future__ import annotations

import typing as t

from ..packages import builds, installonly, rpmdb
from ..tables import families as table_of_families


def key_ids(key_fingerprints: t.Iterable[str]) -> list[str]:
    """Return the 16 hex digits that a signature carries of each fingerprint, however it was written."""
    return [fingerprint.replace(" ", "")[-16:].lower() for fingerprint in key_fingerprints]


def describe(package: rpmdb.Package, pinned_key_ids: t.Iterable[str]) -> dict[str, t.Any]:
    """Return one package with what the three witnesses of C(packages.builds) say of it."""
    said = builds.recognise(package.release, package.vendor, package.signing_key, pinned_key_ids)
    return {
        "name": package.name,
        "epoch": package.epoch,
        "version": package.version,
        "release": package.release,
        "evr": package.evr,
        "arch": package.arch,
        "nevra": package.nevra,
        "vendor": package.vendor,
        "signing_key": package.signing_key,
        "source": package.source,
        "hyperscale": said.hyperscale,
        "flavour": said.flavour,
        "witnesses": said.witnesses,
        "disagreement": said.disagreement,
    }


def duplicates(packages: t.Iterable[rpmdb.Package]) -> list[str]:
    """Return the names installed twice for one architecture, as an interrupted transaction leaves them."""
    known: dict[tuple[str, str], list[rpmdb.Package]] = {}
    for package in packages:
        known.setdefault((package.name, package.arch), []).append(package)
    return sorted({
        name for (name, _arch), builds in known.items() if len(builds) > 1 and not all(map(installonly.is_one, builds))})


def summarise(packages: list[rpmdb.Package], key_fingerprints: t.Iterable[str]) -> dict[str, t.Any]:
    """Return the C(packages) group."""
    pinned = key_ids(key_fingerprints)
    described = [describe(package, pinned) for package in packages]
    return {
        "total": len(described),
        "hyperscale": [package for package in described if package["hyperscale"]],
        "disagreements": [package for package in described if package["disagreement"]],
        "duplicates": duplicates(packages),
        "families": {
            family.name: [package for package in described if package["source"] in family.sources]
            for family in table_of_families.FAMILIES.values()
        },
    }


def summarise_keys(keys: t.Iterable[rpmdb.PublicKey]) -> list[dict[str, t.Any]]:
    """Return the C(keys) group."""
    return [key._asdict() for key in keys]
