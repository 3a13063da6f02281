# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of .repo files, read as dnf reads it."""

from __future__ import annotations

import typing as t

from . import ini

FOLDER = "/etc/yum.repos.d"


def sections(text: str) -> dict[str, ini.Options]:
    """Return the repositories a file defines, by id. Raises ini.Malformed."""
    return ini.sections(text)


def section_text(repo_id: str, options: t.Mapping[str, str]) -> str:
    """Return one repository as a .repo file has it, options in the order given."""
    return f"[{repo_id}]\n" + "".join(f"{name}={value}\n" for name, value in options.items())
