# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of .repo files: read as dnf reads it, and edited without losing comments or order."""

from __future__ import annotations

import os
import tempfile
import typing as t

from . import ini

try:
    import dnf.conf
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    pass

FOLDER = "/etc/yum.repos.d"


def sections(text: str) -> dict[str, ini.Options]:
    """Return the repositories a file defines, by id. Raises ini.Malformed."""
    return ini.sections(text)


def section_text(repo_id: str, options: t.Mapping[str, str]) -> str:
    """Return one repository as a .repo file has it, options in the order given."""
    return f"[{repo_id}]\n" + "".join(f"{name}={value}\n" for name, value in options.items())


def edited(text: str, repo_id: str, options: t.Mapping[str, str], workdir: str) -> str:
    """Return a file's text with options of one repository set; libdnf keeps the rest as it is."""
    now = sections(text)[repo_id]
    changed = {name: value for name, value in options.items() if now.get(name) != value}
    if not changed:
        return text
    handle, path = tempfile.mkstemp(dir=workdir, suffix=".repo")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        dnf.conf.BaseConfig.write_raw_configfile(path, repo_id, {}, changed)
        with open(path, encoding="utf-8") as result:
            return result.read()
    finally:
        os.unlink(path)
