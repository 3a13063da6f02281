# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Package families: packages that move together in one transaction."""

from __future__ import annotations

import typing as t


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
