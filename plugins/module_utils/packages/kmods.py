# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of kernel modules, such as kmod-btrfs of the Kmods SIG, which is built for one exact stock kernel.

The package says by its own metadata for which: by the folder that its modules lie in, or else by what it requires.
"""

from __future__ import annotations

import re
import typing as t

from ..core.errors import Problem

# kmod-libs and kmod-devel belong to the program kmod.
PACKAGE = re.compile(r"^kmod-(?!(libs|devel)$)")
MODULE = re.compile(r"^(?:/usr)?/lib/modules/(?P<release>[^/]+)/.*\.ko(?:\.(?:xz|zst|gz))?$")
REQUIRED = re.compile(r"^kernel(?:-core)?-uname-r = (?P<release>\S+)$")


def built_for(files: t.Iterable[str], requires: t.Iterable[str]) -> set[str]:
    """Return the releases of the kernels that a package has modules for."""
    found = {match.group("release") for match in map(MODULE.match, files) if match}
    return found or {match.group("release") for match in map(REQUIRED.match, requires) if match}


def problem(nevra: str, releases: t.Collection[str], running: str, default: str | None) -> Problem | None:
    """Return why a package of modules is of no use here. C(default) is the kernel to boot next, None where it is not known."""
    if not releases:
        return Problem(
            "kernel_module.kernel_unknown",
            f"{nevra} holds kernel modules", "its metadata name no kernel that they were built for",
            "Use a build that says so, or a kernel that has the module itself", subject=nevra)
    wanted = [("runs", running)] + ([("is to boot next", default)] if default not in (None, running) else [])
    missed = [f"{release} {how}" for how, release in wanted if release not in releases]
    if not missed:
        return None
    return Problem(
        "kernel_module.other_kernel",
        f"{nevra} is built for kernel {', '.join(sorted(releases))}", f"on this host {' and '.join(missed)}",
        "Bring the host to that kernel first, wait for a build for its kernel, or use a kernel that has the module itself",
        subject=nevra)


def in_the_way(packages: t.Iterable[t.Any], running: str, default: str | None) -> list[Problem]:
    """Return why some of the packages (dnf objects, with their lists of files) that come are of no use here."""
    found = [
        problem(f"{package.name}-{package.evr}.{package.arch}", built_for(package.files, map(str, package.requires)),
                running, default)
        for package in packages if PACKAGE.match(package.name)]
    return [reason for reason in found if reason is not None]
