# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of headers and states of paths for tests."""

from __future__ import annotations

import hashlib
import os

from ansible_collections.centos.hyperscale.plugins.module_utils.backup import states
from ansible_collections.centos.hyperscale.plugins.module_utils.backup.contents import Contents
from ansible_collections.centos.hyperscale.plugins.module_utils.backup.shipped import Entry

ME = (os.getuid(), os.getgid())
# What the files hold whose states are made here.
CONTENTS = Contents()


def entry(text, mode=0o644, config=False, noreplace=False, ghost=False, capabilities=""):
    """Return a file of a build."""
    return Entry(
        states.FILE, mode, *ME, hashlib.sha256(text.encode()).hexdigest(), 8, config, noreplace, ghost, capabilities)


def file(text, mode=0o644, attributes=()):
    """Return the state of a file."""
    return states.PathState(states.FILE, mode, *ME, CONTENTS.hold(text.encode()), dict(attributes))


def link(target):
    """Return the state of a link."""
    return states.PathState(states.LINK, 0o777, *ME, target, {})


def folder(mode=0o755):
    """Return the state of a folder."""
    return states.PathState(states.FOLDER, mode, *ME, "", {})
