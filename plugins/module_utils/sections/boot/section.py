# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(boot): the arguments of every kernel, and which kernel is started, by the files that GRUB reads.

A kernel that this host has not run yet is started once: GRUB takes C(next_entry) a single time and clears it, so that the
boot after a failed one is the old kernel's again. It becomes the default only after the controller has proven the host.
"""

from __future__ import annotations

import json
import re
import typing as t

from ...core.engine import Action
from ...core.errors import Problem
from ...core.host_io import FileState
from ...core.planning import Context, Planned
from ...facts import boot_loader
from ...text import cmdline, grubenv
from . import actions as steps, held
from .actions import EnvironmentAction, NoteAction, SettingAction
from .arguments import PSI, Arguments, arguments, left_open, with_psi
from .state import DNF_CONF, INSTALLONLY_LIMIT, State, Wish, gather, limit_of, merged
from .switch import Switch, switch

__all__ = ["ACTIONS", "OPTIONS", "gather", "plan", "stands", "validate"]

ACTIONS = {**steps.ACTIONS, **held.ACTIONS}

OPTIONS: dict[str, t.Any] = {
    "args": {"type": "list", "elements": "str", "default": []},
    "args_absent": {"type": "list", "elements": "str", "default": []},
    "psi": {"type": "bool", "default": False},
    "kernel": {"type": "str", "default": ""},
    "try_once": {"type": "bool", "default": True},
    "retry": {"type": "str", "default": ""},
    "keep": {"type": "int", "default": 0},
}

MAIN = re.compile(r"^\[main\][ \t]*$", re.M)
RELEASE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._+~^-]*\Z")


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    wish = merged(wants)
    problems = [
        Problem("boot.argument", f"kernel argument {word!r}", "it is not one argument that a boot entry can hold",
                "Write NAME or NAME=VALUE; blanks only within double quotes, and none of ' \\ $ ` and control characters",
                subject=word)
        for word in [*wish.args, *wish.absent] if not cmdline.ARGUMENT.match(word)]
    for number, word in enumerate(wish.args):
        others = [other for other in wish.args[number + 1:] if cmdline.key_of(other) == cmdline.key_of(word)]
        if others and not cmdline.repeats(word):
            problems.append(Problem(
                "boot.argument_twice",
                f"kernel argument {cmdline.key_of(word)}", f"it is wanted as {word} and as {', '.join(others)}",
                "Leave one of them", subject=cmdline.key_of(word)))
        for unwanted in wish.absent:
            if cmdline.names_it(unwanted, word):
                problems.append(Problem(
                    "boot.argument_wanted_and_absent",
                    f"kernel argument {word}", f"it is wanted, and {unwanted} is to be absent", "Leave one of the two out",
                    subject=word))
    others = [word for word in wish.args if cmdline.key_of(word) == "psi" and word != PSI]
    if wish.psi and (others or any(cmdline.names_it(unwanted, PSI) for unwanted in wish.absent)):
        problems.append(Problem(
            "boot.argument_psi",
            "kernel argument psi", "pressure stall information is wanted, and the argument is wanted otherwise or absent",
            "Leave one of the two out"))
    if wish.kernel and not RELEASE.match(wish.kernel):
        problems.append(Problem(
            "boot.kernel_release",
            f"kernel {wish.kernel!r}", "it is no kernel release", "Write hyperscale, stock, or what 'uname -r' prints of it",
            subject=wish.kernel))
    for option in ("kernel", "try_once", "retry"):
        said = {want[option] for want in wants if want["kernel"]}
        if len(said) > 1:
            problems.append(Problem(
                "boot.option_twice",
                f"boot option {option}", f"it is wanted as {' and as '.join(sorted(map(str, said)))}", "Let the wishes agree",
                subject=option))
    return problems + [
        Problem(
            "boot.keep", f"keep {want['keep']}", "a kernel to come back to needs a place beside the one that runs",
            "Keep 2 or more, or 0")
        for want in wants if want["keep"] < 0 or want["keep"] == 1]


def stands(_state: State) -> bool:
    """Say that it is planned in every run: the default is guarded wherever a kernel comes."""
    return True


def plan(wants: t.Sequence[dict[str, t.Any]], state: State, context: Context) -> Planned:
    """Return what guards the default while a kernel comes, and what brings arguments, default and try to what is wanted."""
    guards, state = held.guards(state, context)
    planned = _wanted(wants, state, context)
    return planned._replace(actions=[*guards, *planned.actions])


def _wanted(wants: t.Sequence[dict[str, t.Any]], state: State, context: Context) -> Planned:
    """Return what brings arguments, default and try to what is wanted."""
    wish = with_psi(merged(wants), state)
    kept = _kept(wish, state)
    if not (wish.args or wish.absent or wish.kernel):
        return Planned(kept)
    if not (state.boot.entries or state.boot.config or wish.kernel):
        return _without_loader(wish, state)
    problems = _trouble(wish, state)
    if problems:
        return Planned([], problems)
    turn = switch(wish, state, context)
    wanted = arguments(wish, state, context, turn)
    actions = [
        *kept, *wanted.settings, *wanted.entries, *_noted(state, wanted.noted, turn.tried), *_environment(state, wanted, turn)]
    problems += _no_room(state, wanted, turn)
    if actions and state.read_only:
        problems.append(Problem(
            "boot.mounted_read_only",
            "/boot is mounted read-only", "its files are to be changed", "Mount it writable: 'mount -o remount,rw /boot'"))
    return Planned(
        actions, [*problems, *turn.problems, *wanted.problems], [*turn.pending, *left_open(wish, state)],
        [*turn.warnings, *wanted.warnings])


def _without_loader(wish: Wish, state: State) -> Planned:
    """Judge a wish for arguments where GRUB has no files, as in a container: nothing can be set, and nothing need be that is."""
    open_wishes = left_open(wish, state)
    return Planned([], [
        Problem(
            "boot.no_place_for_arguments", f"kernel argument {pending.subject}",
            "this host has no boot entries and no configuration of GRUB",
            "Set it where this host's kernel is started from, or leave the wish out",
            subject=pending.subject) for pending in open_wishes])


def _trouble(wish: Wish, state: State) -> list[Problem]:
    """Return why this host's GRUB would not follow the files that are written here."""
    boot = state.boot
    if boot.config is None:
        return [Problem(
            "boot.no_grub_cfg",
            "there is no /boot/grub2/grub.cfg", "this host is not started by GRUB, or by one that is set up another way",
            "Make it with 'grub2-mkconfig -o /boot/grub2/grub.cfg', or set the kernel in the boot loader that is used")]
    if not grubenv.BLSCFG.search(boot.config):
        return [Problem(
            "boot.no_blscfg", "/boot/grub2/grub.cfg has no 'blscfg'", "GRUB does not read the entries in /boot/loader/entries",
            "Run 'grub2-switch-to-blscfg' on the host")]
    problems = []
    if boot.env is not None and not grubenv.valid(boot.env):
        problems.append(Problem(
            "boot.not_an_environment_block",
            boot.env_path, "GRUB does not take it for an environment block", "Make it anew: 'grub2-editenv create'",
            subject=boot.env_path))
    if not wish.kernel:
        return problems
    if not grubenv.SAVED_DEFAULT.search(boot.config):
        problems.append(Problem(
            "boot.default_fixed", "/boot/grub2/grub.cfg does not follow saved_entry", "the default entry is fixed there",
            "Set GRUB_DEFAULT=saved in /etc/default/grub and run 'grub2-mkconfig -o /boot/grub2/grub.cfg'"))
    if boot.variables.get("boot_counter"):
        problems.append(Problem(
            "boot.boot_counter",
            "boot_counter is set in grubenv", "something else, such as greenboot, decides here which kernel is started",
            "Leave the choice to one of the two: take the other away and run 'grub2-editenv - unset boot_counter', or "
            "want no kernel here"))
    return problems


def _environment(state: State, wanted: Arguments, turn: Switch) -> list[Action]:
    """Return the one step that writes the environment block."""
    new = dict(turn.variables)
    if wanted.kernelopts is not None:
        new[cmdline.KERNELOPTS[1:]] = wanted.kernelopts
    if not (new or turn.starts):
        return []
    return [EnvironmentAction.of(state.boot, turn.why or "the wanted arguments differ", new, turn.starts)]


def _no_room(state: State, wanted: Arguments, turn: Switch) -> list[Problem]:
    """Say when the environment block cannot hold what is to be written; entries are named by 32 digits and the release."""
    new = {**turn.variables, **{name: f"{'0' * 32}-{release}" for name, release in turn.starts.items()}}
    if wanted.kernelopts is not None:
        new[cmdline.KERNELOPTS[1:]] = wanted.kernelopts
    try:
        grubenv.with_variables(state.boot.env, new)
    except ValueError as error:
        return [Problem(
            "boot.environment_block_full", state.boot.env_path, str(error),
            "Take variables out of it that nobody needs: 'grub2-editenv list' shows them, 'grub2-editenv - unset NAME' takes "
            "one out",
            subject=state.boot.env_path)]
    return []


def _noted(state: State, wanted: dict[str, list[str]] | None, tried: dict[str, t.Any] | None) -> list[Action]:
    """Return the step that notes what host_info reports from, and what a failed try is known by."""
    note = dict(state.boot.note)
    if wanted is not None:
        note["arguments"] = _with_earlier(wanted, note.get("arguments") or {})
    if tried is not None:
        note["tried"] = tried
    note = {name: value for name, value in note.items() if value}
    if note == state.boot.note:
        return []
    old = state.files[boot_loader.NOTE]
    new = FileState(json.dumps(note, indent=1, sort_keys=True) + "\n", "0600", "root", "root") if note else None
    return [NoteAction.between(boot_loader.NOTE, "what is under way is noted", old, new)]


def _with_earlier(wanted: dict[str, list[str]], had: t.Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return arguments together with those of earlier runs that nothing wanted now contradicts: several roles set some."""
    present, absent = wanted["present"], wanted["absent"]
    replaced = {cmdline.key_of(word) for word in present if not cmdline.repeats(word)}
    return {
        "present": [
            *(word for word in had.get("present", []) if word not in present and cmdline.key_of(word) not in replaced
              and not any(cmdline.names_it(unwanted, word) for unwanted in absent)), *present],
        "absent": [
            *(unwanted for unwanted in had.get("absent", []) if unwanted not in absent
              and not any(cmdline.names_it(unwanted, word) for word in present)), *absent]}


def _kept(wish: Wish, state: State) -> list[Action]:
    """Return the step that has dnf keep more kernels; it is never told to keep fewer."""
    held = state.files[DNF_CONF]
    limit = limit_of(state)
    if wish.keep == 0 or limit in (0, 1) or limit >= wish.keep or held is None:
        return []
    line = f"installonly_limit={wish.keep}"
    content, count = INSTALLONLY_LIMIT.subn(line, held.content)
    if not count:
        content, count = MAIN.subn(f"[main]\n{line}", held.content, count=1)
    if not count:
        content = f"[main]\n{line}\n{held.content}"
    return [SettingAction.between(DNF_CONF, f"dnf keeps {limit} kernels", held, held._replace(content=content))]
