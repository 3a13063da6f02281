# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this process writes, as the interpreter itself tells it (audit events): each path, with the call that wrote it."""

from __future__ import annotations

import contextlib
import os
import sys

from ansible_collections.centos.hyperscale.plugins.module_utils.core import exchange
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.cow import move

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Which arguments of an event are paths that are written.
EVENTS = {
    "os.mkdir": (0,), "os.rename": (0, 1), "os.remove": (0,), "os.rmdir": (0,), "os.symlink": (1,), "os.link": (1,),
    "os.chmod": (0,), "os.chown": (0,), "os.truncate": (0,), "os.utime": (0,), "os.setxattr": (0,), "os.removexattr": (0,)}

_listeners: list = []


def _heard(event, arguments):
    if _listeners and event in ("open", *EVENTS):
        _listeners[-1](event, arguments)


# A hook cannot be taken away again: it does nothing where nobody listens.
sys.addaudithook(_heard)


@contextlib.contextmanager
def recorded(monkeypatch):
    """Yield the list of (call, path) that fills with what is written meanwhile."""
    found: list[tuple[str, str]] = []

    def listen(event, arguments):
        if event == "open":
            path, _mode, flags = arguments
            paths = [path] if flags & WRITING else []
        else:
            paths = [arguments[number] for number in EVENTS[event]]
        found.extend((event, os.fspath(path)) for path in paths if not isinstance(path, int) and path is not None)

    def renaming(real):
        def call(one, source, other, destination, flags):
            found.extend([("renameat2", source), ("renameat2", destination)])
            return real(one, source, other, destination, flags)
        return call

    with monkeypatch.context() as patched:
        for module in (exchange, move):
            patched.setattr(module, "renameat2", renaming(module.renameat2))
        _listeners.append(listen)
        try:
            yield found
        finally:
            _listeners.pop()
