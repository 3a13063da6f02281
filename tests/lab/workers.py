# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How pytest-xdist gives tests on hosts to its workers: one by one, but those that share a host or a machine to one worker."""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

# Files whose tests go on where the one before them ended, on one host for each stream.
SHARING = ("test_handover.py", "test_guards.py", "test_cuts.py", "test_surroundings.py")
# Files that go over several virtual machines, one after another; other files of those tests have one.
MACHINES = ("test_whole.py", "test_selinux.py", "test_power_cut.py")


def together(name: str) -> str:
    """Return what tests that one worker runs have in common, for the name of a test: its file and stream, or the name itself."""
    file, _colons, test = name.partition("::")
    stream = re.search(r"\bstream ?\d+\b", test)
    return f"{file} {stream.group()}" if file.endswith(SHARING) and stream else name


def machine(name: str) -> str:
    """Return what tests on one virtual machine have in common: their file, and the machine where the file has several."""
    file, _colons, test = name.partition("::")
    return f"{file} {test.partition('[')[2].rstrip(']')}" if file.endswith(MACHINES) else file


class ByHost(LoadScopeScheduling):
    """The scheduler, which the C(conftest.py) of tests on live hosts gives to pytest-xdist; the largest groups come first."""

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)


class ByMachine(LoadScopeScheduling):
    """The same for tests on virtual machines."""

    def _split_scope(self, nodeid: str) -> str:
        return machine(nodeid)
