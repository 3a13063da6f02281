# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut a job at every step of its ledger and write docs/faults.md: C(python tests/cuts)."""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime
import json
import pathlib
import sys
import threading
import time
import typing as t

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests"))

from cuts import admin, cells, document  # noqa: E402
from cuts.cells import Record  # noqa: E402
from cuts.stage import Stage, Wrong  # noqa: E402
from lab import __main__ as lab_commands  # noqa: E402
from lab import common  # noqa: E402

RECORDS = TREE / ".cache" / "cuts.jsonl"
DOCUMENT = TREE / "docs" / "faults.md"


class Book:
    """The records, in a file as they come, so that a run that was ended goes on."""

    def __init__(self, keep: bool) -> None:
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self.wanted = 0
        self.records: dict[cells.Cell, Record] = {}
        RECORDS.parent.mkdir(parents=True, exist_ok=True)
        if keep and RECORDS.exists():
            found = [json.loads(line) for line in RECORDS.read_text().splitlines()]
            records = [Record(**{**words, "works": tuple(words["works"])}) for words in found]
            self.records = {record.cell: record for record in records}
        else:
            RECORDS.write_text("")

    def add(self, record: Record) -> None:
        """Keep a record and print its line."""
        with self._lock, open(RECORDS, "a", encoding="utf-8") as file:
            file.write(json.dumps(record._asdict()) + "\n")
            self.records[record.cell] = record
            what = f"{cells.ENDS[record.way]} in {record.seconds:.1f} s" if record.good else f"FAILED: {'; '.join(record.words)}"
            print(f"cuts {time.monotonic() - self._began:6.0f}s  {len(self.records)}/{self.wanted}  {record.cell.name}: {what}",
                  flush=True)


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--continue", dest="keep", action="store_true", help="take what an earlier run recorded")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth cell only; no document is written")
    parser.add_argument("--only", default="", metavar="TEXT", help="cells with this in their name only; no document is written")
    parser.add_argument("--list", action="store_true", help="print the cells and cut nothing")
    return parser.parse_args()


def play(stage: Stage, wanted: t.Sequence[cells.Cell], book: Book) -> None:
    """Play the cells of one stream."""
    for cell in cells.in_order(wanted):
        book.add(stage.play(cell))


def main() -> int:
    """Rehearse on both streams, play all cells, and write the document of a whole run."""
    options = arguments()
    images = lab_commands.build()
    stages = [Stage(stream, images) for stream in common.STREAMS]
    try:
        with concurrent.futures.ThreadPoolExecutor(len(stages)) as pool:
            left = dict(zip(common.STREAMS, pool.map(Stage.rehearse, stages)))
            every = cells.choose({stage.stream: stage.steps for stage in stages}, admin.GROUPS)
            wanted = [cell for cell in every if options.only in cell.name][:: options.every]
            if options.list:
                print("\n".join(cell.name for cell in wanted))
                return 0
            book = Book(options.keep)
            book.wanted = len({*wanted, *book.records})
            missing = [cell for cell in wanted if cell not in book.records]
            of_streams = [[cell for cell in missing if cell.stream == stage.stream] for stage in stages]
            list(pool.map(play, stages, of_streams, [book] * len(stages)))
    except Wrong as error:
        print(f"cuts: {error}", file=sys.stderr)
        return 1
    finally:
        for stage in stages:
            stage.leave()
    records = [book.records[cell] for cell in wanted]
    bad = [record for record in records if not record.good]
    if wanted == every:
        today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
        DOCUMENT.write_text(document.page(records, left, today, admin.GROUPS))
    print(f"{len(records) - len(bad)} passed, {len(bad)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
