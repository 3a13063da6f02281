# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Harmless commands: how they end is kept, and a missing one is an end as well."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts.view import View
from ansible_collections.centos.hyperscale.plugins.module_utils.tables import sets
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.proven import smoke


def test_only_named_packages_are_tried_and_only_those_that_have_a_command(tmp_path):
    asked = []

    def run(argv):
        asked.append(argv)
        return 0, "systemd 252\n"

    found = smoke.tried(View(str(tmp_path), run), ["systemd", "nothing-known", "systemd"])
    assert asked == [["systemctl", "--version"]]
    assert found == {"systemd": smoke.Outcome("systemctl --version", 0, "systemd 252")}


def test_the_same_command_is_asked_again_each_time(tmp_path):
    answers = iter([(0, "1"), (3, "2")])
    view = View(str(tmp_path), lambda argv: next(answers))
    assert [smoke.tried(view, ["zstd"])["zstd"].status for _turn in range(2)] == [0, 3]


@pytest.mark.parametrize(("outcome", "words"), [
    (smoke.Outcome("perf --version", 127, ""), "'perf --version' is not there."),
    (smoke.Outcome("perf --version", 139, ""), "'perf --version' ended with status 139 and said: nothing."),
    (smoke.Outcome("perf --version", 1, "no\nway"), "'perf --version' ended with status 1 and said: no way."),
])
def test_words(outcome, words):
    assert smoke.words(outcome) == words


def test_commands_are_argument_lists_that_only_ask():
    asking = {"--version", "-version", "version", "-V", "-t"}
    others = {("matchpathcon", "/usr")}
    assert [
        name for name, command in smoke.COMMANDS.items()
        if len(command) != 2 or command[1] not in asking and command not in others] == []


def test_every_ready_set_of_packages_has_a_command():
    assert [one.name for one in sets.SETS.values() if not one.tried or set(one.tried) - smoke.COMMANDS.keys()] == []
