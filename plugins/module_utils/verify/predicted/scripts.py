# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What packages run: scriptlets, triggers, and the alternatives that scriptlets register."""

from __future__ import annotations

import os
import re
import typing as t

from ...facts.consumer import Consumer
from ...facts.view import View
from ...text import shell
from ...text.alternatives import LINK_FOLDER, STATE_FOLDERS, parse
from ..builds import Build, Script, Trigger
from ..checks import found
from ..model import MEDIUM, Finding, Subject
from ..rebuilds import same_text
from ..swap import Swap

RESTART = re.compile(r"systemctl\s+(?:--\S+\s+)*(?:try-restart|restart|condrestart)\b|service\s+\S+\s+(?:cond)?restart")
RELOAD = re.compile(r"daemon-reload|daemon-reexec|systemd-update-helper")
ALTERNATIVES = ("alternatives", "update-alternatives")


class Alternative(t.NamedTuple):
    """One registration: family, link, target, priority and followers (link and target by name)."""

    link: str
    target: str
    priority: str
    followers: tuple[tuple[str, str, str], ...]


def scriptlets(swap: Swap) -> t.Iterator[Finding]:
    """Row 65: scriptlets that come, go, change, or run under another interpreter."""
    for old, new in swap.pairs:
        before, after = ({script.slot: script for script in build.scripts} for build in (old, new))
        for slot in sorted(before.keys() | after.keys()):
            a, b = before.get(slot), after.get(slot)
            if a and b and a.interpreter == b.interpreter and same_text(a.body, b.body, old, new):
                continue
            words = f"is {'new' if a is None else 'gone' if b is None else 'not the same'} in {new.nevra}"
            moved = a is not None and b is not None and a.interpreter != b.interpreter
            yield found(
                "scriptlet.changed", Subject("scriptlet", new.name, slot), _shown(a), _shown(b),
                f"The {slot} scriptlet of {new.name} {words}"
                + (f" and runs under {b.interpreter} instead of {a.interpreter}." if moved and a and b else "."),
                alone=swap.alone)


def _shown(script: Script | Trigger | None) -> dict[str, str] | None:
    return None if script is None else {"interpreter": script.interpreter, "body": script.body}


def restart_order(swap: Swap) -> t.Iterator[Finding]:
    """Row 68: the old build's %postun restarts a unit; it runs after the new files are there and may come too early."""
    for old, new in swap.pairs:
        for script in old.scripts:
            if script.slot == "postun" and RESTART.search(script.body) and not RELOAD.search(script.body):
                yield found(
                    "scriptlet.restart_order", Subject("package", new.name, new.arch), script.body, None,
                    f"The postun scriptlet of {old.nevra} restarts a unit without loading the new unit files first.")


def triggers(swap: Swap) -> t.Iterator[Finding]:
    """Row 67: triggers of the builds that come and go, and triggers of packages that stay on those that go."""
    for old, new in swap.pairs:
        before, after = ({(trigger.kind, trigger.on): trigger for trigger in build.triggers} for build in (old, new))
        for kind, on in sorted(before.keys() | after.keys()):
            a, b = before.get((kind, on)), after.get((kind, on))
            if a and b and a.interpreter == b.interpreter and same_text(a.body, b.body, old, new):
                continue
            how = "new" if a is None else "gone" if b is None else "changed"
            yield found(
                "trigger.changed", Subject("trigger", on, kind, new.name), _shown(a), _shown(b),
                f"The {kind} of {new.name} on {on} is {how} in {new.nevra}.", alone=swap.alone or b is None)
    gone = {build.name for build in swap.gone} - {build.name for build in swap.new}
    for nevra, header in swap.installed.headers() if gone else ():
        for name in sorted(gone.intersection(header["triggername"] or ())):
            yield found(
                "trigger.changed", Subject("trigger", name, "trigger", header["name"]), nevra, None,
                f"{nevra} has a trigger on {name}, which leaves.", [Consumer("package", nevra, f"trigger on {name}")])


def alternatives(swap: Swap) -> t.Iterator[Finding]:
    """Row 42: what the scriptlets register with the alternatives system, by family."""
    (before, unknown), (after, unknown_then) = _registered(swap.old), _registered(swap.new)
    if swap.view is not None:
        for words in sorted(unknown ^ unknown_then):
            swap.view.note("alternatives", f"the host decides what a scriptlet registers: {' '.join(words)}")
    for family in sorted(before.keys() | after.keys()):
        old, new = before.get(family, set()), after.get(family, set())
        if old == new:
            continue
        yield found(
            "alternatives.changed", Subject("alternatives", family), _lines(old), _lines(new),
            f"Family {family}: {len(old - new)} registrations of the old builds go, {len(new - old)} of the new ones come.",
            _family_users(swap, family, old), alone=swap.alone and not new, severity=MEDIUM if swap.alone and new else "")


def _registered(builds: t.Iterable[Build]) -> tuple[dict[str, set[Alternative]], set[tuple[str, ...]]]:
    """Return the registrations by family, and those commands of which it is not known what they register."""
    families: dict[str, set[Alternative]] = {}
    unknown: set[tuple[str, ...]] = set()
    for script in (script for build in builds for script in build.scripts):
        for command in shell.commands(script.body):
            if os.path.basename(command[0]) not in ALTERNATIVES or "--install" not in command:
                continue
            words = command[command.index("--install") + 1 :]
            if len(words) < 4 or not all(map(shell.is_known, words)):
                unknown.add(tuple(command))
                continue
            followers = [
                tuple(words[at + 1 : at + 4]) for at, word in enumerate(words) if word in ("--slave", "--follower")]
            families.setdefault(words[1], set()).add(
                Alternative(words[0], words[2], words[3], tuple(sorted(f for f in followers if len(f) == 3))))  # type: ignore[misc]
    return families, unknown


def _family_users(swap: Swap, family: str, old: set[Alternative]) -> list[Consumer]:
    """A family that is in use here, when what it points to is one of the old builds' targets or is set by hand."""
    if swap.view is None:
        return []
    chosen = swap.view.readlink(f"{LINK_FOLDER}/{family}")
    manual = _by_hand(family, chosen, swap.view)
    if chosen and (manual or any(chosen == alternative.target for alternative in old)):
        return [Consumer("alternatives", family, f"-> {chosen}" + (", set by hand" if manual else ""))]
    return []


def _by_hand(family: str, chosen: str | None, view: View) -> bool:
    """Say whether somebody chose what a family points to; nobody did where alternatives cannot read its file."""
    texts = (view.text(f"{folder}/{family}") for folder in STATE_FOLDERS)
    text = next((text for text in texts if text is not None), None)
    try:
        return text is not None and not parse(family, text).is_automatic(chosen)
    except ValueError:
        return False


def _lines(registered: set[Alternative]) -> list[str]:
    return sorted(
        f"{entry.link} -> {entry.target} priority {entry.priority}"
        + "".join(f", {name} -> {to}" for _link, name, to in entry.followers)
        for entry in registered)
