# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After going back: the packages are those of the snapshot again, and so is what a package does not bring back."""

from __future__ import annotations

import collections
import functools
import os
import re
import typing as t

from ...tables.places import COMPARED, SETTINGS
from ...text.masking import MASK
from .. import kernel_settings
from ..checks import found
from ..gather import GHOST, state_of
from ..model import LOW, MEDIUM, Finding, Skipped, Subject
from ..predicted.files import MANY
from ..scenes import Scenes
from ..swap import canonical
from . import activation, aftermath, settings

# What of a path can differ, in words.
ASPECTS = {
    "kind": "type", "content": "content", "mode": "mode", "owner": "owner", "label": "SELinux label (not the policy's)",
    "capabilities": "capabilities"}
MILD = ("label",)
COMMAND_LINE = "cmdline"
TEXT = re.compile(
    r"(--(?:comment|string|hex-string|log-prefix|nflog-prefix|ulog-prefix) |\b(?:comment|prefix) (?=\")|@\S+ (?:[!=]= )?(?=\"))"
    r"(?:\"(?:\\.|[^\"\\])*\"|\S+)")
# Variables of GRUB's environment whose value is the name of an entry.
ENTRIES = ("saved_entry=", "next_entry=", "prev_saved_entry=")
# A unit that cannot be enabled has a state that only its file decides.
CHOSEN = ("enabled", "enabled-runtime", "disabled", "masked", "masked-runtime", "linked", "linked-runtime")


def packages(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 105: builds that are missing or too many, and reasons of installation that changed."""
    before, now = scenes.before("packages"), scenes.now("packages")
    for nevra in sorted(before.keys() ^ now.keys()):
        missing = nevra in before
        yield found(
            "rollback.package", Subject("build", nevra), nevra if missing else None, None if missing else nevra,
            f"{nevra} was installed when the snapshot was taken and is not now." if missing else
            f"{nevra} is installed and was not when the snapshot was taken.", proven=True)
    for nevra in sorted(before.keys() & now.keys()):
        if before[nevra] != now[nevra] and before[nevra] is not None:
            yield found(
                "rollback.package", Subject("reason", nevra), before[nevra], now[nevra],
                f"dnf has {nevra} as installed for '{now[nevra]}'; it was '{before[nevra]}'.", severity=LOW, proven=True,
                remedy="Set it with 'dnf mark'")


def files(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 106: configuration, local edits, files with special rights, and what was left in the folders looked through."""
    before, now = scenes.before("files"), scenes.now("files")
    known = tuple(f"{folder}/" for folder in scenes.snapshot.content.get("folders") or [SETTINGS])
    # Second files are told as left behind.
    second = set(scenes.now("leftovers"))
    for path in sorted({*before, *(path for path in now if path.startswith(known) and path not in second)}):
        was = before.get(path)
        said = now[path] if path in now else state_of(scenes.view, path)
        if was is None or said is None:
            if was is not said:
                yield found(
                    "rollback.differs", Subject("path", path), _shown(was), _shown(said),
                    f"{path} was there and is gone." if said is None else f"{path} was not there before.",
                    severity=LOW if was is None else "", proven=True)
            continue
        aspects = _differing(path, was, said)
        if aspects:
            had, has = _shown(was), _shown(said)
            yield found(
                "rollback.differs", Subject("path", path), {name: had[name] for name in aspects},
                {name: has[name] for name in aspects},
                f"{path}: {', '.join(ASPECTS[name] for name in aspects)} not as before.",
                severity=MEDIUM if all(name in MILD for name in aspects) else "", proven=True)


def _differing(path: str, was: dict[str, str], said: dict[str, str]) -> list[str]:
    """Return the aspects in which two states of a path differ. A snapshot of an older release has fewer of them, and a label
    that the policy wants is no loss, whatever it was before."""
    return [
        name for name in ASPECTS if name in was and name in said and (name not in MILD or said[name])
        and _leading(path, was)[name] != _leading(path, said)[name]]


def _shown(state: dict[str, str] | None) -> t.Any:
    """Return a state of a path as a report has it: what GRUB's environment holds may be secret, but for which entry it starts."""
    if state is None or state["kind"] != "file" or "=" not in state["content"]:
        return state
    lines = [line if line.startswith(ENTRIES) else f"{line.partition('=')[0]}=" for line in state["content"].splitlines()]
    return {**state, "content": "\n".join(lines)}


def ghosts(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 107: what packages own without carrying it, and rpm removes with a build that does not own it."""
    before = scenes.before("ghosts")
    for path, was in sorted(before.items()):
        said = state_of(scenes.view, path, with_content=False)
        aspects = _differing(path, was, said) if said is not None else []
        if said is None or aspects:
            yield found(
                "rollback.differs", Subject("path", path), was, said,
                f"{path} was there and is gone." if said is None else
                f"{path}: {', '.join(ASPECTS[name] for name in aspects)} not as before.", proven=True)


def _leading(path: str, state: dict[str, str]) -> dict[str, str]:
    """Return a state of a path, of a link with the place that it leads to: builds of systemctl write the same one differently."""
    if state["kind"] != "symlink":
        return state
    return {**state, "content": canonical(os.path.normpath(os.path.join(os.path.dirname(path), state["content"])))}


def scope(scenes: Scenes) -> t.Sequence[Finding]:
    """Say of a snapshot that an older release took that it knows less of files."""
    missing = sorted(set(COMPARED) - set(scenes.snapshot.content.get("folders") or [SETTINGS]))
    if missing:
        raise Skipped(f"the snapshot is of an older release: it has no capabilities of files and nothing of {', '.join(missing)}")
    return ()


def verified(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 106: files of packages that are back, of which rpm says something else than it did."""
    before, now = scenes.before("verify"), scenes.now("verify")
    installed, compared = scenes.before("packages"), scenes.snapshot.content.get("files") or {}
    for path in sorted({*before, *now}):
        was, said = (entry.get(path, {}).get("flags", "") for entry in (before, now))
        kind = (now.get(path) or before[path])["kind"]
        # A file that was looked at itself has its finding by now, with what differs.
        if was == said or kind == GHOST or compared.get(path) is not None:
            continue
        owners = scenes.swap.installed.owners(path)
        if any(nevra in installed for nevra in owners):
            yield found(
                "rollback.differs", Subject("verified path", path), was or None, said or None,
                f"rpm -V says {said or 'nothing'} of {path}, which is of {', '.join(owners)}; "
                f"when the snapshot was taken it said {was or 'nothing'}.", proven=True)


def unit_states(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 106: units that are enabled, disabled or masked and were not. Those that stopped have a check of their own."""
    before, now = scenes.before("units"), scenes.now("units")
    for unit in sorted(before.keys() & now.keys()):
        was, said = (entry[unit].get("UnitFileState") or "" for entry in (before, now))
        if was != said and (was in CHOSEN or said in CHOSEN):
            yield found(
                "rollback.differs", Subject("unit", unit), was or None, said or None,
                f"{unit} was {was or 'without a state'} and is {said or 'without a state'}.", proven=True)


def running(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 106: units that run and did not. Those of the packages have a check of their own."""
    told = {unit for unit, _was in activation.started(scenes)}
    for unit, was in aftermath.started(scenes):
        if unit in told:
            continue
        yield found(
            "rollback.differs", Subject("running unit", unit), was, "active",
            f"{unit} is active and was {was} when the snapshot was taken.", severity=LOW, proven=True,
            remedy="Stop it, if nothing here has started it since")


def named_values(part: str, subject: str, scenes: Scenes) -> t.Iterator[Finding]:
    """Row 106: one part of names and values."""
    before, now = scenes.before(part), scenes.now(part)
    for name in sorted({*before, *now} - {"boot_id"}):
        if before.get(name) != now.get(name):
            was, said = before.get(name), now.get(name)
            if name == COMMAND_LINE:
                was, said = _arguments_without(was, said), _arguments_without(said, was)
            yield found(
                "rollback.differs", Subject(subject, name), was, said,
                f"{subject} {name} was {was or 'not there'} and is {said or 'not there'}."
                if name != COMMAND_LINE else f"kernel {name} had {was or 'nothing more'} and has {said or 'nothing more'}.",
                proven=True)


def _arguments_without(line: str | None, other: str | None) -> str:
    """Return the names of the arguments that a command line has and another one has not. Their values may be secret."""
    rest = collections.Counter((line or "").split()) - collections.Counter((other or "").split())
    return ", ".join(sorted(word.partition("=")[0] for word in rest.elements()))


def sysctls(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 106: values in force of keys that a file named when the snapshot was taken, whether or not one does so now.

    A value that was set back to what the files ask for has a check of its own.
    """
    known = scenes.snapshot.content.get("asked_sysctls") is not None
    told = {finding.subject.name for finding in settings.reset(scenes)} if known else set()
    for key, was in sorted(scenes.before("sysctls").items()):
        said, name = kernel_settings.value(scenes.view, key), kernel_settings.other_spelling(key)
        if was == said or name in told or (said is None and kernel_settings.OF_INTERFACE.match(key)):
            continue
        had, has = (kernel_settings.shown(key, value) for value in (was, said))
        yield found(
            "rollback.differs", Subject("sysctl", name), had, has,
            f"sysctl {name} was '{had}' and is {'not there' if has is None else repr(has)}.",
            severity=LOW if said is None else "", proven=True,
            remedy="Run 'sysctl --system', or set it again if nothing on the disk does")


def rulesets(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 106: rules of the packet filter."""
    before, now = scenes.before("rulesets"), scenes.now("rulesets")
    for name, was in sorted(before.items()):
        said = now.get(name)
        if not was and not said or was is None or was == said:
            continue
        if said is None:
            yield found(
                "rollback.differs", Subject("ruleset", name), [_bare(line) for line in was[:MANY]], None,
                f"{name} had {len(was)} lines and does not answer any more.", severity=MEDIUM, proven=True)
            continue
        gone, come = ([_bare(line) for line in (collections.Counter(one) - collections.Counter(other)).elements()]
                      for one, other in ((was, said), (said, was)))
        words = [f"{what} {_quoted(lines)}" for what, lines in (("gone:", gone), ("come:", come)) if lines]
        yield found(
            "rollback.differs", Subject("ruleset", name), gone[:MANY], come[:MANY],
            f"Rules that {name} lists are not as before: {'; '.join(words) or 'they stand in another order'}.",
            # What only came may be of a program that runs and adds rules.
            severity="" if gone or not come else MEDIUM, proven=True)


def _bare(rule: str) -> str:
    """Return a rule without the text that somebody wrote into it: comments, what is searched for, and what is logged."""
    return TEXT.sub(rf"\1{MASK}", rule)


def _quoted(lines: t.Sequence[str], many: int = 5) -> str:
    rest = f" and {len(lines) - many} more" if len(lines) > many else ""
    return ", ".join(f"'{line}'" for line in lines[:many]) + rest


# Each stands alone: a part that the snapshot lacks costs that part, and is said.
STATES: tuple[t.Callable[[Scenes], t.Iterable[Finding]], ...] = (
    files, ghosts, scope, verified, unit_states, running, functools.partial(named_values, "alternatives", "alternative"),
    functools.partial(named_values, "kernel", "kernel"), sysctls, rulesets)
