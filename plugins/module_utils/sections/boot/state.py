# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What section C(boot) decides on: the wishes in one, what the boot loader and the running kernel say, and the kernels that
can be started once the run's transaction is through."""

from __future__ import annotations

import re
import time
import typing as t

from ...core.host_io import FileState, Target
from ...core.planning import Context
from ...facts import boot_loader, cgroup, kernel as host_kernel, security
from ...packages import builds
from ...packages.solver import COMING, Item
from ...text import bls
from .guarding import KERNEL_SETTINGS

LEAVE = ""
# What kernel-install gives a new kernel's entry, what grub2-mkconfig writes entries anew from, and how many kernels dnf keeps.
KERNEL_CMDLINE, DEFAULT_GRUB, DNF_CONF = "/etc/kernel/cmdline", "/etc/default/grub", "/etc/dnf/dnf.conf"
# dnf.conf(5): how many builds of a kernel stay; 3 where nothing is set, 0 and 1 mean all.
INSTALLONLY_LIMIT = re.compile(r"^installonly_limit[ \t]*[=:][ \t]*(?P<limit>\d*)[ \t]*$", re.M)
DNF_LIMIT = 3


class Wish(t.NamedTuple):
    """What all wishes together want. C(keep) is 0 where dnf's limit is left as it is."""

    args: list[str]
    absent: list[str]
    kernel: str
    try_once: bool
    retry: str
    keep: int
    psi: bool = False


class State(t.NamedTuple):
    """What the section decides on. C(psi) is that group of host_info; C(missing) are the files of each entry that are not
    there, C(unwritable) why GRUB cannot write its environment block; C(btrfs) where btrfs is mounted, and C(with_btrfs) the
    kernels that can read it."""

    boot: boot_loader.Boot
    running: str
    boot_id: str
    cmdline: str
    psi: dict[str, t.Any]
    files: dict[str, FileState | None]
    missing: dict[str, list[str]]
    unwritable: str
    read_only: bool
    btrfs: list[str]
    with_btrfs: set[str]
    secure_boot: str
    now: int


class Kernel(t.NamedTuple):
    """A kernel that may be started: its release and its entry, which one that is still to come does not have."""

    release: str
    entry: bls.Entry | None

    @property
    def hyperscale(self) -> bool:
        """Whether it is the SIG's, by its release."""
        return builds.release_segment(self.release.rpartition("-")[2]) is not None


def merged(wants: t.Sequence[dict[str, t.Any]]) -> Wish:
    """Return what several wishes want together."""
    first = next((want for want in wants if want["kernel"]), {"kernel": LEAVE, "try_once": True, "retry": ""})
    return Wish(
        list(dict.fromkeys(word for want in wants for word in want["args"])),
        list(dict.fromkeys(word for want in wants for word in want["args_absent"])),
        first["kernel"], first["try_once"], first["retry"], max((want["keep"] for want in wants), default=0),
        any(want.get("psi") for want in wants))


def gather(target: Target, wants: t.Sequence[dict[str, t.Any]]) -> State:
    """Read what the boot loader and the running kernel say."""
    boot = boot_loader.read(target.root)
    mounts = boot_loader.mounts(target.root)
    mount = boot_loader.mount_of(target.root, boot.env_path)
    releases = {entry.release for entry in boot.entries}
    running, cmdline = target.run(["uname", "-r"]).strip(), _text(target, "/proc/cmdline")
    return State(
        boot, running, _text(target, "/proc/sys/kernel/random/boot_id"), cmdline,
        cgroup.gather_psi(target.root, running, host_kernel.parse_arguments(cmdline)),
        {path: target.read(path) for path in (KERNEL_CMDLINE, DEFAULT_GRUB, DNF_CONF, KERNEL_SETTINGS, boot_loader.NOTE)},
        {entry.id: boot_loader.missing_images(target.root, entry) for entry in boot.entries},
        boot_loader.unwritable(target.root, boot.env_path), mount is not None and "ro" in mount.options,
        sorted(mount.mountpoint for mount in mounts if mount.fstype == "btrfs"),
        {release for release in releases if boot_loader.has_module(target.root, release, "btrfs")},
        _secure_boot(target.root), int(time.time()))


def _text(target: Target, path: str) -> str:
    held = target.read(path)
    return held.content.strip() if held else ""


def _secure_boot(root: str) -> str:
    try:
        return security.gather_secure_boot(root)
    except OSError:
        return "unknown"


def coming(context: Context) -> list[str]:
    """Return the releases of the kernels that the run's transaction brings."""
    return [_release_of(item) for item in context.items if item.action in COMING and host_kernel.CORE_PACKAGE.match(item.name)]


def _release_of(item: Item) -> str:
    """Return what C(uname -r) will print of a kernel package; a variant (kernel-64k-core) appends its name."""
    variant = item.name[len("kernel-"):-len("core")].rstrip("-")
    return f"{item.evr.rpartition(':')[2]}.{item.arch}" + (f"+{variant}" if variant else "")


def kernels(state: State, context: Context) -> list[Kernel]:
    """Return the kernels that can be started after the transaction, newest first; none of them a rescue image."""
    going = {_release_of(item) for item in context.items
             if item.action not in COMING and host_kernel.CORE_PACKAGE.match(item.name)}
    releases = {entry.release for entry in state.boot.entries if entry.release and not entry.rescue}
    found = [Kernel(release, state.boot.entry_of(release)) for release in (releases | set(coming(context))) - going]
    return sorted(found, key=lambda kernel: bls.release_order(kernel.release), reverse=True)


def limit_of(state: State) -> int:
    """Return how many kernels dnf keeps here."""
    held = state.files[DNF_CONF]
    found = [match.group("limit") for match in INSTALLONLY_LIMIT.finditer(held.content)] if held else []
    return int(found[-1]) if found and found[-1] else DNF_LIMIT
