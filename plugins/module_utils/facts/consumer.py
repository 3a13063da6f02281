# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who or what on a host is affected by something, as facts and findings name it."""

from __future__ import annotations

import typing as t


class Consumer(t.NamedTuple):
    """What on this host is affected: a package, unit, drop-in, process, configuration file, kernel module, ...

    C(detail) says where or how, in a few words.
    """

    type: str
    name: str
    detail: str = ""
