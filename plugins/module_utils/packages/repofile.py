# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of .repo files by dnf's own writer, which keeps comments and order."""

from __future__ import annotations

import os
import tempfile
import typing as t

from ..text import repofile

try:
    import dnf.conf
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    pass


def edited(text: str, repo_id: str, options: t.Mapping[str, str], workdir: str) -> str:
    """Return a file's text with options of one repository set; libdnf keeps the rest as it is."""
    now = repofile.sections(text)[repo_id]
    changed = {name: value for name, value in options.items() if now.get(name) != value}
    if not changed:
        return text
    handle, path = tempfile.mkstemp(dir=workdir, suffix=".repo")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as out:
            out.write(text)
        dnf.conf.BaseConfig.write_raw_configfile(path, repo_id, {}, changed)
        with open(path, encoding="utf-8", errors="surrogateescape") as result:
            return result.read()
    finally:
        os.unlink(path)
