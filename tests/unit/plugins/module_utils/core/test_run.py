# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the engine: what it tests and notes before its first change."""

from __future__ import annotations

import getpass
import grp
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import (
    errors, host_io, ledger, lock, own_paths, recovery, run, undo,
)
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


def codes(raised):
    return [problem.code for problem in raised.value.problems]


def test_a_host_that_something_else_changes_is_as_wanted_once_that_has_ended(host, monkeypatch):
    others, plan = ["other\n"], run._plan

    def planned(target, *more):
        # Something else writes after the step of the run.
        found = plan(target, *more) if not os.path.exists(host.target.path("/etc/a")) else Planned([])
        if found.actions or not others:
            return found
        with open(host.target.path("/etc/a"), "w", encoding="utf-8") as handle:
            handle.write(others[0])
        return Planned([files.FileAction.between("/etc/a", "test", host.target.read("/etc/a"), WANTED)])

    monkeypatch.setattr(run, "_plan", planned)
    with pytest.raises(errors.Failed) as failed:
        host.converge("/etc/a")
    assert codes(failed) == ["run.not_as_wanted"]
    others.clear()
    os.unlink(host.target.path("/etc/a"))
    host.converge("/etc/a")
    assert host.target.read("/etc/a") == WANTED


def test_a_way_back_goes_on_once_what_it_failed_at_is_mended(host, monkeypatch):
    host.converge("/etc/a")
    host.converge("/etc/b")
    broken, back = ["/etc/a"], files.FileAction.undo

    def undo_of(action, target):
        if action.subject in broken:
            raise OSError(5, "Input/output error", action.subject)
        back(action, target)

    monkeypatch.setattr(files.FileAction, "undo", undo_of)
    with pytest.raises(errors.Failed) as failed:
        run.undo(host.target, REGISTRY, ["files"], host.ways())
    assert codes(failed) == ["rollback.incomplete"]
    assert host.target.read("/etc/b") is None and host.target.read("/etc/a") == WANTED
    broken.clear()
    run.undo(host.target, REGISTRY, ["files"], host.ways())
    assert host.target.read("/etc/a") is None and undo.taken(host.target, ["files"], REGISTRY) == []


def test_a_run_begins_once_the_other_has_ended(host):
    with lock.exclusive(host.target, "somebody"):
        with pytest.raises(errors.Refused) as refused:
            host.converge("/etc/a")
        with pytest.raises(errors.Refused) as waited:
            recovery.let_finish(host.target, 0.0, REGISTRY.kinds)
    assert (codes(refused), codes(waited)) == (["run.locked"], ["run.still_at_work"])
    recovery.let_finish(host.target, 0.0, REGISTRY.kinds)
    host.converge("/etc/a")
    assert host.target.read("/etc/a") == WANTED


def test_a_step_that_later_ones_rest_on_goes_back_with_them(host):
    host.converge("/etc/a")
    first = undo.taken(host.target, ["files"], REGISTRY)
    os.unlink(host.target.path("/etc/a"))
    host.converge("/etc/a")
    found = undo.problems(host.target, first, REGISTRY)
    assert [problem.code for problem in found] == ["rollback.needed_by_later"] and found[0].remedy.endswith(": files")
    assert undo.problems(host.target, undo.taken(host.target, ["files"], REGISTRY), REGISTRY) == []


def test_a_command_that_failed_goes_through_once_it_is_mended(tmp_path):
    answers = [(1, "", "no such volume"), (0, "done", "")]
    target = host_io.Target(lambda argv: answers.pop(0), str(tmp_path))
    with pytest.raises(errors.Failed) as failed:
        target.run(["lvs"])
    assert codes(failed) == ["command.failed"] and target.run(["lvs"]) == "done"


def test_a_file_that_another_manages_is_as_written_once_that_leaves_it(host):
    step = files.FileAction.between("/etc/a", "test", None, WANTED)
    step.apply(host.target)
    with open(host.target.path("/etc/a"), "w", encoding="utf-8") as handle:
        handle.write("of another\n")
    with pytest.raises(errors.Failed) as failed:
        step.verify(host.target)
    assert codes(failed) == ["file.not_as_written"]
    os.unlink(host.target.path("/etc/a"))
    host.converge("/etc/a")
    step.verify(host.target)
