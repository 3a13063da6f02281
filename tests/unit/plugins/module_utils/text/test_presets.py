# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of preset files, as systemd.preset(5) has them."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.text import presets

RULES = presets.rules([
    "# enable commented.service\n", "\n", "disable first.service\n", "enable first.service\n", "ignore left.service\n",
    "enable getty@.service\n", "maybe odd.service\n", "disable *\n"])


@pytest.mark.parametrize(("unit", "enabled"), [
    ("first.service", False), ("left.service", False), ("getty@tty1.service", True), ("commented.service", False),
    ("odd.service", False)])
def test_the_first_rule_that_matches_decides(unit, enabled):
    assert presets.enables(RULES, unit) is enabled


def test_a_unit_without_a_rule_is_enabled():
    assert presets.enables(RULES[:-1], "odd.service") is True
