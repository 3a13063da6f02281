# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an admin does between a cut and the next run: the works change what they say, and a loss is seen."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import types

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from cuts import admin, cells  # noqa: E402

PATH = "/etc/systemd/system/lab-added.service"
CELL = cells.Cell(cells.ROLLBACK, "file /etc/a", cells.KILLED, cells.BEGAN, 9, ("files added",))


class Host:
    """A host that holds what a test says."""

    host = None

    def __init__(self, now):
        self.now = now

    def held(self, paths):
        return {path: self.now.get(path, "absent") for path in paths}


def at_work(now, was, works=("files added",), told=False, **cell):
    found = admin.Admin(Host(now), CELL._replace(works=works, **cell), told)
    found._held = dict(was)
    return found


def test_each_work_is_in_one_group():
    assert sorted(admin.table()) == sorted(work for group in admin.GROUPS for work in group)


@pytest.mark.parametrize("work", admin.table())
def test_the_text_of_a_work_is_what_a_shell_can_read(work):
    found = admin.table()[work]
    for text in (found.does, found.clears):
        assert subprocess.run(["sh", "-n"], input=admin.FUNCTIONS + text, text=True, check=False).returncode == 0, text


@pytest.mark.parametrize("work", ["files added", "files edited", "files deleted"])
def test_files_are_changed_in_every_place_of_the_product(work):
    text = admin.table()[work].does
    assert [place for place in admin.places() if f"{place}/" not in text and f" {place} " not in text] == []


@pytest.mark.parametrize(("now", "told", "lost"), [
    ("640 0:4 1f", [], []),
    ("absent", [], [f"lost: {PATH} is absent, was 640 0:4 1f"]),
    ("644 0:4 1f", [], [f"lost: {PATH} is 644 0:4 1f, was 640 0:4 1f"]),
    ("absent", [f"{PATH} was changed since: it is gone, and what it held is in /var/kept"], []),
    ("absent", [f"{PATH} was changed since: it is gone, and what it held is in /var/other"],
     [f"lost: {PATH} is absent, was 640 0:4 1f"]),
    ("absent", [f"{PATH}.d was changed since: it is gone, and what it held is in /var/kept"],
     [f"lost: {PATH} is absent, was 640 0:4 1f"]),
])
def test_what_is_lost_of_a_path(now, told, lost):
    found = at_work({PATH: now, "/var/kept": "640 0:4 1f", "/var/other": "640 0:4 2e"}, {PATH: "640 0:4 1f"})
    assert found.lost(told) == lost


def test_what_a_later_swap_replaced_is_looked_for_on_the_way_back():
    found = at_work({PATH: "built"}, {PATH: "mine"}, ("code edited",), way=cells.ADOPT)
    found._replaced = {PATH}
    assert found.comes_back and found.lost([]) == []
    assert found.lost([], back=True) == [f"lost: {PATH} is built, was mine"]


@pytest.mark.parametrize(("told", "left", "said"), [
    (True, [], [f"not told: {PATH}"]), (True, [f"{PATH} was changed since the swap"], []), (False, [], [])])
def test_what_stays_is_named_by_the_run_that_takes_the_swap_back(told, left, said):
    assert at_work({PATH: "mine"}, {PATH: "mine"}, told=told).lost(left) == said


@pytest.mark.parametrize(("works", "cell", "lost"), [
    (("package removed",), {}, True), (("package updated",), {"way": cells.ADOPT}, True),
    ((admin.GONE_FROM_TRANSACTION,), {}, False),
    ((admin.GONE_FROM_TRANSACTION,), {"label": cells.TRANSACTION, "moment": "50 %"}, True),
    ((admin.GONE_FROM_TRANSACTION,), {"label": cells.TRANSACTION, "moment": "50 %", "way": cells.ROLLBACK_ADOPT}, False),
    (("package of the transaction reinstalled",), {"label": cells.TRANSACTION, "moment": "50 %"}, False),
])
def test_what_is_lost_of_a_package(works, cell, lost, monkeypatch):
    said = types.SimpleNamespace(stdout="b-2\n")
    monkeypatch.setattr(admin.hosts, "command", lambda _host, _argv: said)
    found = at_work({}, {}, works, **cell)
    found._installed = {name: "absent" for work in found.works for name in work.packages}
    assert bool(found.lost([])) == lost


@pytest.mark.parametrize(("said", "left_out"), [("package ethtool is not installed\n", True), ("ethtool-1-1.x86_64\n", False)])
def test_the_files_of_a_removed_package_are_left_out_as_long_as_it_is_gone(said, left_out, monkeypatch):
    monkeypatch.setattr(admin.hosts, "command", lambda _host, _argv: types.SimpleNamespace(stdout=said))
    found = at_work({}, {}, (admin.GONE_FROM_TRANSACTION,))
    found._files = admin.told_in("path /etc/a\nfile /etc/network/ethtool\nother\n", "file")
    assert ("/etc/network/ethtool" in found.touched.paths) == left_out and found.touched.packages == {"ethtool"}


def test_what_was_saved_with_the_same_content_is_not_told():
    found = at_work({PATH: "mine"}, {PATH: "mine"}, told=True)
    found._saved = {PATH}
    assert found.lost([]) == []


def test_what_is_never_restored_is_not_told():
    paths = {"/etc/resolv.conf": "mine", PATH: "mine", "/usr/lib/a": "mine"}
    assert at_work(paths, paths, told=True).lost([]) == [f"not told: {PATH}"]


def test_second_files_beside_configuration_that_was_edited_are_rpms():
    path = admin.SETTINGS[0]
    assert {f"{path}.rpmnew", f"{path}.rpmsave"} <= set(at_work({}, {path: "mine"}).touched.paths)
    assert f"{PATH}.rpmnew" not in at_work({}, {PATH: "mine"}).touched.paths
