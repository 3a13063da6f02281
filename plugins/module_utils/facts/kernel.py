# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running, the default and the installed kernels, and the kernel command line."""

from __future__ import annotations

import os
import re
import typing as t

from ..packages import builds, rpmdb
from ..text import cmdline
from . import boot_loader, read

# kernel-core and its variants (kernel-64k-core, kernel-rt-core, ...); kernel-modules-core carries no kernel.
CORE_PACKAGE = re.compile(r"^kernel-(?:(?!.*modules-core$).+-)?core$")
ARGUMENT = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
# What is said of the running kernel where it is another system's.
NOT_RUNNING = dict.fromkeys(("running", "cmdline", "arguments", "words", "waiting", "hyperscale"))
IMAGE = re.compile(r"^vmlinu[xz]-(.+)$")


def parse_arguments(line: str) -> dict[str, t.Any]:
    """Return the arguments of a kernel command line: the last of a name counts, and one without value is true."""
    found: dict[str, t.Any] = {}
    for word in ARGUMENT.findall(line):
        if word == "--":
            # What follows is for init.
            break
        name, equals, value = word.replace('"', "").partition("=")
        found[name] = value if equals else True
    return found


def parse_default(path: str) -> str | None:
    """Return the kernel release in the path that grubby prints, as C(uname -r) would print it."""
    image = IMAGE.match(os.path.basename(path.strip()))
    return image.group(1) if image else None


def core_packages(packages: t.Iterable[rpmdb.Package]) -> list[rpmdb.Package]:
    """Return the packages that carry a kernel, newest first."""
    return sorted(
        (package for package in packages if CORE_PACKAGE.match(package.name)),
        key=lambda package: rpmdb.EVR_ORDER(package.evr),
        reverse=True,
    )


def kernel_release(package: rpmdb.Package) -> str:
    """Return what C(uname -r) prints of a kernel package, without the suffix of a variant."""
    return f"{package.version}-{package.release}.{package.arch}"


def owner(release: str | None, packages: t.Iterable[rpmdb.Package]) -> rpmdb.Package | None:
    """Return the kernel package of a kernel release; variants append their name: C(...aarch64+64k)."""
    plain, plus, variant = (release or "").partition("+")
    same = [package for package in core_packages(packages) if kernel_release(package) == plain]
    named = [package for package in same if package.name == f"kernel-{variant}-core"] if plus else []
    ordinary = [package for package in same if package.name == "kernel-core"]
    return (named + ordinary + same + [None])[0]


def is_hyperscale(
    release: str | None, packages: list[rpmdb.Package] | None, pinned_key_ids: t.Iterable[str]
) -> bool | None:
    """Say whether a running kernel is the SIG's; None when no installed package owns it."""
    package = owner(release, packages or [])
    if package is None:
        return None
    return builds.recognise(package.release, package.vendor, package.signing_key, pinned_key_ids).hyperscale


def gather(
    root: str,
    run: read.Run,
    note: read.Note,
    packages: list[rpmdb.Package] | None,
    pinned_key_ids: t.Iterable[str],
    runs: bool = True,
) -> dict[str, t.Any]:
    """Return the C(kernel) group; C(packages) is None when the package database could not be read. C(runs) says whether the
    kernel that runs is this root's: what is said of another one would be wrong."""
    boot = boot_loader.read(root)
    return {**_of_root(boot, run, note, packages), **(_running(root, boot, packages, pinned_key_ids) if runs else NOT_RUNNING)}


def _of_root(
    boot: boot_loader.Boot, run: read.Run, note: read.Note, packages: list[rpmdb.Package] | None,
) -> dict[str, t.Any]:
    return {
        "default": default_release(boot, run, note),
        "next": next_boot(boot),
        "tried": boot.tried.get("release"),
        "installed": None if packages is None else [package.nevra for package in core_packages(packages)],
    }


def _running(
    root: str, boot: boot_loader.Boot, packages: list[rpmdb.Package] | None, pinned_key_ids: t.Iterable[str],
) -> dict[str, t.Any]:
    running = read.text(root, "/proc/sys/kernel/osrelease").strip()
    line = read.text(root, "/proc/cmdline").strip()
    words = cmdline.booted_words(line)
    return {
        "running": running,
        "cmdline": line,
        "arguments": parse_arguments(line),
        "words": words,
        "waiting": boot.waiting(words),
        "hyperscale": is_hyperscale(running, packages, pinned_key_ids),
    }


def default_release(boot: boot_loader.Boot, run: read.Run, note: read.Note) -> str | None:
    """Return the kernel of the default entry: by the files that GRUB reads, else as grubby has it."""
    if boot.default is not None and boot.default.release:
        return boot.default.release
    try:
        default = parse_default(read.output(run, ["grubby", "--default-kernel"]))
    except read.Unreadable as error:
        note("kernel.default", str(error))
        return None
    if default is None:
        note("kernel.default", "grubby --default-kernel names no kernel image")
    return default


def next_boot(boot: boot_loader.Boot) -> dict[str, t.Any] | None:
    """Return what the next boot starts, by the files that GRUB reads; None where they do not say."""
    if boot.next is None:
        return None
    entry = boot.next.entry
    return {
        "release": entry.release, "entry": entry.id, "once": boot.next.once,
        "words": [cmdline.plain(word) for word in boot.words_of(entry)]}
