# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a swap, what became of what runs: units, scriptlets, and what SELinux denied since."""

from __future__ import annotations

import json
import os
import re
import typing as t

from ...core.host_io import STATE_DIR
from ...facts import audit, baseline, policy, read
from ...facts.consumer import Consumer
from ...facts.security import ENFORCE
from ...facts.view import View
from ...packages import jobfile
from ..checks import found
from ..model import LOW, MEDIUM, Finding, Skipped, Subject
from ..predicted.units import UNIT_PATH
from ..scenes import Scenes

RUNS = f"{STATE_DIR}/runs/*/{jobfile.RESULT}"
UNIT_FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/run/systemd/generator",
                "/run/systemd/generator.late")
INSTALL_SETTING = re.compile(r"^(WantedBy|RequiredBy|UpheldBy|Alias|Also|DefaultInstance)\s*=")
# What comes and goes with sessions, devices and mounts, or groups what else is there.
FLEETING = re.compile(r"(\.(scope|slice|device)$)|^(user|user-runtime-dir)@|^run-user-|^session-")
TROUBLE = re.compile(r"scriptlet failed|\b(warning|error):|\berror in \S+ scriptlet", re.IGNORECASE)
FAILED = re.compile(r"scriptlet failed|\berror\b", re.IGNORECASE)
# These are told by checks of their own.
SECOND_FILE = re.compile(r"\.rpm(new|save|orig)\b")
# Lines by rpm and dnf themselves. All others are by programs that scriptlets run, and may say what a file of the host holds.
OWN_WORDS = re.compile(r"^(warning|error): (%\w+\(|rpmdb|unpacking|install|[^:]*\.rpm\b)|^error (in|unpacking)\b", re.IGNORECASE)
REST = "(the rest is in {file} of the run on the host)"
PACKAGE = re.compile(r"%\w+\((?P<nevra>[^)]+)\)|scriptlet in rpm package (?P<name>\S+)")


def stopped(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 101: units that were active and are not."""
    now, unread = scenes.now("units"), scenes.unread("units")
    for unit, was in sorted(scenes.before("units").items()):
        if f"unit {unit}" in unread:
            continue  # it is told as unread, and so the check is not passed
        # A unit that became another name of one is that one.
        said = now.get(unit) or now.get(_alias(scenes.view, unit), {})
        if unit in scenes.course.off:
            continue
        if was.get("ActiveState") != "active" or FLEETING.search(unit) or was.get("Transient") == "yes":
            continue
        if said.get("ActiveState") in ("active", "activating", "reloading", "failed"):
            continue  # what failed has a check of its own
        if _on_demand(unit, was, said) or _not_meant_to_run(said) or not _known(scenes.view, unit, said):
            continue
        yield found(
            "unit.stopped", Subject("unit", unit), "active", said.get("ActiveState") or "not loaded",
            f"{unit} was active when the snapshot was taken and is {said.get('ActiveState') or 'not loaded'} now.",
            [Consumer("unit", name, "wants it") for name in (was.get("WantedBy") or "").split()], proven=True)


def started(scenes: Scenes) -> t.Iterator[tuple[str, str]]:
    """Yield units that are active and were not, with what they were: the reverse of stopped(), with its exceptions."""
    before, unread = scenes.before("units"), scenes.unread("units")
    for unit, said in sorted(scenes.now("units").items()):
        was = before.get(unit, {})
        if f"unit {unit}" in unread:
            continue
        if said.get("ActiveState") != "active" or was.get("ActiveState") in ("active", "activating", "reloading"):
            continue
        if FLEETING.search(unit) or said.get("Transient") == "yes":
            continue
        if _on_demand(unit, said, said) or _comes_by_itself(unit, said):
            continue
        # A job of the boot that ran before and whose condition did not hold then is no news.
        if not _not_meant_to_run(was):
            yield unit, was.get("ActiveState") or "not loaded"


def _comes_by_itself(unit: str, said: t.Mapping[str, str]) -> bool:
    """A socket, timer or path starts it, or it has no file of its own, or it marks what others have reached."""
    state = said.get("UnitFileState") or ""
    return bool(said.get("TriggeredBy")) or not state or (unit.endswith(".target") and not state.startswith("enabled"))


def _alias(view: View, unit: str) -> str:
    targets = filter(None, (view.readlink(os.path.join(folder, unit)) for folder in UNIT_FOLDERS))
    return os.path.basename(next(targets, ""))


def _on_demand(unit: str, was: t.Mapping[str, str], said: t.Mapping[str, str]) -> bool:
    """Nothing wants it, and it cannot be enabled or is started over D-Bus, or it is a mount of no unit file: it comes when asked
    and goes by itself."""
    state = was.get("UnitFileState") or ""
    # A target is a mark that others reach: it counts while somebody still asks for it.
    judged = said if unit.endswith(".target") else was
    unwanted = not (judged.get("WantedBy") or judged.get("RequiredBy"))
    asked_for = state == "static" or was.get("Type") == "dbus"
    return (asked_for and unwanted) or (unit.endswith(".mount") and not state)


def _not_meant_to_run(said: t.Mapping[str, str]) -> bool:
    """A job that is done once at boot and whose condition does not hold on this one."""
    return said.get("Type") == "oneshot" and said.get("ConditionResult") == "no"


def _known(view: View, unit: str, said: t.Mapping[str, str]) -> bool:
    """A unit without a file any more is told as one that is gone."""
    if said.get("LoadState") == "loaded":
        return True
    stem, at, _instance = unit.partition("@")
    names = [unit, f"{stem}@.{unit.rpartition('.')[2]}"] if at else [unit]
    return any(view.exists(os.path.join(folder, name)) for folder in UNIT_FOLDERS for name in names)


def failed(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 101: units that failed and had not before."""
    before = scenes.before("units")
    failed_now = sorted(unit for unit, said in scenes.now("units").items() if said.get("ActiveState") == "failed")
    known = _broken_before(scenes, failed_now)
    for unit in failed_now:
        was = before.get(unit, {}).get("ActiveState")
        # The snapshot of a later run may be younger than the break: what the first run of the adoption noted counts.
        earlier = known[unit] if known is not None and unit in known else ""
        yield found(
            "unit.failed", Subject("unit", unit), was, "failed",
            f"{unit} has failed; when the snapshot was taken it was {was or 'not loaded'}{f'; {earlier}' if earlier else ''}.",
            baseline=bool(earlier) if known is not None else was == "failed", proven=True)


def _broken_before(scenes: Scenes, failed_now: t.Sequence[str]) -> dict[str, str] | None:
    """Return which failed units were broken before the adoption, in words; None where the ledger does not tell."""
    if not scenes.course.broken or not failed_now:
        return None
    try:
        return baseline.judged(lambda argv: (*scenes.view.run(argv), ""), scenes.course.broken, failed_now).before
    except read.Unreadable as error:
        scenes.view.note("units that failed before", str(error))
        return None


def install_sections(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 60: [Install] sections that are not what they were, by the package that brings the units now."""
    before, now = scenes.before("installs"), scenes.now("installs")
    states = scenes.snapshot.content.get("units") or {}
    changed: dict[str, list[str]] = {}
    for unit in sorted(before.keys() & now.keys()):
        if before[unit] != now[unit]:
            changed.setdefault(_bringer(scenes, unit), []).append(unit)
    for package, names in sorted(changed.items()):
        was, said = ({unit: _shown(lines[unit]) for unit in names} for lines in (before, now))
        told = "; ".join(f"{unit} had {_lines(was[unit])} and has {_lines(said[unit])}" for unit in names)
        enabled = [unit for unit in names if states.get(unit, {}).get("UnitFileState") in ("enabled", "enabled-runtime")]
        yield found(
            "unit.install_changed", Subject("package", package), was, said, f"[Install] of {told}.",
            [Consumer("unit", unit, "was enabled") for unit in enabled], proven=True)


def _bringer(scenes: Scenes, unit: str) -> str:
    for path, (build, _file) in scenes.swap.new_files.items():
        match = UNIT_PATH.match(path)
        if match and match.group("unit") == unit:
            return build.name
    return ""


def _shown(lines: t.Sequence[str]) -> list[str]:
    """Return the lines of [Install] as a report has them: of settings that systemd does not know, the name alone."""
    return [line if INSTALL_SETTING.match(line) else f"{line.partition('=')[0]}=" for line in lines]


def _lines(lines: t.Sequence[str]) -> str:
    return "; ".join(lines) or "empty"


def scriptlets(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 66: what rpm said of scriptlets in the newest transaction of the collection since the snapshot."""
    result = _newest_result(scenes.view, scenes.snapshot.time)
    if result is None:
        raise Skipped("no transaction of the collection has ended since the snapshot")
    by_package: dict[str, list[str]] = {}
    for line in result.get("output") or ():
        if TROUBLE.search(line) and not SECOND_FILE.search(line):
            match = PACKAGE.search(line)
            nevra = (match.group("nevra") or match.group("name")) if match else ""
            by_package.setdefault(_name(nevra), []).append(line)
    for name, lines in sorted(by_package.items()):
        grave = any(FAILED.search(line) for line in lines)
        told = list(dict.fromkeys(map(_told, lines)))
        yield found(
            "scriptlet.failed", Subject("package", name or "the transaction"), None, told, f"rpm said: {' / '.join(told)}",
            severity="" if grave else MEDIUM, proven=True)


def _told(line: str) -> str:
    """Return a line of the output as a report has it: what a program printed is the word that was looked for alone."""
    match = TROUBLE.search(line)
    return line if match is None or OWN_WORDS.search(line) else f"{match.group()} {REST.format(file=jobfile.RESULT)}"


def _name(nevra: str) -> str:
    return nevra.rsplit("-", 2)[0] if nevra.count("-") > 1 else nevra


def _newest_result(view: View, since: float) -> dict[str, t.Any] | None:
    # The names of runs sort by time.
    for path in reversed(view.glob(RUNS)):
        try:
            result = json.loads(view.text(path) or "null")
        except ValueError:
            continue
        if isinstance(result, dict):
            return result if result.get("ended", 0) >= since else None
    return None


def denials(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 102: what SELinux denied since the snapshot or the begin of the way back; what it denied before was there before, and
    what the policy in force allows was denied by another one."""
    if scenes.view.text(ENFORCE) is None:
        raise Skipped("SELinux is off")
    since = scenes.course.since
    began = "the snapshot" if since == scenes.snapshot.time else "the way back began"
    heard = audit.denied(scenes.view.root, scenes.view.run, since, scenes.began)
    for source, reason in heard.unread.items():
        scenes.view.note(source, reason)
    for kind in heard.kinds:
        users = {Consumer("process", denial.comm, denial.path) for denial in kind.hits}
        contexts = ", ".join(sorted({f"{denial.source} on {denial.target}" for denial in kind.hits})[:3])
        through = ", and let through because of permissive mode" if kind.allowed else ""
        mended = all(policy.allows(denial) for denial in {(hit.source, hit.target): hit for hit in kind.hits}.values())
        yield found(
            "selinux.denied", Subject("denial", kind.what), None, len(kind.hits),
            f"{len(kind.hits)} times since {began}{through}: {contexts}." + " The policy in force allows it." * mended,
            sorted(users)[:20], severity=LOW if mended else MEDIUM if kind.allowed else "", baseline=kind.before, proven=True)


def domains(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 102: services whose main process runs in another SELinux domain than before."""
    before = scenes.before("domains")
    if scenes.view.text(ENFORCE) is None:
        raise Skipped("SELinux is off")
    now = scenes.now("domains")
    for unit in sorted(before.keys() & now.keys()):
        if before[unit] != now[unit]:
            yield found(
                "selinux.domain", Subject("unit", unit), before[unit], now[unit],
                f"The main process of {unit} ran in the domain {before[unit]} and runs in {now[unit]}.", proven=True)
