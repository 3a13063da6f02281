# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remedies name the variables of the roles that called, and the options of a module that was called directly."""

from __future__ import annotations

import types

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Problem, Refused
from ansible_collections.centos.hyperscale.plugins.module_utils.entry import predicting, telling, wording

ERASE = ("package.no_successor", "name it in 'erase'; else stay")
WITHOUT = ("network.profile_not_carried", "name it in 'without'")
FLAVOUR = ("package.flavour_not_enabled", "Add x to 'repositories.flavours'")
PERMISSIVE = ("selinux.denied", "with 'selinux.during: permissive'")
WAY_BACK = ("package.no_way_back", "do without: 'way_back: available'")


class Ended(Exception):
    """What a module ended with."""


def module_of(*roles, **params):
    """Return as much of a module as is used, called by some roles or directly."""
    def end(**result):
        raise Ended(result)

    return types.SimpleNamespace(params={**({"roles": list(roles)} if roles else {}), **params}, fail_json=end, exit_json=end)


def told(said, *roles):
    """Return the remedy that a module ends with."""
    code, remedy = said
    module = module_of(*roles)
    with pytest.raises(Ended) as ended, telling.telling(module):
        raise Refused(Problem(code, "it is 'erase'", "no 'without'", remedy))
    problem, = ended.value.args[0]["problems"]
    assert ended.value.args[0]["msg"] == f"it is 'erase': no 'without'. {problem['remedy']}"
    return problem["remedy"]


@pytest.mark.parametrize(("said", "remedy"), [
    (ERASE, ERASE[1]), (WITHOUT, WITHOUT[1]), (WAY_BACK, WAY_BACK[1]),
    (FLAVOUR, "Add x to 'flavours' in section repositories"), (PERMISSIVE, "with 'during: permissive' in section selinux")])
def test_who_calls_a_module_directly_is_told_its_options(said, remedy):
    assert told(said) == remedy


@pytest.mark.parametrize(("roles", "said", "remedy"), [
    (["systemd"], ERASE, "name it in hyperscale_systemd_erase; else stay"),
    (["rpm_cow"], ERASE, "name it in hyperscale_rpm_cow_erase; else stay"),
    (["ledger"], ERASE, "name it in hyperscale_ledger_erase; else stay"),
    (["repos", "systemd", "networkd"], ERASE, "name it in hyperscale_systemd_erase and hyperscale_networkd_erase; else stay"),
    (["kernel"], ERASE, "name it in option erase of module centos.hyperscale.converge; else stay"),
    (["networkd"], WITHOUT, "name it in hyperscale_networkd_without"),
    (["repos", "packages"], FLAVOUR, "Add x to hyperscale_repos_flavours"),
    (["packages"], FLAVOUR, "Add x to hyperscale_repos_flavours of role repos"),
    (["packages"], PERMISSIVE, "with hyperscale_packages_selinux: permissive"),
    (["systemd", "packages"], PERMISSIVE,
     "with hyperscale_systemd_selinux: permissive and hyperscale_packages_selinux: permissive"),
    (["kernel"], WAY_BACK, "do without: hyperscale_way_back: available"),
    (["kernel"], ("boot.no_fallback", "or set 'try_once: false'"), "or set hyperscale_kernel_try_once: false"),
    (["oomd"], ("oomd.rival", "or say 'conflicting: keep'"), "or say hyperscale_oomd_conflicting: keep"),
    (["cgroup2"], ("cgroup2.legacy_mounted", "add x to 'boot.args'"), "add x to hyperscale_kernel_args of role kernel"),
    (["iptables_legacy"], ("rulesets.firewall_service", "'nftables: stop'"), "hyperscale_iptables_legacy_nftables: stop"),
    (["repos"], ("repository.address", "Use 'method: definition'"), "Use hyperscale_repos_method: definition"),
    (["unheard_of", "systemd"], ERASE, "name it in hyperscale_systemd_erase; else stay")])
def test_who_calls_a_role_is_told_its_variables(roles, said, remedy):
    assert told(said, *roles, "converge") == remedy


@pytest.mark.parametrize("said", [ERASE, WITHOUT])
def test_sections_that_somebody_gives_role_converge_have_the_names_of_the_module(said):
    assert told(said, "converge") == said[1]


def test_what_role_converge_itself_sets_is_its_variable():
    assert told(WAY_BACK, "converge") == "do without: hyperscale_way_back: available"


@pytest.mark.parametrize("remedy", [
    "Look at 'dmesg' and 'rpm -V erase'", "the host's erase, and the others' erase", "Write it as in 'user.slice'",
    "Give 'retry'", "Name it in 'files.erase'"])
def test_other_words_stay(remedy):
    assert told(("package.x", remedy), "systemd", "converge") == remedy


def test_a_remedy_is_put_in_words_once():
    for roles in (["systemd", "converge"], ["kernel", "converge"], ["packages", "converge"]):
        for code, remedy in (ERASE, FLAVOUR, PERMISSIVE, WAY_BACK):
            once = wording.remedy(code, remedy, roles)
            assert wording.remedy(code, once, roles) == once


@pytest.mark.parametrize(("roles", "remedy"), [
    ((), "or name it in 'erase'"), (("systemd", "converge"), "or name it in hyperscale_systemd_erase")])
def test_findings_are_told_in_the_same_words(monkeypatch, roles, remedy):
    finding = {"check": "dependent.broken", "remediations": [{"type": "hint", "content": "or name it in 'erase'"}]}
    found = {"phase": predicting.PREDICT, "findings": [finding]}
    monkeypatch.setattr(predicting, "report", types.SimpleNamespace(
        FAIL_ON=(), reached=lambda *_args: False, text=lambda said, *_args: said["findings"][0]["remediations"][0]["content"]))
    monkeypatch.setattr(predicting.bugs, "reports", lambda _found: [])
    with pytest.raises(Ended) as ended:
        predicting.finish(module_of(*roles, fail_on="never"), found)
    result = ended.value.args[0]
    assert result["text"] == remedy == result["report"]["findings"][0]["remediations"][0]["content"]
    assert finding["remediations"][0]["content"] == "or name it in 'erase'"
