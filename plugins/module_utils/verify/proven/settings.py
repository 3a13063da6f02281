# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a swap or the way back, kernel settings that are now what the files of the host ask for, and were not."""

from __future__ import annotations

import typing as t

from .. import kernel_settings
from ..checks import found
from ..model import Finding, Subject
from ..scenes import Scenes


def reset(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 110: values that differed from what the files asked for, and are now what these ask for."""
    was, asked = scenes.before("sysctls"), kernel_settings.asked(scenes.view)
    for key, asked_then in sorted(scenes.before("asked_sysctls").items()):
        now = kernel_settings.value(scenes.view, key)
        if key not in was or kernel_settings.agree(was[key], asked_then) or now in (None, was[key]):
            continue
        if key in asked and kernel_settings.agree(now, asked[key]):
            name = kernel_settings.other_spelling(key)
            before, after = (kernel_settings.shown(key, value) for value in (was[key], now))
            yield found(
                "sysctl.reset", Subject("sysctl", name), before, after,
                f"sysctl {name} was '{before}' and is '{after}', as the files of sysctl.d ask.", proven=True)
