# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The door to the host of what runs detached in a hand-over of the network: commands, and files that are put in place whole."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import typing as t

from ...core import modes, process
from ...core.host_io import sync_folder

ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
COMMAND_SECONDS = 90


class SwitchFailed(Exception):
    """A step of the switch went wrong; the text says which."""


def command(argv: t.Sequence[str], seconds: float = COMMAND_SECONDS) -> tuple[int, str]:
    """Run a command and return its exit status and what it printed."""
    return process.run(argv, ENVIRONMENT, seconds)


def must(*argv: str) -> str:
    status, out = command(argv)
    if status != 0:
        raise SwitchFailed(f"'{' '.join(argv)}' ended with status {status}: {' '.join(out.split()) or 'it said nothing'}")
    return out


def read_json(path: str) -> t.Any:
    """Return a JSON file, None when it is not there or was cut."""
    try:
        with open(path, encoding="utf-8") as handle:
            return json.load(handle)
    except (FileNotFoundError, ValueError):
        return None


def write_json(path: str, content: t.Any) -> None:
    """Put a JSON file in place whole and synced, readable by root alone."""
    put(path, json.dumps(content), 0o600)


def put(path: str, content: str, mode: int, owner: tuple[int, int] = (0, 0)) -> None:
    """Put a file in place whole and synced."""
    beside = f"{path}.centos-hyperscale"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as out:
        out.write(content)
        out.flush()
        os.fchmod(out.fileno(), mode)
        if os.geteuid() == 0:
            os.fchown(out.fileno(), *owner)
        os.fsync(out.fileno())
    os.rename(beside, path)
    sync_folder(os.path.dirname(path))


def drop(path: str) -> None:
    """Take a file away; one that is gone is fine."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
        sync_folder(os.path.dirname(path))


def put_file(path: str, content: str, mode: int, owner: tuple[int, int]) -> None:
    modes.make_folders(os.path.dirname(path), modes.of_folder)
    try:
        put(path, content, mode, owner)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        # A container engine mounts this file: it cannot be replaced, only written.
        drop(f"{path}.centos-hyperscale")
        with open(path, "w", encoding="utf-8") as out:
            out.write(content)
    if os.path.exists("/usr/sbin/restorecon"):
        must("restorecon", path)
