# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was broken on a host before an adoption began, and which of what is broken now was so then.

L(take) reads it when a run begins, the ledger keeps it, and L(failures) and L(news) compare, purely. No text of the host is kept:
names of units and packages, systemd's own words for results, and a digest of what a unit starts.

A unit that is not failed at that very moment may be broken all the same: somebody reset it (systemctl reset-failed), or its timer
has started it again a moment ago. The journal tells: it counts as failed where its last end was a failure, and no start or end
since was good.
"""

from __future__ import annotations

import hashlib
import json
import typing as t

from . import read
from .systemd import LIST_FAILED, parse_failed

SHOW = ["systemctl", "show", "--property=Id,Names,LoadState,ActiveState,Result,ExecStart", "--"]
LIST_INSTANCES = ["systemctl", "list-units", "--all", "--full", "--plain", "--no-legend", "--no-pager", "--", "*@*"]
# systemd's messages (sd-messages.h): a unit failed, a unit ended well, a job that starts a unit is done.
FAILURE, GOOD = "d9b373ed55a64feb8242e02dbe79a49c", (
    "7ad2d189f7e94e70a38c781354912448", "39f53479d3a045ac8e11786248231fbf")
JOURNAL = ["journalctl", "--quiet", "--no-pager", "--output=json", "--output-fields=UNIT,UNIT_RESULT,MESSAGE_ID"]
SINCE = "--since=-8d"
# What is asked of the journal at once.
MOST_UNITS = 50
UNIT_PARTS = ("failed", "lately", "instances")


class Failures(t.NamedTuple):
    """Failed units, each with words: those that are new since the baseline, those that were so before; and which of those
    before are so no more."""

    new: dict[str, str]
    before: dict[str, str]
    better: list[str]


def take(run: read.Run, note: read.Note, packages: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """Return the baseline of a host. C(packages) is the group of the facts. What cannot be read is noted, and is not in it."""
    found: dict[str, t.Any] = {}
    try:
        found.update(_units(run))
    except read.Unreadable as error:
        note("baseline.failed", str(error))
    try:
        found["lately"] = _lately(run)
    except (read.Unreadable, ValueError) as error:
        note("baseline.lately", str(error))
    if packages is not None:
        found["duplicates"] = list(packages["duplicates"])
        found["disagreements"] = [package["nevra"] for package in packages["disagreements"]]
    return found


def _units(run: read.Run) -> dict[str, t.Any]:
    failed = parse_failed(read.output(run, LIST_FAILED))
    listed = [line.split() for line in read.output(run, LIST_INSTANCES).splitlines() if line.strip()]
    return {
        "failed": {unit: _kept(said) for unit, said in shown(run, failed).items()},
        "instances": sorted(words[0] for words in listed if len(words) > 2 and words[2] != "failed")}


def shown(run: read.Run, units: t.Sequence[str]) -> dict[str, dict[str, str]]:
    """Return what systemd says of some units, by the name that was asked for. Raises Unreadable."""
    if not units:
        return {}
    blocks = [block for block in read.output(run, [*SHOW, *units]).split("\n\n") if block.strip()]
    return {unit: read.assignments(block) for unit, block in zip(units, blocks)}


def _kept(said: t.Mapping[str, str]) -> dict[str, t.Any]:
    # The command may hold secrets; what tells one from another is enough. It goes on with times and a PID.
    command = said.get("ExecStart", "").partition(" ; start_time=")[0]
    return {
        "names": sorted({said.get("Id", ""), *said.get("Names", "").split()} - {""}), "result": said.get("Result", ""),
        "starts": hashlib.sha256(command.encode("utf-8", "surrogateescape")).hexdigest()[:16] if command else ""}


def _lately(run: read.Run) -> dict[str, str]:
    """Return the units whose last end was a failure, with its result."""
    last: dict[str, tuple[int, str]] = {}
    for line in _journal(run, [SINCE, f"MESSAGE_ID={FAILURE}"]):
        last[line["UNIT"]] = (int(line["__REALTIME_TIMESTAMP"]), str(line.get("UNIT_RESULT", "")))
    newest = sorted(last, key=lambda unit: last[unit][0])[-MOST_UNITS:]
    good: dict[str, int] = {}
    if newest:
        ids, units = [f"MESSAGE_ID={one}" for one in GOOD], [f"UNIT={unit}" for unit in newest]
        for line in _journal(run, [SINCE, *ids, *units]):
            good[line["UNIT"]] = int(line["__REALTIME_TIMESTAMP"])
    return {unit: last[unit][1] for unit in newest if last[unit][0] > good.get(unit, 0)}


def _journal(run: read.Run, words: list[str]) -> t.Iterator[dict[str, t.Any]]:
    for line in read.output(run, [*JOURNAL, *words]).splitlines():
        found = json.loads(line) if line.strip() else {}
        if isinstance(found.get("UNIT"), str):
            yield found


def judged(run: read.Run, noted: t.Mapping[str, t.Any] | None, failed: t.Sequence[str]) -> Failures:
    """Compare the failed units of a host with a baseline; None: the host has no changes by the collection, so that no failure
    can come from it. Raises Unreadable."""
    if noted is None:
        return Failures({}, {unit: "it failed, and this host has no changes by the collection" for unit in failed}, [])
    known = sorted(noted.get("failed", {}))
    said = shown(run, [*failed, *(unit for unit in known if unit not in failed)])
    found = failures(noted, {unit: said.get(unit, {}) for unit in failed}, {unit: said.get(unit, {}) for unit in known})
    if found.new and "failed" not in noted:
        raise read.Unreadable("the first run of the adoption did not note which units had failed")
    return found


def failures(
    noted: t.Mapping[str, t.Any], now: t.Mapping[str, t.Mapping[str, str]], known: t.Mapping[str, t.Mapping[str, str]],
) -> Failures:
    """Compare failed units with a baseline. C(now) is what systemd says of those, C(known) of those that had failed before."""
    new, before = {}, {}
    for unit, said in sorted(now.items()):
        words = _was_failed(noted, unit, _kept(said), known)
        if words:
            before[unit] = words
        else:
            new[unit] = f"it failed ({said.get('Result') or 'no result'}), and had not before"
    failed = noted.get("failed", {})
    still = {name for unit, said in now.items() for name in (unit, *_kept(said)["names"])}
    better = [unit for unit in sorted(failed) if not {unit, *failed[unit]["names"]} & still]
    return Failures(new, before, [unit for unit in better if not any(unit in words for words in before.values())])


def _was_failed(
    noted: t.Mapping[str, t.Any], unit: str, now: t.Mapping[str, t.Any], known: t.Mapping[str, t.Mapping[str, str]],
) -> str:
    """Return in words how a failed unit was failed before; empty where it was not."""
    failed, lately = noted.get("failed", {}), noted.get("lately", {})
    names = {unit, *now["names"]}
    for other, was in failed.items():
        if names & {other, *was["names"]}:
            again = "" if was["result"] == now["result"] or not now["result"] else f" ({was['result']} then, {now['result']} now)"
            return f"it had failed before{again}" if other == unit else f"it had failed before, as {other}{again}"
    if names & set(lately):
        return "it had failed before, when it last ran"
    template = _template(unit)
    if template and unit not in noted.get("instances", ()):
        others = [other for other in (*failed, *lately) if _template(other) == template]
        if others:
            return f"{others[0]} of the same template had failed before, and this instance was not there"
    for other, was in failed.items():
        gone = known.get(other, {}).get("LoadState") == "not-found"
        if gone and was["starts"] and was["starts"] == now["starts"]:
            return f"it had failed before, as {other}, which is gone and started the same program"
    return ""


def _template(unit: str) -> str:
    """Return the template of an instance, empty for any other unit."""
    stem, at, rest = unit.partition("@")
    return f"{stem}@.{rest.rpartition('.')[2]}" if at and not rest.startswith(".") else ""


def news(noted: t.Mapping[str, t.Any] | None, part: str, now: t.Iterable[str]) -> list[str] | None:
    """Return what of some names is not in a part of a baseline; none where the host has no changes by the collection, and None
    where the baseline lacks that part."""
    if noted is None:
        return []
    return [name for name in now if name not in noted[part]] if part in noted else None
