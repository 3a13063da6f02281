# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as the checks see it: files below a root, and commands through a callable. Nothing here writes.

A View that may try things out lets a proof make something small of its own for a moment, and take it away again.

A root other than C(/) and a recorded C(run) are what the tests put in place of a host. All paths that go in and come
out are paths of the host.
"""

from __future__ import annotations

import glob
import os
import typing as t

Run = t.Callable[[t.Sequence[str]], tuple[int, str]]

# What a shell says when there is no such command; a Run says it too.
NOT_FOUND = 127
# Larger files are data, not something that a person or a package configures.
TEXT_LIMIT = 1 << 20


class View:
    """One host. C(run) takes an argument list and returns exit status and standard output."""

    def __init__(self, root: str, run: Run, may_try: bool = False) -> None:
        self.root = root
        self.run = run
        self.may_try = may_try
        self._answers: dict[tuple[str, ...], tuple[int, str]] = {}

    def real(self, path: str) -> str:
        """Return where a path of the host really lies."""
        return path if self.root == "/" else os.path.join(self.root, path.lstrip("/"))

    def exists(self, path: str) -> bool:
        """Say whether there is something at a path, be it a link that leads nowhere."""
        return os.path.lexists(self.real(path))

    def is_file(self, path: str) -> bool:
        """Say whether a path leads to a regular file."""
        return os.path.isfile(self.real(path))

    def is_executable(self, path: str) -> bool:
        """Say whether a path leads to a regular file that its owner may execute."""
        real = self.real(path)
        return os.path.isfile(real) and bool(os.stat(real).st_mode & 0o100)

    def readlink(self, path: str) -> str | None:
        """Return what a symbolic link holds, None when it is none."""
        try:
            return os.readlink(self.real(path))
        except OSError:
            return None

    def text(self, path: str) -> str | None:
        """Return what a text file holds; None when there is none, or it is too large, or it is no text."""
        real = self.real(path)
        try:
            # Files of /proc and /sys say size 0.
            if not os.path.isfile(real) or os.path.getsize(real) > TEXT_LIMIT:
                return None
            with open(real, "rb") as handle:
                data = handle.read(TEXT_LIMIT)
        except OSError:
            return None
        return None if b"\0" in data[:4096] else data.decode("utf-8", "replace")

    def glob(self, pattern: str) -> list[str]:
        """Return the paths that match a shell pattern, sorted; C(**) goes through folders."""
        prefix = "" if self.root == "/" else self.root.rstrip("/")
        found = glob.glob(glob.escape(prefix) + pattern, recursive=True)
        return sorted(path[len(prefix):] for path in found)

    def said(self, *argv: str) -> tuple[int, str]:
        """Run a read-only command once, however often its answer is asked for."""
        if argv not in self._answers:
            self._answers[argv] = self.run(list(argv))
        return self._answers[argv]
