# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of .repo files: read as dnf reads it, and edited without losing comments or order."""

from __future__ import annotations

import configparser
import os
import tempfile
import typing as t

try:
    import dnf.conf
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    pass

FOLDER = "/etc/yum.repos.d"

Options = dict[str, str]


def sections(text: str) -> dict[str, Options]:
    """Return the repositories a file defines, by id. Raises ValueError for text that is not a .repo file."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError(" ".join(str(error).split())) from error
    return {name: dict(parser.items(name)) for name in parser.sections()}


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
