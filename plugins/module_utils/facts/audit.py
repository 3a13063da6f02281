# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SELinux denied according to the messages that a host kept: those of auditd, and those of the kernel in the journal.

A message may be in one of them alone. So what was denied is not known where one cannot be read, whatever the other says. A host
without auditd has no log of it: that is nothing unread. Where the kernel dropped messages, what these said is not known either.

A message reaches the logs later than the program that something was denied to: seconds later on a host that is busy. The kernel
hands messages out in their order, so the logs have all that was denied until a time once they have any message from after it.
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

# How long after a time the logs are read where they get no message from after it, and how long it is waited between.
SETTLING_SECONDS, BETWEEN_SECONDS = 8.0, 2.0

OF_THE_KERNEL = "audit messages of the kernel"

Run = t.Callable[[list[str]], tuple[int, str]]


class Heard(t.NamedTuple):
    """What was denied, by kind, and which sources could not be read, or not to the end, with the reason of each."""

    kinds: list[denials.Kind]
    unread: dict[str, str]

    @property
    def words(self) -> list[str]:
        """A line for each kind."""
        return [denials.words(kind) for kind in self.kinds]

    def foremost(self, most: int) -> list[str]:
        """Return a line for each of the kinds that are most likely why a step failed."""
        return [denials.words(kind) for kind in denials.nearest(self.kinds)[:most]]


def denied(root: str, run: Run, since: float, until: float) -> Heard:
    """Return what SELinux has denied since a time; what it denied some time before is known to be no news.

    C(until) is the time until which all of it is wanted. The logs are awaited: until they have a message from after it, or
    C(SETTLING_SECONDS) after it. So nothing is waited for where that time is long past.
    """
    ends = time.monotonic() + min(SETTLING_SECONDS, until + SETTLING_SECONDS - time.time())
    while True:
        heard, newest = _reading(root, run, since)
        left = ends - time.monotonic()
        if newest > until or left <= 0:
            return heard
        time.sleep(min(BETWEEN_SECONDS, left))


def refused(root: str, run: Run, since: float) -> Heard:
    """Return what SELinux has denied from a time until now, and not let through; nothing where it is off. Raises OSError where
    it cannot be told whether it is off."""
    if read.optional_text(root, ENFORCE) is None:
        return Heard([], {})
    heard = denied(root, run, since, time.time())
    return heard._replace(kinds=[kind for kind in heard.kinds if not kind.allowed])


def _reading(root: str, run: Run, since: float) -> tuple[Heard, float]:
    """Read the logs once; return with it the time of the newest message of any kind, 0 where there is none."""
    unread: dict[str, str] = {}
    newest = 0.0

    def passing() -> t.Iterator[str]:
        nonlocal newest
        for line in itertools.chain(_auditd(root, since, unread), _journal(run, since, unread)):
            newest = max(newest, denials.stamp(line))
            yield line

    return Heard(denials.kinds(denials.parse(passing()), since), unread), newest


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
    try:
        found = denials.entries(out)
    except (ValueError, KeyError) as error:
        unread.setdefault(JOURNAL[0], f"it printed what is no journal: {error}")
        return
    said = denials.dropped(found, since)
    if said:
        unread[OF_THE_KERNEL] = f"some were dropped ('{said}')"
    yield from (entry.message for entry in found)
