# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module ends when something is in the way: with what it is, and with what SELinux denied where a step failed."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed, Problem, Refused
from ansible_collections.centos.hyperscale.plugins.module_utils.entry import target, telling
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import audit
from ansible_collections.centos.hyperscale.plugins.module_utils.text import denials

PROBLEM = Problem("a.b", "systemctl start x", "it failed", "Look at it")
DENIED = "1x logind_t create sock_file init_runtime_t by logind"


class Ended(Exception):
    """What a module ended with."""


class Module:
    """As much of AnsibleModule as is used."""

    def __init__(self, *roles):
        self.params = {"roles": list(roles)} if roles else {}

    def fail_json(self, **result):
        raise Ended(result)

    def run_command(self, _argv, **_more):
        return 0, "", ""

    def warn(self, words):
        self.warned = words


def test_what_a_step_warns_of_is_a_warning_of_the_module():
    module = Module()
    target.target_of(module).warn("it was not written out")
    assert module.warned == "it was not written out"


def end_of(error, *roles):
    """Return what a module ends with that meets an error, called by some roles or directly."""
    with pytest.raises(Ended) as ended, telling.telling(Module(*roles)):
        raise error
    return ended.value.args[0]


def heard(monkeypatch, *whats, **unread):
    """Have each kind denied once, and some sources unread."""
    kinds = [denials.Kind(what, [denials.Denial(1.0, 1, "", "", "", "", "logind", "", False)], False) for what in whats]
    monkeypatch.setattr(telling.audit, "refused", lambda *_args: audit.Heard(kinds, unread))


@pytest.mark.parametrize(("error", "problems"), [(Failed(PROBLEM), 2), (Refused(PROBLEM), 1)], ids=["failed", "refused"])
def test_what_selinux_denied_is_told_with_a_step_that_failed(monkeypatch, error, problems):
    heard(monkeypatch, "logind_t create sock_file init_runtime_t")
    said = end_of(error)
    assert len(said["problems"]) == problems and said["problems"][0] == PROBLEM._asdict()
    assert (DENIED in said["msg"]) == (problems == 2) and said["refused"] == (problems == 1)


def test_only_the_first_of_many_denials_are_named(monkeypatch):
    heard(monkeypatch, *(f"kind {number}" for number in range(9)))
    told = end_of(Failed(PROBLEM))["problems"][1]
    assert "kind 4" in told["fact"] and "kind 5" not in told["fact"] and "9 kinds" in told["reason"]


def test_a_host_without_denials_has_the_problem_alone(monkeypatch):
    heard(monkeypatch)
    assert end_of(Failed(PROBLEM))["problems"] == [PROBLEM._asdict()]


def test_a_source_of_denials_that_cannot_be_read_is_told_beside_those_that_are_known(monkeypatch):
    heard(monkeypatch, "a", journalctl="it ended with status 1")
    _problem, known, unknown = end_of(Failed(PROBLEM))["problems"]
    assert "1x a by logind" in known["fact"] and unknown["reason"] == "journalctl: it ended with status 1"


def test_whether_selinux_is_on_that_cannot_be_read_is_told_as_that(monkeypatch):
    def unreadable(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(telling.audit, "refused", unreadable)
    assert end_of(Failed(PROBLEM))["problems"][1]["reason"].endswith(": Permission denied")


def test_a_command_that_is_missing_hides_no_problem(monkeypatch):
    """AnsibleModule's own handling would end the module there, with that command in place of what failed."""
    def missing(_argv, handle_exceptions=True, **_more):
        assert not handle_exceptions
        raise FileNotFoundError("journalctl")

    monkeypatch.setattr(Module, "run_command", lambda _self, argv, **more: missing(argv, **more))
    monkeypatch.setattr(telling.audit, "refused", lambda _root, run, since: audit.denied("/nowhere", run, since, since))
    told = end_of(Failed(PROBLEM))["problems"]
    assert told[0] == PROBLEM._asdict() and told[1]["reason"] == "journalctl: there is no such command"
