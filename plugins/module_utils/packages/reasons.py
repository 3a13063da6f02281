# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why packages are installed, as dnf has it in its history: C(user), C(dependency), C(weak-dependency), C(group)."""

from __future__ import annotations

import typing as t

try:
    import dnf.transaction
    import libdnf.transaction as dnf_history
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    dnf_history = None

# What dnf itself does not know is not written down for it.
UNKNOWN = "unknown"


def of(base: t.Any, names: t.Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the reasons of some packages, given by name and architecture, by C(name.arch)."""
    return {f"{name}.{arch}": _reason(base, name, arch) for name, arch in sorted(set(names))}


def planned(base: t.Any) -> dict[str, str]:
    """Return the reasons that dnf is going to note for the packages of a solved transaction that come.

    Where packages go, dnf also notes why others stay: such a line has no package.
    """
    forward = {*dnf.transaction.FORWARD_ACTIONS, dnf.transaction.PKG_REINSTALLED}
    coming = [entry for entry in base.transaction if entry.action in forward]
    return {
        f"{entry.pkg.name}.{entry.pkg.arch}": dnf_history.TransactionItemReasonToString(entry.reason)
        for entry in coming if entry.pkg in base.transaction.install_set}


def bring(base: t.Any, wanted: t.Mapping[str, str]) -> None:
    """Have the installed packages noted with these reasons, as C(dnf mark) does, where they are not."""
    changed = False
    for package in base.sack.query().installed():
        reason = wanted.get(f"{package.name}.{package.arch}", UNKNOWN)
        if reason in (UNKNOWN, _reason(base, package.name, package.arch)):
            continue
        base.history.set_reason(package, dnf_history.StringToTransactionItemReason(reason))
        changed = True
    if changed:
        last = base.history.last()
        version = base._ts.dbCookie() if last is None else last.end_rpmdb_version
        base.history.beg(version, [], [], "centos.hyperscale: reasons of installation")
        base.history.end(version)


def _reason(base: t.Any, name: str, arch: str) -> str:
    found = base.history.swdb.resolveRPMTransactionItemReason(name, arch, -1)
    return dnf_history.TransactionItemReasonToString(found)
