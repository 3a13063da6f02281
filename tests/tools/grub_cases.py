# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record what GRUB itself makes of entries and environment blocks: C(grub_cases.py) writes tests/unit/lab/grub.yml anew.

A case has the names of entries, the environment, and what GRUB said: the order of its menu, what it starts, and the environment
that it leaves, of which the variables that name entries count.
"""

from __future__ import annotations

import pathlib
import sys
import tempfile
import typing as t

import yaml

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests"))

from lab import bootloader, menus  # noqa: E402

CASES = TREE / "tests/unit/lab/grub.yml"
NAMED = ("saved_entry", "next_entry")


def text_of(name: str) -> str:
    """Return the text of an entry; one whose name says so has no kernel."""
    kernel = "" if "nokernel" in name else f"linux /boot/vmlinuz-{name}\n"
    return f"title Title of {name}\nversion 1\n{kernel}options ro quiet\ngrub_users $grub_users\n"


def block_of(case: t.Mapping[str, t.Any]) -> bytes:
    """Return the environment block of a case."""
    block = bootloader.format_environment(case["environment"])
    return block.replace(bootloader.SIGNATURE, b"# Another file of text  \n") if case.get("no_block") else block


def told(case: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what GRUB says of a case."""
    with tempfile.TemporaryDirectory() as folder:
        said = menus.ask(pathlib.Path(folder), {name: text_of(name) for name in case["entries"]}, block_of(case))
    names = {f"Title of {name}": name for name in case["entries"]}
    return {
        "menu": [names[title] for title in said.menu], "starts": names[said.starts],
        "left": {name: value for name, value in said.left.items() if name in NAMED}}


def main() -> None:
    """Ask GRUB about each case and write what it said."""
    text = CASES.read_text()
    cases = yaml.safe_load(text)
    for case in cases:
        case.update(told(case))
        print(f"{case['case']}: {case['starts']}", flush=True)
    head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    CASES.write_text(f"---\n{head}" + "".join(
        yaml.safe_dump([case], sort_keys=False, width=120, default_flow_style=None) for case in cases))


if __name__ == "__main__":
    main()
