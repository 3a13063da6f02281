# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every part of the lab needs: its folders, its table, commands, progress lines."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import time
import typing as t

import yaml

from .architecture import ARCH, EMULATED, HOSTS, starting

HERE = pathlib.Path(__file__).resolve().parent
# What was built is shared by all labs of a machine; what runs belongs to one of them, told by its number.
ROOT = pathlib.Path(os.environ.get("HYPERSCALE_LAB_DIR") or pathlib.Path.home() / ".cache" / "centos-hyperscale-lab") / (
    ARCH if EMULATED else "")
NUMBER = int(os.environ.get("HYPERSCALE_LAB_NUMBER") or 0)
LAB = ROOT / f"lab-{NUMBER}"
# Where hosts are emulated, one stream has to do.
STREAMS = (9,) if EMULATED else (9, 10)
RPMBUILD = ("rpmbuild", "-bb", *(("--target", ARCH) if EMULATED else ()))
PREFIX = f"chs-lab{NUMBER}-"
STARTED = time.monotonic()
SHARED_LOCKS = ("build", "images")


class LabError(Exception):
    """The lab cannot do what was asked, and says why."""


def say(text: str) -> None:
    """Print a progress line with the seconds since the command began."""
    print(f"lab {time.monotonic() - STARTED:6.1f}s  {text}", file=sys.stderr, flush=True)


def run(argv: t.Sequence[t.Any], **more: t.Any) -> str:
    """Run a command and return what it printed; a failure shows the end of it."""
    words = [str(word) for word in argv]
    result = subprocess.run(
        starting(words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False,
        **more)
    if result.returncode:
        tail = "\n".join(result.stdout.splitlines()[-25:])
        raise LabError(f"{' '.join(words[:6])} ... ended with status {result.returncode}:\n{tail}")
    return result.stdout


@functools.cache
def table() -> dict[str, t.Any]:
    """Return the package table, for the architecture of the lab's hosts."""
    found = yaml.safe_load((HERE / "packages.yml").read_text().replace("@architecture@", HOSTS.debian))
    absent = found["absent"].get(ARCH, [])
    return {**found, "builds": [row for row in found["builds"] if row["source"] not in absent]}


def digest(*parts: t.Any) -> str:
    """Return a short name for what was built from some inputs."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def code_of(*modules: str) -> list[str]:
    """Return the text of parts of the lab, so that what they built is built anew when they change."""
    return [(HERE / f"{name}.py").read_text() for name in modules]


def scratch_beside(folder: pathlib.Path) -> pathlib.Path:
    """Return an empty folder to build another in; what an earlier attempt left there is removed."""
    scratch = pathlib.Path(f"{folder}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    return scratch


@contextlib.contextmanager
def locked(name: str) -> t.Iterator[None]:
    """Hold one of the lab's locks; a second builder waits for the first."""
    folder = ROOT if name in SHARED_LOCKS else LAB
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{name}.lock", "w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another command of the lab ({name})")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
