# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flavours of the SIG: their repositories, by stream, and where these are published.

Names and addresses: the fedrq definitions kept by SIG member Michel Lind
(https://github.com/slopfest/sandogasa), leapp-repository, and the SIG's own pages at
https://sigs.centos.org/hyperscale/. What a live host says wins over this table wherever both speak.
"""

from __future__ import annotations

import typing as t


class Flavour(t.NamedTuple):
    """One repository flavour of the SIG, and the streams it is published for."""

    name: str
    repo_id: str
    component: str
    release_package: str
    streams: tuple[int, ...]


def _flavour(name: str, streams: tuple[int, ...]) -> Flavour:
    suffix = "" if name == "main" else "-" + name
    return Flavour(name, "centos-hyperscale" + suffix, "packages-" + name, "centos-release-hyperscale" + suffix, streams)


FLAVOURS = {
    flavour.name: flavour
    for flavour in (
        _flavour("main", (9, 10)),
        _flavour("experimental", (9, 10)),
        _flavour("facebook", (9, 10)),
        _flavour("spin", (9, 10)),
        _flavour("hotfixes", (9,)),
        _flavour("intel", (9,)),
        _flavour("kernel", (10,)),
        _flavour("asahi", (10,)),
    )
}

METALINK = (
    "https://mirrors.centos.org/metalink?repo=centos-hyperscale-sig-{component}-{stream}-stream"
    "&arch=$basearch&protocol=https,http"
)
TESTING_BASEURL = "https://buildlogs.centos.org/centos/{stream}-stream/hyperscale/$basearch/{component}"
# The layout below a mirror's root, for fleets that keep a mirror of their own.
MIRROR_LAYOUT = "SIGs/{stream}-stream/hyperscale/$basearch/{component}/"

# Repositories that the SIG's packages are built against, by stream: EPEL 10 has no "next".
EPEL_RELEASE_PACKAGES = {9: ("epel-release", "epel-next-release"), 10: ("epel-release",)}
CRB_REPO_ID = "crb"
