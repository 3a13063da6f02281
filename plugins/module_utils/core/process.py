# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes where there is no module to run a command: in what runs detached, and to start that.

Modules themselves run commands through C(host_io). Only the standard library is used, since detached code holds a copy.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import typing as t

from . import modes

# The exit status of a command that could not be run or did not end in time, as a shell has it for one that is not there.
NOT_RUN = 127

# What keeps a unit from being ended for want of memory, as properties of it. systemd-oomd leaves out a control group that is
# marked so and is of root. OOMPolicy: where the kernel ends a scriptlet, the unit goes on. The score is not -1000: with that the
# kernel could end nothing of the unit, and panics where the unit itself takes all memory.
OOM_SCORE = -900
HARD_TO_KILL = (f"OOMScoreAdjust={OOM_SCORE}", "OOMPolicy=continue", "ManagedOOMPreference=omit")
OWN_OOM_SCORE = "/proc/self/oom_score_adj"


def run(argv: t.Sequence[str], environment: t.Mapping[str, str], seconds: float | None = None) -> tuple[int, str]:
    """Run a command and return its exit status and what it printed on both outputs.

    C(seconds) is how long it may take. One that could not be run or was ended at that limit has status NOT_RUN, with the reason.
    """
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
            check=False, env=dict(environment), umask=modes.UMASK)
    except (OSError, subprocess.TimeoutExpired) as error:
        return NOT_RUN, str(error)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def start(argv: t.Sequence[str]) -> t.Callable[[], bool]:
    """Start a process in a session of its own, which outlives this one, and return a function that says whether it runs."""
    process = subprocess.Popen(  # pylint: disable=ansible-bad-function,consider-using-with
        list(argv), start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        umask=modes.UMASK)
    return lambda: process.poll() is None


def be_hard_to_kill() -> None:
    """Have the kernel spare this process and its children, as it does a unit with C(HARD_TO_KILL), where that can be had."""
    with contextlib.suppress(OSError), open(os.open(OWN_OOM_SCORE, os.O_WRONLY), "w", encoding="ascii") as handle:
        handle.write(str(OOM_SCORE))
