# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lay out the cases of tests/unit/lab/alternatives.yml, and record again what chkconfig's alternatives(8) does with them.

To record, as root: build C(alternatives.c) of chkconfig (C(gcc -static -D_GNU_SOURCE -DVERSION='"1.28"' -include limits.h)) and
C(python tests/tools/alternatives_cases.py PROGRAM VERSION). Each command of each case runs in a folder of its own, as chroot,
with busybox (statically linked) as shell, and with a C(systemctl) and a C(chkconfig) that write down how they are called.
"""

from __future__ import annotations

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import typing as t

import yaml

CASES = pathlib.Path(__file__).resolve().parents[1] / "unit" / "lab" / "alternatives.yml"
NAME = "edit"
FOLDERS = ("etc/alternatives", "etc/systemd/system", "var/lib/alternatives", "usr/bin", "usr/share/man", "lib/systemd/system")
SEEN = ("etc/alternatives", "etc/alternatives-admindir", "var/lib/alternatives", "usr")
# Where no case says otherwise: the first target is chosen, which has a follower.
LINKS = {
    "/etc/alternatives/edit": "/opt/a", "/usr/bin/edit": "/etc/alternatives/edit",
    "/etc/alternatives/edit-man": "/opt/a.1", "/usr/share/man/edit.1": "/etc/alternatives/edit-man",
}
RECORDER = """\
#!/bin/sh
echo "{name} $*" >> /ran
if [ "$2" = is-enabled ]; then test -e "/enabled/$3"; fi
"""
HEAD = """\
---
# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What alternatives(8) of chkconfig does, recorded with the real program, from alternatives.c
# {version}.
# Size and id are those of the copy that was built. Releases 1.24 and 1.33 themselves were not run: they are taken to read and
# write the same, since upstream's changes from 1.24 to 1.31 name leaks, an overrun and the folder of ostree alone.
# Record again: see tests/tools/alternatives_cases.py. The parser of the collection and the stand-in of the lab are held by it.
#
# file: /var/lib/alternatives/edit. files, links: what else there is; without links there are those of LINKS in that tool.
# units: units that are there, and whether they are enabled. readable: whether the program reads the file, wherever the links
# lead. status: 139 when the program dies of a segmentation fault. changed: what the command made of files and links
# ("-> target"; null: gone). printed: without runs of spaces, --list sorted. ran: the other programs that were called.
"""


def lay_out(root: pathlib.Path, case: t.Mapping[str, t.Any]) -> None:
    """Make the files and links of a case below a folder."""
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    files = {f"/var/lib/alternatives/{NAME}": case.get("file"), **case.get("files", {})}
    files.update({f"/lib/systemd/system/{unit}": "[Service]\n" for unit in case.get("units", {})})
    for path, text in files.items():
        real = root / path.lstrip("/")
        real.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            real.write_bytes(text.encode())
    for path, to in case.get("links", LINKS).items():
        (root / path.lstrip("/")).symlink_to(to)


def state(root: pathlib.Path) -> dict[str, str]:
    """Return the files and links below a folder that a command may change: content, or where a link leads."""
    found = {}
    for path in (path for top in SEEN for path in sorted((root / top).rglob("*"))):
        if path.is_symlink():
            found["/" + str(path.relative_to(root))] = f"-> {os.readlink(path)}"
        elif path.is_file():
            found["/" + str(path.relative_to(root))] = path.read_bytes().decode()
    return found


def changed(before: t.Mapping[str, str], after: t.Mapping[str, str]) -> dict[str, str | None]:
    """Return what became of the paths that changed between two states."""
    return {path: after.get(path) for path in sorted({*before, *after}) if before.get(path) != after.get(path)}


def said(argv: t.Sequence[str], status: int, out: str) -> list[str]:
    """Return what a command printed that is worth a comparison."""
    if status or list(argv[-2:-1]) != ["--display"] and "--list" not in argv:
        return []
    lines = [" ".join(line.split()) for line in out.split("\n") if line]
    return sorted(lines) if "--list" in argv else lines


def record(program: pathlib.Path, case: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return a case with what the program does with it."""
    runs = [{"run": run["run"], **_run(program, case, shlex.split(run["run"]))} for run in case["runs"]]
    look = _run(program, {"file": case["file"], "links": {f"/etc/alternatives/{NAME}": "/nowhere"}}, ["--display", NAME])
    inputs = {key: case[key] for key in ("name", "file", "files", "links", "units") if key in case}
    return {**inputs, "readable": look["status"] == 0, "runs": runs}


def _run(program: pathlib.Path, case: t.Mapping[str, t.Any], argv: t.Sequence[str]) -> dict[str, t.Any]:
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        lay_out(root, case)
        _outfit(root, program, case)
        before = state(root)
        done = subprocess.run(["chroot", folder, "/program", *argv], capture_output=True, check=False)
        status = 128 - done.returncode if done.returncode < 0 else done.returncode
        ran = (root / "ran").read_text().splitlines() if (root / "ran").exists() else []
        printed = said(argv, status, done.stdout.decode())
        found = {"status": status, "changed": changed(before, state(root)), "printed": printed, "ran": ran}
        return {key: value for key, value in found.items() if key == "status" or value}


def _outfit(root: pathlib.Path, program: pathlib.Path, case: t.Mapping[str, t.Any]) -> None:
    """Give a root the programs that a command needs."""
    for folder in ("bin", "sbin", "enabled"):
        (root / folder).mkdir()
    shutil.copy(program, root / "program")
    shutil.copy(shutil.which("busybox") or "busybox", root / "bin/sh")
    for path in ("bin/systemctl", "sbin/chkconfig"):
        (root / path).write_text(RECORDER.format(name=os.path.basename(path)))
        (root / path).chmod(0o755)
    for unit in (unit for unit, enabled in case.get("units", {}).items() if enabled):
        (root / "enabled" / unit).touch()


class Dumper(yaml.SafeDumper):
    """Writes sequences indented, and text of several lines with its line ends in view."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def represent_text(self, text: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", text, style='"' if "\n" in text else None)


Dumper.add_representer(str, Dumper.represent_text)


def main() -> None:
    program, version = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    cases = [record(program, case) for case in yaml.safe_load(CASES.read_text())["cases"]]
    text = yaml.dump({"cases": cases}, Dumper=Dumper, sort_keys=False, width=120, allow_unicode=True)
    CASES.write_text(HEAD.format(version=version) + text)


if __name__ == "__main__":
    main()
