# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host as the ground of a swap: mounts, room, packages installed twice, other vendors, processes, processor."""

from __future__ import annotations

import collections
import os
import typing as t

from ...facts import boot_room, kernel as host_kernel, kind as host_kind, mounts as host_mounts
from ...facts.consumer import Consumer
from ...packages import builds, installonly
from ..checks import IN_THE_IMAGE, found
from ..model import HIGH, Finding, Skipped, Subject
from ..swap import Swap

STOCK_VENDORS = ("CentOS", "CentOS Project", "Red Hat, Inc.", builds.VENDOR)
SCRIPT_FOLDERS = ("/tmp", "/var/tmp")
DELETED = " (deleted)"
# What each level of the x86-64 psABI adds, by its names in /proc/cpuinfo.
LEVELS = {
    "x86_64_v2": {"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"},
    "x86_64_v3": {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"},
    "x86_64_v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}


def mounts(swap: Swap) -> t.Iterator[Finding]:
    """Row 47: file systems that the transaction writes to and cannot, and those that scriptlets cannot run from."""
    _written_here(swap)
    known = host_mounts.gather(swap.host.root)
    mount_of = _Mounts(known)
    written: dict[str, list[str]] = {}
    for path in sorted(_touched(swap)):
        written.setdefault(mount_of(swap.place(path)), []).append(path)
    for mount in known:
        paths = written.get(mount.mountpoint, [])
        if "ro" in mount.options and (paths or mount.mountpoint in ("/var", "/var/lib")):
            yield found(
                "mount.read_only", Subject("mount", mount.mountpoint), None, ",".join(mount.options),
                f"{mount.mountpoint} ({mount.fstype}) is mounted read-only; the swap writes {len(paths)} paths there.",
                [Consumer("path", path) for path in paths[:10]])
        folders = [folder for folder in SCRIPT_FOLDERS if mount_of(folder) == mount.mountpoint]
        if "noexec" in mount.options and folders and any(build.scripts for build in (*swap.old, *swap.new)):
            yield found(
                "mount.noexec", Subject("mount", mount.mountpoint), None, ",".join(mount.options),
                f"{mount.mountpoint} is mounted noexec, and {', '.join(folders)} is on it.",
                [Consumer("mount", mount.mountpoint)])


def _written_here(swap: Swap) -> None:
    """Raise Skipped on a host whose packages are written elsewhere."""
    kind = swap.host.kind
    if kind is not None and kind.name == host_kind.IMAGE_MODE:
        raise Skipped(IN_THE_IMAGE)


def _touched(swap: Swap) -> set[str]:
    """Return the paths that rpm writes or removes. Ghosts it leaves alone, and a folder that is there needs no writing."""
    return {
        path for files in (swap.old_files, swap.new_files) for path, (_build, file) in files.items()
        if not file.ghost and not (file.kind == "directory" and swap.host.exists(path))}


class _Mounts:
    """Says on which mount a path lies. What a folder answered, its other files need not ask again."""

    def __init__(self, known: t.Iterable[host_mounts.Mount]) -> None:
        self._points = {mount.mountpoint for mount in known}
        self._folders: dict[str, str] = {"/": "/"}

    def __call__(self, path: str) -> str:
        if path in self._points:
            return path
        folder = os.path.dirname(path)
        if folder not in self._folders:
            self._folders[folder] = self(folder)
        return self._folders[folder]


def room(swap: Swap) -> t.Iterator[Finding]:
    """Row 46: the room that the new builds take on each file system, and that a kernel takes on /boot."""
    _written_here(swap)
    mount_of = _Mounts(host_mounts.gather(swap.host.root))
    needed: collections.Counter[str] = collections.Counter()
    for sign, files in ((1, swap.new_files), (-1, swap.old_files)):
        for path, (_build, file) in files.items():
            if file.kind == "file" and not file.ghost:
                needed[mount_of(swap.place(path))] += sign * file.size
    coming = sum(bool(host_kernel.CORE_PACKAGE.match(build.name)) for build in swap.new)
    if coming:
        needed[mount_of("/boot")] += boot_room.per_kernel(swap.host.root) * coming
        yield from _inodes(swap, mount_of("/boot"), boot_room.INODES * coming)
    for mountpoint, size in sorted(needed.items()):
        free = host_mounts.free_bytes(swap.host.root, mountpoint)
        if size > free:
            yield found(
                "disk.space", Subject("mount", mountpoint), free, size,
                f"{mountpoint} has {free >> 20} MiB free and the swap takes {size >> 20} MiB more.")


def _inodes(swap: Swap, mountpoint: str, needed: int) -> t.Iterator[Finding]:
    free = boot_room.free(swap.host.root).inodes if swap.host.exists(boot_room.BOOT) else None
    if free is not None and free < needed:
        yield found(
            "disk.space", Subject("mount", mountpoint), free, needed,
            f"{mountpoint} has {free} inodes free and the files of a kernel below /boot take {needed}.")


def duplicates(swap: Swap) -> t.Iterator[Finding]:
    """Row 24: packages installed twice."""
    counted: dict[tuple[str, str], list[str]] = {}
    provides: dict[tuple[str, str], set[str]] = {}
    for nevra, header in swap.installed.headers():
        key = (header["name"], header["arch"] or "noarch")
        counted.setdefault(key, []).append(nevra)
        provides.setdefault(key, set()).update(header["providename"])
    for build in swap.old:
        counted.setdefault(build.id, []).append(build.nevra)
        provides.setdefault(build.id, set()).update(relation.name for relation in build.provides)
    for (name, arch), nevras in sorted(counted.items()):
        if len(nevras) > 1 and not installonly.named(provides[name, arch]):
            yield found(
                "installed.duplicate", Subject("package", name, arch), sorted(nevras), None,
                f"{', '.join(sorted(nevras))} are installed.", [Consumer("package", nevra) for nevra in nevras], proven=True)


def third_parties(swap: Swap) -> t.Iterator[Finding]:
    """Row 25: packages of other vendors that move with the swap, or that rest on what moves."""
    for build in swap.old:
        if build.vendor not in STOCK_VENDORS:
            yield found(
                "third_party.in_the_way", Subject("package", build.name, build.arch), build.vendor or None, None,
                f"{build.nevra} of {build.vendor or 'no vendor'} is replaced or removed by this swap.",
                [Consumer("package", build.nevra, f"vendor {build.vendor or 'none'}")])
    moving = {relation.name for build in swap.old for relation in build.provides}
    resting: dict[str, list[Consumer]] = {}
    for nevra, header in swap.installed.headers():
        needs = moving.intersection(header["requirename"] or ())
        if (header["vendor"] or "") not in STOCK_VENDORS and needs:
            resting.setdefault(header["vendor"] or "", []).append(
                Consumer("package", nevra, f"requires {', '.join(sorted(needs))}"))
    for vendor, consumers in sorted(resting.items()):
        yield found(
            "third_party.in_the_way", Subject("vendor", vendor), vendor or None, None,
            f"{len(consumers)} packages of {vendor or 'no vendor'} rest on what this swap replaces.", sorted(consumers))


def old_code(swap: Swap) -> t.Iterator[Finding]:
    """Row 69: processes that run or map what is replaced; after the swap those whose files are gone from disk."""
    return _running(swap, swap.uses.processes)


def _running(swap: Swap, processes: t.Mapping[str, t.Iterable[Consumer]]) -> t.Iterator[Finding]:
    running: dict[str, set[Consumer]] = {}
    for path, consumers in processes.items():
        there = path.removesuffix(DELETED)
        entry = swap.old_files.get(there) or swap.old_files.get(there.removeprefix("/usr"))
        if entry is not None and entry[1].kind == "file":
            running.setdefault(entry[0].name, set()).update(consumers)
    for name, consumers in sorted(running.items()):
        yield found(
            "process.old_code", Subject("package", name), None, None,
            f"{len({c.detail for c in consumers})} processes run or map files of {name}.", sorted(consumers))


def still_old_code(swap: Swap) -> t.Iterator[Finding]:
    """Row 69, after the swap: only files that were taken from under a process count."""
    gone = {path: users for path, users in swap.uses.processes.items() if path.endswith(DELETED)}
    return (finding._replace(confidence="proven") for finding in _running(swap, gone))


def processor(swap: Swap) -> t.Iterator[Finding]:
    """Row 99: builds for a level that this processor lacks. Another architecture rpm itself refuses (truth.py)."""
    if swap.view is None:
        return
    flags = set()
    for line in (swap.view.text("/proc/cpuinfo") or "").splitlines():
        if line.startswith(("flags", "Features")):
            flags = set(line.partition(":")[2].split())
            break
    if not flags and any(build.arch in LEVELS for build in swap.new):
        raise Skipped("/proc/cpuinfo does not say what this processor can do")
    for build in swap.new:
        wanted = set().union(*(LEVELS[level] for level in LEVELS if level <= build.arch)) if build.arch in LEVELS else set()
        if wanted - flags:
            yield found(
                "cpu.baseline", Subject("package", build.name, build.arch), None, build.arch,
                f"{build.nevra} is for {build.arch}; this processor lacks {', '.join(sorted(wanted - flags))}.",
                [Consumer("processor", os.uname().machine)], severity=HIGH)
