# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks share: the command line, hosts that are removed in the end, commands that must succeed."""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import subprocess
import sys
import time
import typing as t

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests"))

from lab import __main__ as lab_commands  # noqa: E402
from lab import hosts  # noqa: E402


def short(text: str | None) -> bool:
    """Return whether the command line asks for the short form, which measures little and shows that the benchmark ends."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--short", action="store_true", help="one host of each kind, one round: to see that it ends")
    return parser.parse_args().short


@contextlib.contextmanager
def groups(wanted: dict[str, dict[str, int]]) -> t.Iterator[dict[str, pathlib.Path]]:
    """Start groups of fresh hosts, yield their inventories, and remove the hosts in the end."""
    images = lab_commands.build()
    try:
        _remove(wanted)
        yield {group: hosts.up(group, names, images) for group, names in wanted.items()}
    finally:
        _remove(wanted)


def _remove(wanted: dict[str, dict[str, int]]) -> None:
    for host in [host for host in hosts.known() if host.group in wanted]:
        hosts.remove(host)


def timed(argv: list[str], **more: str) -> tuple[float, str]:
    """Run a command of Ansible with variables of its environment; return seconds and what it printed. It must succeed."""
    environment = dict(
        os.environ, PATH=f"{TREE}/.venv/bin:{os.environ['PATH']}", ANSIBLE_COLLECTIONS_PATH=str(TREE / ".cache" / "collections"),
        ANSIBLE_PIPELINING="1", ANSIBLE_NOCOWS="1", **more)
    began = time.monotonic()
    result = subprocess.run(argv, env=environment, cwd=TREE, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{' '.join(argv)} failed:\n{result.stdout[-3000:]}\n{result.stderr[-1000:]}")
    return time.monotonic() - began, result.stdout


def on(host: hosts.Host, *argv: str) -> str:
    """Run a command on a host and return what it printed; it must succeed."""
    result = hosts.command(host, list(argv))
    if result.returncode:
        sys.exit(f"{host.name}: {' '.join(argv)} failed: {result.stderr or result.stdout}")
    return result.stdout
