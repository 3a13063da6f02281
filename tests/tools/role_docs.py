# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the variable tables of the roles' READMEs from their argument specs."""

from __future__ import annotations

import json
import pathlib
import typing as t

import yaml

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
BEGIN, END = "<!-- variables: written by 'make docs' -->", "<!-- end of variables -->"


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


def with_table(readme: str, options: dict[str, t.Any]) -> str:
    """Return a README with its table made anew."""
    before, _begin, rest = readme.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(options)}\n{END}{after}"


def main() -> None:
    """Write every role's README."""
    for path in sorted((TREE / "roles").glob("*/README.md")):
        specs = yaml.safe_load((path.parent / "meta" / "argument_specs.yml").read_text())["argument_specs"]
        path.write_text(with_table(path.read_text(), specs["main"]["options"]))


if __name__ == "__main__":
    main()
