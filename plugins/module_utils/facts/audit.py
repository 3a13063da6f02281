# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit messages that a host kept: those of auditd, the kernel and the journal."""

from __future__ import annotations

import os
import typing as t

from ..core.host_io import is_file
from ..text import denials
from ..text.denials import AUDIT_LOG, BEFORE, JOURNAL
from . import read
from .security import ENFORCE


def messages(root: str, run: t.Callable[[list[str]], tuple[int, str]], since: float) -> t.Iterator[str]:
    """Yield audit messages since a time and from some time before: auditd's logs, and what kernel and journal kept.

    Raises OSError where there is neither.
    """
    log = os.path.join(root, AUDIT_LOG.lstrip("/"))
    kept = is_file(log)
    if kept:
        folder, name = os.path.split(log)
        for path in sorted((os.path.join(folder, entry) for entry in os.listdir(folder) if entry.startswith(name)), reverse=True):
            if os.path.getmtime(path) >= since - BEFORE:
                with open(path, encoding="utf-8", errors="replace") as handle:
                    yield from handle
    status, out = run([*JOURNAL, "--since", f"@{int(since) - BEFORE}", "_TRANSPORT=audit", "+", "_TRANSPORT=kernel"])
    if status == 0:
        yield from out.splitlines()
    elif not kept:
        raise OSError("neither auditd's log nor the journal can be read")


def denied(root: str, run: t.Callable[[list[str]], tuple[int, str]], since: float) -> list[str]:
    """Return a line for each kind of what SELinux has denied since a time, and not let through; none where it is off.

    Raises OSError where that cannot be read.
    """
    if read.optional_text(root, ENFORCE) is None:
        return []
    kinds = denials.kinds(denials.parse(messages(root, run, since)), since)
    return [denials.words(kind) for kind in kinds if not kind.allowed]
