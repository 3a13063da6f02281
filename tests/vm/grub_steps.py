# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single steps of the collection on what a machine boots by, run in the root of its disk: C(python3 grub_steps.py STEP OLD NEW).

OLD is the kernel of before and NEW the one that is tried. The test takes a copy of the disk as soon as the step has returned:
nothing but the step has written its change out by then.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import typing as t

from ansible_collections.centos.hyperscale.plugins.module_utils.core import boot_disk
from ansible_collections.centos.hyperscale.plugins.module_utils.core.host_io import Target, sync_folder
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import boot_loader
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import worker
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.boot.actions import EntryAction, EnvironmentAction
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.boot.held import HoldAction
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.boot.state import KERNEL_SETTINGS
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.boot.switch import TRY_ARGUMENTS
from ansible_collections.centos.hyperscale.plugins.module_utils.text import bls

Step = t.Callable[[Target, str, str], None]


def _entry(release: str) -> bls.Entry:
    found = boot_loader.read("/").entry_of(release)
    assert found, release
    return found


def argument(target: Target, old: str, _new: str) -> None:
    """Give the entry of the default another argument."""
    entry = _entry(old)
    EntryAction.of(entry, "test", f"{entry.options} lab.step=argument").apply(target)


def once(target: Target, old: str, new: str) -> None:
    """Have the new kernel started once."""
    EnvironmentAction.of(boot_loader.read("/"), "test", {"saved_entry": _entry(old).id}, {"next_entry": new}).apply(target)


def default(target: Target, _old: str, new: str) -> None:
    """Make the new kernel the default."""
    EnvironmentAction.of(boot_loader.read("/"), "test", {"next_entry": None}, {"saved_entry": new}).apply(target)


def _transaction(change: t.Callable[[], None]) -> None:
    """Do to /boot what the packages do in a transaction, and then what the collection does after it."""
    before = boot_disk.contents()
    change()
    result = worker.seen_by_grub({"ok": True}, before)
    assert result == {"ok": True}, result


def _add(release: str) -> None:
    subprocess.run(["kernel-install", "add", release, f"/lib/modules/{release}/vmlinuz"], check=True)


def removal(_target: Target, _old: str, new: str) -> None:
    """Take the files of the new kernel out of /boot."""
    _transaction(lambda: subprocess.run(["kernel-install", "remove", new], check=True))


def transaction(target: Target, old: str, new: str) -> None:
    """Bring the files of the new kernel."""
    HoldAction.over(target.read(KERNEL_SETTINGS), _entry(old).id, [new]).apply(target)
    _transaction(lambda: _add(new))


def transaction_and_once(target: Target, old: str, new: str) -> None:
    """Bring the files of the new kernel, and have it started once."""
    transaction(target, old, new)
    once(target, old, new)


def spoilt_once(target: Target, old: str, new: str) -> None:
    """Have the new kernel started once with what a try gives it, and without a root file system: its initramfs is spoilt."""
    EntryAction.coming(new, "test", TRY_ARGUMENTS).apply(target)
    once(target, old, new)
    image = pathlib.Path(f"/boot/initramfs-{new}.img")
    image.write_bytes(bytes(image.stat().st_size))
    boot_disk.flush(boot_disk.BOOT)


def unsynced(_target: Target, _old: str, new: str) -> None:
    """Bring the files of the new kernel as packages do, for comparison: nothing is synced."""
    _add(new)


def by_rename(_target: Target, old: str, _new: str) -> None:
    """Give the default's entry another argument as programs commonly do, for comparison: synced, and renamed into its place."""
    entry = _entry(old)
    path = pathlib.Path(entry.path)
    beside = path.with_name("beside")
    with beside.open("w", encoding="utf-8") as out:
        out.write(bls.with_options(entry.text, f"{entry.options} lab.step=by_rename"))
        out.flush()
        os.fsync(out.fileno())
    beside.rename(path)
    sync_folder(str(path.parent))


STEPS: dict[str, Step] = {
    step.__name__: step
    for step in (argument, once, spoilt_once, default, removal, transaction, transaction_and_once, unsynced, by_rename)}


if __name__ == "__main__":
    STEPS[sys.argv[1]](Target(lambda _argv: (0, "", ""), "/var/tmp", state_dir="/var/tmp"), *sys.argv[2:])
