# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another kernel: which one is wanted, why it may not be started, and how it comes to be the default by way of a try."""

from __future__ import annotations

import time
import typing as t

from ...core.errors import Problem
from ...core.planning import BOOT, PROOF, Context, Pending
from ...text import cmdline, grubenv
from .actions import NEXT, SAVED, SECTION, no_entry, not_whole
from .state import LEAVE, Kernel, State, Wish, kernels, limit_of

HYPERSCALE, STOCK = "hyperscale", "stock"

# A kernel that is tried comes back by itself: on a panic after ten seconds, and in the place of the shell that dracut gives
# where it finds no root (dracut.cmdline(7)).
TRY_ARGUMENTS = ("panic=10", "rd.shell=0", "rd.emergency=reboot")

# What is said of starting the SIG's kernel, by what is known of Secure Boot.
SECURE_BOOT = {
    "enabled": "Secure Boot is enabled and kernel {} is signed with a test certificate: the firmware will refuse it",
    "unknown": "No variable says whether Secure Boot is enabled. Where it is, the firmware will refuse kernel {}: "
               "it is signed with a test certificate",
}


class Switch(t.NamedTuple):
    """What it takes to start another kernel: variables of the environment block, those whose value is a kernel's entry, by
    kernel the words that its entry gets and loses, and what is noted of the try (C(None): as it was;
    empty: nothing any more)."""

    variables: dict[str, str | None] = {}
    starts: dict[str, str] = {}
    gets: dict[str, list[str]] = {}
    loses: dict[str, list[str]] = {}
    tried: dict[str, t.Any] | None = None
    why: str = ""
    problems: list[Problem] = []
    pending: list[Pending] = []
    warnings: list[str] = []


def switch(wish: Wish, state: State, context: Context) -> Switch:
    """Return what brings the wanted kernel to be the default."""
    if wish.kernel == LEAVE:
        return Switch()
    kernel = _wanted(wish, state, context)
    if isinstance(kernel, Problem):
        return Switch(problems=[kernel])
    problems = _unfit(kernel, state)
    if problems:
        return Switch(problems=problems)
    warnings = _cautions(kernel, wish, state, context)
    if kernel.release == state.running:
        return _settle(kernel, wish, state, context)._replace(warnings=warnings)
    turn = _try(kernel, wish, state, context) if wish.try_once else _make_default(kernel, state, "it is to be the default")
    return turn._replace(warnings=[*warnings, *turn.warnings])


def _wanted(wish: Wish, state: State, context: Context) -> Kernel | Problem:
    """Return the kernel that is to be the default, or why there is none."""
    known = kernels(state, context)
    listed = ", ".join(kernel.release for kernel in known) or "none"
    if wish.kernel not in (HYPERSCALE, STOCK):
        # A version or a version with release means the newest that begins so.
        exact = [kernel for kernel in known if kernel.release == wish.kernel]
        found = exact + [kernel for kernel in known if kernel.release.startswith((f"{wish.kernel}-", f"{wish.kernel}."))]
        return found[0] if found else Problem(
            "boot.kernel_not_installed",
            f"kernel {wish.kernel}", f"it has no boot entry here, and this run does not bring it; there are: {listed}",
            "Install it first, or name one of these", subject=wish.kernel)
    found = [kernel for kernel in known if kernel.hyperscale == (wish.kernel == HYPERSCALE)]
    # A host that runs a variant, such as one with larger pages, stays with it where it can.
    variant = state.running.partition("+")[2]
    same = [kernel for kernel in found if kernel.release.partition("+")[2] == variant]
    ordinary = [kernel for kernel in found if "+" not in kernel.release]
    for choice in (*same, *ordinary, *found):
        return choice
    return Problem(
        "boot.no_kernel_of_side",
        f"the {wish.kernel} kernel is wanted", f"none is installed with a boot entry; there are: {listed}",
        "Install it first: role kernel does, and so does section packages with family kernel", subject=wish.kernel)


def _unfit(kernel: Kernel, state: State) -> list[Problem]:
    """Return why a kernel must not be started here."""
    problems = []
    if kernel.entry is not None and state.missing.get(kernel.entry.id):
        problems.append(not_whole(kernel.release, state.missing[kernel.entry.id]))
    knows = kernel.release in state.with_btrfs if kernel.entry is not None else kernel.hyperscale
    if state.btrfs and not knows:
        problems.append(Problem(
            "boot.kernel_without_btrfs",
            f"btrfs is mounted on {', '.join(state.btrfs)}", f"kernel {kernel.release} has no module for btrfs",
            "Stay with a kernel that has it, or move these file systems first", subject=kernel.release))
    return problems


def _cautions(kernel: Kernel, wish: Wish, state: State, context: Context) -> list[str]:
    warnings = []
    if kernel.hyperscale and kernel.entry is not None and kernel.release != state.running and state.secure_boot in SECURE_BOOT:
        warnings.append(SECURE_BOOT[state.secure_boot].format(kernel.release))
    limit = max(wish.keep, limit_of(state)) if limit_of(state) > 1 else 0
    known = kernels(state, context)
    if kernel.hyperscale and all(other.hyperscale for other in known):
        warnings.append("No stock kernel is installed beside the Hyperscale kernel, so there is none to fall back to")
    elif kernel.hyperscale and 0 < limit <= len(known):
        warnings.append(
            f"dnf keeps {limit} kernels here (installonly_limit): the next one takes the oldest away, which is a stock kernel. "
            "A higher 'keep' keeps it")
    return warnings


def _settle(kernel: Kernel, wish: Wish, state: State, context: Context) -> Switch:
    """Make the running kernel the default once the host is proven; what it was tried with goes then."""
    if kernel.entry is None:
        return Switch(problems=[no_entry(kernel.release)])
    if _is_default(kernel, state) or context.proven or not wish.try_once:
        return _make_default(kernel, state, "the host was proven with it" if wish.try_once else "it is to be the default")
    default = state.boot.default
    return Switch(pending=[Pending(
        SECTION, kernel.release, PROOF,
        "it runs, and becomes the default once the host is proven; until then a boot starts "
        + (default.release if default else "another kernel"))])


def _is_default(kernel: Kernel, state: State) -> bool:
    default = state.boot.default
    return kernel.entry is not None and default is not None and default.id == kernel.entry.id


def _make_default(kernel: Kernel, state: State, why: str) -> Switch:
    """Make a kernel the default right away, and take back what a try left: the variable, arguments, the note."""
    tried = state.boot.tried.get("release")
    following = state.boot.next
    set_apart = following is not None and following.once and following.entry.release in (kernel.release, tried)
    return Switch(
        {NEXT: None} if set_apart else {}, {} if _is_default(kernel, state) else {SAVED: kernel.release}, {}, _left(state),
        {} if tried else None, why)


def _left(state: State) -> dict[str, list[str]]:
    """Return, by kernel, the arguments that an entry has only because its kernel is or was tried."""
    tried = state.boot.tried
    entry = state.boot.entry_of(tried.get("release", ""))
    there = cmdline.words(entry.options) if entry else []
    found = [word for word in tried.get("arguments", []) if word in there]
    return {tried["release"]: found} if found else {}


def _try(kernel: Kernel, wish: Wish, state: State, context: Context) -> Switch:
    """Have a kernel started once, with the boot after that fixed to what runs now."""
    problems = _no_try(kernel, wish, state)
    fallback = _fallback(kernel, state, context)
    if fallback is None:
        problems.append(Problem(
            "boot.no_fallback",
            f"kernel {kernel.release} is to be tried", "there is no other whole kernel that the host could come back to",
            "Install one beside it, or set 'try_once: false'", subject=kernel.release))
    if problems or fallback is None or fallback.entry is None:
        return Switch(problems=problems)
    warnings = [] if fallback.release == state.running else [
        f"The running kernel {state.running} has no whole boot entry: a try that fails comes back with {fallback.release}"]
    pending = [Pending(
        SECTION, kernel.release, BOOT,
        f"the next boot starts it once; the boot after that is {fallback.release} again, unless the host is proven with it")]
    added = _added(kernel, wish, state)
    now, tried, left = state.boot.variables, state.boot.tried, _left(state)
    kept = left.pop(kernel.release, [])
    noted = {
        "release": kernel.release, "fallback": fallback.release, "boot_id": state.boot_id, "time": state.now, "retry": wish.retry,
        "arguments": [*kept, *added]}
    same = all(tried.get(name) == noted[name] for name in ("release", "fallback", "retry"))
    ids = (kernel.entry.id if kernel.entry else None, fallback.entry.id)
    if same and not added and (now.get(NEXT), now.get(SAVED)) == ids:
        return Switch(pending=pending, warnings=warnings)
    return Switch(
        {SAVED: fallback.entry.id}, {NEXT: kernel.release}, {kernel.release: added}, left, noted, "it is started once",
        pending=pending, warnings=warnings)


def _no_try(kernel: Kernel, wish: Wish, state: State) -> list[Problem]:
    """Return why a kernel cannot be tried, or not again."""
    problems = []
    once = grubenv.ONCE_DEFAULT.search(state.boot.config or "")
    if state.unwritable or not once:
        problems.append(Problem(
            "boot.try_never_ends", f"kernel {kernel.release} is to be tried",
            (state.unwritable or "/boot/grub2/grub.cfg does not know next_entry") + ": GRUB would never end the try",
            "Set 'try_once: false' to make it the default at once, or have grubenv on a plain partition with ext4 or xfs",
            subject=kernel.release))
    tried, following = state.boot.tried, state.boot.next
    waits = following is not None and following.once and following.entry.release == kernel.release
    if tried.get("release") == kernel.release and tried.get("boot_id") != state.boot_id and not waits and (
            tried.get("retry") == wish.retry):
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(tried.get("time", 0)))
        problems.append(Problem(
            "boot.try_failed",
            f"kernel {kernel.release} was set to be tried on {when}", f"the host came back with {state.running}",
            "Look at 'journalctl -b -1' on the host, and at its console; to try again, give 'retry' another value than "
            f'"{wish.retry}"', subject=kernel.release))
    return problems


def _fallback(kernel: Kernel, state: State, context: Context) -> Kernel | None:
    """Return the kernel that a failed try comes back to: the running one, else the default, else the newest other one."""
    whole = [other for other in kernels(state, context)
             if other.release != kernel.release and other.entry is not None and not state.missing.get(other.entry.id)]
    default = state.boot.default.release if state.boot.default else ""
    by_choice = sorted(whole, key=lambda other: (other.release != state.running, other.release != default))
    return by_choice[0] if by_choice else None


def _added(kernel: Kernel, wish: Wish, state: State) -> list[str]:
    """Return the arguments that bring a tried kernel back, where neither the entry nor the wish names them already."""
    there = {cmdline.key_of(word) for word in (state.boot.words_of(kernel.entry) if kernel.entry else [])}
    there |= {cmdline.key_of(word) for word in [*wish.args, *wish.absent]}
    return [word for word in TRY_ARGUMENTS if cmdline.key_of(word) not in there]
