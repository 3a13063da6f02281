# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became active by a swap, as its proof and the proof of going back tell it."""

from __future__ import annotations

import os

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import covered
from ansible_collections.centos.hyperscale.plugins.module_utils.facts.view import View
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import report
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.checks import found
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.model import Skipped, Subject
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.predicted import units
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.proven import activation, returned
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.scenes import Course
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.hostlab import fired, silent
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.test_prove import (
    build, carried, recorded, unit,
)

SHOP = {"type": "path", "name": "/tmp/shop", "detail": "would be hidden"}


def brought(*names):
    """Return a build that carries units."""
    return build("systemd-262-1.noarch", [carried(f"/usr/lib/systemd/system/{name}") for name in names])


def seen(root, name, mounts=(), states=None, new=True, was=None, **more):
    """Return what is found where a build carries one unit; mounts are those since the snapshot."""
    builds = {"new" if new else "old": [brought(name)]}
    before = {"mounts": ["/"], "units": {name: was} if was else {}}
    return recorded(root, before, {"mounts": ["/", *mounts], "units": states or {}}, **builds, **more)


@pytest.mark.parametrize(("name", "folder"), [
    ("tmp.mount", "/tmp"), ("srv-data.mount", "/srv/data"), ("srv-data.automount", "/srv/data")])
@pytest.mark.parametrize("new", [True, False], ids=["swapped", "gone back"])
def test_a_mount_is_told_whoever_has_its_unit_file_now(tmp_path, name, folder, new):
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    silent(activation.activated(seen(tmp_path, name, new=new)), "unit.activated")
    finding = fired(
        activation.activated(seen(tmp_path, name, [folder], new=new)), "unit.activated", name, severity="medium", consumers=[])
    assert f"umount {folder}" in finding.remediations[0].content and "not unmounted" in finding.diagnosis


def test_a_mount_has_the_key_and_the_users_of_its_prediction(tmp_path):
    predicted = found("unit.activated", Subject("unit", "tmp.mount"), None, "x", "It is.")
    prediction = {"findings": [{
        "key": predicted.key, "check": "unit.activated", "subject": {"name": "tmp.mount"}, "after": "x", "consumers": [SHOP]}]}
    now = unit("active", UnitFileState="static", WantedBy="local-fs.target")
    scenes = seen(tmp_path, "tmp.mount", ["/tmp"], {"tmp.mount": now}, prediction=prediction)
    finding = fired(
        activation.activated(scenes), "unit.activated", "tmp.mount", severity="high", consumers=[("path", "/tmp/shop")])
    assert finding.key == predicted.key
    joined = report.joined(
        [{"key": predicted.key, "check": "unit.activated", "baseline": False}], [{"key": finding.key, "baseline": False}])
    assert joined["happened"] == [predicted.key] and joined["not_predicted"] == []


@pytest.mark.parametrize("check", ["unit.activated", "unit.new"])
def test_a_mount_of_builds_that_left_again_is_known_by_the_prediction(tmp_path, check):
    """The packages are those of the snapshot again, and so the swap that the proof sees is empty."""
    before, now = {"mounts": ["/"], "units": {}}, {"mounts": ["/", "/tmp"], "units": {}}
    silent(activation.activated(recorded(tmp_path, before, now)), "unit.activated")
    prediction = {"findings": [{
        "key": "x", "check": check, "subject": {"name": "tmp.mount"}, "after": "systemd-262-1.noarch", "consumers": [SHOP]}]}
    finding = fired(
        activation.activated(recorded(tmp_path, before, now, prediction=prediction)), "unit.activated", "tmp.mount",
        severity="medium")
    assert "systemd-262-1.noarch" in finding.diagnosis


@pytest.mark.parametrize(("on", "told"), [
    (("daemon.service",), ["other.socket"]), (("other.service",), ["daemon.socket", "deep.target", "wanted.target"]), ((), None)])
def test_what_a_run_turned_on_and_what_comes_with_it_is_no_news(tmp_path, on, told):
    """The service's socket triggers it, and it wants a target, which wants another."""
    states = {
        "daemon.service": unit("active", TriggeredBy="daemon.socket"), "daemon.socket": unit("active"),
        "wanted.target": unit("active", WantedBy="daemon.service"), "deep.target": unit("active", RequiredBy="wanted.target"),
        "other.service": unit("active", TriggeredBy="other.socket"), "other.socket": unit("active")}
    was = {name: unit("inactive") for name in states}
    scenes = recorded(
        tmp_path, {"mounts": [], "units": was}, {"mounts": [], "units": states}, old=[brought(*states)], new=[brought(*states)],
        course=Course(1000.0, on=on))
    found_units = sorted(name for name, _was in activation.started(scenes))
    everything = ["daemon.socket", "deep.target", "other.socket", "wanted.target"]
    assert found_units == (everything if told is None else told)


@pytest.mark.parametrize(("name", "folder"), [
    ("other.mount", "/srv/of-the-admin"), ("proc-sys-fs-binfmt_misc.mount", "/proc/sys/fs/binfmt_misc")])
def test_mounts_of_others_and_of_the_kernel_are_no_news(tmp_path, name, folder):
    silent(activation.activated(seen(tmp_path, name, [folder])), "unit.activated")


@pytest.mark.parametrize(("name", "severity"), [("a.socket", "low"), ("a.service", "low"), ("a.swap", "info")])
def test_units_of_the_new_builds_that_run_and_did_not(tmp_path, name, severity):
    scenes = seen(tmp_path, name, states={name: unit("active")}, was=unit("inactive"))
    fired(activation.activated(scenes), "unit.activated", name, severity=severity)
    # It is told once, also after going back.
    assert list(returned.running(scenes)) == []
    silent(activation.activated(seen(tmp_path, name, states={name: unit("active")}, was=unit("active"))), "unit.activated")
    of_others = recorded(tmp_path, {"mounts": [], "units": {}}, {"mounts": [], "units": {name: unit("active")}})
    silent(activation.activated(of_others), "unit.activated")
    assert [finding.subject.name for finding in returned.running(of_others)] == [name]


@pytest.mark.parametrize(("linked", "new", "fires"), [
    (True, True, True), (False, True, False), (True, False, True), (False, False, True)])
def test_a_new_unit_that_no_link_pulls_in_is_told_as_new(tmp_path, linked, new, fires):
    """What stands in unit files pulls in more than headers tell: the prediction could not have named that."""
    path, link = "/usr/lib/systemd/system/a.service", "/usr/lib/systemd/system/b.service.wants/a.service"
    builds = {"old": [build("systemd-252-1.noarch", [carried(path)] if not new else [])],
              "new": [build("systemd-262-1.noarch", [carried(path), *([carried(link)] if linked else [])])]}
    scenes = recorded(
        tmp_path, {"mounts": [], "units": {}}, {"mounts": [], "units": {"a.service": unit("active")}}, **builds)
    findings = list(activation.activated(scenes))
    assert bool(list(units.brought(scenes.swap))) == new
    if fires:
        fired(findings, "unit.activated", "a.service", severity="low")
    else:
        silent(findings, "unit.activated")


@pytest.mark.parametrize(("name", "severity"), [("a.socket", "low"), ("a.service", "low"), ("a.target", "info")])
def test_what_a_build_that_left_has_started_stays_and_is_told(tmp_path, name, severity):
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    left = unit("active", LoadState="not-found", UnitFileState="")
    scenes = seen(tmp_path, name, states={name: left}, new=False)
    finding = fired(activation.activated(scenes), "unit.activated", name, severity=severity)
    assert f"systemctl stop {name}" in finding.remediations[0].content
    assert list(returned.running(scenes)) == []
    # After going back the builds that started it are on neither side.
    fired(activation.activated(seen(tmp_path, "other.socket", states={name: left})), "unit.activated", name, severity=severity)
    # It ran in this way before, or it does not run, or it comes and goes with something else.
    silent(activation.activated(seen(tmp_path, name, states={name: left}, new=False, was=left)), "unit.activated")
    silent(activation.activated(seen(tmp_path, name, states={name: {**left, "ActiveState": "inactive"}})), "unit.activated")
    for fleeting in ("a.slice", "orphaned-r6704d1be.socket"):
        silent(activation.activated(seen(tmp_path, fleeting, states={fleeting: left}, new=False)), "unit.activated")


def test_a_snapshot_without_mounts_says_so(tmp_path):
    with pytest.raises(Skipped, match="lacks mounts"):
        list(activation.activated(recorded(tmp_path, {"units": {}}, {"units": {}})))


def test_open_files_below_a_real_mount_are_told(tmp_path):
    """A file of this process on another file system than its folder is now; another one that is where it was."""
    view = View("/", lambda argv: (127, ""))
    with open(tmp_path / "seen", "w", encoding="ascii"):
        assert covered.cut_off(view, str(tmp_path)) == []
    # Files of /dev/shm lie on another file system than /dev: for a look at /dev they are as if something lay over them.
    with open("/dev/shm/hyperscale-test", "w", encoding="ascii"):
        try:
            told = covered.cut_off(view, "/dev")
        finally:
            os.unlink("/dev/shm/hyperscale-test")
    assert f"pid {os.getpid()} has an open file that is hidden" in {consumer.detail for consumer in told}
