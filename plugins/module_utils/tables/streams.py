# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The streams and architectures that are supported, and those that are recognised only to be refused."""

from __future__ import annotations

SUPPORTED_STREAMS = (9, 10)
SUPPORTED_ARCHES = ("x86_64", "aarch64")

# Streams that are recognised only to be refused, with the reason that the refusal states.
RETIRED_STREAMS = {
    8: "CentOS Stream 8 reached its end of life in June 2024 and its Hyperscale repositories are frozen",
}
