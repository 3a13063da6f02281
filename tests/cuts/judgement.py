# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is expected of a host after a cut and the run after it: the judgement of two or more looks, and its words."""

from __future__ import annotations

import re
import typing as t

# Parts of a look that must be as they were; of the others nothing may be there that was not there before.
SAME = ("packages", "manager")
SAME_BY_NAME = ("reasons", "configuration", "units")
NOTHING_NEW = ("twice", "verify", "rests", "failed", "checked")
WORDS = 400

Look = dict[str, t.Any]


class Touched(t.NamedTuple):
    """What an admin changed between a cut and the next run, by name: no run answers for it. C(reasons) are packages that one has
    installed with rpm on this host: dnf does not know why these are there."""

    paths: t.Collection[str] = ()
    units: t.Collection[str] = ()
    packages: t.Collection[str] = ()
    alternatives: t.Collection[str] = ()
    reasons: t.Collection[str] = ()


NOTHING = Touched()


def left_out(look: Look, touched: Touched) -> Look:
    """Return a look without what an admin changed."""
    def kept(part: str, names: t.Collection[str]) -> dict[str, str]:
        return {name: words for name, words in look[part].items() if name not in names}

    def of_others(name: str) -> bool:
        return name.rpartition(".")[0] not in touched.packages

    def known_to_dnf(name: str) -> bool:
        return of_others(name) and name.rpartition(".")[0] not in touched.reasons

    return {
        **look,
        "packages": [nevra for nevra in look["packages"] if nevra.rsplit("-", 2)[0] not in touched.packages],
        "reasons": {name: reason for name, reason in look["reasons"].items() if known_to_dnf(name)},
        "twice": [name for name in look["twice"] if of_others(name)],
        "configuration": kept("configuration", touched.paths), "units": kept("units", touched.units),
        "verify": [line for line in look["verify"] if line.split()[-1] not in touched.paths],
        "failed": [unit for unit in look["failed"] if unit not in touched.units],
    }


def differences(known: t.Sequence[Look], now: Look, touched: Touched = NOTHING) -> list[str]:
    """Return in words where a look is like none of those that are known to be good, but for what an admin changed."""
    known, now = [left_out(look, touched) for look in known], left_out(now, touched)
    found = []
    for part in SAME:
        if all(now[part] != look[part] for look in known):
            gone = [entry for entry in known[0][part] if entry not in now[part]]
            new = [entry for entry in now[part] if entry not in known[0][part]]
            found.append(f"{part}: {', '.join([f'no {entry}' for entry in gone] + new)}")
    for part in SAME_BY_NAME:
        for name in sorted({name for look in (*known, now) for name in look[part]}):
            if all(now[part].get(name) != look[part].get(name) for look in known):
                found.append(f"{part}: {name} is {now[part].get(name, 'absent')}, was {known[0][part].get(name, 'absent')}")
    for part in NOTHING_NEW:
        found += [f"{part}: {entry}" for entry in now[part] if all(entry not in look[part] for look in known)]
    return found


def of_runs(first: dict[str, t.Any], second: dict[str, t.Any] | None) -> list[str]:
    """Return what is wrong with the plain run after a cut, and with the one after that."""
    if first.get("failed") or "msg" in first:
        return [f"the next run failed: {short(first.get('msg', ''))}"]
    if second is None:
        return []
    if second.get("failed") or "msg" in second:
        return [f"the second run failed: {short(second.get('msg', ''))}"]
    if second["changed"]:
        steps = ", ".join(f"{action['kind']} {action['subject']}" for action in second["actions"])
        return [f"the second run changed something: {steps}"]
    if second["interrupted"]:
        return [f"the second run still speaks of the cut: {second['interrupted']['outcome']}"]
    return []


def of_proof(proof: dict[str, t.Any], known: t.Container[str], touched: Touched = NOTHING) -> list[str]:
    """Return what a proof finds that is bad; what the proof of an uncut run finds as well is not held against a cut one, nor is
    what an admin changed."""
    if "verdict" not in proof:
        return [f"the proof failed: {short(proof.get('msg', ''))}"]
    found = [
        f"proof: {finding['check']}: {finding['diagnosis']}" for finding in proof["findings"]
        if finding["severity"] == "high" and finding["key"] not in known and not _is_about(finding, touched)]
    return found + (["proof: the verdict is unknown"] if proof["verdict"] == "unknown" else [])


def _is_about(finding: dict[str, t.Any], touched: Touched) -> bool:
    """Say whether a finding names something that an admin changed."""
    said = " ".join([*map(str, finding["subject"].values()), finding["diagnosis"]])
    names = "|".join(re.escape(name) for names in touched._replace(reasons=()) for name in names)
    return bool(names) and re.search(rf"(?<![\w./-])({names})(?![\w/])", said) is not None


def short(text: str) -> str:
    """Return a message on one line, without its end when it is long."""
    line = " ".join(text.split())
    return line if len(line) <= WORDS else f"{line[:WORDS]} ..."
