# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of host_info, on results as ansible-core 2.16 to 2.19 give them."""

from __future__ import annotations

import shlex
import types

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.plugins.shell import sh

from ansible_collections.centos.hyperscale.plugins.plugin_utils import refusing

STREAM_8 = 'NAME="CentOS Stream"\nID="centos"\nVERSION_ID="8"\n'
STREAM_9 = 'NAME="CentOS Stream"\nID="centos"\nVERSION_ID="9"\n'
FEDORA = "NAME=Fedora\nID=fedora\nVERSION_ID=41\n"

SUCCESS = {"changed": False, "host": {"supported": True}, "invocation": {"module_args": {}}}
MODULE_FAILURE = {
    "failed": True,
    "module_stdout": "",
    "module_stderr": "SyntaxError: future feature annotations is not defined\n",
    "msg": "MODULE FAILURE\nSee stdout/stderr for the exact error",
    "rc": 1,
}
DESERIALIZATION = dict(MODULE_FAILURE, msg="Module result deserialization failed: No start of json char found")
TOO_OLD = {"failed": True, "msg": "ansible-core requires a minimum of Python version 3.8. Current version: 3.6.8"}
BAD_ARGUMENT = {"failed": True, "msg": "value of gather must be one or more of", "invocation": {"module_args": {}}}
UNREACHABLE = {"unreachable": True, "failed": True, "msg": "Failed to connect"}


# Asks for invocations in results, which ansible-core leaves out from 2.21 on.
ASKED = {"ansible_inject_invocation": True}


class Fake(refusing.RefusingAction):
    """The plugin without a connection: what it calls answers from what the test put in."""

    def __init__(self, answer, os_release=None):
        self.answer = answer
        self.os_release = os_release
        self.commands = []
        self.given = None
        self._task = types.SimpleNamespace(action="centos.hyperscale.host_info", args={"gather": ["os"]})

    def _execute_module(self, module_args=None, task_vars=None):
        assert task_vars["ansible_inject_invocation"] is True
        self.given = module_args
        if isinstance(self.answer, Exception):
            raise self.answer
        return dict(self.answer)

    def _low_level_execute_command(self, cmd, **kwargs):
        self.commands.append(cmd)
        if self.os_release is None:
            return {"rc": 1, "stdout": "", "stderr": "No such file"}
        return {"rc": 0, "stdout": self.os_release, "stderr": ""}


@pytest.fixture(autouse=True)
def base_run(monkeypatch):
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})


@pytest.mark.parametrize("answer", [SUCCESS, BAD_ARGUMENT, UNREACHABLE])
def test_what_the_module_said_is_passed_through_without_another_call(answer):
    plugin = Fake(answer, FEDORA)
    assert plugin.run(task_vars=ASKED) == answer
    assert plugin.commands == []
    assert plugin.given == {"gather": ["os"]}


@pytest.mark.parametrize("answer", [SUCCESS, BAD_ARGUMENT])
def test_how_a_module_was_invoked_is_left_out_where_nobody_asked(answer, monkeypatch):
    monkeypatch.setattr(refusing, "keeps_invocation", bool)
    plugin = Fake(answer, FEDORA)
    assert plugin.run(task_vars={}) == {key: value for key, value in answer.items() if key != "invocation"}
    assert plugin.commands == []


def test_what_the_task_says_wins_over_what_the_controller_knows(monkeypatch):
    plugin = Fake(SUCCESS)
    monkeypatch.setattr(plugin, "module_defaults", lambda: {"gather": ["boot"], "controller": "ann"}, raising=False)
    plugin.run(task_vars=ASKED)
    assert plugin.given == {"gather": ["os"], "controller": "ann"}


@pytest.mark.parametrize("answer", [MODULE_FAILURE, DESERIALIZATION, TOO_OLD])
@pytest.mark.parametrize(
    ("os_release", "said"),
    [(STREAM_8, "CentOS Stream 8 reached its end of life"), (FEDORA, "runs Fedora 41, not CentOS Stream")],
)
def test_a_module_that_could_not_run_is_explained_by_the_system(answer, os_release, said):
    plugin = Fake(answer, os_release)
    result = plugin.run(task_vars=ASKED)
    assert result["failed"] is True
    assert said in result["msg"]
    assert result["cause"] == answer["msg"]
    assert plugin.commands == ["cat /etc/os-release"]


@pytest.mark.parametrize("os_release", [STREAM_9, None])
def test_on_a_supported_or_unknown_system_the_failure_stays(os_release):
    plugin = Fake(MODULE_FAILURE, os_release)
    assert plugin.run(task_vars=ASKED) == MODULE_FAILURE
    assert len(plugin.commands) == 1


@pytest.mark.parametrize("said", ["OSError: http://joe:Zq81c0ffee27@mirror/", "KeyError: 'password=Zq81c0ffee27'"])
def test_what_python_prints_of_an_error_is_masked(said):
    result = Fake({**MODULE_FAILURE, "module_stderr": said, "exception": said}, STREAM_9).run(task_vars=ASKED)
    assert "Zq81c0ffee27" not in str(result) and result["failed"] is True and "Error" in result["exception"]


def test_a_host_without_python_is_explained_by_the_system():
    result = Fake(AnsibleError("no python interpreter was found"), STREAM_8).run(task_vars=ASKED)
    assert "end of life" in result["msg"] and "no python interpreter" in result["cause"]


@pytest.mark.parametrize(
    ("error", "os_release", "commands"),
    [(AnsibleError("no python"), STREAM_9, 1), (AnsibleConnectionFailure("timed out"), STREAM_8, 0)],
)
def test_other_errors_are_raised_as_they_are(error, os_release, commands):
    plugin = Fake(error, os_release)
    with pytest.raises(type(error), match=str(error)):
        plugin.run(task_vars=ASKED)
    assert len(plugin.commands) == commands


@pytest.mark.parametrize(("environments", "expected"), [
    (None, {"TMPDIR": "/var/tmp"}),
    ([], {"TMPDIR": "/var/tmp"}),
    ([{"http_proxy": "http://proxy"}], {"TMPDIR": "/var/tmp", "http_proxy": "http://proxy"}),
    ([{"TMPDIR": "/srv/tmp"}], {"TMPDIR": "/srv/tmp"}),
    ([{"TMPDIR": "/srv/play"}, {"LANG": "C"}, {"TMPDIR": "/srv/task dir"}], {"TMPDIR": "/srv/task dir", "LANG": "C"}),
])
def test_the_remote_command_has_a_temporary_folder_that_no_swap_hides(environments, expected):
    action = Fake(SUCCESS)
    action._task.environment = environments
    action._templar = types.SimpleNamespace(template=lambda what: what)
    action._connection = types.SimpleNamespace(_shell=sh.ShellModule())
    raw = {"of": "before"}
    words = shlex.split(action._compute_environment_string(raw))
    assert raw == expected and dict(word.split("=", 1) for word in words) == expected
    # Nothing of it stays with the task, and it can be asked for without the dictionary.
    assert action._task.environment == environments
    assert shlex.split(action._compute_environment_string()) == words
