# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a swap leaves behind when the host has gone back: accounts, second files, units, keys of rpm."""

from __future__ import annotations

import os
import typing as t

from ..checks import found
from ..model import INFO, Finding, Subject
from ..scenes import Scenes


def accounts(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 107: users and groups that were not there before. They may own files, so they are seldom taken away."""
    before, now = scenes.before("accounts"), scenes.now("accounts")
    for kind in ("user", "group"):
        for name in sorted(set(now[kind]) - set(before[kind])):
            yield _left(kind, name, name, f"The {kind} {name} was not there when the snapshot was taken.", severity=INFO)


def second_files(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 107: second files that updates left beside configuration since."""
    for path in sorted(set(scenes.now("leftovers")) - set(scenes.before("leftovers"))):
        yield _left("path", path, path, f"{path} was not there when the snapshot was taken.")


def units(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 107: unit files of no package that were not there before. Those below /etc are told with the other files there."""
    for path in sorted(set(scenes.now("unit_files")) - set(scenes.before("unit_files"))):
        if not scenes.swap.installed.owners(path) and path not in scenes.swap.new_files:
            yield _left(
                "unit", os.path.basename(path), path, f"{path} was not there when the snapshot was taken, and is of no package.")


def keys(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 107: keys that rpm trusts and did not."""
    before, now = scenes.before("keys"), scenes.now("keys")
    for name in sorted(now.keys() - before.keys()):
        yield _left(
            "key", name, now[name], f"rpm trusts {name} ({now[name]}) and did not when the snapshot was taken.",
            remedy=f"Take it away with 'rpm -e {name}' if nothing of its owner is to be installed here")


def _left(kind: str, name: str, after: str, diagnosis: str, severity: str = "", remedy: str = "") -> Finding:
    return found("rollback.left", Subject(kind, name), None, after, diagnosis, severity=severity, proven=True, remedy=remedy)


# Each stands alone, as those of returned.STATES do.
LEFT: tuple[t.Callable[[Scenes], t.Iterable[Finding]], ...] = (accounts, second_files, units, keys)
