# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the variable tables of the roles' READMEs from their argument specs."""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t

import yaml

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "plugins"))

from module_utils.tables import sets  # noqa: E402
from module_utils.verify.proven import smoke  # noqa: E402

BEGIN, END = "<!-- variables: written by 'make docs' -->", "<!-- end of variables -->"
SETS_BEGIN, SETS_END = "<!-- sets: written by 'make docs' -->", "<!-- end of sets -->"


def options_of(specs: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the options of all entry points of a role, those of main first."""
    return {name: option for entry in (specs["main"], *specs.values()) for name, option in entry["options"].items()}


def table(options: dict[str, t.Any]) -> str:
    """Return a table of variables."""
    lines = ["| variable | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, option in options.items():
        kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
        choices = f" One of: {', '.join(f'`{choice}`' for choice in option['choices'])}." if "choices" in option else ""
        default = f"`{json.dumps(option['default'])}`" if "default" in option else "required"
        meaning = " ".join(option["description"].split()).replace("|", "\\|")
        lines.append(f"| `{name}` | {kind} | {default} | {meaning}{choices} |")
    return "\n".join(lines)


def table_of_sets() -> str:
    """Return the table of the ready sets of packages."""
    lines = ["| set | sources | flavour | Stream | comes where nothing of it is | tried after the swap |",
             "| --- | --- | --- | --- | --- | --- |"]
    notes = []
    for one in sets.SETS.values():
        tried = ", ".join(f"`{' '.join(smoke.COMMANDS[name])}`" for name in one.tried)
        lines.append(
            f"| `{one.name}` | {', '.join(one.sources)} | {one.flavour} | {', '.join(map(str, one.streams))} "
            f"| {', '.join(one.lead)} | {tried} |")
        notes += [f"- `{one.name}`: {one.note}."] if one.note else []
    return "\n".join([*lines, "", *notes])


def with_table(readme: str, options: dict[str, t.Any]) -> str:
    """Return a README with its tables made anew."""
    if SETS_BEGIN in readme:
        readme = _between(readme, SETS_BEGIN, table_of_sets(), SETS_END)
    return _between(readme, BEGIN, table(options), END)


def _between(text: str, begin: str, new: str, end: str) -> str:
    before, _begin, rest = text.partition(begin)
    _old, _end, after = rest.partition(end)
    return f"{before}{begin}\n{new}\n{end}{after}"


def main() -> None:
    """Write every role's README."""
    for path in sorted((TREE / "roles").glob("*/README.md")):
        specs = yaml.safe_load((path.parent / "meta" / "argument_specs.yml").read_text())["argument_specs"]
        path.write_text(with_table(path.read_text(), options_of(specs)))


if __name__ == "__main__":
    main()
