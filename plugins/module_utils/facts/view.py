# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as the checks see it: files below a root, and commands through a callable. Nothing here writes.

What cannot be read is not absent. A path that exists and could not be read is noted with the reason, and whoever runs a check
asks for what was noted meanwhile. A View that may try things out lets a proof make something small of its own for a moment, and
take it away again.

A root other than C(/) and a recorded C(run) are what the tests put in place of a host. All paths that go in and come
out are paths of the host.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import typing as t

from . import globbing
from .kind import Kind

Run = t.Callable[[t.Sequence[str]], tuple[int, str]]
Value = t.TypeVar("Value")

# What a shell says when there is no such command; a Run says it too.
NOT_FOUND = 127
# Larger files are data, not something that a person or a package configures; what is read by lines may be larger.
TEXT_LIMIT = 1 << 20
LINES_LIMIT = 16 << 20
LINE_LIMIT = 1 << 20
# How much of a file says whether it is text.
HEAD = 4096
# A path that was there a moment ago, and a process that ended while it was looked at.
GONE = (errno.ENOENT, errno.ESRCH)
NO_TEXT = "it is no text"


class Noted:
    """The paths that could not be read, with the reason of each: all of them, and those of the look that is under way."""

    def __init__(self) -> None:
        self.all: dict[str, str] = {}
        self.now: list[dict[str, str]] = []

    def note(self, path: str, reason: str) -> None:
        """Record one path."""
        for known in (self.all, *self.now):
            known.setdefault(path, reason)


class View:
    """One host. C(run) takes an argument list and returns exit status and standard output; C(kind) is what the host is, None
    where that was not decided."""

    def __init__(
        self, root: str, run: Run, may_try: bool = False, kind: Kind | None = None, noted: Noted | None = None,
    ) -> None:
        self.root = root
        self.run = run
        self.may_try = may_try
        self.kind = kind
        self.noted = noted or Noted()
        self._answers: dict[tuple[str, ...], tuple[int, str]] = {}
        self._known: dict[t.Any, tuple[t.Any, dict[str, str]]] = {}

    def real(self, path: str) -> str:
        """Return where a path of the host really lies."""
        return path if self.root == "/" else os.path.join(self.root, path.lstrip("/"))

    def note(self, path: str, trouble: OSError | str) -> None:
        """Record that a path could not be read, unless the trouble is that it is not there."""
        if isinstance(trouble, str):
            self.noted.note(path, trouble)
        elif trouble.errno not in GONE:
            self.noted.note(path, trouble.strerror or type(trouble).__name__)

    @contextlib.contextmanager
    def watched(self) -> t.Iterator[dict[str, str]]:
        """Give a dictionary that has, at the end, each path that could not be read meanwhile, with the reason."""
        met: dict[str, str] = {}
        self.noted.now.append(met)
        try:
            yield met
        finally:
            # Two that are equal are still two.
            self.noted.now = [one for one in self.noted.now if one is not met]

    def once(self, key: t.Hashable, look: t.Callable[[], Value]) -> Value:
        """Return what a look gives, done once; what it could not read is noted for everyone who asks for it."""
        if key not in self._known:
            with self.watched() as met:
                value = look()
            self._known[key] = value, met
        value, met = self._known[key]
        for path, reason in met.items():
            self.note(path, reason)
        return value

    def have(self, key: t.Hashable, value: t.Any, unread: t.Mapping[str, str]) -> None:
        """Take a value for what the look of a key gives, and what could not be read of it, with the reason of each."""
        self._known[key] = value, dict(unread)

    def status(self, path: str, follow: bool = True) -> os.stat_result | None:
        """Return the status of a path, None when nothing is there or, which is noted, when that cannot be told."""
        try:
            return os.stat(self.real(path), follow_symlinks=follow)
        except OSError as error:
            self.note(path, error)
        except ValueError:
            pass  # a name with a zero byte, which no path has
        return None

    def exists(self, path: str) -> bool:
        """Say whether there is something at a path, be it a link that leads nowhere."""
        return self.status(path, follow=False) is not None

    def is_file(self, path: str) -> bool:
        """Say whether a path leads to a regular file."""
        info = self.status(path)
        return info is not None and stat.S_ISREG(info.st_mode)

    def is_executable(self, path: str) -> bool:
        """Say whether a path leads to a regular file that its owner may execute."""
        info = self.status(path)
        return info is not None and stat.S_ISREG(info.st_mode) and bool(info.st_mode & 0o100)

    def readlink(self, path: str) -> str | None:
        """Return what a symbolic link holds, None when it is none."""
        try:
            return os.readlink(self.real(path))
        except OSError as error:
            if error.errno != errno.EINVAL:
                self.note(path, error)
        except ValueError:
            pass
        return None

    def text(self, path: str) -> str | None:
        """Return what a text file holds, None when there is no regular file. One that cannot be read, is too large or is no text
        is None as well, and is noted."""
        if not self.is_file(path):
            return None
        try:
            # Files of /proc and /sys say size 0.
            with open(self.real(path), "rb") as handle:
                data = handle.read(TEXT_LIMIT + 1)
        except OSError as error:
            self.note(path, error)
            return None
        if b"\0" in data[:HEAD]:
            self.note(path, NO_TEXT)
        elif len(data) > TEXT_LIMIT:
            self.note(path, f"it is larger than {TEXT_LIMIT >> 20} MiB")
        else:
            return data.decode("utf-8", "replace")
        return None

    def lines(self, path: str, programs: bool = False) -> t.Iterator[str]:
        """Yield the lines of a text file of any size up to LINES_LIMIT, with little of it in memory; nothing when there is no
        regular file. What is not read to its end is noted. C(programs) says that programs may lie there, which are no text: they
        have no lines, and a script ends where data that it carries begin."""
        if not self.is_file(path):
            return
        try:
            with open(self.real(path), "rb") as handle:
                yield from self._lines(path, handle, programs)
        except OSError as error:
            self.note(path, error)

    def _lines(self, path: str, handle: t.BinaryIO, programs: bool) -> t.Iterator[str]:
        read = 0
        while True:
            line = handle.readline(LINE_LIMIT)
            read += len(line)
            if b"\0" in line:
                if not programs:
                    self.note(path, NO_TEXT)
                return
            if read > LINES_LIMIT:
                self.note(path, f"it is larger than {LINES_LIMIT >> 20} MiB")
                return
            if len(line) == LINE_LIMIT and not line.endswith(b"\n"):
                self.note(path, f"one of its lines is longer than {LINE_LIMIT >> 20} MiB")
                return
            if not line:
                return
            yield from line.decode("utf-8", "replace").splitlines()

    def names(self, path: str) -> list[str]:
        """Return the names in a folder, sorted; none when there is no folder, or when it cannot be read, which is noted."""
        try:
            return sorted(os.listdir(self.real(path)))
        except OSError as error:
            self.note(path, error)
            return []

    def glob(self, pattern: str) -> list[str]:
        """Return the paths that match a shell pattern, sorted. A folder that cannot be read is noted."""
        return globbing.matching(self.root, pattern, self.note)

    def unanswered(self, argv: t.Sequence[str], status: int) -> None:
        """Record that a command told nothing of the host, by the status it ended with."""
        self.note(" ".join(argv), "there is no such command" if status == NOT_FOUND else f"it ended with status {status}")

    def said(self, *argv: str) -> tuple[int, str]:
        """Run a read-only command once, however often its answer is asked for."""
        if argv not in self._answers:
            self._answers[argv] = self.run(list(argv))
        return self._answers[argv]
