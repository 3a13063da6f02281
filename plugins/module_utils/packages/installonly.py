# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages have several builds installed beside each other: those that provide what C(installonlypkgs) of dnf names.

dnf's own configuration of this host says which. A transaction records it for its packages when it is solved, because it is
completed without dnf.
"""

from __future__ import annotations

import functools
import typing as t

try:
    import hawkey
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    hawkey = None

# What dnf.conf(5) names, for package files that are compared where there is no dnf.
DEFAULTS = (
    "kernel", "kernel-PAE", "installonlypkg(kernel)", "installonlypkg(kernel-module)", "installonlypkg(vm)",
    "multiversion(kernel)")


@functools.lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """Return the capabilities that dnf's configuration of this host names.

    Where dnf cannot read its configuration, no transaction is begun, and its defaults count.
    """
    try:
        import dnf.conf
        import dnf.exceptions
    except ImportError:
        return frozenset(DEFAULTS)
    conf = dnf.conf.Conf()
    try:
        conf.read(priority=dnf.conf.PRIO_MAINCONFIG)
    except dnf.exceptions.ConfigError:
        return frozenset(DEFAULTS)
    return frozenset(conf.installonlypkgs)


def named(provides: t.Iterable[str]) -> bool:
    """Say whether a package that provides some capabilities, given by name, is such a one."""
    return not names().isdisjoint(provides)


def is_one(package: t.Any) -> bool:
    """Say whether a package is such a one: installed, on offer (an object of dnf), or a build; each has C(provides)."""
    return named(str(capability).partition(" ")[0] for capability in package.provides)


def among(base: t.Any, wanted: t.Collection[str]) -> set[tuple[str, str, str]]:
    """Return which packages of some names, installed or on offer, are such ones, as dnf itself decides: name, EVR and
    architecture of each."""
    provided = list(base.conf.installonlypkgs)
    if not provided or not wanted:
        return set()
    query = base.sack.query(flags=hawkey.IGNORE_EXCLUDES)
    return {(one.name, one.evr, one.arch) for one in query.filter(name=sorted(wanted)).filter(provides=provided)}
