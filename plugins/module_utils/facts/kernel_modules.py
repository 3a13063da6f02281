# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which modules a kernel has, by its own lists (modules.dep, modules.builtin; depmod(8)). Nothing here loads any."""

from __future__ import annotations

import os
import re
import typing as t

TREES = "/lib/modules"
LOADABLE, BUILT_IN = "modules.dep", "modules.builtin"
# What a kernel brought itself lies below this folder of its tree; what others built for it lies beside (extra, updates).
OWN = "kernel/"
# What the running kernel has built in and loaded, by name.
SYMBOLS = "proc/kallsyms"
# The packages that hold a kernel or modules of its own, and those of its variants.
PACKAGE = re.compile(r"^kernel-(.+-)?(core|modules(-.+)?)$")


def normal(name: str) -> str:
    """Return a module's name as the kernel writes it: file names may have dashes."""
    return name.replace("-", "_")


def trees(root: str) -> str:
    """Return where the trees of the kernels below C(root) lie."""
    return os.path.join(root, TREES.lstrip("/"))


def releases(root: str) -> list[str]:
    """Return the kernels that have a tree, by release as C(uname -r) prints it."""
    try:
        return sorted(entry.name for entry in os.scandir(trees(root)) if entry.is_dir())
    except FileNotFoundError:
        return []


def listed(tree: str, *lists: str, below: str = "") -> set[str]:
    """Return the names in some of a kernel's lists, whose lines begin with a path; C(below) takes those of one folder."""
    found: set[str] = set()
    for name in lists:
        try:
            with open(os.path.join(tree, name), encoding="utf-8") as lines:
                found.update(_name(line) for line in lines if line.startswith(below))
        except FileNotFoundError:
            continue
    return found


def _name(line: str) -> str:
    return normal(line.split(":", maxsplit=1)[0].strip().rsplit("/", 1)[-1].split(".ko")[0])


def file_systems(text: str) -> set[str]:
    """Return what /proc/filesystems names: the file systems that the running kernel has loaded or built in."""
    return {line.split()[-1] for line in text.splitlines() if line.split()}


def running_file_systems(root: str) -> set[str]:
    """Return the file systems of the running kernel. Their modules have the same names, but for a few."""
    try:
        with open(os.path.join(root, "proc/filesystems"), encoding="utf-8") as handle:
            return file_systems(handle.read())
    except FileNotFoundError:
        return set()


def offering(root: str, running: str, name: str, own: bool = False) -> list[str]:
    """Return the kernels that have a module; C(own) counts only what they brought themselves.

    A running kernel without a tree (a container's) has what it has loaded or built in.
    """
    below = OWN if own else ""
    found = {
        release for release in releases(root)
        if normal(name) in listed(os.path.join(trees(root), release), LOADABLE, BUILT_IN, below=below)}
    if running not in releases(root) and normal(name) in {normal(kind) for kind in running_file_systems(root)}:
        found.add(running)
    return sorted(found)


class Available(t.NamedTuple):
    """Which of some modules a host has: the release of the running kernel, what that has loaded or built in, and the modules
    that each installed kernel offers."""

    running: str
    loaded: set[str]
    offered: dict[str, set[str]]


def loaded(root: str) -> set[str]:
    """Return the modules that are loaded, and those built in that have a parameter, a version (sysfs-module(5)) or a file
    system."""
    found = running_file_systems(root)
    try:
        return found | set(os.listdir(os.path.join(root, "sys/module")))
    except FileNotFoundError:
        return found


def idle(root: str, running: str, name: str, symbol: str) -> bool:
    """Say whether the running kernel is known to have nothing of a module: it is neither loaded nor built in.

    A kernel that lacks the module is idle as well as one that could load it. The kernel itself is asked, by C(symbol), a function
    of the module: its lists may be gone with its package, or be those of another build. Where it does not tell its functions,
    the lists are believed.
    """
    modules = available(root, running, [name])
    if normal(name) in modules.loaded:
        return False
    has = _has(root, symbol)
    if has is None:
        has_list = os.path.exists(os.path.join(trees(root), running, BUILT_IN))
        return has_list or normal(name) in modules.offered.get(running, ())
    return not has


def _has(root: str, symbol: str) -> bool | None:
    """Say whether the running kernel has a function; None where it does not tell its functions."""
    tells = False
    try:
        with open(os.path.join(root, SYMBOLS), encoding="ascii", errors="replace") as lines:
            for line in lines:
                tells = True
                if line.split()[2:3] == [symbol]:
                    return True
    except OSError:
        pass  # not every kernel tells them, nor everybody
    return False if tells else None


def available(root: str, running: str, names: t.Iterable[str]) -> Available:
    """Return which of some modules are loaded or built in, and which kernels offer them. C(running) is what C(uname -r) says."""
    wanted = {normal(name) for name in names}
    offered = {release: wanted & listed(os.path.join(trees(root), release), LOADABLE, BUILT_IN) for release in releases(root)}
    return Available(running, loaded(root) | listed(os.path.join(trees(root), running), BUILT_IN), offered)
