# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/checks.md: check ids, known breaks, state that goes one way, and what became of every row of the catalogue."""

from __future__ import annotations

import pathlib
import sys
import typing as t

import yaml

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "plugins"))

from module_utils.tables import one_way  # noqa: E402
from module_utils.verify import checks, knowledge  # noqa: E402

PAGE = TREE / "docs" / "checks.md"
HEAD = """\
# The checks

Written by `make docs` from the tables of the collection. A finding names its check by the id below. Severity is *low on its
own / when somebody is affected*; without a host, when package files are compared, somebody is taken to be affected.
*Blocking* says when a swap stops until somebody decides (`hyperscale_fail_on`, `hyperscale_waivers`). Phases: `files` compares
package files, `predict` looks at a host before a swap, `prove` after it. Where a check marked *mandatory* could not be
carried out, the verdict is `unknown`.

Verdicts: `drop_in` (nothing but information), `drop_in_with_notes`, `not_drop_in` (at least one finding of high severity that
nobody waived), `unknown` (something could not be checked).

The form of a report is [dropin-report.schema.json](dropin-report.schema.json).
"""


def rows_of_checks() -> dict[int, list[str]]:
    """Return the checks, and the known breaks, of each row of the catalogue."""
    found: dict[int, list[str]] = {}
    for check in checks.TABLE:
        for row in check.rows if check.id != "known.break" else ():
            found.setdefault(row, []).append(check.id)
    for known in knowledge.BREAKS:
        for row in known.rows:
            found.setdefault(row, []).append(known.id)
    return found


def catalogue() -> dict[int, dict[str, str]]:
    """Return the rows of the catalogue."""
    return yaml.safe_load((TREE / "docs" / "catalogue.yml").read_text(encoding="utf-8"))


def page() -> str:
    """Return the whole page."""
    lines = [HEAD, "## Check ids", ""]
    for check in checks.TABLE:
        title = check.title.format(name="*NAME*", package="*PACKAGE*", arch="*SLOT*", type="")
        phases = " ".join(f"`{phase}`" for phase in check.phases)
        marks = ", ".join(filter(None, (
            f"{check.severity} / {check.affected}", f"blocking {check.blocking}", phases, "mandatory" * check.mandatory)))
        rows = f"; rows {', '.join(map(str, check.rows))}" if check.rows and check.id != "known.break" else ""
        lines += [f"### `{check.id}`", "", f"{title}. {check.description}", ""]
        lines += [f"What to do: {check.remedy}.", "", f"({marks}{rows})", ""]
    lines += ["## Known breaks", "", "Findings of check `known.break`; the id is the subject of the finding.", "",
              "| id | package | since | severity | change | what to do |", "| --- | --- | --- | --- | --- | --- |"]
    for known in knowledge.BREAKS:
        severity = known.severity + (", blocking" if known.blocking else "")
        since = "any change" if known.since == knowledge.ANY else known.since
        since += f", until {known.undone}" if known.undone else ""
        change = f"{known.title}. {known.description} [{known.link.title}]({known.link.url})"
        lines.append(f"| `{known.id}` | {known.package} | {since} | {severity} | {cell(change)} | {cell(known.remedy)} |")
    lines += ["", "## State that an older build cannot read", "", "Findings of check `oneway.state`; the id is the subject of a "
              "finding. High, or low where nothing is lost, where the host has such state or will; else for information.", "",
              "| id | package | since | state | after going back | what to do |", "| --- | --- | --- | --- | --- | --- |"]
    for row in one_way.ROWS:
        since = "the SIG's build" if row.since == one_way.ANY else row.since
        since += "" if row.streams == one_way.BOTH_STREAMS else f", Stream {', '.join(map(str, row.streams))}"
        state = f"{row.title}: {row.made}. [{row.link[0]}]({row.link[1]})"
        cells = [f"`{row.id}`", ", ".join(row.packages), since, cell(state), cell(row.reader), cell(row.remedy)]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "## The catalogue", "", "What can make a replacement not a drop-in, and what covers it.", "",
              "| row | what | covered by | remarks |", "| --- | --- | --- | --- |"]
    covered = rows_of_checks()
    for row, entry in sorted(catalogue().items()):
        ids = ", ".join(f"`{name}`" for name in covered.get(row, ())) or "not covered"
        remarks = entry.get("note", "") or (f"{entry['reason']} {entry['instead']}" if "reason" in entry else "")
        lines.append(f"| {row} | {cell(entry['what'])} | {ids} | {cell(remarks)} |")
    return "\n".join(lines) + "\n"


def cell(text: t.Any) -> str:
    """Return a text as a cell of a table."""
    return str(text).replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
