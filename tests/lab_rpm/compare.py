# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold what was predicted against what an rpm has done."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.centos.hyperscale.plugins.module_utils.verify import config_fate

from . import combinations


def compare(outcome: dict[str, t.Any]) -> collections.Counter[str]:
    """Fail with all differences; return how often each fate was predicted rightly."""
    rows = {row.path: row for row in combinations.combinations()}
    assert len(outcome["facts"]) == len(rows)
    wrong = []
    right: collections.Counter[str] = collections.Counter()
    for fact in outcome["facts"]:
        old, new = (fact[side] and config_fate.Entry(*fact[side]) for side in ("old", "new"))
        predicted = config_fate.fate(old, new, fact["disk"] and config_fate.Disk(*fact["disk"]))
        assert predicted.action in config_fate.ACTIONS and predicted.reason
        problem = difference(rows[fact["path"]], fact, predicted)
        if problem:
            wrong.append(f"{fact['path']}: {problem}\n    {predicted}\n    {fact}")
        right[predicted.action + predicted.beside] += not problem
    assert not wrong, f"rpm {outcome['rpm']}: {len(wrong)} of {len(rows)} differ\n" + "\n".join(wrong[:20])
    return right


def difference(row: combinations.Combination, fact: dict[str, t.Any], predicted: config_fate.Fate) -> str:
    """Return how a prediction differs from what happened, or nothing."""
    before, after = fact["before"][""], fact["after"]
    here, action = after[""], predicted.action
    brought = combinations.new_content(row)
    expected = dict.fromkeys(combinations.SUFFIXES[1:])
    if predicted.beside:
        expected[predicted.beside] = brought if predicted.beside == config_fate.NEW else before[:2]
    if {suffix: after[suffix] and after[suffix][:2] for suffix in expected} != expected:
        return "other files are beside"
    if bool(fact["failed"]) != (action == "fail"):
        return f"rpm said {fact['failed']!r}"
    # What was replaced has another inode, or another kind: a directory made after a file went may get its inode. What was
    # kept has the same one, but for a file that already had the new content: see config_fate.
    is_same = before is not None and here is not None and (before[0], before[2]) == (here[0], here[2])
    # Where nothing is saved, "replaced" is also another content.
    is_other = before is not None and (before[:2] != brought or predicted.beside != "")
    if predicted.edited != _is_edited(row, before):
        return "edited or not"
    return {
        "create": "" if before is None and here and here[:2] == brought else "not created",
        "keep": "" if before and here and before[:2] == here[:2] and (is_same or before[:2] == brought) else "not kept",
        "replace": "" if before and here and here[:2] == brought and not is_same and is_other else "not replaced",
        "skip": "" if before == here else "not skipped",
        "fail": "" if before == here else "changed in spite of the failure",
        "remove": "" if before and here is None else "not removed",
        "leave": "" if before and before == here else "not left",
        "none": "" if before == here else "something happened",
    }[action]


def _is_edited(row: combinations.Combination, before: list[t.Any] | None) -> bool:
    """Say from the table alone whether the disk differs from what the old package shipped."""
    if row.old == "absent" or "ghost" in row.old:
        return False
    kind, content = combinations.new_content(row._replace(new=row.old, same=True))
    # What is in a directory is not the directory's own.
    return before is None or before[0] != kind or (kind != "directory" and before[1] != content)
