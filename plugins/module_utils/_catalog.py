# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the SIG by name: streams, flavours and their repositories, keys, package families.

One table a subject. Names and addresses: the fedrq definitions kept by SIG member Michel Lind
(https://github.com/slopfest/sandogasa), leapp-repository, and the SIG's own pages at
https://sigs.centos.org/hyperscale/. What a live host says wins over this table wherever both speak.
"""

from __future__ import annotations

import typing as t

SUPPORTED_STREAMS = (9, 10)
SUPPORTED_ARCHES = ("x86_64", "aarch64")

# Streams that are recognised only to be refused, with the reason that the refusal states.
RETIRED_STREAMS = {
    8: "CentOS Stream 8 reached its end of life in June 2024 and its Hyperscale repositories are frozen",
}


class Key(t.NamedTuple):
    """A package signing key: full fingerprint (40 hex digits) and where a host and the web keep it."""

    fingerprint: str
    path: str
    url: str

    @property
    def key_id(self) -> str:
        """The 16 hex digits that a signature carries."""
        return self.fingerprint[-16:].lower()


HYPERSCALE_KEY = Key(
    fingerprint="9B04530E0ED6ABC4B2C358DD2A01FA2AEB3DAC40",
    path="/etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-SIG-HyperScale",
    url="https://www.centos.org/keys/RPM-GPG-KEY-CentOS-SIG-HyperScale",
)


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


class Family(t.NamedTuple):
    """Packages that move together in one transaction, because each requires the exact EVR of the others.

    C(sources) are the source packages whose binaries belong to it; EPEL's systemd-extras builds
    systemd-networkd and systemd-timesyncd beside the stock systemd. C(unit_packages) maps a unit that an
    older build shipped in its main package to the package that ships it now. C(splits) are subpackages that newer
    builds split off and that another package could stand in for: they are named, so that the solver takes these.
    C(capabilities) are what one package or another provides, by the build: systemd-oomd of a stock one is
    systemd-oomd-defaults of the SIG's, which has the daemon in systemd-udev.
    """

    name: str
    lead: str
    sources: tuple[str, ...]
    unit_packages: dict[str, str]
    splits: tuple[str, ...]
    capabilities: tuple[str, ...] = ()


FAMILIES = {
    # Kernels are installed beside each other (_kernel_packages); the tools of a kernel are built apart by the SIG.
    "kernel": Family(
        name="kernel",
        lead="kernel-core",
        sources=("kernel", "kernel-headers", "kernel-tools", "perf", "bpftool", "linux-firmware"),
        unit_packages={},
        splits=(),
        capabilities=(),
    ),
    "systemd": Family(
        name="systemd",
        lead="systemd",
        sources=("systemd", "systemd-extras"),
        unit_packages={
            "systemd-networkd.service": "systemd-networkd",
            "systemd-resolved.service": "systemd-resolved",
        },
        splits=("systemd-shared", "systemd-sysusers"),
        capabilities=("systemd-oomd-defaults",),
    ),
    # Experimental, copy-on-write: rpm-libs of one build and rpm-build or rpm-sign of another do not go together.
    "rpm": Family(name="rpm", lead="rpm", sources=("rpm",), unit_packages={}, splits=(), capabilities=()),
}
