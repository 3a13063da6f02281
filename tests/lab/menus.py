# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GRUB itself makes of files below /boot: the order of its menu, which entry it starts, and the variables that it leaves.

It is asked with a disk of a machine, or with one that has no kernel: GRUB says which entry it starts, and finds nothing of it.
"""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import time
import typing as t

from . import bootloader, grub, machines
from .common import LabError, locked, run

SIZE = "64M"
SECONDS = 300
# A line of the menu as GRUB writes it to a terminal: the row, whether it is the chosen one, and the title.
LINE = re.compile(r"\x1b\[(\d+);3H[ *](\S[^\x1b]*?) *\x1b")
COMMAND_LINE = re.compile(r"\] Command line: (.*)")
GRUB = re.compile(r"(?=GNU GRUB +version)")
SYSTEMD = re.compile(r"Welcome to .*CentOS Stream")
STARTS = re.compile(r"Booting `(.*)'")


class Told(t.NamedTuple):
    """What GRUB said, by titles, and the environment as it left it."""

    menu: list[str]
    starts: str
    left: dict[str, str]


def menu_of(console: str) -> list[str]:
    """Return the titles of the menu, in its order, from what GRUB wrote until it started something."""
    rows: dict[int, str] = {}
    for row, title in LINE.findall(console.partition("Booting `")[0]):
        rows.setdefault(int(row), title)
    return [title for _row, title in sorted(rows.items())]


def ask(folder: pathlib.Path, entries: t.Mapping[str, str], block: bytes) -> Told:
    """Have GRUB read entries, by the names of their files, and an environment block."""
    tree, disk, console = folder / "tree", folder / "disk", folder / "console"
    (tree / bootloader.ENTRIES).mkdir(parents=True)
    (tree / "boot/grub2").mkdir()
    with locked("images"):
        grub.lay_modules(tree)
    for name, text in entries.items():
        (tree / bootloader.ENTRIES / f"{name}.conf").write_text(text)
    (tree / bootloader.ENVIRONMENT).write_bytes(block)
    run(["mkfs.ext4", "-q", "-F", "-L", "root", "-d", tree, disk, SIZE])
    shutil.rmtree(tree)
    said = _watch(disk, console, STARTS)
    left = subprocess.run(["debugfs", "-R", f"cat /{bootloader.ENVIRONMENT}", disk], capture_output=True, check=True).stdout
    return Told(menu_of(said), STARTS.findall(said)[0], bootloader.parse_environment(left))


def boots(disk: pathlib.Path) -> list[Start]:
    """Have GRUB start a machine from a disk until its systemd is there, take the power away, and return what was started: more
    than one where a kernel panicked on the way."""
    said = _watch(disk, disk.with_name("console"), SYSTEMD)
    return [start_of(part) for part in re.split(GRUB, said)[1:]]


def _watch(disk: pathlib.Path, console: pathlib.Path, until: re.Pattern[str]) -> str:
    """Run QEMU until the console says something, and return all that it says."""
    console.unlink(missing_ok=True)
    argv = [
        machines.EMULATOR, *machines.processor(), "-machine", "q35", "-nodefaults", "-display", "none",
        *machines.boot_disk(grub.boot_disk()), *machines.root_disk(disk), "-serial", f"file:{console}"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + SECONDS
        said = ""
        while not until.search(said) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.2)
            said = console.read_text(errors="replace") if console.exists() else ""
        process.kill()
    if not until.search(said):
        raise LabError(f"the machine did not come to where the console says {until.pattern!r}:\n{said[-2000:]}")
    return said


class Start(t.NamedTuple):
    """What GRUB started, by its own words and those of the kernel: titles of the menu, the title, and the kernel's arguments."""

    menu: list[str]
    title: str
    arguments: list[str]


def start_of(console: str) -> Start:
    """Return what was started in one boot, from what that boot wrote to the console."""
    title, line = STARTS.search(console), COMMAND_LINE.search(console)
    return Start(menu_of(console), title.group(1) if title else "", line.group(1).split() if line else [])
