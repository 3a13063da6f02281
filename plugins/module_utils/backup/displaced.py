# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody made of a path and has to give way: it is kept below the state directory, by run and path."""

from __future__ import annotations

import os
import shutil
import typing as t

from ..core import modes
from ..core.exchange import ASIDE
from ..core.host_io import DISPLACED, Target, is_there, names_in
from . import states as file_states
from .contents import Contents
from .states import FILE, LINK, PathState


def lay(target: Target, run: str, path: str, state: PathState, contents: Contents) -> str:
    """Keep a state of a path, and return where it is; empty where its content is not known."""
    content = contents.of(state.content) if state.kind == FILE else None
    if state.kind == LINK or content is not None:
        return _placed(target, run, path, state, lambda out: out.write(content or b""))
    return ""


def copy(target: Target, run: str, path: str) -> str:
    """Keep what a file or link of the host is, leave it where it is, and return where the copy is."""
    real = target.path(path)

    def write(out: t.BinaryIO) -> None:
        with open(real, "rb") as handle:
            shutil.copyfileobj(handle, out)

    return _placed(target, run, path, file_states.of_path(real, Contents()), write)


def move(target: Target, run: str, path: str, folder: int, name: str) -> str:
    """Keep what is at a name in an open folder, take it away there, and return where it is."""
    state = file_states.of_path(name, Contents(), folder)
    if state.kind not in (FILE, LINK, file_states.HUGE):
        return _moved_aside(path, folder, name)

    def write(out: t.BinaryIO) -> None:
        with open(file_states.opened(name, folder), "rb") as handle:
            shutil.copyfileobj(handle, out)

    place = _placed(target, run, path, state, write)
    os.unlink(name, dir_fd=folder)
    return place


def names(real: str) -> list[str]:
    """Return the names in a folder; none where there is no folder."""
    try:
        return names_in(real)
    except NotADirectoryError:
        return []


def _placed(target: Target, run: str, path: str, state: PathState, write: t.Callable[[t.BinaryIO], t.Any]) -> str:
    """Put a state at the place of a path, or at the next one that has it already or is free, and return that."""
    first = place = os.path.join(target.private_folder(DISPLACED, run), path[1:])
    number = 0
    while is_there(place):
        # An earlier attempt may have kept the same.
        if file_states.of_path(place, Contents()) == state:
            return place
        number += 1
        place = f"{first}.{number}"
    modes.make_folders(os.path.dirname(place), modes.PRIVATE)
    if state.kind == LINK:
        os.symlink(state.content, place)
        os.lchown(place, state.uid, state.gid)
        return place
    handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(handle, "wb") as out:
        write(out)
        out.flush()
        file_states.dress(out.fileno(), state)
        os.fsync(out.fileno())
    return place


def _moved_aside(path: str, folder: int, name: str) -> str:
    """Move what is no file and no link aside where it is, and return its path there."""
    above = os.open("..", os.O_PATH | os.O_DIRECTORY, dir_fd=folder)
    try:
        number = 0
        free = os.path.basename(path) + ASIDE
        while free in os.listdir(f"/proc/self/fd/{above}"):
            number += 1
            free = f"{os.path.basename(path)}{ASIDE}.{number}"
        os.rename(name, free, src_dir_fd=folder, dst_dir_fd=above)
    finally:
        os.close(above)
    return os.path.join(os.path.dirname(path), free)
