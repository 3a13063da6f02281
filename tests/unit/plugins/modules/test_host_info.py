# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What host_info documents is what it returns, and its glue hands on what it was asked."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import gather as host_facts, repos
from ansible_collections.centos.hyperscale.plugins.module_utils.tables import keys
from ansible_collections.centos.hyperscale.plugins.modules import host_info

HOST = yaml.safe_load(host_info.RETURN)["host"]["contains"]
OPTIONS = yaml.safe_load(host_info.DOCUMENTATION)["options"]


class Exited(SystemExit):
    pass


class FakeModule:
    """Stands in for AnsibleModule: keeps what it was made with and what it returned."""

    params = {"key_fingerprints": ["AB"], "gather": ["ledger"]}

    def __init__(self, argument_spec, supports_check_mode):
        self.argument_spec = argument_spec
        assert supports_check_mode

    def run_command(self, argv, environ_update, handle_exceptions):
        assert environ_update["LANG"] == environ_update["LC_ALL"] == "C"
        if argv[0] != "uname":
            raise FileNotFoundError(argv[0])
        return 0, "x86_64\n", ""

    def exit_json(self, **result):
        raise Exited(result)


def nothing(argv):
    return 127, "", ""


def test_every_key_that_is_returned_is_documented(tmp_path):
    assert set(HOST) == set(host_facts.gather(nothing, [], root=str(tmp_path)))


@pytest.mark.parametrize("key", ["os", "network", "iptables", "sysv", "systemd", "reboot", "ledger", "cgroup"])
def test_every_key_of_a_group_is_documented(key, tmp_path):
    assert set(HOST[key]["contains"]) == set(host_facts.gather(nothing, [], root=str(tmp_path))[key])


def test_every_key_of_a_repository_is_documented():
    (repository,) = repos.parse_repositories("[a]\n", "/a.repo", {})
    assert set(HOST["repos"]["contains"]) == set(repository)


def test_options_are_documented_as_they_are():
    assert OPTIONS["gather"]["choices"] == sorted(host_facts.GROUPS)
    assert OPTIONS["key_fingerprints"]["default"] == [keys.HYPERSCALE_KEY.fingerprint]


def test_the_glue_asks_for_the_groups_it_was_given(monkeypatch):
    asked = {}

    def gather(run, key_fingerprints, groups, kind):
        asked.update(fingerprints=key_fingerprints, groups=groups, uname=run(["uname"]), grubby=run(["grubby"])[0])
        return {"supported": False}

    monkeypatch.setattr(host_info, "MaskingModule", FakeModule)
    monkeypatch.setattr(host_info.bindings, "respawn_with_bindings", lambda *names: [])
    monkeypatch.setattr(host_info.host_facts, "gather", gather)
    with pytest.raises(Exited) as exited:
        host_info.main()
    assert exited.value.args[0] == {"changed": False, "host": {"supported": False}}
    assert asked == {"fingerprints": ["AB"], "groups": ["ledger"], "uname": (0, "x86_64\n", ""), "grubby": 127}
