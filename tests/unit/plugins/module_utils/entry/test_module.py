# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves a module holds no secret: results, failures, warnings, the line in the log. A diff is there when asked for."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.centos.hyperscale.plugins.module_utils.core import foreign, secrets
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed, Problem
from ansible_collections.centos.hyperscale.plugins.module_utils.core.host_io import FileState
from ansible_collections.centos.hyperscale.plugins.module_utils.entry import module as way_out
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import callback
from ansible_collections.centos.hyperscale.plugins.module_utils.shared.file import FileAction

S = "Zq81c0ffee27"
PARAMS = {
    "files": [{"path": "/etc/x", "content": f"[a]\npassword={S}\n"}], "proxy": f"http://joe:{S}2@proxy:3128",
    "db_password": f"{S}3", "key_fingerprints": ["AB"]}


class Ended(Exception):
    """What a module ended with."""


@pytest.fixture(autouse=True)
def fixture_nothing_known(monkeypatch):
    monkeypatch.setattr(secrets, "_KNOWN", set())


@pytest.fixture(name="module")
def fixture_module(monkeypatch):
    """A module of the collection, from after its options were read."""
    def end(_self, **result):
        raise Ended(result)

    logged = []
    monkeypatch.setattr(AnsibleModule, "exit_json", end)
    monkeypatch.setattr(AnsibleModule, "fail_json", end)
    monkeypatch.setattr(AnsibleModule, "warn", lambda _self, text: logged.append(text))
    monkeypatch.setattr(AnsibleModule, "log", lambda _self, text: logged.append(text))
    made = way_out.MaskingModule.__new__(way_out.MaskingModule)
    made.params, made._diff, made.logged = PARAMS, False, logged
    return made


def end_of(module, how, **result):
    with pytest.raises(Ended) as ended:
        getattr(module, how)(**result)
    return ended.value.args[0]


def test_the_line_in_the_log_has_the_options_without_secrets(module):
    module._log_invocation()
    (line,) = module.logged
    assert line.startswith("Invoked with ") and S not in line and '"/etc/x"' in line and "AB" in line


def test_a_long_call_has_a_short_line_in_the_log(module):
    module.params = {"prediction": {"text": "x" * 100000}}
    module._log_invocation()
    assert len(module.logged[0]) == way_out.LONGEST_LINE


@pytest.mark.parametrize("how", ["exit_json", "fail_json"])
def test_results_are_masked_with_how_the_module_was_called(module, how):
    said = {"msg": f"Cannot reach http://joe:{S}2@proxy:3128"} if how == "fail_json" else {}
    result = end_of(module, how, changed=True, left=[f"token={S}"], deep={"a": {"b": [f"https://{S}@h/"]}}, **said)
    assert S not in json.dumps(result)
    assert result["changed"] is True and result["invocation"]["module_args"]["key_fingerprints"] == ["AB"]
    assert "proxy:3128" in json.dumps(result)


@pytest.mark.parametrize("text", [f"{S}3", f"denied: '{S}3'", f"joe:{S}2", f"wrong password {S}2."])
def test_what_is_secret_by_an_option_is_so_without_its_name(module, text):
    module._log_invocation()
    module.warn(f"it says {text}")
    assert S not in module.logged[-1]
    assert S not in str(Problem("command.status", "curl ended", text, "Look"))


@pytest.mark.parametrize(("name", "value"), [("https_proxy", f"http://joe:{S}@h:1"), ("VAULT_TOKEN", S)])
def test_secrets_of_the_environment_are_known(module, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert S not in str(end_of(module, "exit_json", said=f"the server answered {S}"))


def steps(*pairs):
    return [
        FileAction.between("/etc/x", "it differs", FileState(old, "0600", "root", "root"), FileState(new, "0600", "root", "root"))
        .diff() for old, new in pairs]


@pytest.mark.parametrize("asked", [False, True])
def test_a_diff_is_there_where_it_was_asked_for_and_masked(module, asked):
    module._diff = asked
    result = end_of(module, "exit_json", diff=steps((f"a=1\npassword={S}\n", f"a=2\npassword={S}\n"), ("", f"psk={S}\n")))
    assert ("diff" in result) == asked and S not in json.dumps(result)
    if asked:
        assert "a=1" in result["diff"][0]["before"] and "a=2" in result["diff"][0]["after"]


@pytest.mark.parametrize(("old", "new"), [
    (f"password={S}\n", "password=other\n"), (f"http://joe:{S}@h/\n", f"http://joe:{S}x@h/\n")])
def test_a_diff_in_which_only_a_secret_differs_says_so(module, old, new):
    module._diff = True
    (step,) = end_of(module, "exit_json", diff=steps((old, new)))["diff"]
    assert step["after"] == step["before"] + way_out.ONLY_HIDDEN and S not in str(step)


def test_what_others_raise_and_print_is_masked_where_it_is_kept(tmp_path):
    error = OSError(f"Curl error for http://joe:{S}@mirror/x")
    assert S not in str(foreign.problem(error, "It failed", "Look")) and "Curl error" in str(foreign.problem(error))
    try:
        with foreign.told():
            raise error
    except Failed as failure:
        assert S not in foreign.story(failure) + str(failure) and "Curl error" in foreign.story(failure)
    said = callback.Callback.__new__(callback.Callback)
    said.output, said.broken = [], []
    said.scriptout(f"password={S}\nfine\n")
    said.error(f"error: cannot read http://joe:{S}@h/")
    assert S not in str(said.output) and "fine" in said.output
