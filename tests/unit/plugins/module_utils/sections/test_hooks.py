# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine calls in a section is what that section itself defines for it."""

from __future__ import annotations

import inspect

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.registry import REGISTRY

# Hook -> the names of its arguments, as core/registry.py tells them; the first of stands is whatever the section gathers.
HOOKS = {
    "stands": 1, "tools": 1, "impossible": 3, "fingerprints": 1, "opener": 4, "straight": 1, "undo_problems": 2, "waiting": 1,
}


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_defined_by_the_section_and_takes_what_it_is_given(hook):
    found = REGISTRY.having(hook)
    assert found
    for name, function in found:
        assert function.__module__.rpartition(".")[2] in (name, "section"), function.__module__
        assert len(inspect.signature(function).parameters) == HOOKS[hook], name
