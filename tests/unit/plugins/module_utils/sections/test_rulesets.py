# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned for the backend of iptables, and which hosts cannot have it."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.core.engine import (
    ACTIVATE, CONFIGURE, PREPARE, PREPARED,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Problem
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import Context, Planned
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import solver
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.rulesets import (
    actions, backends, section, state as section_state,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.shared.unit import UnitState
from ansible_collections.centos.hyperscale.plugins.module_utils.text import rulesets
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.raised import code_of

ALONE = Context(9, False, [], [], [])
PACKAGES = ALONE._replace(items=[solver.Item("install", "iptables-legacy", "1.8.9-1.hs.el9", "x86_64", "main", 0, 0)])
OFF, ON = UnitState(True, False, False, False), UnitState(True, True, False, True)
HEAD = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
RULES = rulesets.parse(HEAD + "-A INPUT -p tcp -m tcp --dport 25 -j DROP\nCOMMIT\n")
OTHERS = rulesets.parse(HEAD + "-A INPUT -p tcp -m tcp --dport 26 -j DROP\nCOMMIT\n")
NONE = {"ip": rulesets.NOTHING, "ip6": rulesets.NOTHING}
SERVICES = [f"{name}.service" for name in (*section_state.FIREWALLS, "iptables", "ip6tables")]
UNITS = dict.fromkeys([*SERVICES, *section_state.WRITERS], OFF)


def state(nft=RULES, legacy=rulesets.NOTHING, units=None, **more):
    """Return a host with both programs and iptables speaking to nft."""
    rules = {"nft": {**NONE, "ip": nft}, "legacy": {**NONE, "ip": legacy}}
    return section_state.State("nft", {"nft", "legacy"}, rules, {**UNITS, **(units or {})}, [], [])._replace(**more)


def planned(found, context=ALONE, **want):
    wish = {"backend": "legacy", "carry": True, "firewalld": "refuse", "nftables": "refuse", **want}
    return section.plan([wish], found, context)


def steps(plan):
    return [(action.kind, action.phase) for action in plan.actions]


def test_rules_go_before_packages_where_the_programs_are_there():
    assert steps(planned(state())) == [("ruleset-carry", PREPARE), ("ruleset-clear", PREPARED)]


def test_rules_go_after_packages_that_bring_the_programs():
    missing = state(installed={"nft"})
    assert steps(planned(missing, PACKAGES)) == [("ruleset-carry", CONFIGURE), ("ruleset-clear", ACTIVATE)]
    assert "iptables-legacy-restore is not installed" in planned(missing).problems[0].reason


def test_a_host_that_is_as_wanted_is_left_alone():
    assert planned(state(nft=rulesets.NOTHING, legacy=RULES, current="legacy")) == Planned([])


def test_rules_that_both_have_are_only_taken_out_of_one():
    assert steps(planned(state(legacy=RULES, current="legacy"))) == [("ruleset-clear", PREPARED)]


def test_the_backend_is_asserted_where_there_is_nothing_to_carry():
    assert steps(planned(state(nft=rulesets.NOTHING))) == [("ruleset-clear", PREPARED)]


def test_different_rules_are_not_merged():
    (problem,) = planned(state(legacy=OTHERS)).problems
    assert "--dport 25" in problem.reason and "--dport 26" in problem.reason


def test_what_only_nft_prints_is_a_problem_for_legacy():
    (problem,) = planned(state(nft=RULES._replace(incompatible=("nat",)))).problems
    assert problem.fact == "table nat of iptables in the nft backend"


def test_what_the_backend_does_not_take_is_passed_on():
    said = Problem("a.b", "a", "b", "c")
    assert planned(state(rejected=[said])).problems == [said]


def test_rules_that_are_not_to_be_carried_stay_and_are_told():
    plan = planned(state(), carry=False)
    assert [action.args["carried"] for action in plan.actions] == [False]
    assert "iptables filter" in plan.warnings[0]


@pytest.mark.parametrize("name", ["firewalld", "nftables"])
def test_another_firewall_is_refused_kept_or_stopped(name):
    found = state(units={f"{name}.service": ON})
    (problem,) = planned(found).problems
    assert name in problem.fact and f"'{name}: stop'" in problem.remedy
    kept = planned(found, **{name: "keep"})
    assert kept.problems == [] and any(f"{name}.service is kept" in text for text in kept.warnings)
    stopped = planned(found, **{name: "stop"})
    assert steps(stopped)[-2:] == [("ruleset-service", ACTIVATE)] * 2
    assert [action.args["aspect"] for action in stopped.actions[-2:]] == ["enabled", "active"]


def test_on_the_way_back_a_firewall_is_no_hindrance_and_stops_first():
    found = state(nft=rulesets.NOTHING, legacy=RULES, current="legacy", units={"nftables.service": ON})
    assert planned(found, backend="nft").problems == []
    # Its stop flushes all of nftables.
    kinds = steps(planned(found, backend="nft", nftables="stop"))
    assert kinds == [("ruleset-service", PREPARE)] * 2 + [("ruleset-carry", PREPARE), ("ruleset-clear", PREPARED)]


def test_tables_of_nftables_itself_and_writers_are_told():
    told = planned(state(native=["inet own"], units={"docker.service": ON})).warnings
    assert any("inet own" in text for text in told) and any("docker.service writes" in text for text in told)
    assert any("nft is not installed" in text for text in planned(state(native=None)).warnings)


def test_more_than_one_wish_is_refused():
    assert section.validate([{}, {}], 9) and not section.validate([{}], 9)


@pytest.fixture(name="host")
def fixture_host(tmp_path):
    """A host whose kernel has no legacy tables, and a list of its modules."""
    tree = tmp_path / "lib/modules/6.12.0-124.el10.x86_64"
    tree.mkdir(parents=True)
    (tree / "modules.dep").write_text("kernel/fs/ext4.ko:\n")

    def run(argv):
        return (0, "6.12.0-124.el10.x86_64\n", "") if argv[0] == "uname" else (127, "", "no such command")

    return host_io.Target(run, str(tmp_path), root=str(tmp_path))


def impossible(host, stream=10, backend="legacy"):
    return section.impossible(host, [{"backend": backend}], stream)


def test_a_kernel_without_the_module_cannot_have_it(host):
    (problem,) = impossible(host)
    assert "6.12.0-124.el10.x86_64 has no module ip_tables" in problem.reason and "Stream 10" in problem.reason
    assert "Stay with the nft backend" in problem.remedy
    assert "Stream 10" not in impossible(host, stream=9)[0].reason
    assert impossible(host, backend="nft") == []


def test_another_kernel_that_has_it_is_named(host, tmp_path):
    other = tmp_path / "lib/modules/6.18.1-0.hs1.hsk.el10.x86_64"
    other.mkdir()
    (other / "modules.dep").write_text("kernel/net/ipv4/netfilter/ip_tables.ko.xz:\n")
    assert "Boot 6.18.1-0.hs1.hsk.el10.x86_64" in impossible(host)[0].remedy


@pytest.mark.parametrize("listing", ["modules.dep", "modules.builtin"])
def test_a_kernel_with_the_module_can(host, tmp_path, listing):
    (tmp_path / "lib/modules/6.12.0-124.el10.x86_64" / listing).write_text("kernel/net/ipv4/netfilter/ip_tables.ko:\n")
    assert impossible(host) == []


def test_looking_at_a_backend_that_is_not_loaded_calls_no_program(host, tmp_path):
    called = []
    looking = host_io.Target(
        lambda argv: (called.append(argv), (0, "6.12.0-124.el10.x86_64\n", ""))[1], str(tmp_path), root=str(tmp_path))
    assert backends.read(looking, "legacy") == NONE
    for listing, text in (("modules.dep", "kernel/net/netfilter/nf_tables.ko:\n"), ("modules.builtin", "kernel/fs/ext4.ko\n")):
        (tmp_path / "lib/modules/6.12.0-124.el10.x86_64" / listing).write_text(text)
        assert backends.read(looking, "nft") == NONE
        (tmp_path / "lib/modules/6.12.0-124.el10.x86_64" / listing).unlink()
    assert not [argv for argv in called if argv[0].endswith("-save") or argv[0] == "nft"]
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/ip_tables_names").write_text("")
    assert backends.read(looking, "legacy") == NONE
    assert not [argv for argv in called if argv[0].endswith("-save")]


FIREWALLD = {"firewalld.service": ON}
# By code: the host and the wish, and those that the remedy leads to.
REMEDIES = {
    "rulesets.backends_differ": (state(legacy=OTHERS), {}, state(nft=rulesets.NOTHING, legacy=OTHERS), {}),
    "rulesets.backends_differ, the others": (state(legacy=OTHERS), {}, state(), {}),
    "rulesets.firewall_service": (state(units=FIREWALLD), {}, state(units=FIREWALLD), {"firewalld": "stop"}),
    "rulesets.firewall_service, kept": (state(units=FIREWALLD), {}, state(units=FIREWALLD), {"firewalld": "keep"}),
    "rulesets.no_restore_tool": (state(installed={"nft"}), {}, state(), {}),
    "rulesets.table_of_nft_only": (state(nft=RULES._replace(incompatible=("nat",))), {}, state(native=["ip nat"]), {}),
}


@pytest.mark.parametrize("case", REMEDIES)
def test_a_remedy_takes_away_what_is_in_the_way(case):
    found, wish, then, wish_then = REMEDIES[case]
    assert {problem.code for problem in planned(found, **wish).problems} == {case.partition(",")[0]}
    assert planned(then, **wish_then).problems == []


@pytest.mark.parametrize("boots", [True, False], ids=["a kernel that has it", "the other backend"])
def test_a_backend_that_the_kernel_lacks_is_had_by_another_kernel_or_left(host, tmp_path, boots):
    assert [problem.code for problem in impossible(host)] == ["rulesets.no_legacy_module"]
    if boots:
        other = tmp_path / "lib/modules/6.18.1-0.hs1.hsk.el10.x86_64"
        other.mkdir()
        (other / "modules.dep").write_text("kernel/net/ipv4/netfilter/ip_tables.ko.xz:\n")
        host = host_io.Target(lambda argv: (0, f"{other.name}\n", ""), str(tmp_path), root=str(tmp_path))
    assert impossible(host, backend="legacy" if boots else "nft") == []


def test_a_rule_that_a_backend_does_not_take_is_taken_once_it_is_changed(tmp_path):
    def run(argv):
        with open(argv[-1], encoding="utf-8") as handle:
            return (2, "", "unknown option --odd") if "--odd" in handle.read() else (0, "", "")

    target = host_io.Target(run, str(tmp_path))
    assert [problem.code for problem in backends.why_rejected(target, "legacy", {"ip": "-A INPUT --odd\n"})] == [
        "rulesets.not_taken"]
    assert backends.why_rejected(target, "legacy", {"ip": "-A INPUT\n"}) == []


def test_the_steps_tell_which_backend_speaks_and_which_rules_are_left(monkeypatch):
    found = {"legacy": {**NONE, "ip": RULES}, "nft": {**NONE, "ip": RULES}}
    spoken = ["nft"]
    monkeypatch.setattr(actions, "current", lambda _target: spoken[0])
    monkeypatch.setattr(actions, "read", lambda _target, backend: found[backend])
    clear = actions.ClearAction("backend nft", "", {"source": "nft", "to": "legacy", "carried": True})
    assert code_of(lambda: clear.verify(None)) == "rulesets.other_backend_spoken"
    spoken[0] = "legacy"
    assert code_of(lambda: clear.verify(None)) == "rulesets.rules_left"
    found["nft"] = NONE
    assert code_of(lambda: clear.verify(None)) == ""


def test_rules_are_taken_out_once_the_other_backend_holds_them(monkeypatch):
    found = {"legacy": {**NONE, "ip": OTHERS}, "nft": {**NONE, "ip": RULES}}
    emptied = []
    monkeypatch.setattr(actions, "read", lambda _target, backend: found[backend])
    monkeypatch.setattr(actions, "_empty", lambda _target, family, *_more: emptied.append(family))
    assert code_of(lambda: actions.clear(None, "nft", "legacy")) == "rulesets.not_carried_over" and emptied == []
    found["legacy"] = {**NONE, "ip": RULES}
    assert code_of(lambda: actions.clear(None, "nft", "legacy")) == "" and "ip" in emptied
