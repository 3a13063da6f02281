# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the writes of a step that was cut left in their scratch folders."""

from __future__ import annotations

import os

from ..core import host_io
from ..core.host_io import Target, is_there, scratch_of
from ..tables import places
from . import displaced, states as file_states
from .contents import Contents
from .manifest import CONTENTS, FOLDER, runs


def sweep(target: Target, job: str, *paths: str) -> None:
    """Take away what the writes of a step that was cut left beside some paths, and anywhere in the places that are saved.

    What lies there may be somebody's that was moved out of the way at the moment of the cut: what no run keeps is displaced.
    """
    trees = [path for place in places.SAVED for path in [*file_states.below(target, place), place]]
    ends = [host_io.end_of_links(target.root, path) or path for path in paths if path.startswith("/")]
    folders = {os.path.dirname(path) for path in (*paths, *ends, *trees) if path.startswith("/")}
    for folder in sorted(folders):
        for name in displaced.names(target.path(folder)):
            if name.startswith(scratch_of(job)):
                _rescue(target, job, folder, os.path.join(target.path(folder), name))
        target.clear_scratch(folder, job)


def _rescue(target: Target, job: str, folder: str, scratch: str) -> None:
    """Keep what lies in a scratch folder and in no run's contents."""
    for name in displaced.names(scratch):
        state = file_states.of_path(os.path.join(scratch, name), Contents())
        if any(is_there(os.path.join(target.state_dir, FOLDER, run, CONTENTS, state.content)) for run in runs(target)):
            continue
        handle = os.open(scratch, os.O_PATH | os.O_DIRECTORY)
        try:
            place = displaced.move(target, job.partition(".")[0], os.path.join(folder, name), handle, name)
        finally:
            os.close(handle)
        target.warn(f"A run was cut while it wrote in {folder}. A file that was there and may be somebody's is in {place}")
