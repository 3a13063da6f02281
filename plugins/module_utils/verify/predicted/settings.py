# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel settings that were made at run time and that the transaction sets back to what the files of the host ask for."""

from __future__ import annotations

import os
import typing as t

from .. import kernel_settings
from ..checks import found
from ..model import Finding, Subject
from ..swap import Swap

# systemd has a trigger on it, which applies the files of all folders.
TRIGGERS = "/usr/lib/sysctl.d/"


def reset(swap: Swap) -> t.Iterator[Finding]:
    """Row 110: values in force that differ from what the files ask for."""
    brought = next((path for path in sorted(swap.new_files) if path.startswith(TRIGGERS)), None)
    if brought is None:
        return
    build = swap.new_files[brought][0]
    for key, wanted in sorted(kernel_settings.asked(swap.host).items()):
        now = kernel_settings.value(swap.host, key)
        # In a container most keys belong to the machine, and nothing here can write them.
        writable = os.access(swap.host.real(kernel_settings.PROC_SYS + key), os.W_OK)
        if now is not None and writable and not kernel_settings.agree(now, wanted):
            name = kernel_settings.other_spelling(key)
            is_now, asked = (kernel_settings.shown(key, value) for value in (now, wanted))
            yield found(
                "sysctl.reset", Subject("sysctl", name), is_now, asked,
                f"sysctl {name} is '{is_now}'. {build.nevra} carries {brought}, so systemd applies the files of sysctl.d, "
                f"which ask for '{asked}'.")
