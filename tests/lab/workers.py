# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How pytest-xdist gives tests on live hosts to its workers: one by one, but those that share a host to one worker."""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

# Files whose tests go on where the one before them ended, on one host for each stream.
SHARING = ("test_handover.py", "test_cuts.py", "test_surroundings.py")


def together(name: str) -> str:
    """Return what tests that one worker runs have in common, for the name of a test: its file and stream, or the name itself."""
    file, _colons, test = name.partition("::")
    stream = re.search(r"\bstream ?\d+\b", test)
    return f"{file} {stream.group()}" if file.endswith(SHARING) and stream else name


class ByHost(LoadScopeScheduling):
    """The scheduler, which the C(conftest.py) of tests on live hosts gives to pytest-xdist; the largest groups come first."""

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)
