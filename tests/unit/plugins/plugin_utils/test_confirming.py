# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which task confirms a hand-over of the network, on results as the modules give them."""

from __future__ import annotations

import types

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.centos.hyperscale.plugins.plugin_utils import confirming

# Asks for invocations in results, which ansible-core leaves out from 2.21 on.
ASKED = {"ansible_inject_invocation": True}
WAITING = {"section": "network", "waits_for": "proof"}
OPEN = {"changed": True, "actions": ["switch"], "pending": [WAITING], "host": {"then": 1}, "reboot": {}, "invocation": {}}
CONFIRMED = {"changed": True, "actions": ["confirm"], "pending": [], "host": {"now": 1}, "reboot": {}, "invocation": {}}


class Fake(confirming.ConfirmingAction):
    """The plugin without a connection: it notes what it does, and answers from what the test put in."""

    def __init__(self, module, args, answers, check_mode=False):
        self.answers = list(answers)
        self.done = []
        self._task = types.SimpleNamespace(action=f"centos.hyperscale.{module}", args=args, check_mode=check_mode)
        self._connection = types.SimpleNamespace(reset=lambda: self.done.append("reset"))

    def _execute_module(self, module_name=None, module_args=None, task_vars=None):
        self.done.append((module_name, module_args["state"] if module_name else None))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)


@pytest.fixture(autouse=True)
def base_run(monkeypatch):
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})
    monkeypatch.setattr(confirming, "RETRY_SECONDS", 0)


OWN, CONFIRMATION = (None, None), (confirming.CONFIRMING, "confirmed")


@pytest.mark.parametrize(("module", "args", "check_mode", "done"), [
    ("network_handover", {}, False, [OWN, "reset", CONFIRMATION]),
    ("network_handover", {"confirm": "no"}, False, [OWN]),
    ("network_handover", {"state": "undone"}, False, [OWN, "reset", CONFIRMATION]),
    ("network_handover", {}, True, [OWN]),
    ("network_handover", {"state": "confirmed", "confirm": False}, False, ["reset", OWN]),
    ("converge", {}, False, [OWN]),
    ("converge", {"state": "undone"}, False, [OWN, "reset", CONFIRMATION]),
    ("converge", {"state": "undone"}, True, [OWN]),
    ("converge", {"proven": "yes"}, False, ["reset", OWN]),
    ("converge", {"proven": False}, False, [OWN]),
])
def test_what_each_module_has_confirmed(module, args, check_mode, done):
    plugin = Fake(module, args, [OPEN, CONFIRMED], check_mode)
    result = plugin.run(task_vars=ASKED)
    assert plugin.done == done
    if CONFIRMATION in done:
        assert (result["confirmed"], result["actions"], result["host"]) == (True, ["switch", "confirm"], {"now": 1})
    else:
        assert result == OPEN


@pytest.mark.parametrize("answer", [
    {**OPEN, "failed": True}, {**OPEN, "pending": []}, {**OPEN, "pending": [{**WAITING, "section": "boot"}]}])
def test_nothing_is_confirmed_where_nothing_is_open(answer):
    plugin = Fake("network_handover", {}, [answer])
    assert plugin.run(task_vars=ASKED) == answer


def test_a_connection_is_tried_until_the_host_has_gone_back(monkeypatch):
    plugin = Fake("network_handover", {"confirm_seconds": "60"}, [OPEN, AnsibleConnectionFailure("no route"), CONFIRMED])
    assert plugin.patience() == 60
    assert plugin.run(task_vars=ASKED)["confirmed"] is True
    assert plugin.done == [OWN, "reset", CONFIRMATION, "reset", CONFIRMATION]
    plugin = Fake("converge", {"state": "undone"}, [OPEN, AnsibleConnectionFailure("no route")])
    assert plugin.patience() == 120
    monkeypatch.setattr(plugin, "patience", lambda: -1)
    with pytest.raises(AnsibleConnectionFailure, match="no route"):
        plugin.run(task_vars=ASKED)


def test_a_confirmation_that_fails_is_the_result():
    plugin = Fake("network_handover", {}, [OPEN, {**CONFIRMED, "failed": True, "msg": "gone back"}])
    result = plugin.run(task_vars=ASKED)
    assert (result["failed"], result["msg"], result["confirmed"]) == (True, "gone back", False)


@pytest.mark.parametrize("failed", [True, False])
def test_what_both_runs_warn_of_is_told(failed):
    first, second = {**OPEN, "warnings": ["/boot"]}, {**CONFIRMED, "failed": failed, "warnings": ["denied"]}
    assert Fake("network_handover", {}, [first, second]).run(task_vars=ASKED)["warnings"] == ["/boot", "denied"]
    assert Fake("network_handover", {}, [first, {**CONFIRMED, "failed": failed}]).run(task_vars=ASKED)["warnings"] == ["/boot"]
