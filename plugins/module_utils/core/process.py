# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes where there is no module to run a command: in what runs detached, and to start that.

Modules themselves run commands through C(host_io). Only the standard library is used, since detached code holds a copy.
"""

from __future__ import annotations

import subprocess
import typing as t

# The exit status of a command that could not be run or did not end in time, as a shell has it for one that is not there.
NOT_RUN = 127


def run(argv: t.Sequence[str], environment: t.Mapping[str, str], seconds: float | None = None) -> tuple[int, str]:
    """Run a command and return its exit status and what it printed on both outputs.

    C(seconds) is how long it may take. One that could not be run or was ended at that limit has status NOT_RUN, with the reason.
    """
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
            check=False, env=dict(environment))
    except (OSError, subprocess.TimeoutExpired) as error:
        return NOT_RUN, str(error)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def start(argv: t.Sequence[str]) -> t.Callable[[], bool]:
    """Start a process in a session of its own, which outlives this one, and return a function that says whether it runs."""
    process = subprocess.Popen(  # pylint: disable=ansible-bad-function,consider-using-with
        list(argv), start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return lambda: process.poll() is None
