# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit that failed after the swap: what was so before the adoption began is told, and decides nothing."""

from __future__ import annotations

import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import baseline
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.checks import found
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.model import Subject
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.proven import after, aftermath
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.scenes import EMPTY, Course, parted

KEPT = {"names": ["kdump.service"], "result": "exit-code", "starts": ""}


def findings(was, noted, status=0):
    """Return the findings for a unit that is failed and was something when the snapshot was taken."""
    notes = []

    def run(argv):
        assert argv[: len(baseline.SHOW)] == baseline.SHOW
        return status, "\n\n".join(f"Id={unit}\nNames={unit}\nResult=exit-code" for unit in argv[len(baseline.SHOW):])

    units = {"kdump.service": {"ActiveState": "failed"}, "b.service": {"ActiveState": "active"}}
    scenes = types.SimpleNamespace(
        before=lambda _part: {"kdump.service": {"ActiveState": was}} if was else {}, now=lambda _part: units,
        course=Course(1.0, broken=noted), view=types.SimpleNamespace(run=run, note=lambda what, _why: notes.append(what)))
    return list(aftermath.failed(scenes)), notes


@pytest.mark.parametrize(("was", "noted", "before"), [
    # The snapshot alone.
    ("failed", None, True), ("active", None, False), ("", None, False), ("failed", {}, True),
    # The ledger knows better: reset in between, failed by an earlier run of the same adoption.
    ("inactive", {"failed": {"kdump.service": KEPT}}, True), ("activating", {"lately": {"kdump.service": "timeout"}}, True),
    ("failed", {"failed": {"other.service": {**KEPT, "names": ["other.service"]}}}, False),
    ("active", {"failed": {"old.service": {**KEPT, "names": ["old.service", "kdump.service"]}}}, True),
])
def test_what_had_failed_before_the_adoption(was, noted, before):
    [finding], notes = findings(was, noted)
    assert (finding.subject.name, finding.baseline, notes) == ("kdump.service", before, [])
    assert not finding.blocking


def test_where_systemd_does_not_answer_the_snapshot_decides():
    [finding], notes = findings("failed", {"failed": {"a.service": KEPT}}, status=1)
    assert finding.baseline and notes == ["units that failed before"]


def swapped(installed, had, accounts):
    """Return scenes of a package that came in the place of another, with the packages that the snapshot lists."""
    def build(nevra):
        name, evr, arch = parted(nevra)
        return EMPTY._replace(name=name, evr=evr, arch=arch)

    headers = [(nevra, {"name": "a", "arch": "noarch", "providename": ["a"]}) for nevra in installed]
    return types.SimpleNamespace(
        old=[build("a-1-1.noarch")], new=[build("a-2-1.noarch")], view=None,
        snapshot=types.SimpleNamespace(content={"packages": had, "accounts": accounts}),
        swap=types.SimpleNamespace(installed=types.SimpleNamespace(headers=lambda: headers)))


@pytest.mark.parametrize(("had", "before"), [
    (["a-1-1.noarch"], False), (["a-1-1.noarch", "a-0-1.noarch"], True), (["a-1-1.noarch", "a-1-1.x86_64"], False)])
def test_packages_that_were_there_twice(had, before):
    [finding] = after.duplicates(swapped(["a-2-1.noarch", "a-0-1.noarch"], had, {}))
    assert (finding.baseline, finding.blocking and before) == (before, False)


@pytest.mark.parametrize(("accounts", "then", "before"), [
    ({"user": ["root"]}, True, True), ({"user": ["root", "gone"]}, True, False), ({}, True, False), ({"user": []}, False, False)])
def test_owners_that_were_missing(monkeypatch, accounts, then, before):
    scenes = swapped([], ["a-1-1.noarch"], accounts)

    def missing(swap):
        if swap.new[0].nevra == "a-2-1.noarch" or then:
            yield found("user.missing", Subject("user", "gone"), None, [], "x")

    monkeypatch.setattr(after.files, "users_missing", missing)
    assert [finding.baseline for finding in after.users_missing(scenes)] == [before]
