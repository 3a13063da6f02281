# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of every kernel: in the entries there are, in those to come, and in what later kernels take them from."""

from __future__ import annotations

import typing as t

from ...core.engine import Action
from ...core.errors import Problem
from ...core.host_io import FileState
from ...core.planning import BOOT, Context, Pending
from ...text import cmdline
from .actions import SECTION, EntryAction, SettingAction
from .state import DEFAULT_GRUB, KERNEL_CMDLINE, State, Wish, coming
from .switch import Switch

# Turns pressure stall information on in a kernel that was built with it off by default, as those of CentOS are.
PSI = "psi=1"
PLAIN_FILE = FileState("", "0644", "root", "root")


class Arguments(t.NamedTuple):
    """What it takes to have the arguments: other options for each entry (by id), files, variables, and what is noted."""

    settings: list[Action]
    entries: list[Action]
    kernelopts: str | None
    noted: dict[str, list[str]] | None
    problems: list[Problem]
    warnings: list[str]


def with_psi(wish: Wish, state: State) -> Wish:
    """Return a wish with the argument for pressure stall information, where the kernel needs it: it was started with such an
    argument, or has it off and was not built without it."""
    told = any(cmdline.key_of(word) == "psi" for word in cmdline.booted_words(state.cmdline))
    needed = told or (not state.psi["enabled"] and state.psi["supported"] is not False)
    return wish._replace(args=list(dict.fromkeys([*wish.args, PSI]))) if wish.psi and needed else wish


def arguments(wish: Wish, state: State, context: Context, switch: Switch) -> Arguments:
    """Return what brings every kernel to the wanted arguments, and the one that is tried to those of a try."""
    problems, changed = [], False
    entries: list[Action] = []
    shared = state.boot.variables.get(cmdline.KERNELOPTS[1:])
    for entry in state.boot.entries:
        shares = cmdline.KERNELOPTS in cmdline.words(entry.options)
        if shares and shared is None and (wish.args or wish.absent):
            problems.append(Problem(
                "boot.no_kernelopts",
                f"boot entry {entry.id}", "it takes its arguments from $kernelopts, which grubenv does not have",
                "Run 'grub2-mkconfig -o /boot/grub2/grub.cfg --update-bls-cmdline' on the host", subject=entry.id))
        wanted = cmdline.edited(entry.options, wish.args, wish.absent, not shares)
        changed = changed or wanted != entry.options
        why = "the wanted arguments differ" if wanted != entry.options else "what a try needs differs"
        if state.boot.entry_of(entry.release) == entry:
            loses = [word for word in switch.loses.get(entry.release, []) if word not in wish.args]
            wanted = cmdline.edited(wanted, switch.gets.get(entry.release, []), loses)
        if wanted != entry.options:
            entries.append(EntryAction.of(entry, why, wanted))
    for release in coming(context):
        add = [*wish.args, *switch.gets.get(release, [])]
        if add or wish.absent:
            entries.append(EntryAction.coming(release, "the kernel comes with this run", add, wish.absent))
    opts = None if shared is None else cmdline.edited(shared, wish.args, wish.absent)
    opts = None if opts == shared else opts
    settings, warnings = _settings(wish, state)
    noted = {"present": wish.args, "absent": wish.absent} if changed or settings or opts is not None else None
    return Arguments(settings, entries, opts, noted, problems, warnings)


def _settings(wish: Wish, state: State) -> tuple[list[Action], list[str]]:
    """Return what gives the arguments to kernels that are installed later. grubby edits the same two files."""
    if not (wish.args or wish.absent):
        return [], []
    actions: list[Action] = []
    warnings = []
    why = "kernels installed later take their arguments from here"
    held = state.files[KERNEL_CMDLINE]
    # Without the file, kernel-install takes over what the running kernel was started with.
    line = held.content.strip() if held else " ".join(cmdline.booted_words(state.cmdline))
    if cmdline.edited(line, wish.args, wish.absent) != line:
        following = state.boot.default
        base = line if held or following is None else " ".join(state.boot.words_of(following))
        content = cmdline.edited(base, wish.args, wish.absent) + "\n"
        actions.append(SettingAction.between(KERNEL_CMDLINE, why, held, (held or PLAIN_FILE)._replace(content=content)))
    default = state.files[DEFAULT_GRUB]
    line = cmdline.default_cmdline(default.content) if default else None
    if default and line is None and cmdline.ANY_DEFAULT_LINE.search(default.content):
        warnings.append(f"{DEFAULT_GRUB} computes GRUB_CMDLINE_LINUX and is left as it is. Write the arguments there by hand")
    elif default and line is not None and cmdline.edited(line, wish.args, wish.absent) != line:
        content = cmdline.with_default_cmdline(default.content, cmdline.edited(line, wish.args, wish.absent))
        actions.append(SettingAction.between(DEFAULT_GRUB, why, default, default._replace(content=content)))
    return actions, warnings


def left_open(wish: Wish, state: State) -> list[Pending]:
    """Return the arguments that the running kernel was not started with, or was and should not have been."""
    running = cmdline.booted_words(state.cmdline)
    lacking = [word for word in wish.args if cmdline.plain(word) not in running]
    unwanted = [word for word in wish.absent if any(cmdline.names_it(word, other) for other in running)]
    return [Pending(SECTION, word, BOOT, "the running kernel was started without it") for word in lacking] + [
        Pending(SECTION, f"no {word}", BOOT, "the running kernel was started with it") for word in unwanted]
