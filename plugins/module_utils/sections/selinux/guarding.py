# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has a host enforce again by itself, where it was set permissive and nobody has proven it in time. Detached."""

from __future__ import annotations

from ...core import guard_fire
from ...core.errors import Failed, Problem
from ...core.guard import Kind, Record
from ...core.host_io import Target
from ...facts.security import ENFORCE, RELAXED

ENTRY = "sections.selinux.guarding"
MODULES = (*guard_fire.MODULES, "facts.read", "facts.security", "sections.selinux.guarding")
ENFORCING, PERMISSIVE = "1", "0"


class SelinuxGuard(Kind):
    """Has the running kernel enforce. The configuration is never written, so a restart of the host ends it in any case."""

    name = "selinux"
    subject = "SELinux's enforcing mode"

    def changed_by_others(self, target: Target, record: Record, boot: str) -> str:
        now = switch(target)
        if now is None:
            return "SELinux is off"
        if now == PERMISSIVE and record.boot != boot:
            return "the host came up permissive, as it is configured or was started"
        return ""

    def put_back(self, target: Target, record: Record) -> None:
        if switch(target) != ENFORCING:
            target.run(["setenforce", ENFORCING])
        target.remove(RELAXED)

    def open_ends(self, target: Target, record: Record) -> tuple[list[str], list[str]]:
        now = switch(target)
        return ([] if now == ENFORCING else [f"{ENFORCE} says {now}"]), []


GUARD = SelinuxGuard()


def switch(target: Target) -> str | None:
    """Return what the kernel's own switch says; None where SELinux is off."""
    found = target.read(ENFORCE)
    return found.content.strip() if found else None


def hold(target: Target, wanted: str) -> None:
    """Refuse to go on where the kernel itself says otherwise."""
    now = switch(target)
    if now != wanted:
        raise Failed(Problem(
            "selinux.mode_not_set", f"{ENFORCE} of this host says {now}", f"{wanted} was set",
            "Look for a policy or a service that forbids the change of mode ('secure_mode_policyload')"))


def main(verb: str, folder: str) -> int:
    """Act as a unit of the guard."""
    return guard_fire.main(GUARD, verb, folder)
