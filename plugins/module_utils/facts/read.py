# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the facts of a host are read: files below a root, and commands through a callable.

A root other than C(/) and a recorded C(run) are what the unit tests put in place of a host.
"""

from __future__ import annotations

import os
import typing as t

from ..core import host_io

Run = t.Callable[[list[str]], tuple[int, str, str]]
# note(what, reason) records a fact that could not be read.
Note = t.Callable[[str, str], None]

# What a shell says when there is no such command; a Run says it too.
NOT_FOUND = 127


class Unreadable(Exception):
    """A fact could not be read; the text says why."""


def below(root: str, path: str) -> str:
    """Return an absolute path of the host as one below C(root)."""
    return os.path.join(root, path.lstrip("/"))


def text(root: str, path: str) -> str:
    """Return the content of a file of the host. Raises OSError."""
    with open(below(root, path), encoding="utf-8", errors="replace", opener=host_io.regular) as stream:
        return stream.read()


def optional_text(root: str, path: str) -> str | None:
    """Return the content of a file of the host, None when there is no such file. Raises OSError for other troubles."""
    try:
        return text(root, path)
    except FileNotFoundError:
        return None


def names(root: str, path: str) -> list[str]:
    """Return the names in a folder of the host, sorted; none when there is no folder. Raises OSError for other troubles."""
    try:
        return sorted(os.listdir(below(root, path)))
    except FileNotFoundError:
        return []


def status(root: str, path: str, follow: bool = True) -> os.stat_result | None:
    """Return the status of a path of the host, None when nothing is there. Raises OSError for other troubles."""
    try:
        return os.stat(below(root, path), follow_symlinks=follow)
    except FileNotFoundError:
        return None


def output(run: Run, argv: list[str]) -> str:
    """Return what a command prints. Raises Unreadable when it is missing or fails."""
    rc, out, err = run(argv)
    if rc == NOT_FOUND:
        raise Unreadable(f"{argv[0]}: no such command")
    if rc != 0:
        raise Unreadable("{} ended with {}: {}".format(" ".join(argv), rc, (err or out).strip() or "no message"))
    return out


def assignments(content: str) -> dict[str, str]:
    """Parse C(KEY=value) lines as a shell would read them in os-release and sysconfig files."""
    found = {}
    for line in content.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            found[name.strip()] = value
    return found
