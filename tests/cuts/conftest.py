# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the tests of the cuts find what the lab and the other live tests share."""

from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lab import workers  # noqa: E402


def pytest_xdist_make_scheduler(config, log):
    """Return what gives tests to workers."""
    return workers.ByHost(config, log)
