# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of headers and states of paths for tests."""

from __future__ import annotations

import base64
import hashlib
import os

from ansible_collections.centos.hyperscale.plugins.module_utils.backup import states
from ansible_collections.centos.hyperscale.plugins.module_utils.backup.shipped import Entry

ME = (os.getuid(), os.getgid())


def entry(text, mode=0o644, config=False, noreplace=False):
    """Return a file of a build."""
    return Entry(states.FILE, mode, *ME, hashlib.sha256(text.encode()).hexdigest(), 8, config, noreplace, False)


def file(text, mode=0o644):
    """Return the state of a file."""
    return states.PathState(states.FILE, mode, *ME, base64.b64encode(text.encode()).decode(), {})


def link(target):
    """Return the state of a link."""
    return states.PathState(states.LINK, 0o777, *ME, target, {})


def folder(mode=0o755):
    """Return the state of a folder."""
    return states.PathState(states.FOLDER, mode, *ME, "", {})
