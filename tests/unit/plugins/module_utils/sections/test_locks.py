# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks: which lines are to be ours, what becomes of the lines of others, and files that come back to the byte."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import Context
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb, solver
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import locks
from ansible_collections.centos.hyperscale.plugins.module_utils.text import mainconf, versionlock

WANT = {"family": None, "set": None, "names": [], "versions": True, "vendor": None}
OLD, NEW = "zstd-0:1.5.1-1.hs.el9.*", "zstd-0:1.5.7-1.hs.el9.*"


def package(name, version, release, source=None):
    return rpmdb.Package(name, 0, version, release, "x86_64", None, source or name, None, 0)


def context(*installed, items=()):
    return Context(9, False, list(items), list(installed), [])


def state(text="", ours=(), plugin=None, **more):
    found = {"main": None, "vendor_is_ours": False, "vendor_before": None, **more}
    locklist = host_io.FileState(text, "0644", "root", "root") if text else None
    return locks.State(versionlock.DEFAULT, locklist, {} if plugin is None else plugin, list(ours), **found)


HYPERSCALE = [package("zstd", "1.5.7", "1.hs.el9"), package("libzstd", "1.5.7", "1.hs.el9", "zstd"), package("tar", "1", "1.el9")]


def test_all_of_the_set_is_locked_and_nothing_else():
    action, = locks.plan([{**WANT, "set": "compression"}], state(), context(*HYPERSCALE)).actions
    assert action.args["ours"] == ["libzstd-0:1.5.7-1.hs.el9.*", NEW]
    assert action.args["new"].splitlines() == [versionlock.SAYS, *action.args["ours"]]


def test_what_a_transaction_brings_is_locked_as_it_will_be():
    stock = package("zstd", "1.5.1", "2.el9")
    items = [solver.Item("upgrade", "zstd", "1.5.7-1.hs.el9", "x86_64", "r", 0, 0, "zstd"),
             solver.Item("replaced", "zstd", "1.5.1-2.el9", "x86_64", "r", 0, 0, "zstd")]
    action, = locks.plan([{**WANT, "names": ["zstd"]}], state(), context(stock, items=items)).actions
    assert action.args["ours"] == [NEW]


@pytest.mark.parametrize(("text", "ours", "wants", "expected"), [
    (OLD, [OLD], [], [NEW]),
    (NEW, [NEW], [], None),
    (NEW, [NEW], [{**WANT, "set": "compression", "versions": False}], []),
    (NEW, [], [{**WANT, "set": "compression", "versions": False}], None),
    (NEW, [], [{**WANT, "names": ["zstd"]}], ["libzstd-0:1.5.7-1.hs.el9.*"]),
    ("gone-0:1-1.hs.el9.*", ["gone-0:1-1.hs.el9.*"], [], []),
    ("tar-0:1-1.hs.el9.*", ["tar-0:1-1.hs.el9.*"], [], []),
])
def test_lines_of_ours_follow_what_is_installed(text, ours, wants, expected):
    planned = locks.plan(wants, state(text + "\nof-others-1-1\n", ours), context(*HYPERSCALE))
    assert [action.args["ours"] for action in planned.actions] == ([] if expected is None else [expected])
    assert all("of-others-1-1\n" in action.args["new"] for action in planned.actions)


@pytest.mark.parametrize("plugin", [{"enabled": "0"}, {"enabled": "False"}])
def test_plugin_that_is_off_stands_in_the_way(plugin):
    problem, = locks.plan([{**WANT, "set": "compression"}], state(plugin=plugin), context(*HYPERSCALE)).problems
    assert problem.fact and "off" in problem.reason and problem.remedy


@pytest.mark.parametrize("changes", [{}, {"versions": False}])
def test_lock_of_nothing_is_refused(changes):
    assert locks.validate([{**WANT, **changes}], 9)


def test_vendors_both_ways_are_refused():
    assert locks.validate([{**WANT, "vendor": True}, {**WANT, "vendor": False}], 9)
    assert locks.validate([{**WANT, "vendor": True}, {**WANT, "set": "ethtool"}], 9) == []


def test_the_plugin_is_needed_for_version_locks_alone():
    assert locks.tools([{**WANT, "vendor": True}, {**WANT, "set": "ethtool", "versions": False}]) == []
    assert locks.tools([{**WANT, "set": "ethtool"}]) == [locks.PLUGIN]


def main_conf(text, **more):
    return state(main=host_io.FileState(text, "0644", "root", "root"), **more)


@pytest.mark.parametrize(("text", "expected"), [
    ("[main]\nbest=True\n", "[main]\nbest=True\nallow_vendor_change=False\n"),
    ("[main]\nbest=True", "[main]\nbest=True\nallow_vendor_change=False"),
    ("[main]\nbest=True\n\n[x]\na=1\n", "[main]\nbest=True\nallow_vendor_change=False\n\n[x]\na=1\n"),
    ("[main]\nallow_vendor_change = 1\n# b\n", "[main]\nallow_vendor_change=False\n# b\n"),
    ("[x]\nallow_vendor_change=1\n[main]\n", "[x]\nallow_vendor_change=1\n[main]\nallow_vendor_change=False\n"),
    ("[main]\nallow_vendor_change=no\n", None),
])
def test_vendor_setting_is_put_where_it_belongs_and_taken_out_again(text, expected):
    actions = locks.plan([{**WANT, "vendor": True}], main_conf(text), context()).actions
    assert [action.args["new"] for action in actions] == ([] if expected is None else [expected])
    for action in actions:
        back = main_conf(expected, vendor_is_ours=True, vendor_before=action.args["line"])
        undoing, = locks.plan([{**WANT, "vendor": False}], back, context()).actions
        assert undoing.args["new"] == text


def test_vendor_setting_of_somebody_else_stays():
    assert locks.plan([{**WANT, "vendor": False}], main_conf("[main]\nallow_vendor_change=0\n"), context()).actions == []


@pytest.mark.parametrize("text", ["best=True\n", "[x]\na=1\n", "[main]\nwhat is this\n"])
def test_dnf_conf_that_is_none_is_refused(text):
    problem, = locks.plan([{**WANT, "vendor": True}], main_conf(text), context()).problems
    assert locks.MAIN_CONF in problem.fact and problem.remedy


@pytest.fixture(name="target")
def fixture_target(tmp_path):
    found = host_io.Target(lambda argv: (0, "", ""), str(tmp_path), root=str(tmp_path))
    (tmp_path / "etc/dnf/plugins").mkdir(parents=True)
    found.write = lambda path, wanted: (tmp_path / path[1:]).write_text(wanted.content)
    return found


def at(target, path):
    found = target.read(path)
    return found and found.content


@pytest.mark.parametrize(("between", "expected"), [
    (lambda text: text, "of-others-1-1"),
    (lambda text: text + "later-1-1\n", "of-others-1-1later-1-1\n"),
    (lambda text: text.replace(versionlock.SAYS + "\n", ""), "of-others-1-1\n"),
])
def test_undo_takes_back_our_lines_alone(target, between, expected):
    target.write(versionlock.DEFAULT, host_io.FileState("of-others-1-1", "0644", "root", "root"))
    before = target.read(versionlock.DEFAULT)
    given = state()._replace(locklist=before)
    action, = locks.plan([{**WANT, "set": "compression"}], given, context(*HYPERSCALE)).actions
    action.apply(target)
    action.verify(target)
    changed = between(at(target, versionlock.DEFAULT))
    target.write(versionlock.DEFAULT, before._replace(content=changed))
    action.undo(target)
    assert at(target, versionlock.DEFAULT).replace("1-1\nlater", "1-1later") == expected


def test_list_that_the_plugin_brings_in_the_same_run_is_added_to_and_left(target):
    action, = locks.plan([{**WANT, "set": "compression"}], state(), context(*HYPERSCALE)).actions
    target.write(versionlock.DEFAULT, host_io.FileState("# of the package\n", "0644", "root", "root"))
    action.apply(target)
    action.verify(target)
    assert at(target, versionlock.DEFAULT).splitlines() == ["# of the package", versionlock.SAYS, *action.args["ours"]]
    action.undo(target)
    assert at(target, versionlock.DEFAULT) == "# of the package\n"


def test_list_that_somebody_else_writes_is_noticed(target):
    action, = locks.plan([{**WANT, "set": "compression"}], state(), context(*HYPERSCALE)).actions
    target.write(versionlock.DEFAULT, host_io.FileState("zsh\n", "0644", "root", "root"))
    with pytest.raises(Failed, match="something else writes it"):
        action.verify(target)


def test_undo_of_the_vendor_setting_keeps_what_came_later(target):
    target.write(locks.MAIN_CONF, host_io.FileState("[main]\nbest=True\n", "0644", "root", "root"))
    action, = locks.plan([{**WANT, "vendor": True}], locks.gather(target), context()).actions
    action.apply(target)
    target.write(locks.MAIN_CONF, target.read(locks.MAIN_CONF)._replace(content=at(target, locks.MAIN_CONF) + "keepcache=1\n"))
    action.undo(target)
    assert at(target, locks.MAIN_CONF) == "[main]\nbest=True\nkeepcache=1\n"


def test_dnf_conf_that_is_not_there_is_made(target):
    action, = locks.plan([{**WANT, "vendor": True}], locks.gather(target), context()).actions
    action.apply(target)
    action.verify(target)
    assert at(target, locks.MAIN_CONF) == "[main]\nallow_vendor_change=False\n"


@pytest.mark.parametrize(("value", "off"), [
    ("0", True), ("No", True), (" false ", True), ("True", False), ("1", False), (None, False)])
def test_words_for_no(value, off):
    assert mainconf.is_off(value) is off


SET = {**WANT, "set": "compression"}
VENDOR = {**WANT, "vendor": True}
# By code: the host and the wish, and those that the remedy leads to.
REMEDIES = {
    "lock.plugin_off": (state(plugin={"enabled": "0"}), SET, state(plugin={"enabled": "1"}), SET),
    "lock.plugin_off, without": (state(plugin={"enabled": "0"}), SET, state(plugin={"enabled": "0"}), {**SET, "versions": False}),
    "lock.plugin_unreadable": (state()._replace(plugin=None), SET, state(plugin={"enabled": "1"}), SET),
    "lock.plugin_unreadable, without": (
        state()._replace(plugin=None), SET, state()._replace(plugin=None), {**SET, "versions": False}),
    "dnf.main_configuration_malformed": (main_conf("best=True\n"), VENDOR, main_conf("[main]\nbest=True\n"), VENDOR),
}


@pytest.mark.parametrize("case", REMEDIES)
def test_a_remedy_takes_away_what_is_in_the_way(case):
    found, want, then, want_then = REMEDIES[case]
    assert [problem.code for problem in locks.plan([want], found, context(*HYPERSCALE)).problems] == [case.partition(",")[0]]
    assert locks.plan([want_then], then, context(*HYPERSCALE)).problems == []


@pytest.mark.parametrize("text", ["[main\nenabled = 1\n", "enabled = 1\n"])
def test_a_plugin_whose_configuration_is_mended_locks(target, text):
    path = target.path(f"{versionlock.FOLDER}/{versionlock.CONF}")
    for content, codes in ((text, ["lock.plugin_unreadable"]), ("[main]\nenabled = 1\n", [])):
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(content)
        assert [problem.code for problem in locks.plan([SET], locks.gather(target), context(*HYPERSCALE)).problems] == codes
