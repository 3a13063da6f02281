# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/faults.md out of what became of each cell."""

from __future__ import annotations

import statistics
import typing as t

from . import cells
from .cells import Record

HEAD = """# What is cut, and what becomes of it

`make test-faults` wrote this file on {date}: {cells} jobs cut on live hosts of the [lab](lab.md), {bad}.

A job of `converge` is stopped at each step of its ledger: right after the line `intent` was synced (nothing is done yet), in
the middle of the step, and right after the line `verified`. The package transaction, which runs in a unit of its own, is struck
in addition when {depths} of its work are done, and when all of its packages are done and its last scriptlets run (`posttrans`).
Streams 9 and 10 take turns.

| fault | what is done | cells | median | most |
| --- | --- | --- | --- | --- |
{faults}

The last two columns are the seconds of the runs after the cut, until the host was where it was to be.

Then an admin is at work, before anything runs again. Each cell has one work of each group, in turn, so that each work meets
each fault and each way:

{works}

"Every place" is the product's own table of the places that a swap can change. Then comes the next run, without being told of
anything: in turn the same plain job, the other one, or the wishes of one role alone (`files` or `package_swap`) and then the
same job.

A cell is good when no run after the cut fails, the one after them changes nothing, and the host is as after a job that was not
cut, but for what the admin changed: packages, why dnf has them, every place, `/boot` and other files of the job, unit files,
the running PID 1, no failed unit, no package twice, nothing more in `rpm -Va`, no temporary files, `dnf check`, and no finding
of high severity in the proof against a snapshot from before. Of the admin's works nothing may be lost: each path has the
content, mode and owner that the admin gave it, or is as absent as the admin left it, or a run told under `left` where its
content is now. A file of a package that the admin edited and a later swap replaced comes back on the way back. A run that takes
the swap back names each path of the admin's that stays otherwise than before the swap.

Cells have the moment, the stream and the seconds until the host was where it was to be.
"""
DONE = {
    cells.KILLED: "`kill -9` of the module's process; a transaction goes on by itself",
    cells.TRANSACTION_KILLED: "`kill -9` of the transaction's process; the module sees that it is gone",
    cells.BOTH_KILLED: "both at the same depth of the transaction",
    cells.POWER_CUT: "the host's PID 1 is killed and it starts again; what was written and not synced is not lost in a container",
    cells.DISK_FULL: "the disk with the collection's state is full from that moment until the job ended; `before` a line of the "
                     "ledger: that line is written on a full disk",
    cells.UNVERIFIED: "the step is done and its line `applied` is on the disk; reading it again fails with the error of a disk "
                      "that cannot be read",
}
NAMES = {cells.TRANSACTION: "package transaction", cells.LEDGER: "lines of the ledger that belong to no step"}
AIMS = {
    cells.ADOPT: "Adopting is cut, and the same run again ends it.",
    cells.ADOPT_ROLLBACK: "Adopting is cut, and `state: undone` takes back what of it was done.",
    cells.ADOPT_ROLE: "Adopting is cut. A run with the wishes of one role alone comes next, and then the same run ends it.",
    cells.ROLLBACK: "Going back (`state: undone`) is cut, and the same run again ends it.",
    cells.ROLLBACK_ADOPT: "Going back is cut, and adopting again brings the host to where it was.",
    cells.ROLLBACK_ROLE: "Going back is cut. A run with the wishes of one role alone comes next, and then the same run ends it.",
}


def page(
    records: t.Sequence[Record], left: dict[int, list[str]], date: str, groups: t.Sequence[t.Sequence[str]],
) -> str:
    """Return the whole page. C(left) is what going back without a cut leaves behind, by stream, C(groups) are the works of
    an admin."""
    bad = [record for record in records if not record.good]
    count = f"{len(bad)} of them with an exception" if bad else "without an exception"
    parts = [HEAD.format(
        date=date, cells=len(records), bad=count, depths=_listed(cells.DEPTHS), faults=_faults(records),
        works="\n".join(f"- {', '.join(group)}" for group in groups))]
    parts += [_table(way, [record for record in records if record.way == way]) for way in cells.WAYS]
    parts.append("## Exceptions\n\n" + ("\n".join(_exception(record) for record in bad) or "None."))
    if any(left.values()):
        parts.append("## What going back leaves without any cut\n\nIt is not held against a cut.\n\n" + "\n".join(
            f"- Stream {stream}: {word}" for stream, words in sorted(left.items()) for word in words))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _table(way: str, records: t.Sequence[Record]) -> str:
    """Return the table of a way: a row a step, a column a fault that strikes some step of it."""
    faults = [fault for fault in cells.FAULTS if any(record.fault == fault for record in records)]
    lines = [f"| step | {' | '.join(faults)} |", "| --- |" + " --- |" * len(faults)]
    for label in dict.fromkeys(record.label for record in records):
        row = [_cell([r for r in records if (r.label, r.fault) == (label, fault)]) for fault in faults]
        lines.append(f"| {NAMES.get(label, label)} | {' | '.join(row)} |")
    return f"## {way.capitalize()}\n\n{AIMS[way]}\n\n" + "\n".join(lines)


def _cell(records: t.Sequence[Record]) -> str:
    if not records:
        return "-"
    return "<br>".join(
        f"{record.moment} (Stream {record.stream}): "
        + (f"{cells.ENDS[record.way]}, {record.seconds:.0f} s" if record.good else "**failed**") for record in records)


def _exception(record: Record) -> str:
    return f"- {record.cell.name}: {'; '.join(record.words)}"


def _faults(records: t.Sequence[Record]) -> str:
    """Return the rows of the table of faults, with the seconds to recovery of the cells that ended well."""
    rows = []
    for fault in cells.FAULTS:
        seconds = [record.seconds for record in records if record.fault == fault and record.good]
        figures = [f"{statistics.median(seconds):.0f} s", f"{max(seconds):.0f} s"] if seconds else ["-", "-"]
        count = sum(record.fault == fault for record in records)
        rows.append(f"| {fault} | {DONE[fault]} | {count} | {' | '.join(figures)} |")
    return "\n".join(rows)


def _listed(words: t.Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
