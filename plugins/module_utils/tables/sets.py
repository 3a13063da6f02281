# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ready sets: packages of the SIG that move together, by the name that an operator asks for them.

One row a set. Sources and streams: the SIG's tracking manifest of 2026-08 (https://github.com/slopfest/sandogasa,
configs/hs-relmon/manifest.toml) and its quarterly reports. Whether a repository really carries a set is read from the
repository. The commands that show that a set works are in verify/proven/smoke.py, by package.
"""

from __future__ import annotations

import typing as t


class Set(t.NamedTuple):
    """Packages that move together.

    All that is installed of C(sources) moves, and C(packages), which other sources may build as well: what comes is
    taken from C(sources) alone. C(lead) is installed where nothing of the set is. C(streams) and C(flavour) are where
    the SIG has it. C(tried) are packages whose commands show that the set works. C(note) is what else a person must know.
    """

    name: str
    sources: tuple[str, ...]
    lead: tuple[str, ...]
    tried: tuple[str, ...]
    note: str = ""
    flavour: str = "main"
    streams: tuple[int, ...] = (9, 10)
    packages: tuple[str, ...] = ()


SETS = {
    one.name: one
    for one in (
        Set("compression", ("lz4", "zstd"), ("lz4", "zstd"), ("lz4", "zstd")),
        Set("container-tools", ("crun",), ("crun",), ("crun",)),
        Set(
            "dbus-broker", ("dbus-broker",), ("dbus-broker",), ("dbus-broker",),
            "The running message bus keeps its old code until a reboot; it is never restarted, because all that speaks over "
            "it would lose its connection"),
        Set("e2fsprogs", ("e2fsprogs",), ("e2fsprogs",), ("e2fsprogs",)),
        Set("ethtool", ("ethtool",), ("ethtool",), ("ethtool",)),
        Set(
            "kpatch", ("kpatch",), ("kpatch",), ("kpatch",),
            "Its subpackages have versions of their own. Patches that are loaded stay loaded; each is for one build of the "
            "kernel"),
        Set(
            "openssh", ("openssh",), ("openssh-server",), ("openssh-clients", "openssh-server"),
            "The build's own scriptlet restarts sshd; sessions that are open live on, and new ones meet the new build",
            flavour="facebook"),
        Set(
            "perf", ("perf",), ("perf",), ("perf",),
            "kernel-tools of the same repository builds packages of these names as well; they are never taken, because the two "
            "carry the same files",
            # Of the SIG's main repository for 9 and 10; stock builds them from the kernel's source.
            packages=("libperf", "libperf-devel", "perf", "python3-perf")),
        Set(
            "selinux-policy", ("selinux-policy",), ("selinux-policy-targeted",), ("selinux-policy-targeted",),
            "The policy holds for the whole system. Going back needs a full relabel: 'fixfiles onboot' and a reboot",
            streams=(10,)),
        Set(
            "virtualization", ("libvirt", "qemu", "qemu-kvm"), ("libvirt", "qemu-kvm"), ("libvirt-client", "qemu-img"),
            "Guests that run keep the old emulator until they are stopped and started, or migrated",
            flavour="experimental"),
    )
}

# Names that several sources of one repository build: name -> the sources that they are taken from.
CLAIMED = {name: one.sources for one in SETS.values() for name in one.packages}


def set_of(name: str) -> Set | None:
    """Return the set that claims a package by its name."""
    return next((one for one in SETS.values() if name in one.packages), None)
