# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/faults.md out of what became of each cell."""

from __future__ import annotations

import typing as t

from . import cells
from .cells import Record

HEAD = """# What is cut, and what becomes of it

`make test-faults` wrote this file on {date}: {cells} jobs cut on live hosts of the [lab](lab.md), {bad}.

A job of `converge` is stopped at each step of its journal: right after the line `began` was synced (nothing is done yet), in the
middle of the step, and right after the line `done`. The package transaction, which runs in a unit of its own, is struck in
addition when {depths} of its work are done. Then the same plain job runs again, or `state: undone`, without being told of
anything. Streams 9 and 10 take turns.

| fault | what is done |
| --- | --- |
| killed | `kill -9` of the module's process; a transaction goes on by itself |
| transaction killed | `kill -9` of the transaction's process; the module sees that it is gone |
| both killed | both at the same depth of the transaction |
| power cut | the host's PID 1 is killed and it starts again; what was written and not synced is not lost in a container |
| disk full | the disk with the collection's state is full from that moment until the job ended |

A cell is good when the next run does not fail, the one after it changes nothing, and the host is as after a job that was not cut:
packages, why dnf has them, `/etc/systemd`, `/etc/dnf`, `/etc/yum.repos.d`, `/boot` and other files of the job, unit files, the
running PID 1, no failed unit, no package twice, nothing more in `rpm -Va`, no temporary files, `dnf check`, and no finding of
high severity in the proof against a snapshot from before. An edited `logind.conf` and a masked unit of the operator's own
outlive all of it.

Cells have the moment, the stream and the seconds that the next run took.
"""
AIMS = {
    cells.ADOPT: "Adopting is cut, and the same run again ends it.",
    cells.ROLLBACK: "Going back (`state: undone`) is cut, and the same run again ends it.",
    cells.ADOPT_ROLLBACK: "Adopting is cut, and `state: undone` takes back what of it was done.",
}


def page(records: t.Sequence[Record], left: dict[int, list[str]], date: str) -> str:
    """Return the whole page. C(left) is what going back without a cut leaves behind, by stream."""
    bad = [record for record in records if not record.good]
    count = f"{len(bad)} of them with an exception" if bad else "without an exception"
    parts = [HEAD.format(date=date, cells=len(records), bad=count, depths=_listed(cells.DEPTHS))]
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
        lines.append(f"| {label.replace(cells.TRANSACTION, 'package transaction')} | {' | '.join(row)} |")
    return f"## {way.capitalize()}\n\n{AIMS[way]}\n\n" + "\n".join(lines)


def _cell(records: t.Sequence[Record]) -> str:
    if not records:
        return "-"
    return "<br>".join(
        f"{record.moment} (Stream {record.stream}): "
        + (f"{cells.ENDS[record.way]}, {record.seconds:.0f} s" if record.good else "**failed**") for record in records)


def _exception(record: Record) -> str:
    return f"- {record.cell.name}: {'; '.join(record.words)}"


def _listed(words: t.Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
