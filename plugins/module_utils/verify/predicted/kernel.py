# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new kernel beside the one that runs: modules in use, file systems, external modules, Secure Boot, tools, boot files.

What is built into a kernel has no file. CentOS builds name it among their provides, as C(kmod(NAME.ko)); where a build
has no such provides, a missing module may be built in, and the finding is a rule of thumb that blocks nothing.
"""

from __future__ import annotations

import re
import stat
import typing as t

from ...facts import boot_loader, kernel as host_kernel, mounts, security
from ...facts.consumer import Consumer
from ...facts.view import NOT_FOUND, View
from ...packages import builds
from ..builds import Build
from ..checks import found
from ..model import HEURISTIC, MEDIUM, Finding, Subject
from ..swap import Swap

MODULE = re.compile(r"^(/usr)?/lib/modules/(?P<release>[^/]+)/.*/(?P<name>[^/]+)\.ko(\.(xz|zst|gz))?$")
PROVIDED = re.compile(r"^kmod\((?P<name>[^)]+)\.ko(\.(xz|zst|gz))?\)$")
# kmod-libs belongs to the program kmod, which every host has.
EXTERNAL_PACKAGE = re.compile(r"^(kmod-(?!(libs|devel)$)|akmod-|kpatch-patch-)")
# Folders of modules and of live patches; dkms keeps its keys beside them.
EXTERNAL_PLACES = ("/var/lib/dkms/*/", "/var/lib/kpatch/*/", "/usr/src/akmods/*.src.rpm")
KERNEL_SYMBOL = ("kernel(", "ksym(")
TOOLS = ("perf", "bpftool", "kernel-tools", "kernel-tools-libs", "python3-perf")
SYSTEM_MOUNTS = ("/", "/boot", "/usr", "/var", "/boot/efi")
NOT_MODULES = ("overlay", "tmpfs", "rootfs", "devtmpfs", "proc", "sysfs", "autofs")
# File systems whose module has another name.
MODULE_OF = {"ext2": "ext4", "ext3": "ext4", "fuseblk": "fuse", "iso9660": "isofs", "nfs4": "nfsv4", "smb3": "cifs"}


def normal(name: str) -> str:
    """Return a module's name as /proc/modules has it."""
    return name.replace("-", "_")


def kernels(swap: Swap) -> list[Build]:
    """Return the new kernels."""
    return [build for build in swap.new if build.name == "kernel-core"]


def modules_of(swap: Swap) -> tuple[set[str], bool]:
    """Return the modules that the new kernel's packages have, and whether what is built in is among them."""
    names, complete = set(), False
    for build in swap.new:
        for path in build.files:
            match = MODULE.match(path)
            if match:
                names.add(normal(match.group("name")))
        provided = {normal(match.group("name")) for match in map(PROVIDED.match, (r.name for r in build.provides)) if match}
        names |= provided
        complete = complete or bool(provided)
    return names, complete


def _missing(check: str, name: str, swap: Swap, words: str, consumers: list[Consumer], complete: bool) -> Finding:
    kernel = kernels(swap)[0]
    finding = found(check, Subject("kernel module", name), "in use", None, words.format(kernel=kernel.nevra), consumers)
    if complete:
        return finding
    return finding._replace(
        severity=MEDIUM, blocking=False, confidence=HEURISTIC, diagnosis=finding.diagnosis + " It may be built in.")


def loaded(swap: Swap) -> t.Iterator[Finding]:
    """Row 85: modules that are loaded now and that the new kernel does not have."""
    if not kernels(swap):
        return
    there, complete = modules_of(swap)
    for line in (swap.host.text("/proc/modules") or "").splitlines():
        fields = line.split()
        if len(fields) < 4 or fields[0] in there or len(fields) > 5 and "O" in fields[-1]:
            continue
        users = [Consumer("kernel module", user, "uses it") for user in fields[3].strip("-,").split(",")
                 if user and not user.startswith("[")]  # [permanent] is no module
        yield _missing("kernel_module.lost", fields[0], swap, f"{fields[0]} is loaded, and {{kernel}} does not have it.",
                       [Consumer("kernel module", fields[0], "is loaded"), *users], complete)


def mounted(swap: Swap) -> t.Iterator[Finding]:
    """Row 86: file systems the host boots from that the new kernel cannot mount."""
    if not kernels(swap):
        return
    there, complete = modules_of(swap)
    for mount in mounts.gather(swap.host.root):
        module = normal(MODULE_OF.get(mount.fstype, mount.fstype))
        if mount.mountpoint in SYSTEM_MOUNTS and module not in there and mount.fstype not in NOT_MODULES:
            yield _missing(
                "kernel_module.root_missing", module, swap,
                f"{mount.mountpoint} is {mount.fstype}, and {{kernel}} does not have that file system.",
                [Consumer("filesystem", mount.mountpoint, mount.fstype)], complete)


def external(swap: Swap) -> t.Iterator[Finding]:
    """Rows 87, 88, 96: modules, live patches and module sources that are not part of the kernel."""
    if not kernels(swap):
        return
    new = kernels(swap)[0]
    for nevra, header in swap.installed.headers():
        symbols = [name for name in header["requirename"] or () if name.startswith(KERNEL_SYMBOL)]
        if EXTERNAL_PACKAGE.match(header["name"]) or (symbols and not header["name"].startswith("kernel")):
            yield found(
                "kernel_module.external", Subject("package", header["name"]), nevra, new.nevra,
                f"{nevra} holds modules for the kernel it was built with"
                + (f" and requires {len(symbols)} of its symbols." if symbols else "."), [Consumer("package", nevra)])
    for path in (path.rstrip("/") for pattern in EXTERNAL_PLACES for path in swap.host.glob(pattern)):
        yield found(
            "kernel_module.external", Subject("path", path), path, new.nevra, f"{path} holds a module or live patch.",
            [Consumer("path", path)])


def options(swap: Swap) -> t.Iterator[Finding]:
    """Row 89: options in modprobe.d for modules that the new kernel does not have."""
    if not kernels(swap):
        return
    there, complete = modules_of(swap)
    for path in swap.host.glob("/etc/modprobe.d/*.conf"):
        for number, line in enumerate((swap.host.text(path) or "").splitlines(), 1):
            words = line.partition("#")[0].split()
            if len(words) > 2 and words[0] == "options" and normal(words[1]) not in there:
                yield _missing(
                    "kernel_module.options", normal(words[1]), swap,
                    f"{path} sets options for {words[1]}; {{kernel}} does not have it.",
                    [Consumer("configuration", path, f"line {number}: options {words[1]}")], complete)


def secure_boot(swap: Swap) -> t.Iterator[Finding]:
    """Row 92: a kernel that the firmware will not start."""
    signed_for_test = [kernel for kernel in kernels(swap) if builds.release_segment(kernel.evr.rpartition("-")[2]) is not None]
    if not signed_for_test:
        return
    state = security.gather_secure_boot(swap.host.root)
    if state == "unknown":
        swap.host.note(security.VARIABLES, "no variable says whether Secure Boot is enabled; mount efivarfs there")
    if state == "enabled":
        for kernel in signed_for_test:
            yield found(
                "kernel.secure_boot", Subject("package", kernel.name, kernel.arch), None, kernel.nevra,
                f"Secure Boot is enabled, and {kernel.nevra} is signed with a test certificate, which firmware does not trust.",
                [Consumer("firmware", "Secure Boot")])


def tools(swap: Swap) -> t.Iterator[Finding]:
    """Rows 95 and 98: what is built with a kernel, or serves it, and stays behind."""
    for kernel in kernels(swap):
        version = kernel.evr.rpartition(":")[2].partition("-")[0]
        for nevra, header in swap.installed.headers():
            if header["name"] in TOOLS and header["version"] != version:
                yield found(
                    "kernel.tools_lag", Subject("package", header["name"]), nevra, kernel.nevra,
                    f"{nevra} stays while the kernel goes to {version}.", [Consumer("package", nevra)])
            if header["name"] == "linux-firmware" and builds.release_segment(kernel.evr.rpartition("-")[2]):
                yield found(
                    "firmware.lag", Subject("package", "linux-firmware"), nevra, kernel.nevra,
                    f"{nevra} stays while the kernel goes to {version}.", [Consumer("package", nevra)])


def boot_files(swap: Swap) -> t.Iterator[Finding]:
    """Rows 93, 94, 97, after the swap: image, initramfs and boot entry of each kernel that came."""
    for kernel in kernels(swap):
        release = f"{kernel.evr.rpartition(':')[2]}.{kernel.arch}"
        wanted = [f"/boot/vmlinuz-{release}", f"/boot/initramfs-{release}.img"]
        absent = [path for path in wanted if not _full(swap.host, path)]
        entries = [p for p in swap.host.glob("/boot/loader/entries/*.conf") if f"vmlinuz-{release}" in (swap.host.text(p) or "")]
        if swap.host.exists("/boot/loader/entries") and not entries:
            absent.append(f"a boot entry for {release}")
        if absent:
            yield found(
                "kernel.boot_files", Subject("kernel", release), None, absent, f"Missing or empty: {', '.join(absent)}.",
                [Consumer("path", path) for path in absent], proven=True)


def _full(view: View, path: str) -> bool:
    info = view.status(path)
    return info is not None and stat.S_ISREG(info.st_mode) and info.st_size > 0


def booted(swap: Swap) -> t.Iterator[Finding]:
    """Row 104: the kernel that runs, and the one that is the default or was to be tried."""
    boot = boot_loader.read(swap.host.root)
    status, out = swap.host.said("grubby", "--default-kernel")
    if status not in (0, NOT_FOUND) and boot.default is None:
        swap.host.unanswered(["grubby", "--default-kernel"], status)
    by_grubby = host_kernel.parse_default(out) if status == 0 else None
    default = (boot.default.release if boot.default is not None else None) or by_grubby
    running = (swap.host.text("/proc/sys/kernel/osrelease") or "").strip()
    tried = boot.tried.get("release")
    if tried:
        # Until the boot that tries it, the old kernel runs; after it, the tried one does until it is proven.
        booted_since = (swap.host.text("/proc/sys/kernel/random/boot_id") or "").strip() != boot.tried.get("boot_id")
        waits = boot.next is not None and boot.next.once
        if booted_since and not waits and running != tried:
            yield found(
                "kernel.not_intended", Subject("kernel", "tried"), tried, running,
                f"{tried} was to be tried, and {running} runs.", [Consumer("kernel", running, "runs")], proven=True)
    elif default and running and default != running:
        yield found(
            "kernel.not_intended", Subject("kernel", "default"), default, running,
            f"{running} runs, and {default} is the default.", [Consumer("kernel", running, "runs")], proven=True)
