# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What guards the default while a transaction brings a kernel. Its scriptlets may make the newcomer the default although its
initramfs could not be made. The default in force is therefore written before, and put back afterwards, whatever became of the
transaction; which kernel is started is decided only then, by the other steps of this section."""

from __future__ import annotations

import re
import typing as t

from ...core import guard, ledger
from ...core.engine import PREPARED, Action
from ...core.host_io import FileState, Target
from ...core.planning import Context
from ...core.writable import Touch
from ...facts import boot_loader
from ...shared.file import FileAction
from ...text import bls, grubenv
from . import guarding
from .actions import SECTION, EnvironmentAction, touch_of_block
from .guarding import KERNEL_SETTINGS, SAVED
from .state import State, coming

UPDATEDEFAULT = re.compile(r"^[ \t]*(export[ \t]+)?UPDATEDEFAULT=.*$", re.M)
PLAIN_FILE = FileState("", "0644", "root", "root")


class PinAction(EnvironmentAction):
    """The default in force, written by its id: without one, GRUB starts the newest entry, which may be that of the newcomer.
    Taken back, it also puts another default back that went with the kernels; one that is there and whole stays."""

    kind = "boot-pin"
    phase = PREPARED
    escorts = True

    def undo(self, target: Target) -> None:
        boot = boot_loader.read(target.root)
        named = boot.variables.get(SAVED)
        chosen = next((entry for entry in boot.entries if entry.id == named), None)
        if named != self.args["new"][SAVED] and chosen and not boot_loader.missing_images(target.root, chosen):
            self.left.append(f"{SAVED} was set to {named} since, and stays")
            return
        after = boot._replace(env=grubenv.with_variables(boot.env, self.args["old"])).default
        whole = after is not None and not boot_loader.missing_images(target.root, after)
        if not whole and boot.default is not None and boot.env is not None:
            self.left.append(f"{SAVED} stays {boot.default.id}: without it the default would not be whole")
            return
        super().undo(target)

    def _is_ours(self, boot: boot_loader.Boot, name: str, now: str | None) -> bool:
        # What went with the kernels, or is not whole, is put back as well.
        return True


class HoldAction(FileAction):
    """No kernel makes itself the default while the transaction is at work. Taken back right after it: then the default is the
    one of before as well, where it is not whole any more or is one of the newcomers. Its guard does the same where the run has
    died, and has the runner of the transaction put the default back within its own unit."""

    section = SECTION
    kind = "boot-hold"
    phase = PREPARED
    escorts = True
    holds = True

    @classmethod
    def over(cls, old: FileState | None, safe: str, newcomers: t.Sequence[str]) -> HoldAction:
        """Make the action that holds the default at an entry, given by its id, while some kernels come."""
        made = cls.between(
            KERNEL_SETTINGS, "no kernel is to make itself the default", old,
            (old or PLAIN_FILE)._replace(content=without_update((old or PLAIN_FILE).content)))
        made.args.update(safe=safe, newcomers=list(newcomers))
        return t.cast(HoldAction, made)

    def apply(self, target: Target) -> None:
        args = {name: self.args[name] for name in ("safe", "newcomers", "old", "new")}
        guard.arm_if_possible(
            target, guarding.GUARD, ledger.step_of_job(target.job), args, guarding.SECONDS, guarding.ENTRY, guarding.MODULES)
        super().apply(target)

    def touches(self, target: Target, undoing: bool = False) -> list[Touch]:
        return [*super().touches(target, undoing), touch_of_block(target, boot_loader.read(target.root).env_path)]

    def undo(self, target: Target) -> None:
        guarding.put_safe_default(target, self.args["safe"], self.args["newcomers"])
        super().undo(target)
        _end_guards(target)


def without_update(content: str) -> str:
    """Return /etc/sysconfig/kernel with C(UPDATEDEFAULT=no)."""
    if UPDATEDEFAULT.search(content):
        return UPDATEDEFAULT.sub("UPDATEDEFAULT=no", content)
    return content + ("\n" if content and not content.endswith("\n") else "") + "UPDATEDEFAULT=no\n"


def _end_guards(target: Target) -> None:
    """End the guards of the default, which was put back."""
    for record in guard.every(target):
        if record.kind == guarding.GUARD.name and record.state == guard.ARMED:
            guard.confirm(target, record.id)


def guards(state: State, context: Context) -> tuple[list[Action], State]:
    """Return the steps that guard the default while kernels come, and the state that they leave.

    Where GRUB is not ruled by its files, or no entry is whole, there is nothing to guard.
    """
    newcomers = coming(context)
    safe = _safe(state)
    if not newcomers or safe is None:
        return [], state
    pin = PinAction.of(state.boot, "the default is fixed before a kernel comes", {SAVED: safe.id}, {})
    state = state._replace(boot=state.boot._replace(env=grubenv.with_variables(state.boot.env, {SAVED: safe.id})))
    return [pin, HoldAction.over(state.files[KERNEL_SETTINGS], safe.id, newcomers)], state


def _safe(state: State) -> bls.Entry | None:
    """Return the entry to stay with: the default, or where that is not whole the running kernel's, or the newest whole one."""
    if not state.boot.ruled_by_files:
        return None
    wanted = [state.boot.default, state.boot.entry_of(state.running), *bls.grub_order(state.boot.entries)]
    whole = [entry for entry in wanted if entry is not None and not entry.rescue and not state.missing.get(entry.id)]
    return whole[0] if whole else None


ACTIONS = {action.kind: action for action in (PinAction, HoldAction)}
