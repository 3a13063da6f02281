# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a kernel that nobody has proven from staying the default, where the run that brought it has died. Detached.

The runner of the transaction asks it as soon as the packages are there, within its own unit. After that it acts like any guard.
"""

from __future__ import annotations

import typing as t

from ...core import boot_disk, guard_fire
from ...core.guard import Kind, Record
from ...core.host_io import FileState, Target
from ...facts import boot_loader
from ...text import bls
from .environment import put_variables

ENTRY = "sections.boot.guarding"
MODULES = (
    *guard_fire.MODULES, "core.boot_disk", "facts.read", "facts.mounts", "facts.boot_loader", "text.bls", "text.cmdline",
    "text.grubenv", "sections.boot.environment", "sections.boot.guarding")
SAVED = "saved_entry"
# Says whether a kernel that comes makes itself the default.
KERNEL_SETTINGS = "/etc/sysconfig/kernel"
# A run takes back what it holds right after its transaction; the guard waits for both.
SECONDS = 600.0


class BootGuard(Kind):
    """Has the entry of before as the default, where a newcomer or one that is not whole is it, and gives back the setting by
    which no kernel makes itself the default. What somebody else made of one of the two stays."""

    name = "boot"
    subject = "the boot entry that was the default before a kernel came"
    # The step that holds the default is taken back by the next run, which may have to complete the transaction with it in force.
    reverts = False
    watches = True

    def changed_by_others(self, target: Target, record: Record, boot: str) -> str:
        found = boot_loader.read(target.root)
        safe = record.args["safe"]
        if not found.ruled_by_files:
            return "GRUB does not follow saved_entry any more"
        if not any(entry.id == safe for entry in found.entries):
            return f"the entry {safe} is gone"
        if found.default is not None and found.default.id != safe and not is_astray(target, found, record.args["newcomers"]):
            return f"the default is {found.default.id}"
        return ""

    def put_back(self, target: Target, record: Record) -> None:
        put_safe_default(target, record.args["safe"], record.args["newcomers"])
        old, new = (FileState(*state) if state else None for state in (record.args["old"], record.args["new"]))
        if target.read(KERNEL_SETTINGS) == new != old:
            if old is None:
                target.remove(KERNEL_SETTINGS)
            else:
                target.write(KERNEL_SETTINGS, old)

    def open_ends(self, target: Target, record: Record) -> tuple[list[str], list[str]]:
        found = boot_loader.read(target.root)
        missing = [] if found.default is not None and found.default.id == record.args["safe"] else [
            f"the default is {found.default.id if found.default else 'not known'}"]
        old = FileState(*record.args["old"]) if record.args["old"] else None
        told = [] if target.read(KERNEL_SETTINGS) == old else [f"{KERNEL_SETTINGS}, which somebody else changed"]
        return missing, told

    def after_transaction(self, target: Target, record: Record) -> None:
        # The setting goes on holding until the run, or this guard, takes it back.
        put_safe_default(target, record.args["safe"], record.args["newcomers"])


GUARD = BootGuard()


def is_astray(target: Target, boot: boot_loader.Boot, newcomers: t.Container[str]) -> bool:
    """Say whether the default is one that came to be it by itself: a newcomer, one that is not whole, or none."""
    default: bls.Entry | None = boot.default
    return default is None or default.release in newcomers or bool(boot_loader.missing_images(target.root, default))


def put_safe_default(target: Target, safe: str, newcomers: t.Container[str]) -> None:
    """Have the entry of before as the default, where another came to be it by itself; GRUB sees it from then on."""
    boot = boot_loader.read(target.root)
    if not any(entry.id == safe for entry in boot.entries):
        return
    if is_astray(target, boot, newcomers) and (boot.default is None or boot.default.id != safe):
        put_variables(target, boot.env_path, {SAVED: safe})
    boot_disk.flush(boot_disk.BOOT, target.root)


def main(verb: str, folder: str) -> int:
    """Act as a unit of the guard, or right after a transaction."""
    return guard_fire.main(GUARD, verb, folder)
