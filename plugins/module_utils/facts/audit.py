# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SELinux denied according to the messages that a host kept: those of auditd, and those of the kernel in the journal.

A message may be in one of them alone. So what was denied is not known where one cannot be read, whatever the other says. A host
without auditd has no log of it: that is nothing unread.
"""

from __future__ import annotations

import itertools
import os
import time
import typing as t

from ..core.host_io import is_file
from ..text import denials
from ..text.denials import AUDIT_LOG, BEFORE, JOURNAL
from . import read
from .security import ENFORCE

# How often the logs are read for what has just been denied, and how long it is waited between.
READINGS, BETWEEN_SECONDS = 5, 2.0

Run = t.Callable[[list[str]], tuple[int, str]]


class Heard(t.NamedTuple):
    """What was denied, by kind, and which sources could not be read, or not to the end, with the reason of each."""

    kinds: list[denials.Kind]
    unread: dict[str, str]

    @property
    def words(self) -> list[str]:
        """A line for each kind."""
        return [denials.words(kind) for kind in self.kinds]


def denied(root: str, run: Run, since: float) -> Heard:
    """Return what SELinux has denied since a time; what it denied some time before is known to be no news."""
    unread: dict[str, str] = {}
    messages = itertools.chain(_auditd(root, since, unread), _journal(run, since, unread))
    return Heard(denials.kinds(denials.parse(messages), since), unread)


def refused(root: str, run: Run, since: float) -> Heard:
    """Return what SELinux has denied since a time, and not let through; nothing where it is off.

    What has just been denied reaches the logs later than the program that it was denied to. So they are read until two readings
    have the same denials, C(READINGS) times at most. Raises OSError where it cannot be told whether SELinux is off.
    """
    if read.optional_text(root, ENFORCE) is None:
        return Heard([], {})
    heard = denied(root, run, since)
    for _reading in range(READINGS - 1):
        time.sleep(BETWEEN_SECONDS)
        earlier, heard = heard, denied(root, run, since)
        if heard.kinds and heard == earlier:
            break
    return heard._replace(kinds=[kind for kind in heard.kinds if not kind.allowed])


def _auditd(root: str, since: float, unread: dict[str, str]) -> t.Iterator[str]:
    log = os.path.join(root, AUDIT_LOG.lstrip("/"))
    folder, name = os.path.split(log)
    try:
        if not is_file(log):
            return
        for path in sorted((os.path.join(folder, entry) for entry in os.listdir(folder) if entry.startswith(name)), reverse=True):
            if os.path.getmtime(path) >= since - BEFORE:
                with open(path, encoding="utf-8", errors="replace") as handle:
                    yield from handle
    except OSError as error:
        unread[AUDIT_LOG] = error.strerror or str(error)


def _journal(run: Run, since: float, unread: dict[str, str]) -> t.Iterator[str]:
    status, out = run([*JOURNAL, "--since", f"@{int(since) - BEFORE}", "_TRANSPORT=audit", "+", "_TRANSPORT=kernel"])
    if status != 0:
        unread[JOURNAL[0]] = "there is no such command" if status == read.NOT_FOUND else f"it ended with status {status}"
    yield from out.splitlines()
