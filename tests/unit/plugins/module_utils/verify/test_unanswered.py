# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that a check or a snapshot asks and that do not answer: marked, and not taken for a host without such things."""

from __future__ import annotations

import os
import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import kind as host_kind
from ansible_collections.centos.hyperscale.plugins.module_utils.facts.view import NOT_FOUND, View
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import edits
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import gather, live, unit_states
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.detectors import host as detectors
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.proven import cow, symbols

BOOTED = host_kind.Kind(host_kind.BOOTED, ())
ROOT_ONLY = host_kind.Kind(host_kind.NO_SYSTEMD, ())
FAILED = [(1, "it is broken"), (126, "Permission denied"), (-9, "")]


def view_of(root, answer, kind=BOOTED):
    return View(str(root), lambda argv: answer, kind=kind)


def lay(root, path, content="x"):
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content)


@pytest.mark.parametrize("answer", [*FAILED, (NOT_FOUND, "")])
def test_a_manager_that_does_not_answer(tmp_path, answer):
    view = view_of(tmp_path, answer)
    assert unit_states.known(view) == {} and list(view.noted.all) == ["systemctl show"]
    rootless = view_of(tmp_path, answer, ROOT_ONLY)
    assert unit_states.known(rootless) == {} and rootless.noted.all == {}


def test_a_manager_that_answers_not_to_the_end(tmp_path):
    view = view_of(tmp_path, (1, "Id=a.service\nActiveState=active\n"))
    assert list(unit_states.known(view)) == ["a.service"] and list(view.noted.all) == ["systemctl show"]


def test_a_manager_that_answers(tmp_path):
    view = view_of(tmp_path, (0, "Id=a.service\nActiveState=active\n"))
    assert unit_states.known(view) == {"a.service": {"Id": "a.service", "ActiveState": "active"}} and view.noted.all == {}


@pytest.mark.parametrize("answer", [*FAILED, (NOT_FOUND, "")])
def test_a_policy_that_cannot_be_asked(tmp_path, answer):
    view = view_of(tmp_path, answer)
    assert detectors.executor_label(view) == [] and view.noted.all == {}
    lay(tmp_path, detectors.ENFORCE, "1")
    assert detectors.executor_label(view) == [] and list(view.noted.all) == [f"matchpathcon -n {detectors.EXECUTOR}"]


@pytest.mark.parametrize(("answer", "noted"), [*((one, ["iptables -V"]) for one in FAILED), ((NOT_FOUND, ""), [])])
def test_a_packet_filter_that_fails_and_one_that_is_not_there(tmp_path, answer, noted):
    view = view_of(tmp_path, answer)
    assert detectors.legacy_tables(view) == [] and list(view.noted.all) == noted


@pytest.mark.parametrize(("answer", "noted"), [*((one, True) for one in FAILED), ((NOT_FOUND, ""), False), ((0, ""), False)])
def test_rules_that_cannot_be_listed(tmp_path, answer, noted):
    view = view_of(tmp_path, answer)
    found = live.rulesets(view)
    assert ("nft -s list ruleset" in view.noted.all) is noted
    assert found["nft"] == ([] if answer[0] == 0 else None)


class Named:
    """A build of which only the name matters."""

    name, files = "tool", {}


@pytest.mark.parametrize(("answer", "told"), [
    ((0, ""), {}), *(((status, "S.5....T.  c /etc/a.conf\n"), {"/etc/a.conf": {"flags": "S5T", "kind": "c"}})
                     for status in (1, 2, 254)),
    ((1, "package tool is not installed\nerror: cannot open Packages database\n"), None), ((1, ""), None), ((126, ""), None),
    ((NOT_FOUND, ""), None), ((-9, "S.5....T.  c /etc/a.conf\n"), None),
])
def test_rpm_that_cannot_verify(tmp_path, answer, told):
    where = gather.Scene(view_of(tmp_path, answer), types.SimpleNamespace(dbMatch=lambda *_given: []), [Named()])
    if told is None:
        with pytest.raises(OSError, match=f"ended with status {answer[0]}"):
            gather.verify(where)
    else:
        assert gather.verify(where) == told


@pytest.mark.parametrize(("answer", "noted"), [
    ((0, ""), False), ((1, "S.5....T.  c /etc/a.conf\n"), False), ((1, "package tool is not installed\n"), True),
    ((126, ""), True), ((NOT_FOUND, ""), True),
])
def test_saved_states_of_files_where_rpm_cannot_tell_which_were_edited(tmp_path, answer, noted):
    view = view_of(tmp_path, answer)
    gather.files(gather.Scene(view, None, [Named()]))
    assert list(view.noted.all) == ([" ".join(edits.VERIFY)] if noted else [])


@pytest.mark.parametrize(("answer", "noted"), [
    *((one, True) for one in FAILED), ((NOT_FOUND, ""), False), ((0, "/vmlinuz"), False)])
def test_a_default_kernel_that_grubby_cannot_tell(tmp_path, answer, noted):
    view = view_of(tmp_path, answer)
    found = gather.kernel(gather.Scene(view, None, []))
    assert found["default"] == (None if answer[0] else "/vmlinuz")
    assert list(view.noted.all) == (["grubby --default-kernel"] if noted else [])


@pytest.mark.parametrize("answer", [(126, "Permission denied"), (-9, "/usr/bin/a:\n"), (NOT_FOUND, "")])
def test_programs_that_ldd_does_not_look_at(tmp_path, answer):
    with pytest.raises(OSError, match="ldd"):
        symbols.unresolved(view_of(tmp_path, answer), ["/usr/bin/a"])


@pytest.mark.parametrize("answer", [*FAILED, (NOT_FOUND, ""), (0, "")])
def test_units_of_a_manager_that_does_not_answer(tmp_path, answer):
    with pytest.raises(OSError, match="systemctl does not answer"):
        unit_states.states(view_of(tmp_path, answer))


def test_a_cache_of_packages_that_cannot_be_listed_is_noted(tmp_path, monkeypatch):
    class Build:
        name, evr, arch = "tool", "1:2-3", "x86_64"

    path = "/var/cache/dnf/base-0123/packages/tool-2-3.x86_64.rpm"
    lay(tmp_path, path)
    view = view_of(tmp_path, (NOT_FOUND, ""))
    assert cow.cached(view, Build()) == [str(tmp_path) + path] and view.noted.all == {}
    real = os.listdir

    def listdir(folder):
        if folder.endswith("/dnf"):
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "listdir", listdir)
    assert cow.cached(view, Build()) == [] and view.noted.all == {"/var/cache/dnf": "Permission denied"}
