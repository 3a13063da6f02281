# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the engine: what it tests and notes before its first change."""

from __future__ import annotations

import getpass
import grp
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors, host_io, ledger, own_paths, run, undo
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import Planned
from ansible_collections.centos.hyperscale.plugins.module_utils.core.registry import Registry
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import files

REGISTRY = Registry({"files": files})
WANTED = host_io.FileState("new\n", "0644", getpass.getuser(), grp.getgrgid(os.getgid()).gr_name)


@pytest.fixture(name="host")
def fixture_host(tmp_path, monkeypatch):
    """Return a host on which a plan can be carried out: C(wants) are the paths that are to be written."""
    class Host:
        wants: list = []
        broken: list = []
        target = host_io.Target(lambda argv: (0, "", ""), str(tmp_path / "tmp"), root=str(tmp_path))

        def ways(self, check=False):
            return run.Ways(check, 9, 1.0, [], "a test", broken=lambda: {"failed": dict.fromkeys(self.broken, {})})

        def converge(self, *paths, check=False):
            self.wants = list(paths)
            return run.converge(self.target, REGISTRY, {"files": []}, self.ways(check))

    def plan(_target, *_more):
        taken, made.wants = made.wants, []
        return Planned([files.FileAction.between(path, "test", made.target.read(path), WANTED) for path in taken])

    made = Host()
    os.makedirs(tmp_path / "etc")
    monkeypatch.setattr(run, "_plan", plan)
    return made


def baselines(host):
    return {one.id[:6]: sorted((one.baseline or {}).get("failed", {})) for one in ledger.every(host.target)}


def test_the_first_run_of_an_adoption_notes_what_is_broken_and_the_others_pass_it_on(host):
    host.broken = ["kdump.service"]
    host.converge("/etc/a")
    host.broken = ["kdump.service", "new.service"]
    host.converge("/etc/b")
    assert baselines(host) == {"000001": ["kdump.service"], "000002": ["kdump.service"]}
    # Once all is taken back, the next adoption begins with what is broken then.
    run.undo(host.target, REGISTRY, ["files"], host.ways())
    assert sorted(ledger.baseline(host.target)["failed"]) == ["kdump.service"]
    host.converge("/etc/c")
    assert sorted(ledger.baseline(host.target)["failed"]) == ["kdump.service", "new.service"]


def test_it_counts_also_once_the_first_run_is_taken_back(host):
    host.converge("/etc/a")
    host.broken = ["new.service"]
    host.converge("/etc/b")
    first = [step for step in ledger.standing(host.target) if step.action["subject"] == "/etc/a"]
    taken = ledger.new_run_id(host.target)
    run.undo_all(host.target, taken, first, REGISTRY.kinds, ledger.baseline(host.target))
    assert ledger.baseline(host.target)["failed"] == {}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("touch", ["saved", "", "ledger", "closed"])
def test_the_paths_of_the_run_itself_are_tested_before_anything_is_changed(host, touch, check):
    place = host.target.path(os.path.join(host_io.STATE_DIR, touch)).rstrip("/")
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, "w", encoding="utf-8") as handle:
        handle.write("no folder")
    with pytest.raises((errors.Refused, NotADirectoryError), match=r"not a folder|Not a directory"):
        host.converge("/etc/a", check=check)
    assert not os.path.exists(host.target.path("/etc/a"))


def test_a_run_with_nothing_to_do_needs_no_more_than_its_lock(host):
    os.makedirs(host.target.path(host_io.STATE_DIR))
    with open(host.target.path(f"{host_io.STATE_DIR}/saved"), "w", encoding="utf-8") as handle:
        handle.write("no folder")
    assert host.converge().plan.actions == []


def test_the_way_back_tests_them_too(host):
    host.converge("/etc/a")
    os.rename(host.target.path("/etc/centos-hyperscale.ledger"), host.target.path("/etc/kept"))
    os.mkdir(host.target.path("/etc/centos-hyperscale.ledger"))
    with pytest.raises((errors.Refused, OSError)):
        run.undo(host.target, REGISTRY, ["files"], host.ways(check=True))
    os.rmdir(host.target.path("/etc/centos-hyperscale.ledger"))
    os.rename(host.target.path("/etc/kept"), host.target.path("/etc/centos-hyperscale.ledger"))
    run.undo(host.target, REGISTRY, ["files"], host.ways())
    assert not os.path.exists(host.target.path("/etc/a")) and undo.taken(host.target, ["files"], REGISTRY) == []


def test_each_folder_of_the_state_is_among_them(host):
    paths = {touch.path for touch in own_paths.touches(host.target)}
    assert {os.path.dirname(path) for path in paths} >= {
        os.path.join(host_io.STATE_DIR, name).rstrip("/") for name in own_paths.FOLDERS}
